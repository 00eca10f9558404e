//! The template by which codes leave where no SMS arrives.

use crate::config::{self, Config};
use crate::domain::contact::BusinessNumber;
use crate::ports::CodeTemplate;

/// Codes leave from the first number.
pub(super) fn code_template(config: &Config) -> Option<(BusinessNumber, CodeTemplate)> {
    let config::Otp { template, template_language, .. } = &config.otp;
    let number = config.whatsapp.phone_numbers.first()?;
    let template = CodeTemplate { name: template.clone(), language: template_language.clone() };
    (!template.name.is_empty()).then(|| (BusinessNumber(number.id.as_str().into()), template))
}
