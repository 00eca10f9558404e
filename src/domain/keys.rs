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

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> ServerKeys {
        ServerKeys::derive(&[7; 32])
    }

    fn mobile(text: &str) -> Mobile {
        Mobile::parse(text).unwrap()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
    }

    /// Reckoned apart from this code (HMAC-SHA-256 over labels and lengths): what rests in a store is found by these.
    #[test]
    fn what_is_derived_stays_what_it_is() {
        let (keys, phone) = (keys(), mobile("0812 0000 0042"));
        assert_eq!(hex(keys.seal_key()), "57e360585db1a98c7878c067323225ae1aa519aaab3a506a2e5a0cf3e79d13eb");
        assert_eq!(hex(keys.ticket_key()), "b4a68a4d7246aa4ac473581860bdd3e272533e083a5f5224bb6c7435e04ae93c");
        let person = PersonId("p-1".into());
        for (key, expected) in [
            (keys.phone_alias(phone.phone()), "3e8298e0ca3eae793f37fa1a454499d5"),
            (keys.bsuid_alias(&Bsuid("ID.1".into())), "f688664ebf8b5b83a3bf787a69ae8829"),
            (keys.account(phone), "b7fe5e7ea6808c297e40ff2bec7b8cf4"),
            (keys.route(phone), "0af3752e48b752a3cd07a241b8d1da92"),
            (keys.nik(Nik::parse("0001014708900003").unwrap()), "6e465b8d636ec054087e40834dd51387"),
            (keys.undo(UndoCode::new(52_077_391).unwrap()), "5740ca5482a871b26254b04455fde491"),
            (keys.person(&person), "0edbb5326d404cff1cf774994265b39e"),
            (keys.certificate_holder(&person), "7806cce0cde2c7ef826f948c027fb5c4"),
        ] {
            assert_eq!(hex(&key.0), expected);
        }
        assert_eq!(hex(&keys.certificate_digest(&[b"a", b"bc"])), "100e80ddb36417c65904825af04e8115");
        assert_eq!(keys.send_tag(77, 3, ContactId(5)), 10_287_864_328_134_244_996);
        assert_eq!(keys.otp([9; 16], ContactId(5), phone).digits(), "927030");
        let holder = keys.certificate_holder(&person);
        assert_ne!(keys.certificate_id(holder, [1; 16], 1, 9), keys.certificate_id(holder, [1; 16], 1, 10));
    }

    #[test]
    fn another_master_key_derives_nothing_alike() {
        let (ours, theirs) = (keys(), ServerKeys::derive(&[8; 32]));
        let phone = mobile("0812 0000 0042");
        assert_ne!(ours.seal_key(), theirs.seal_key());
        assert_ne!(ours.account(phone), theirs.account(phone));
        assert_ne!(ours.send_tag(77, 3, ContactId(5)), theirs.send_tag(77, 3, ContactId(5)));
        assert_ne!(
            ours.certificate_digest(&[b"ab"]),
            ours.certificate_digest(&[b"a", b"b"]),
            "lists do not run together"
        );
    }

    #[test]
    fn a_route_is_a_number_without_its_last_four_digits() {
        let keys = keys();
        assert_eq!(keys.route(mobile("0812 0000 0042")), keys.route(mobile("0812 0000 9999")));
        assert_ne!(keys.route(mobile("0812 0000 0042")), keys.route(mobile("0812 0001 0042")));
    }

    #[test]
    fn nothing_of_the_keys_is_printed() {
        assert_eq!(format!("{:?}", keys()), "ServerKeys(…)");
    }
}
