//! Keys that sign certificates and keys that verify them: ES256, P-256.
//!
//! A key ring is PEM text. Its first private key signs; everything in it verifies, so the keys of years before
//! stay at the end when a new one is put in front. A key that has a document signer certificate (X.509) in the
//! ring goes by that certificate's id, as other countries' lists know it, and signs nothing beyond its end.
//! Private keys are PKCS#8 (`openssl genpkey`), never encrypted: the file's mode or the credential protects them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::x509;

/// The first eight bytes of the SHA-256 of a key's certificate, or of the key itself (DER) when it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 8]);

/// Signs with ES256 under a key that may be out of our reach, as in a hardware module. May take its time: it is
/// called on a thread where that holds up nobody.
pub trait Signer: Send + Sync + 'static {
    fn key_id(&self) -> KeyId;

    /// The signature (r and s, 32 bytes each) of the message, which is hashed with SHA-256 first. The same
    /// message gives the same signature (RFC 6979) where the module can.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignFault>;

    /// Until when its certificate is good, seconds since 1970; nothing when it has none.
    fn good_until_s(&self) -> Option<i64>;
}

/// A signer that did not sign. Says nothing of the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SignFault(pub String);

/// Why a text is not a key ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    #[error("block {0} is not PEM; a block starts with `-----BEGIN` and ends with the `-----END` of the same kind")]
    Pem(usize),
    #[error("block {0} is a kind of its own; allowed are PRIVATE KEY (PKCS#8), PUBLIC KEY and CERTIFICATE")]
    Kind(usize),
    #[error("block {0} does not hold a key for ES256 (P-256)")]
    Key(usize),
    #[error("there is no PRIVATE KEY in it, so nothing could be signed")]
    NoPrivateKey,
    #[error("there is no key in it")]
    Empty,
}

/// The keys of a ring that can be shown to everyone.
#[derive(Clone, Default)]
pub struct PublicKeys(Vec<PublicKey>);

/// One key that verifies.
#[derive(Clone)]
pub struct PublicKey {
    pub id: KeyId,
    /// Until when its certificate is good, if it has one.
    pub good_until_s: Option<i64>,
    key: VerifyingKey,
}

/// A ring with a key that signs.
pub struct SigningKeys {
    id: KeyId,
    good_until_s: Option<i64>,
    key: SigningKey,
    public: PublicKeys,
}

impl fmt::Display for KeyId {
    /// As lists of trusted keys write it: base64.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKeys({}, …)", self.id)
    }
}

/// One block of a ring.
enum Block {
    Private(Box<SigningKey>),
    Public(PublicKey),
}

impl SigningKeys {
    /// Reads a ring whose first private key signs.
    pub fn read(pem: &str) -> Result<Self, KeyFault> {
        let mut public = Vec::new();
        let mut signing = None;
        for block in blocks(pem)? {
            match block {
                Block::Public(key) => public.push(key),
                Block::Private(key) => {
                    public.push(PublicKey::bare(*key.verifying_key()));
                    signing.get_or_insert(key);
                }
            }
        }
        let key = *signing.ok_or(KeyFault::NoPrivateKey)?;
        let ours = |public: &&PublicKey| public.key == *key.verifying_key();
        let certified = public.iter().filter(ours).find(|public| public.good_until_s.is_some());
        let id = certified.map_or_else(|| PublicKey::bare(*key.verifying_key()).id, |public| public.id);
        let good_until_s = certified.and_then(|public| public.good_until_s);
        Ok(Self { id, good_until_s, key, public: PublicKeys(public) })
    }

    /// A new key as PEM, made of 32 random bytes; nothing for the one in four billion that is no key.
    pub fn make(random: &[u8; 32]) -> Option<Zeroizing<String>> {
        SigningKey::from_slice(random).ok()?.to_pkcs8_pem(LineEnding::LF).ok()
    }

    pub fn public(&self) -> &PublicKeys {
        &self.public
    }
}

