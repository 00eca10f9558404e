//! The webhook's signature: `X-Hub-Signature-256: sha256=<hex>`, HMAC-SHA256 over the raw body (cloud-api.md 1.2).
//!
//! Several app secrets may be valid at once, so that one can be changed without losing a webhook. The compare
//! is constant in time; no error says what would have been right.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The header's name, lower case.
pub const SIGNATURE_HEADER: &str = "x-hub-signature-256";

const DIGEST_BYTES: usize = 32;

/// Why a POST is not believed. The web edge answers 401 to each; Meta redelivers, so a wrong secret of ours
/// loses nothing but must be noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the signature header is missing")]
    Missing,
    #[error("the signature header is not `sha256=` and 64 hexadecimal digits")]
    Malformed,
    #[error("the signature is not of this body by any of the app secrets")]
    Wrong,
}

impl SignatureError {
    /// A closed name, for a metric's label.
    pub fn name(self) -> &'static str {
        match self {
            SignatureError::Missing => "missing",
            SignatureError::Malformed => "malformed",
            SignatureError::Wrong => "wrong",
        }
    }
}

/// Checks the header against the body exactly as it came. An empty secret never matches: a forgotten setting
/// must not let everyone in.
pub fn verify(secrets: &[SecretString], header: Option<&[u8]>, body: &[u8]) -> Result<(), SignatureError> {
    let given = digest(header.ok_or(SignatureError::Missing)?).ok_or(SignatureError::Malformed)?;
    let mut right = false;
    for secret in secrets {
        right |= signed_by(secret, &given, body);
    }
    if right { Ok(()) } else { Err(SignatureError::Wrong) }
}

fn signed_by(secret: &SecretString, given: &[u8; DIGEST_BYTES], body: &[u8]) -> bool {
    let key = secret.expose_secret().as_bytes();
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(key) else { return false };
    mac.update(body);
    // Constant in time by `Mac`'s own contract.
    mac.verify_slice(given).is_ok() && !key.is_empty()
}

fn digest(header: &[u8]) -> Option<[u8; DIGEST_BYTES]> {
    let hex = header.trim_ascii().strip_prefix(b"sha256=")?;
    let mut digest = [0; DIGEST_BYTES];
    if hex.len() != 2 * DIGEST_BYTES {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
    }
    Some(digest)
}

fn nibble(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?".
    const BODY: &[u8] = b"what do ya want for nothing?";
    const HEADER: &[u8] = b"sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    fn secrets(list: &[&str]) -> Vec<SecretString> {
        list.iter().map(|secret| SecretString::from(*secret)).collect()
    }

    #[test]
    fn the_published_vector_is_right() {
        assert_eq!(verify(&secrets(&["Jefe"]), Some(HEADER), BODY), Ok(()));
    }

    #[test]
    fn any_of_several_secrets_will_do() {
        assert_eq!(verify(&secrets(&["new", "Jefe"]), Some(HEADER), BODY), Ok(()));
        assert_eq!(verify(&secrets(&["Jefe", "old"]), Some(HEADER), BODY), Ok(()));
    }

    #[test]
    fn one_changed_byte_of_body_or_digest_is_wrong() {
        let mut body = BODY.to_vec();
        body[3] ^= 1;
        assert_eq!(verify(&secrets(&["Jefe"]), Some(HEADER), &body), Err(SignatureError::Wrong));
        for at in 7..HEADER.len() {
            let mut header = HEADER.to_vec();
            header[at] = if header[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(verify(&secrets(&["Jefe"]), Some(&header), BODY), Err(SignatureError::Wrong));
        }
    }

    #[test]
    fn no_secret_and_an_empty_secret_let_nobody_in() {
        // HMAC-SHA256 of the empty text under the empty key.
        let header = b"sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
        assert_eq!(verify(&secrets(&[""]), Some(header), b""), Err(SignatureError::Wrong));
        assert_eq!(verify(&[], Some(HEADER), BODY), Err(SignatureError::Wrong));
    }

    #[test]
    fn what_is_not_a_signature_is_named() {
        let check = |header: Option<&[u8]>| verify(&secrets(&["Jefe"]), header, BODY);
        assert_eq!(check(None), Err(SignatureError::Missing));
        for bad in [&b""[..], b"sha256=", b"sha1=00", &HEADER[7..], &HEADER[..70], b"sha256=\xff\xfe"] {
            assert_eq!(check(Some(bad)), Err(SignatureError::Malformed), "{bad:?}");
        }
        let odd: Vec<u8> = [b"sha256=".as_slice(), &[b'g'; 64]].concat();
        assert_eq!(check(Some(&odd)), Err(SignatureError::Malformed));
    }

    #[test]
    fn upper_case_digits_are_the_same_digest() {
        let upper = [b"sha256=".as_slice(), &HEADER[7..].to_ascii_uppercase()].concat();
        assert_eq!(verify(&secrets(&["Jefe"]), Some(&upper), BODY), Ok(()));
    }
}
