//! Sealing: what reaches a disk is readable only with the server's key, and only in the place it was written for.
//!
//! A sealed part is `[format][key id, 4][nonce, 24][ciphertext][tag, 16]` (XChaCha20-Poly1305). The caller's
//! associated data names the place (kind, LSN, table, key), so a part that is moved to another place does not
//! open. The key id says which key sealed it; per-person keys can come later without a new format. Nonces are
//! random: 24 bytes make a collision out of reach however often the server restarts.
//!
//! XChaCha20-Poly1305 is `HChaCha20` for a key of the part's own, then ChaCha20-Poly1305 (RFC 8439). The second is
//! ring's: a third of a turn's processor time went into sealing with an implementation that is not assembled by hand.
//! A test holds it against that other one.

use chacha20::{R20, hchacha};
use hmac::{Hmac, Mac};
use rand::Rng;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
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
    key: [u8; 32],
    id: KeyId,
}

impl Seal {
    pub(super) fn new(keys: &ServerKeys) -> Self {
        let key = keys.seal_key();
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key)
            .unwrap_or_else(|_| unreachable!("hmac takes a key of any length"));
        mac.update(b"siaga key id");
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        Self { key: *key, id: KeyId([full[0], full[1], full[2], full[3]]) }
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
        let (key, own_nonce) = self.own(&nonce);
        let tag = key
            .seal_in_place_separate_tag(own_nonce, Aad::from(self.associated(place)), &mut out[start..])
            .unwrap_or_else(|_| unreachable!("a part is far shorter than 256 GiB"));
        out.extend_from_slice(tag.as_ref());
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
        let nonce = nonce.try_into().map_err(|_| SealError::Short)?;
        let (key, own_nonce) = self.own(&nonce);
        let mut plain = rest.to_vec();
        key.open_in_place(own_nonce, Aad::from(self.associated(place)), &mut plain).map_err(|_| SealError::Broken)?;
        plain.truncate(rest.len() - TAG);
        Ok(plain)
    }

    /// The key and the nonce of one part: the first two thirds of its nonce make the key.
    fn own(&self, nonce: &[u8; NONCE]) -> (LessSafeKey, Nonce) {
        let (first, last) = nonce.split_at(NONCE - 8);
        let first: &[u8; NONCE - 8] = first.try_into().unwrap_or_else(|_| unreachable!("it is that long"));
        let own = hchacha::<R20>(&self.key.into(), &(*first).into());
        let key = UnboundKey::new(&CHACHA20_POLY1305, &own).unwrap_or_else(|_| unreachable!("a key has 32 bytes"));
        let mut own_nonce = [0; NONCE_LEN];
        own_nonce[NONCE_LEN - 8..].copy_from_slice(last);
        (LessSafeKey::new(key), Nonce::assume_unique_for_key(own_nonce))
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

    /// What is on disks was sealed so, and another implementation must open it.
    #[test]
    fn it_is_xchacha20_poly1305_as_others_make_it() {
        use chacha20poly1305::aead::{Aead, KeyInit, Payload};

        let ours = seal(1);
        let other = chacha20poly1305::XChaCha20Poly1305::new(ServerKeys::derive(&[1; 32]).seal_key().into());
        for len in [0, 1, 15, 16, 17, 63, 64, 65, 255, 600, 4_096] {
            let plain = vec![7; len];
            let mut sealed = Vec::new();
            ours.seal(b"here", &plain, &mut sealed);
            let nonce: [u8; NONCE] = sealed[HEAD..HEAD + NONCE].try_into().unwrap();
            let aad = ours.associated(b"here");
            let payload = |msg| Payload { msg, aad: &aad };
            assert_eq!(other.decrypt(&nonce.into(), payload(&sealed[HEAD + NONCE..])).unwrap(), plain);
            let theirs = other.encrypt(&nonce.into(), payload(&plain)).unwrap();
            assert_eq!(theirs, sealed[HEAD + NONCE..], "{len} bytes");
        }
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
