//! How codes leave: by SMS, and by a template where no SMS arrives.

use std::time::Duration;

use secrecy::ExposeSecret;

use crate::app::Sms;
use crate::config::{self, Config, OtpKind};
use crate::domain::contact::BusinessNumber;
use crate::otp::sms_http;
use crate::ports::CodeTemplate;

pub(super) fn sms(config: &Config) -> Sms {
    match config.otp.kind {
        OtpKind::Emulator => Sms::Emulator,
        OtpKind::Http => {
            let secret = &config.otp.authorization;
            let none = secret.expose_secret().is_empty();
            Sms::Http(sms_http::Options {
                url: config.otp.url.clone(),
                authorization: (!none).then(|| secret.clone()),
                body: config.otp.body.clone(),
                timeout: Duration::from_millis(config.otp.timeout_ms),
                connections_max: config.otp.connections_max,
                undelivered: config.otp.undelivered.clone(),
            })
        }
    }
}

/// Codes leave from the first number.
pub(super) fn code_template(config: &Config) -> Option<(BusinessNumber, CodeTemplate)> {
    let config::Otp { template, template_language, .. } = &config.otp;
    let number = config.whatsapp.phone_numbers.first()?;
    let template = CodeTemplate { name: template.clone(), language: template_language.clone() };
    (!template.name.is_empty()).then(|| (BusinessNumber(number.id.as_str().into()), template))
}
