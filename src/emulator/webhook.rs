//! The bytes of a webhook POST as Meta writes them, and its signature (cloud-api.md 1.2, 2).

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde_json::Value;
use sha2::Sha256;

use super::options::{Number, Options};

/// One thing that a webhook tells about one of the business numbers.
pub(super) struct Update {
    number: usize,
    contact: Option<Value>,
    what: What,
}

enum What {
    Message(Value),
    Status(Value),
}

#[derive(Serialize)]
struct Envelope<'a> {
    object: &'static str,
    entry: [Entry<'a>; 1],
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    changes: Vec<Change<'a>>,
}

#[derive(Serialize)]
struct Change<'a> {
    value: ChangeValue<'a>,
    field: &'static str,
}

#[derive(Serialize)]
struct ChangeValue<'a> {
    messaging_product: &'static str,
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<&'a Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<&'a Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statuses: Vec<&'a Value>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    display_phone_number: String,
    phone_number_id: &'a str,
}

impl Update {
    pub(super) fn message(number: usize, contact: Value, message: Value) -> Self {
        Self { number, contact: Some(contact), what: What::Message(message) }
    }

    pub(super) fn status(number: usize, contact: Option<Value>, status: Value) -> Self {
        Self { number, contact, what: What::Status(status) }
    }

    /// The server's message that a status is about.
    pub(super) fn tells_of(&self) -> Option<&str> {
        match &self.what {
            What::Message(_) => None,
            What::Status(status) => status["id"].as_str(),
        }
    }
}

/// One POST's body: a change for each run of updates of the same number and kind, in order.
pub(super) fn compose(options: &Options, updates: &[Update]) -> Vec<u8> {
    let same = |a: &Update, b: &Update| {
        a.number == b.number && matches!(a.what, What::Message(_)) == matches!(b.what, What::Message(_))
    };
    let changes = updates.chunk_by(same).filter_map(|run| change(options, run)).collect();
    let envelope = Envelope { object: "whatsapp_business_account", entry: [Entry { id: &options.waba_id, changes }] };
    // Strings and numbers alone cannot fail to become JSON; an empty body would be refused and seen.
    let json = serde_json::to_string(&envelope).unwrap_or_default();
    escape(&json).into_bytes()
}

fn change<'a>(options: &'a Options, run: &'a [Update]) -> Option<Change<'a>> {
    let number = options.numbers.get(run.first()?.number)?;
    let metadata = Metadata { display_phone_number: number.digits(), phone_number_id: &number.id };
    let mut value =
        ChangeValue { messaging_product: "whatsapp", metadata, contacts: vec![], messages: vec![], statuses: vec![] };
    for update in run {
        if let Some(contact) = &update.contact
            && !value.contacts.contains(&contact)
        {
            value.contacts.push(contact);
        }
        match &update.what {
            What::Message(message) => value.messages.push(message),
            What::Status(status) => value.statuses.push(status),
        }
    }
    Some(Change { value, field: "messages" })
}

/// JSON as Meta spells it: `/` as `\/`, everything outside ASCII as `\uXXXX`. Both stand only in strings.
fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len() + json.len() / 8);
    let mut units = [0; 2];
    for character in json.chars() {
        match character {
            '/' => escaped.push_str("\\/"),
            ascii if ascii.is_ascii() => escaped.push(ascii),
            other => {
                for unit in other.encode_utf16(&mut units) {
                    escaped.push_str("\\u");
                    for shift in [12, 8, 4, 0] {
                        let digit = u32::from(*unit >> shift & 0xf);
                        escaped.push(char::from_digit(digit, 16).unwrap_or('0'));
                    }
                }
            }
        }
    }
    escaped
}

/// `X-Hub-Signature-256` of these very bytes.
pub(super) fn signature(secret: &str, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new(); // HMAC takes keys of every length
    };
    mac.update(body);
    let mut header = String::from("sha256=");
    for byte in mac.finalize().into_bytes() {
        for shift in [4, 0] {
            header.push(char::from_digit(u32::from(byte >> shift & 0xf), 16).unwrap_or('0'));
        }
    }
    header
}

impl Number {
    /// The number's digits with its country code, as webhooks carry them.
    pub(super) fn digits(&self) -> String {
        let digits: String = self.display.chars().filter(char::is_ascii_digit).collect();
        match digits.strip_prefix('0') {
            Some(national) => format!("62{national}"),
            None => digits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_s_spelling_means_the_same() {
        let json = r#"{"a":"https://x/ é 🙏 \"q\" \\"}"#;
        let escaped = escape(json);
        assert_eq!(escaped, r#"{"a":"https:\/\/x\/ \u00e9 \ud83d\ude4f \"q\" \\"}"#);
        let (before, after): (Value, Value) =
            (serde_json::from_str(json).unwrap(), serde_json::from_str(&escaped).unwrap());
        assert_eq!(before, after);
    }

    /// Key and message of RFC 4231, test case 2.
    #[test]
    fn the_signature_is_hmac_sha256_in_hex() {
        assert_eq!(
            signature("Jefe", b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
