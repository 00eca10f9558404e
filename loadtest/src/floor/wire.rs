//! The bodies of a cheap Meta, and the two fields it reads of a reply. Fixed text, so that what is measured is the
//! server and not who measures it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::body::Bytes;
use sha2::Sha256;

/// Citizens' numbers begin here: 62 812 0000000.
const FIRST: u64 = 628_120_000_000;
/// Of a reply, who gets it: everything compact, as serializers write it.
const TO: &[u8] = b"\"to\":\"";
const DATA: &[u8] = b"\"biz_opaque_callback_data\":\"";
const CONTACTS_MAX: u64 = 10_000_000;

/// `sha256=` and the digits, as in `X-Hub-Signature-256`.
pub(crate) fn signature(secret: &[u8], body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { unreachable!("every length is a key") };
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    let mut text = String::with_capacity(7 + 64);
    text.push_str("sha256=");
    for byte in digest {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
    text
}

/// By which names Meta tells who wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// The phone number.
    Phone,
    /// And the business-scoped id, as in every webhook since April 2026.
    PhoneAndBsuid,
}

/// A POST with one text of one citizen.
pub(crate) fn text(contact: u64, number: &str, message: u64, words: &str, now_s: u64, names: Names) -> Bytes {
    let phone = FIRST + contact;
    let (of_contact, of_message) = match names {
        Names::Phone => (String::new(), String::new()),
        Names::PhoneAndBsuid => (format!(r#","user_id":"ID.{phone}""#), format!(r#","from_user_id":"ID.{phone}""#)),
    };
    format!(
        concat!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"field":"#,
            r#""messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"#,
            r#""6281100000119","phone_number_id":"{number}"}},"contacts":[{{"profile":{{"name":"Siti"}},"wa_id":"#,
            r#""{phone}"{of_contact}}}],"messages":[{{"from":"{phone}"{of_message},"id":"wamid.HBgLNjI4{phone}{message:016x}","timestamp":"#,
            r#""{now_s}","type":"text","text":{{"body":"{words}"}}}}]}}}}]}}]}}"#
        ),
        words = words,
        number = number,
        phone = phone,
        message = message,
        now_s = now_s,
        of_contact = of_contact,
        of_message = of_message,
    )
    .into()
}

/// What is told of one reply.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) contact: u64,
    pub(crate) id: u64,
    /// What the server wants back with each status.
    pub(crate) data: Option<String>,
}

/// A POST with these statuses.
pub(crate) fn statuses(number: &str, told: &[(Told, &'static str)], now_s: u64) -> Bytes {
    let one = |(told, status): &(Told, &'static str)| {
        let phone = FIRST + told.contact;
        let data = told.data.as_ref().map(|data| format!(r#","biz_opaque_callback_data":"{data}""#));
        format!(
            r#"{{"id":"{}","status":"{status}","timestamp":"{now_s}","recipient_id":"{phone}"{}}}"#,
            reply_id(told.id),
            data.unwrap_or_default(),
        )
    };
    let statuses: Vec<String> = told.iter().map(one).collect();
    format!(
        concat!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"field":"#,
            r#""messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"#,
            r#""6281100000119","phone_number_id":"{number}"}},"statuses":[{statuses}]}}}}]}}]}}"#
        ),
        number = number,
        statuses = statuses.join(","),
    )
    .into()
}

fn reply_id(id: u64) -> String {
    format!("wamid.HBgLNjI4MTEwMDAwMDEx{id:016x}")
}

/// The answer to a reply.
pub(crate) fn accepted(contact: u64, id: u64) -> Bytes {
    let phone = FIRST + contact;
    format!(
        concat!(
            r#"{{"messaging_product":"whatsapp","contacts":[{{"input":"{phone}","wa_id":"{phone}"}}],"#,
            r#""messages":[{{"id":"{id}"}}]}}"#
        ),
        phone = phone,
        id = reply_id(id),
    )
    .into()
}

/// Whose reply it is; `None`: no reply.
pub(crate) fn recipient(body: &[u8]) -> Option<u64> {
    let phone: u64 = after(body, TO)?.trim_start_matches('+').parse().ok()?;
    phone.checked_sub(FIRST).filter(|contact| *contact < CONTACTS_MAX)
}

/// What the server wants back with each status of this reply.
pub(crate) fn data(body: &[u8]) -> Option<String> {
    after(body, DATA).map(ToOwned::to_owned)
}

fn after<'a>(body: &'a [u8], key: &[u8]) -> Option<&'a str> {
    let rest = &body[memchr::memmem::find(body, key)? + key.len()..];
    std::str::from_utf8(&rest[..memchr::memchr(b'"', rest)?]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_posted_is_json_and_what_comes_is_read() {
        let told = Told { contact: 7, id: 3, data: Some("d1".into()) };
        for body in [
            text(7, "100", 1, "hai", 1_700_000_000, Names::Phone),
            text(7, "100", 1, "hai", 1_700_000_000, Names::PhoneAndBsuid),
            statuses("100", &[(told, "sent")], 1_700_000_000),
        ] {
            let body: serde_json::Value = serde_json::from_slice(&body).expect("json");
            assert_eq!(body["entry"][0]["changes"][0]["field"], "messages");
        }
        let reply =
            br#"{"messaging_product":"whatsapp","to":"628120000007","type":"text","biz_opaque_callback_data":"d1"}"#;
        assert_eq!((recipient(reply), data(reply)), (Some(7), Some("d1".into())));
        assert_eq!(recipient(br#"{"status":"read","message_id":"w"}"#), None);
        assert_eq!(recipient(br#"{"to":"1"}"#), None);
    }

    #[test]
    fn a_signature_is_the_servers() {
        // RFC 4231, test case 2.
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature(b"Jefe", b"what do ya want for nothing?"), expected);
    }
}
