//! Sealing: what reaches a disk is readable only with the server's key, and only in the place it was written for.
//!
//! A sealed part is `[format][key id, 4][nonce, 24][ciphertext][tag, 16]` (XChaCha20-Poly1305). The caller's
//! associated data names the place (kind, LSN, table, key), so a part that is moved to another place does not
//! open. The key id says which key sealed it; per-person keys can come later without a new format. Nonces are
//! random: 24 bytes make a collision out of reach however often the server restarts.

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use rand::Rng;
use sha2::Sha256;

use crate::domain::keys::ServerKeys;

const FORMAT: u8 = 1;
const NONCE: usize = 24;
const TAG: usize = 16;
/// Format and key id.
const HEAD: usize = 5;
/// What sealing adds to a part.
pub(super) const OVERHEAD: usize = HEAD + NONCE + TAG;

/// Names a key without telling anything of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId(pub(super) [u8; 4]);

/// Why a sealed part does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("it is too short to be sealed")]
    Short,
    #[error("its seal has format {found}, this server knows {FORMAT}")]
    Format { found: u8 },
    #[error("it is sealed with key {found}, this server has {ours}")]
    OtherKey { found: KeyId, ours: KeyId },
    #[error("its seal is broken")]
    Broken,
}

/// The key that sealed a part, as it says itself; `None`: it is none, or is no sealed one.
pub(super) fn key_of(sealed: &[u8]) -> Option<KeyId> {
    let id = sealed.get(1..HEAD).filter(|_| sealed.len() >= OVERHEAD && sealed[0] == FORMAT)?;
    Some(KeyId(id.try_into().ok()?))
}

/// The sealing key at work.
pub(super) struct Seal {
    cipher: XChaCha20Poly1305,
    id: KeyId,
}

impl Seal {
    pub(super) fn new(keys: &ServerKeys) -> Self {
        let key = keys.seal_key();
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key)
            .unwrap_or_else(|_| unreachable!("hmac takes a key of any length"));
        mac.update(b"siaga key id");
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        Self { cipher: XChaCha20Poly1305::new(key.into()), id: KeyId([full[0], full[1], full[2], full[3]]) }
    }

    pub(super) fn key_id(&self) -> KeyId {
        self.id
    }

    /// Appends `plain` to `out`, sealed for the place that `place` names.
    pub(super) fn seal(&self, place: &[u8], plain: &[u8], out: &mut Vec<u8>) {
        let mut nonce = [0; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        out.reserve(plain.len() + OVERHEAD);
        out.push(FORMAT);
        out.extend_from_slice(&self.id.0);
        out.extend_from_slice(&nonce);
        let start = out.len();
        out.extend_from_slice(plain);
        let tag = self
            .cipher
            .encrypt_inout_detached(&XNonce::from(nonce), &self.associated(place), (&mut out[start..]).into())
            .unwrap_or_else(|_| unreachable!("a part is far shorter than 256 GiB"));
        out.extend_from_slice(&tag);
    }

    /// What was sealed, if it was sealed by this key for this place and nobody touched it.
    pub(super) fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        if sealed.len() < OVERHEAD {
            return Err(SealError::Short);
        }
        let (head, rest) = sealed.split_at(HEAD);
        if head[0] != FORMAT {
            return Err(SealError::Format { found: head[0] });
        }
        if head[1..] != self.id.0 {
            return Err(SealError::OtherKey { found: KeyId([head[1], head[2], head[3], head[4]]), ours: self.id });
        }
        let (nonce, rest) = rest.split_at(NONCE);
        let (text, tag) = rest.split_at(rest.len() - TAG);
        let nonce = XNonce::try_from(nonce).map_err(|_| SealError::Short)?;
        let tag = tag.try_into().map_err(|_| SealError::Short)?;
        let mut plain = text.to_vec();
        self.cipher
            .decrypt_inout_detached(&nonce, &self.associated(place), plain.as_mut_slice().into(), tag)
            .map_err(|_| SealError::Broken)?;
        Ok(plain)
    }

    /// The seal's own head is authenticated too.
    fn associated(&self, place: &[u8]) -> smallvec::SmallVec<[u8; 128]> {
        let mut data = smallvec::SmallVec::new();
        data.push(FORMAT);
        data.extend_from_slice(&self.id.0);
        data.extend_from_slice(place);
        data
    }
}

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(master: u8) -> Seal {
        Seal::new(&ServerKeys::derive(&[master; 32]))
    }

    #[test]
    fn a_sealed_part_opens_only_with_its_key_in_its_place_and_untouched() {
        let ours = seal(1);
        let mut sealed = Vec::new();
        ours.seal(b"here", b"secret words", &mut sealed);
        assert_eq!(sealed.len(), b"secret words".len() + OVERHEAD);
        assert_eq!(ours.open(b"here", &sealed), Ok(b"secret words".to_vec()));
        assert_eq!(ours.open(b"there", &sealed), Err(SealError::Broken));
        let other = seal(2);
        let expected = SealError::OtherKey { found: ours.key_id(), ours: other.key_id() };
        assert_eq!(other.open(b"here", &sealed), Err(expected));
        for at in 0..sealed.len() {
            let mut touched = sealed.clone();
            touched[at] ^= 1;
            assert!(ours.open(b"here", &touched).is_err(), "byte {at} flipped and it opened");
        }
        assert_eq!(ours.open(b"here", &sealed[..OVERHEAD - 1]), Err(SealError::Short));
    }

    #[test]
    fn the_same_words_never_look_the_same_and_never_show() {
        let ours = seal(1);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        ours.seal(b"", b"0001014708900003", &mut first);
        ours.seal(b"", b"0001014708900003", &mut second);
        assert_ne!(first, second);
        assert!(!first.windows(8).any(|bytes| bytes == b"00010147"));
    }
}
