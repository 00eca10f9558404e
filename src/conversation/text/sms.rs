//! SMS: one part of GSM-7, code first, without a link.

use super::value::{Initial, Service};
use super::{Texts, table};
use crate::domain::certificate::Language;
use crate::domain::message::Text;
use crate::domain::name::Name;
use crate::domain::otp::{Otp, UndoCode};
use crate::domain::phone::Ending;

impl Texts {
    /// A one-time code; `ending` of the chat that asked, none for a chat without a phone number.
    pub fn sms_otp(&self, code: Otp, ending: Option<Ending>, language: Language) -> Text {
        let phrase = match ending {
            Some(ending) => table::sms_otp(code, ending),
            None => table::sms_otp_plain(code),
        };
        self.text(&phrase, language)
    }

    /// To the registered phone: the name was changed. `service` is our number as people dial it.
    pub fn sms_name_changed(&self, undo: UndoCode, service: &str, language: Language) -> Text {
        self.text(&table::sms_name_changed(Service(service.to_owned()), undo), language)
    }

    /// To the old phone: one person moved to another.
    pub fn sms_phone_moved(
        &self,
        person: &Name,
        new: Ending,
        undo: UndoCode,
        service: &str,
        language: Language,
    ) -> Text {
        // An initial outside GSM-7 would double the SMS.
        let initial = person.as_str().chars().find(char::is_ascii_alphabetic).unwrap_or('N');
        let initial = Initial(initial.to_ascii_uppercase());
        self.text(&table::sms_phone_moved(initial, new, Service(service.to_owned()), undo), language)
    }
}