impl Signer for SigningKeys {
    fn key_id(&self) -> KeyId {
        self.id
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignFault> {
        let signature: Signature = self.key.try_sign(message).map_err(|fault| SignFault(fault.to_string()))?;
        Ok(signature.to_bytes().into())
    }

    fn good_until_s(&self) -> Option<i64> {
        self.good_until_s
    }
}

impl PublicKeys {
    /// Reads a ring for verifying: of private keys only their public half is kept.
    pub fn read(pem: &str) -> Result<Self, KeyFault> {
        let keys: Vec<PublicKey> = blocks(pem)?
            .into_iter()
            .map(|block| match block {
                Block::Public(key) => key,
                Block::Private(key) => PublicKey::bare(*key.verifying_key()),
            })
            .collect();
        if keys.is_empty() { Err(KeyFault::Empty) } else { Ok(Self(keys)) }
    }

    pub fn iter(&self) -> impl Iterator<Item = &PublicKey> {
        self.0.iter()
    }

    pub fn knows(&self, id: KeyId) -> bool {
        self.0.iter().any(|key| key.id == id)
    }

    /// Whether a key of that id made this signature. Ids are short, so two keys may share one.
    pub fn verifies(&self, id: KeyId, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = Signature::from_slice(signature) else { return false };
        self.0.iter().filter(|key| key.id == id).any(|key| key.key.verify(message, &signature).is_ok())
    }

    /// A JWK set (RFC 7517); `kid` as lists of trusted keys write it.
    pub fn to_jwks(&self) -> Value {
        json!({ "keys": self.0.iter().map(PublicKey::to_jwk).collect::<Vec<_>>() })
    }
}

impl PublicKey {
    fn bare(key: VerifyingKey) -> Self {
        let der = key.to_public_key_der().map(|der| der.as_bytes().to_vec()).unwrap_or_default();
        Self { id: id_of(&der), good_until_s: None, key }
    }

    pub fn to_jwk(&self) -> Value {
        let point = self.key.to_sec1_point(false);
        let part = |part: Option<&_>| part.map(|bytes: &p256::FieldBytes| URL_SAFE_NO_PAD.encode(bytes));
        json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.id.to_string(),
            "x": part(point.x()), "y": part(point.y()),
        })
    }

    /// The key alone (`PUBLIC KEY`), whether or not it has a certificate.
    pub fn to_pem(&self) -> String {
        self.key.to_public_key_pem(LineEnding::LF).unwrap_or_default()
    }
}

/// The blocks of a ring, in order; what stands between them is passed over.
fn blocks(pem: &str) -> Result<Vec<Block>, KeyFault> {
    let mut found = Vec::new();
    let mut rest = pem;
    while let Some((_, begun)) = rest.split_once("-----BEGIN ") {
        let number = found.len() + 1;
        let cut = KeyFault::Pem(number);
        let (kind, begun) = begun.split_once("-----").ok_or(cut)?;
        let (body, after) = begun.split_once(&format!("-----END {kind}-----")).ok_or(cut)?;
        let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
        let der = Zeroizing::new(STANDARD.decode(body.as_bytes()).map_err(|_| cut)?);
        found.push(block(kind, &der, number)?);
        rest = after;
    }
    Ok(found)
}

fn block(kind: &str, der: &[u8], number: usize) -> Result<Block, KeyFault> {
    let wrong = KeyFault::Key(number);
    match kind {
        "PRIVATE KEY" => Ok(Block::Private(Box::new(SigningKey::from_pkcs8_der(der).map_err(|_| wrong)?))),
        "PUBLIC KEY" => Ok(Block::Public(PublicKey::bare(VerifyingKey::from_public_key_der(der).map_err(|_| wrong)?))),
        "CERTIFICATE" => {
            let certificate = x509::read(der).ok_or(wrong)?;
            let key = VerifyingKey::from_public_key_der(certificate.key).map_err(|_| wrong)?;
            Ok(Block::Public(PublicKey { id: id_of(der), good_until_s: Some(certificate.good_until_s), key }))
        }
        _ => Err(KeyFault::Kind(number)),
    }
}

fn id_of(der: &[u8]) -> KeyId {
    let hash: [u8; 32] = Sha256::digest(der).into();
    let mut id = [0; 8];
    id.copy_from_slice(&hash[..8]);
    KeyId(id)
}
