//! Webhooks between this server and a ministry's own desk, signed as Standard Webhooks has it (standardwebhooks.com):
//! `webhook-id`, `webhook-timestamp` in Unix seconds, and `webhook-signature`, which holds `v1,` and the base64 of the
//! HMAC-SHA256 over `id.timestamp.body`, once for each secret, with blanks between.
//!
//! A secret is `whsec_` and the base64 of 24 to 64 random bytes. During a rotation there are two: what leaves is signed
//! by both, what comes is believed by either. The compare is constant in time; no error says what would have been right.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

pub const ID_HEADER: &str = "webhook-id";
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// A message whose time is further from ours than this is somebody's old one.
pub const WINDOW_S: i64 = 300;
/// One, and during a rotation two.
pub const SECRETS_MAX: usize = 2;

const PREFIX: &str = "whsec_";
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const ID_BYTES_MAX: usize = 64;
/// Signatures of one message that are looked at.
const SIGNATURES_MAX: usize = 4;

/// Why secrets are no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("needs one secret, or two during a rotation")]
    Count,
    #[error("holds a secret that is not \"whsec_\" and the base64 of 24 to 64 bytes")]
    Form,
}

/// Why a message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    #[error("one of its headers is missing")]
    Missing,
    #[error("its id or time has no such form")]
    Malformed,
    #[error("its time is more than five minutes from ours")]
    Stale,
    #[error("it is signed by none of the secrets")]
    Wrong,
}

impl HookError {
    /// A closed name, for a metric's label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Stale => "stale",
            Self::Wrong => "wrong",
        }
    }
}

/// The headers of a message as they came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    pub id: Option<&'a [u8]>,
    pub timestamp: Option<&'a [u8]>,
    pub signature: Option<&'a [u8]>,
}

/// The keys that both sides know.
#[derive(Clone, Debug)]
pub struct HookKeys(Vec<SecretSlice<u8>>);

impl HookKeys {
    /// From the settings.
    pub fn read(secrets: &[SecretString]) -> Result<Self, SecretError> {
        if !(1..=SECRETS_MAX).contains(&secrets.len()) {
            return Err(SecretError::Count);
        }
        let key = |secret: &SecretString| {
            let bytes = secret.expose_secret().strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
            bytes.filter(|bytes| KEY_BYTES.contains(&bytes.len())).map(SecretSlice::from).ok_or(SecretError::Form)
        };
        Ok(Self(secrets.iter().map(key).collect::<Result<_, _>>()?))
    }

    /// The value of the signature's header.
    pub fn sign(&self, id: &str, at_s: i64, body: &[u8]) -> String {
        let signature =
            |key| format!("v1,{}", STANDARD.encode(mac(key, id.as_bytes(), at_s, body).finalize().into_bytes()));
        self.0.iter().map(signature).collect::<Vec<_>>().join(" ")
    }

    /// Checks a message exactly as it came; its id.
    pub fn verify<'a>(&self, given: Given<'a>, now_s: i64, body: &[u8]) -> Result<&'a str, HookError> {
        let (Some(id), Some(timestamp), Some(signatures)) = (given.id, given.timestamp, given.signature) else {
            return Err(HookError::Missing);
        };
        let id = std::str::from_utf8(id).ok().filter(|id| is_id(id)).ok_or(HookError::Malformed)?;
        let at_s = std::str::from_utf8(timestamp).ok().and_then(|text| text.parse::<i64>().ok());
        let at_s = at_s.ok_or(HookError::Malformed)?;
        let mut right = false;
        for given in signatures.split(|byte| *byte == b' ').take(SIGNATURES_MAX) {
            let Some(digest) = given.strip_prefix(b"v1,").and_then(|text| STANDARD.decode(text).ok()) else { continue };
            for key in &self.0 {
                // Constant in time by `Mac`'s own contract.
                right |= mac(key, id.as_bytes(), at_s, body).verify_slice(&digest).is_ok();
            }
        }
        if !right {
            return Err(HookError::Wrong);
        }
        if at_s.abs_diff(now_s) > WINDOW_S.unsigned_abs() {
            return Err(HookError::Stale);
        }
        Ok(id)
    }
}

