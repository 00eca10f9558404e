//! The tag that a message carries to Meta and its statuses bring back: outbox row, contact, and a short MAC.
//!
//! Form: `<lsn>.<index>.<contact>.<mac>`, all hexadecimal, well below the 512 characters that
//! `biz_opaque_callback_data` may have (cloud-api.md 2.1). It names nobody to anyone but this server; a tag
//! whose MAC is not ours means nothing.

use std::fmt::Write as _;

use crate::domain::contact::ContactId;
use crate::domain::keys::ServerKeys;
use crate::ports::{Lsn, RowId, SendTag};

/// Makes the tag of a row.
pub fn seal(keys: &ServerKeys, row: RowId, contact: ContactId) -> SendTag {
    let mac = keys.send_tag(row.lsn.0, row.index, contact);
    let mut tag = String::with_capacity(64);
    // A string takes all that is written to it.
    let _ = write!(tag, "{:x}.{:x}.{:x}.{mac:016x}", row.lsn.0, row.index, contact.0);
    SendTag(tag)
}

/// Reads a tag that is ours; `None` for anything else.
pub fn open(keys: &ServerKeys, tag: &str) -> Option<(RowId, ContactId)> {
    let (row, contact, mac) = parse(tag)?;
    let right = keys.send_tag(row.lsn.0, row.index, contact);
    bool::from(subtle::ConstantTimeEq::ct_eq(&right, &mac)).then_some((row, contact))
}

/// Whose a tag would be, unproven: only good to find the thread that proves it.
pub fn contact_of(tag: Option<&str>) -> Option<ContactId> {
    parse(tag?).map(|(_, contact, _)| contact)
}

fn parse(tag: &str) -> Option<(RowId, ContactId, u64)> {
    let mut parts = tag.split('.');
    let mut next = || u64::from_str_radix(parts.next()?, 16).ok();
    let (lsn, index, contact, mac) = (next()?, next()?, next()?, next()?);
    if parts.next().is_some() {
        return None;
    }
    let row = RowId { lsn: Lsn(lsn), index: u32::try_from(index).ok()? };
    Some((row, ContactId(contact), mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: RowId = RowId { lsn: Lsn(77), index: 3 };
    const CONTACT: ContactId = ContactId(0xfeed_beef_0000_0001);

    #[test]
    fn comes_back_as_it_went() {
        let keys = ServerKeys::derive(&[7; 32]);
        let tag = seal(&keys, ROW, CONTACT);
        assert!(tag.0.len() <= 64, "{}", tag.0.len());
        assert_eq!(open(&keys, &tag.0), Some((ROW, CONTACT)));
        assert_eq!(contact_of(Some(&tag.0)), Some(CONTACT));
    }

    #[test]
    fn a_strangers_tag_means_nothing() {
        let keys = ServerKeys::derive(&[7; 32]);
        let theirs = seal(&ServerKeys::derive(&[8; 32]), ROW, CONTACT);
        assert_eq!(open(&keys, &theirs.0), None);
        let ours = seal(&keys, ROW, CONTACT).0;
        for changed in [ours.replacen("4d", "4e", 1), format!("{ours}.0"), String::new(), "x.y.z".to_owned()] {
            assert_eq!(open(&keys, &changed), None, "{changed}");
        }
    }
}
