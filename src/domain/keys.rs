//! The server's secret key and what is derived from it.
//!
//! One 32-byte key file (`store.key_file`) feeds every keyed function, each through a label of its own, so
//! that a value of one use says nothing about another.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::citizen::PersonId;
use super::contact::{Bsuid, ContactId};
use super::nik::Nik;
use super::otp::{Otp, UndoCode};
use super::phone::{Mobile, Phone};
use super::uvci::Uvci;

/// Keys derived from the key file. Cheap to share behind an `Arc`; wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ServerKeys {
    seal: [u8; 32],
    lookup: [u8; 32],
    otp: [u8; 32],
    ticket: [u8; 32],
    tag: [u8; 32],
    certificate: [u8; 32],
}

/// A keyed hash of an identifier: the same each time, and not reversible without the key (a plain hash of a
/// phone or NIK would be: there are too few of them).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct LookupKey(pub [u8; 16]);

impl std::fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerKeys(…)")
    }
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length, so this cannot fail; an empty key would still be a valid MAC.
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap_or_else(|_| unreachable!("hmac takes any key"));
    for part in parts {
        // Length first, so that no two lists of parts read the same.
        mac.update(&(part.len() as u64).to_le_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn half(full: [u8; 32]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&full[..16]);
    short
}

impl ServerKeys {
    /// Derives all keys from the 32 bytes of the key file.
    pub fn derive(master: &[u8; 32]) -> Self {
        Self {
            seal: mac(master, &[b"siaga seal 1"]),
            lookup: mac(master, &[b"siaga lookup 1"]),
            otp: mac(master, &[b"siaga otp 1"]),
            ticket: mac(master, &[b"siaga ticket 1"]),
            tag: mac(master, &[b"siaga send tag 1"]),
            certificate: mac(master, &[b"siaga certificate 1"]),
        }
    }

    /// The key that seals records.
    pub fn seal_key(&self) -> &[u8; 32] {
        &self.seal
    }

    /// The key that permutes ticket numbers.
    pub fn ticket_key(&self) -> &[u8; 32] {
        &self.ticket
    }

    fn lookup(&self, label: &[u8], value: &[u8]) -> LookupKey {
        LookupKey(half(mac(&self.lookup, &[label, value])))
    }

    /// The alias key of a WhatsApp phone.
    pub fn phone_alias(&self, phone: Phone) -> LookupKey {
        self.lookup(b"alias phone", &phone.digits().to_le_bytes())
    }

    /// The alias key of a BSUID.
    pub fn bsuid_alias(&self, bsuid: &Bsuid) -> LookupKey {
        self.lookup(b"alias bsuid", bsuid.0.as_bytes())
    }

    /// The account of a registered (or merely claimed) phone.
    pub fn account(&self, phone: Mobile) -> LookupKey {
        self.lookup(b"account", &phone.phone().digits().to_le_bytes())
    }

    /// The account that an undo code opens.
    pub fn undo(&self, code: UndoCode) -> LookupKey {
        self.lookup(b"undo", &code.number().to_le_bytes())
    }

    /// The route of a number: all that share it but for the last four digits.
    pub fn route(&self, phone: Mobile) -> LookupKey {
        self.lookup(b"route", &(phone.phone().digits() / 10_000).to_le_bytes())
    }

    /// A NIK as a key that may be kept after the session.
    pub fn nik(&self, nik: Nik) -> LookupKey {
        self.lookup(b"nik", &nik.number().to_le_bytes())
    }

    /// A person whom a code is sent on behalf of.
    pub fn person(&self, person: &PersonId) -> LookupKey {
        self.lookup(b"person", person.0.as_bytes())
    }

    /// The person under whom issued certificates are registered.
    pub fn certificate_holder(&self, person: &PersonId) -> LookupKey {
        self.lookup(b"certificate holder", person.0.as_bytes())
    }

    /// A keyed hash of what a certificate says, or of a part of it: tells that two say the same, and nothing else.
    pub fn certificate_digest(&self, said: &[&[u8]]) -> [u8; 16] {
        let parts: Vec<&[u8]> = std::iter::once(&b"says"[..]).chain(said.iter().copied()).collect();
        half(mac(&self.certificate, &parts))
    }

    /// An issued certificate's id. Not the same again when its holder was forgotten meanwhile: `signed_at_s` tells.
    pub fn certificate_id(&self, holder: LookupKey, says: [u8; 16], issue: u32, signed_at_s: i64) -> Uvci {
        let (issue, signed_at_s) = (issue.to_le_bytes(), signed_at_s.to_le_bytes());
        Uvci::of(half(mac(&self.certificate, &[b"id", &holder.0, &says, &issue, &signed_at_s])))
    }

    /// Proves that a tag that comes back from Meta is one that we gave out.
    pub fn send_tag(&self, row_lsn: u64, row_index: u32, contact: ContactId) -> u64 {
        let full = mac(&self.tag, &[&row_lsn.to_le_bytes(), &row_index.to_le_bytes(), &contact.0.to_le_bytes()]);
        let mut short = [0; 8];
        short.copy_from_slice(&full[..8]);
        u64::from_le_bytes(short)
    }

    /// The code of a challenge. Derived, never stored: a resumed send repeats the same code, and a stolen
    /// store holds none. Bound to the challenge, the chat that asked and the number it is sent to.
    pub fn otp(&self, challenge: [u8; 16], chat: ContactId, target: Mobile) -> Otp {
        let full = mac(&self.otp, &[&challenge, &chat.0.to_le_bytes(), &target.phone().digits().to_le_bytes()]);
        let mut wide = [0; 16];
        wide.copy_from_slice(&full[..16]);
        // 2^128 mod 10^6 leaves a bias below 1e-32.
        let number = u32::try_from(u128::from_le_bytes(wide) % 1_000_000).unwrap_or_default();
        Otp::new(number).unwrap_or_else(|| unreachable!("reduced below a million"))
    }
}
