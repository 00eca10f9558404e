//! Delivery receipts: what a `deliver_sm` says became of a text.
//!
//! By its fields `receipted_message_id` and `message_state` where it has them, else by the words that most SMSCs put into
//! its text (SMPP 3.4, appendix B): `id:… sub:… dlvrd:… submit date:… done date:… stat:DELIVRD err:… text:…`. A state
//! that is not final says nothing.

use rusmpp::pdus::DeliverSm;
use rusmpp::tlvs::{Tlv, TlvValue};
use rusmpp::values::MessageState;

use crate::ports::Fate;

/// Bits of a message's class that say what it holds, and those of a final receipt.
const KIND: u8 = 0b0011_1100;
const RECEIPT: u8 = 0b0000_0100;

/// The fate of the text with this id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) id: String,
    pub(super) fate: Fate,
}

/// Reads a receipt; `None` for what is none, or says nothing.
pub(super) fn read(message: &DeliverSm) -> Option<Reading> {
    if u8::from(message.esm_class) & KIND != RECEIPT {
        return None;
    }
    let words = String::from_utf8_lossy(message.short_message().as_ref());
    let fields = || message.tlvs().iter().filter_map(Tlv::value);
    let id = fields().find_map(|field| {
        let TlvValue::ReceiptedMessageId(id) = field else { return None };
        Some(id.as_str().to_owned())
    });
    let state = fields().find_map(|field| {
        let TlvValue::MessageState(state) = field else { return None };
        Some(*state)
    });
    let id = id.filter(|id| !id.is_empty()).or_else(|| word(&words, "id").map(str::to_owned))?;
    let fate = match state {
        Some(state) => of_state(state),
        None => word(&words, "stat").and_then(of_word),
    }?;
    Some(Reading { id, fate })
}

/// What stands behind `name:`, up to the next space.
fn word<'a>(words: &'a str, name: &str) -> Option<&'a str> {
    let named = |(at, _): &(usize, &str)| *at == 0 || words.as_bytes()[at - 1] == b' ';
    let is = |part: &str| part.get(..=name.len()).is_some_and(|head| head.eq_ignore_ascii_case(&format!("{name}:")));
    let (at, _) = words.char_indices().map(|(at, _)| (at, &words[at..])).filter(named).find(|(_, rest)| is(rest))?;
    let value = words[at + name.len() + 1..].split(' ').next()?;
    (!value.is_empty()).then_some(value)
}

fn of_state(state: MessageState) -> Option<Fate> {
    match u8::from(state) {
        2 => Some(Fate::Delivered),
        // Expired, deleted, undeliverable, rejected.
        3 | 4 | 5 | 8 => Some(Fate::Undeliverable),
        _ => None,
    }
}

fn of_word(word: &str) -> Option<Fate> {
    match word {
        "DELIVRD" => Some(Fate::Delivered),
        "EXPIRED" | "DELETED" | "UNDELIV" | "REJECTD" => Some(Fate::Undeliverable),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rusmpp::tlvs::MessageDeliveryRequestTlvValue as Field;
    use rusmpp::types::{COctetString, OctetString};
    use rusmpp::values::EsmClass;

    use super::*;

    fn message(class: u8, words: &str, fields: Vec<Field>) -> DeliverSm {
        let words = OctetString::from_slice(words.as_bytes()).expect("short enough");
        DeliverSm::builder().esm_class(EsmClass::from(class)).short_message(words).tlvs(fields).build()
    }

    fn of_words(words: &str) -> Option<(String, Fate)> {
        read(&message(RECEIPT, words, Vec::new())).map(|reading| (reading.id, reading.fate))
    }

    #[test]
    fn the_usual_words_are_read() {
        let usual = |stat: &str| {
            format!(
                "id:0123456789 sub:001 dlvrd:001 submit date:2611281200 done date:2611281201 stat:{stat} err:000 text:483920 kode OTP"
            )
        };
        for (stat, fate) in [
            ("DELIVRD", Some(Fate::Delivered)),
            ("UNDELIV", Some(Fate::Undeliverable)),
            ("EXPIRED", Some(Fate::Undeliverable)),
            ("DELETED", Some(Fate::Undeliverable)),
            ("REJECTD", Some(Fate::Undeliverable)),
            ("ENROUTE", None),
            ("ACCEPTD", None),
            ("UNKNOWN", None),
            ("", None),
        ] {
            assert_eq!(of_words(&usual(stat)), fate.map(|fate| ("0123456789".to_owned(), fate)), "{stat}");
        }
    }

    #[test]
    fn words_in_another_order_or_writing_are_read_and_others_are_not() {
        let delivered = |id: &str| Some((id.to_owned(), Fate::Delivered));
        assert_eq!(of_words("stat:DELIVRD id:a-1"), delivered("a-1"));
        assert_eq!(of_words("ID:a-1 STAT:DELIVRD"), delivered("a-1"));
        for strange in ["", "id:", "stat:DELIVRD", "id:7", "mid:7 xstat:DELIVRD", "id 7 stat DELIVRD", "kode: é id"] {
            assert_eq!(of_words(strange), None, "{strange:?}");
        }
    }

    #[test]
    fn fields_come_before_words() {
        let fields = |id: &str, state: u8| {
            let id = COctetString::from_string(id.to_owned()).expect("short enough");
            vec![Field::ReceiptedMessageId(id), Field::MessageState(MessageState::from(state))]
        };
        let read =
            |words: &str, fields| read(&message(RECEIPT, words, fields)).map(|reading| (reading.id, reading.fate));
        assert_eq!(read("", fields("ff01", 2)), Some(("ff01".to_owned(), Fate::Delivered)));
        assert_eq!(read("id:9 stat:DELIVRD", fields("ff01", 5)), Some(("ff01".to_owned(), Fate::Undeliverable)));
        for silent in [0, 1, 6, 7, 9, 200] {
            assert_eq!(read("id:9 stat:DELIVRD", fields("ff01", silent)), None, "{silent}");
        }
        let without_id = vec![Field::MessageState(MessageState::from(2))];
        assert_eq!(read("id:9", without_id), Some(("9".to_owned(), Fate::Delivered)));
    }

    #[test]
    fn a_message_of_somebody_is_no_receipt_whatever_it_says() {
        for class in [0x00, 0x20, 0x08, 0x10] {
            assert_eq!(read(&message(class, "id:7 stat:DELIVRD", Vec::new())), None, "{class:#x}");
        }
    }
}
