//! The certificate's code: what a stranger's program reads from the QR and believes without asking us.
//!
//! An HCERT (WHO SMART Trust `hcert_spec`, formerly eHealth Network) with the EU-DCC 1.3 payload:
//! `HC1:` base45(zlib(COSE_Sign1(CWT))), ES256. Claims: 1 issuing country, 4 expiry, 6 issued at, -260/1 the
//! payload. The key id stands in the protected header. No NIK, no phone and no batch get into it, so what the
//! code shows to a checker is what the paper shows him: name, birth date, vaccination.
//!
//! The same claims under the same key give the same text: ES256 is deterministic (RFC 6979). [`verify`] reads the
//! signature before anything that it signs, and every length is bounded before it is believed.
//!
//! Floor 0. What does not belong here: which ids are issued and which revoked (`issuer`), how the code is drawn
//! (`certificate::qr`), where keys are kept (`config`).

pub mod base45;
mod cbor;
pub mod keys;
mod mrz;
pub mod payload;
#[cfg(test)]
mod tests;
pub mod vaccines;
mod x509;

use coset::{
    CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, RegisteredLabelWithPrivate, TaggedCborSerializable,
    iana,
};
use time::OffsetDateTime;

pub use keys::{KeyFault, KeyId, PublicKey, PublicKeys, SignFault, Signer, SigningKeys};
pub use payload::Payload;
pub use vaccines::Vaccines;

/// What every code starts with.
pub const PREFIX: &str = "HC1:";

/// The longest text that is read at all: the largest QR holds 4,296 letters.
const TEXT_BYTES_MAX: usize = 4_296;
/// The most that a code may unfold to.
const UNPACKED_BYTES_MAX: usize = 16 * 1_024;
/// Text is dear in a QR: every byte saved is a byte and a half of letters.
const DEFLATE_LEVEL: u8 = 9;

/// What is signed: a payload and how long it is to be believed. Moments are whole seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    pub issued_at_s: i64,
    pub expires_at_s: i64,
    pub payload: Payload,
}

/// Why a code cannot be made, or is not to be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HcertError {
    #[error("the signer does not sign: {0}")]
    Unsigned(String),
    #[error("it does not start with `{PREFIX}`")]
    Prefix,
    #[error("it is longer than a QR can hold, {TEXT_BYTES_MAX} letters")]
    TooLong,
    #[error("letter {at} is wrong for base45")]
    Base45 { at: usize },
    #[error("it does not unpack: its zlib stream is damaged or larger than {UNPACKED_BYTES_MAX} bytes")]
    Packing,
    #[error("it is not a COSE_Sign1 message")]
    Cose,
    #[error("it is signed with another algorithm than ES256")]
    Algorithm,
    #[error("it names no key id")]
    NoKeyId,
    #[error("it is signed by key {0}, which is not among the keys given")]
    UnknownKey(KeyId),
    #[error("its signature is wrong: it was altered, or signed by somebody else")]
    Signature,
    #[error("its signature is right but its content is not an EU-DCC: {0}")]
    Content(&'static str),
    #[error("its signature was good until {}", day(*.expired_at_s))]
    Expired { expired_at_s: i64 },
    #[error("it says that it was signed on {}, which is still to come", day(*.issued_at_s))]
    FromTheFuture { issued_at_s: i64 },
}

/// Signs claims: the text of a QR code.
pub fn sign(claims: &Claims, signer: &dyn Signer) -> Result<String, HcertError> {
    let header = HeaderBuilder::new().algorithm(iana::Algorithm::ES256).key_id(signer.key_id().0.to_vec()).build();
    let message = CoseSign1Builder::new()
        .protected(header)
        .payload(cbor::written(claims).map_err(HcertError::Content)?)
        .try_create_signature(b"", |message| signer.sign(message).map(Vec::from))
        .map_err(|fault| HcertError::Unsigned(fault.to_string()))?
        .build();
    let bytes = message.to_tagged_vec().map_err(|_| HcertError::Cose)?;
    Ok(packed(&bytes))
}

/// Reads a code and believes it only if one of `keys` signed it and it is good at `now_s`. Where a code allows
/// for clocks that differ, so does this: a minute.
pub fn verify(text: &str, keys: &PublicKeys, now_s: i64) -> Result<Claims, HcertError> {
    const CLOCKS_DIFFER_S: i64 = 60;
    let message = opened(text)?;
    let header = &message.protected.header;
    let algorithm = header.alg.as_ref().or(message.unprotected.alg.as_ref());
    if algorithm != Some(&RegisteredLabelWithPrivate::Assigned(iana::Algorithm::ES256)) {
        return Err(HcertError::Algorithm);
    }
    let key_id = [&header.key_id, &message.unprotected.key_id].into_iter().find(|id| !id.is_empty());
    let key_id = key_id.and_then(|id| <[u8; 8]>::try_from(id.as_slice()).ok()).map(KeyId);
    let key_id = key_id.ok_or(HcertError::NoKeyId)?;
    if !keys.knows(key_id) {
        return Err(HcertError::UnknownKey(key_id));
    }
    let right = message.verify_signature(b"", |signature, signed| {
        if keys.verifies(key_id, signed, signature) { Ok(()) } else { Err(HcertError::Signature) }
    });
    right?;
    let claims = cbor::read(message.payload.as_deref().unwrap_or_default()).map_err(HcertError::Content)?;
    if claims.expires_at_s <= now_s {
        return Err(HcertError::Expired { expired_at_s: claims.expires_at_s });
    }
    if claims.issued_at_s > now_s.saturating_add(CLOCKS_DIFFER_S) {
        return Err(HcertError::FromTheFuture { issued_at_s: claims.issued_at_s });
    }
    Ok(claims)
}

/// COSE bytes as the text of a QR code.
pub fn packed(cose: &[u8]) -> String {
    let zipped = miniz_oxide::deflate::compress_to_vec_zlib(cose, DEFLATE_LEVEL);
    format!("{PREFIX}{}", base45::encode(&zipped))
}

/// The COSE bytes in the text of a QR code; nothing of them is believed yet.
pub fn unpacked(text: &str) -> Result<Vec<u8>, HcertError> {
    let text = text.trim();
    if text.len() > TEXT_BYTES_MAX {
        return Err(HcertError::TooLong);
    }
    let letters = text.strip_prefix(PREFIX).ok_or(HcertError::Prefix)?;
    let zipped = base45::decode(letters).map_err(|wrong| HcertError::Base45 { at: PREFIX.len() + wrong.at + 1 })?;
    miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&zipped, UNPACKED_BYTES_MAX)
        .map_err(|_| HcertError::Packing)
}

fn opened(text: &str) -> Result<CoseSign1, HcertError> {
    let bytes = unpacked(text)?;
    CoseSign1::from_tagged_slice(&bytes).or_else(|_| CoseSign1::from_slice(&bytes)).map_err(|_| HcertError::Cose)
}

fn day(at_s: i64) -> String {
    OffsetDateTime::from_unix_timestamp(at_s).map_or_else(|_| format!("second {at_s}"), |at| at.date().to_string())
}