fn is_id(text: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn mac(key: &SecretSlice<u8>, id: &[u8], at_s: i64, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.expose_secret())
        .unwrap_or_else(|_| unreachable!("hmac takes any key"));
    for part in [id, b".", at_s.to_string().as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_S: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    // The example of the standard's own libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn keys(secrets: &[&str]) -> HookKeys {
        HookKeys::read(&secrets.iter().map(|secret| SecretString::from(*secret)).collect::<Vec<_>>()).expect("keys")
    }

    fn other() -> String {
        format!("{PREFIX}{}", STANDARD.encode([7; 32]))
    }

    fn given<'a>(id: &'a str, timestamp: &'a str, signature: &'a str) -> Given<'a> {
        let bytes = |text: &'a str| Some(text.as_bytes());
        Given { id: bytes(id), timestamp: bytes(timestamp), signature: bytes(signature) }
    }

    #[test]
    fn the_published_example_is_right_and_both_secrets_of_a_rotation_sign_and_are_believed() {
        assert_eq!(keys(&[SECRET]).sign(ID, AT_S, BODY), SIGNATURE);
        let (other, at) = (other(), AT_S.to_string());
        let both = keys(&[&other, SECRET]).sign(ID, AT_S, BODY);
        assert_eq!(both.split(' ').count(), 2);
        for (receiver, signature) in [(SECRET, both.as_str()), (&other, &both), (SECRET, SIGNATURE)] {
            assert_eq!(keys(&[receiver]).verify(given(ID, &at, signature), AT_S, BODY), Ok(ID));
        }
        assert_eq!(keys(&[&other, SECRET]).verify(given(ID, &at, SIGNATURE), AT_S, BODY), Ok(ID));
        assert_eq!(keys(&[&other]).verify(given(ID, &at, SIGNATURE), AT_S, BODY), Err(HookError::Wrong));
    }

    #[test]
    fn what_is_changed_old_or_unsigned_is_not_believed() {
        let (keys, at) = (keys(&[SECRET]), AT_S.to_string());
        let check = |given: Given<'_>, now_s, body: &[u8]| keys.verify(given, now_s, body).map(str::to_owned);
        let right = given(ID, &at, SIGNATURE);
        for bit in 0..BODY.len() * 8 {
            let mut body = BODY.to_vec();
            body[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(check(right, AT_S, &body), Err(HookError::Wrong));
        }
        let later = (AT_S + 1).to_string();
        assert_eq!(check(given(ID, &later, SIGNATURE), AT_S, BODY), Err(HookError::Wrong));
        assert_eq!(check(given("msg_2", &at, SIGNATURE), AT_S, BODY), Err(HookError::Wrong));
        for far in [WINDOW_S + 1, -WINDOW_S - 1, i64::MAX - AT_S] {
            assert_eq!(check(right, AT_S + far, BODY), Err(HookError::Stale));
        }
        assert_eq!(check(right, AT_S - WINDOW_S, BODY), Ok(ID.to_owned()));
        assert_eq!(check(Given { signature: None, ..right }, AT_S, BODY), Err(HookError::Missing));
        for (id, at) in [("", at.as_str()), ("a b", &at), (&"x".repeat(65), &at), (ID, "now"), (ID, "")] {
            assert_eq!(check(given(id, at, SIGNATURE), AT_S, BODY), Err(HookError::Malformed), "{id} {at}");
        }
        for signature in ["", "v1,", "v1a,AAAA", "v1,?", &SIGNATURE[..20], &SIGNATURE[3..]] {
            assert_eq!(check(given(ID, &at, signature), AT_S, BODY), Err(HookError::Wrong), "{signature}");
        }
        let fifth = format!("v1,A v1,A v1,A v1,A {SIGNATURE}");
        assert_eq!(check(given(ID, &at, &fifth), AT_S, BODY), Err(HookError::Wrong), "so many are looked at");
    }

    #[test]
    fn a_weak_secret_is_none() {
        let read = |secrets: &[&str]| {
            HookKeys::read(&secrets.iter().map(|secret| SecretString::from(*secret)).collect::<Vec<_>>()).err()
        };
        assert_eq!(read(&[]), Some(SecretError::Count));
        assert_eq!(read(&[SECRET, SECRET, SECRET]), Some(SecretError::Count));
        let short = format!("{PREFIX}{}", STANDARD.encode([7; 23]));
        for bad in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_???", &short] {
            assert_eq!(read(&[bad]), Some(SecretError::Form), "{bad}");
        }
        assert!(!format!("{:?}", keys(&[SECRET])).contains("77"), "no secret is shown");
    }
}
