//! As much of an X.509 certificate as a document signer's key needs: which key it is for, and until when.
//!
//! Nothing is decided by what stands in it: whose certificate is trusted is settled by which file it stands in.
//! So names, extensions and its own signature are passed over.

use time::{Date, Month, Time};

/// Tags of ASN.1 (X.690).
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// What is read of a certificate.
pub(super) struct Certificate<'a> {
    /// Its SubjectPublicKeyInfo, DER.
    pub(super) key: &'a [u8],
    pub(super) good_until_s: i64,
}

/// One element: its tag, its content, and the bytes of both with the length between.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
}

/// Reads a certificate's DER; nothing when it is none.
pub(super) fn read(der: &[u8]) -> Option<Certificate<'_>> {
    let (certificate, _) = element(der)?;
    let (signed, _) = element(certificate.content)?;
    if (certificate.tag, signed.tag) != (SEQUENCE, SEQUENCE) {
        return None;
    }
    let (first, mut rest) = element(signed.content)?;
    if first.tag == VERSION {
        rest = element(rest)?.1; // the serial number; without a version it was the first
    }
    let (_algorithm, rest) = element(rest)?;
    let (_issuer, rest) = element(rest)?;
    let (validity, rest) = element(rest)?;
    let (_subject, rest) = element(rest)?;
    let (key, _) = element(rest)?;
    let (_not_before, not_after) = element(validity.content)?;
    let (not_after, _) = element(not_after)?;
    Some(Certificate { key: key.whole, good_until_s: moment(&not_after)? })
}

fn element(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, after) = bytes.split_first()?;
    let (&short, after) = after.split_first()?;
    let (length, after) = if short < 0x80 {
        (usize::from(short), after)
    } else {
        // Four bytes of length are more than any certificate has.
        let (length, after) = after.split_at_checked(usize::from(short & 0x7f)).filter(|(l, _)| l.len() <= 4)?;
        (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), after)
    };
    let (content, rest) = after.split_at_checked(length)?;
    let whole = &bytes[..bytes.len() - rest.len()];
    Some((Element { tag, content, whole }, rest))
}

/// `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ`.
fn moment(of: &Element<'_>) -> Option<i64> {
    let text = std::str::from_utf8(of.content).ok()?.strip_suffix('Z')?;
    let (year, rest) = match of.tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i32 = year.parse().ok()?;
            (if year < 50 { 2_000 + year } else { 1_900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let part = |at: usize| rest.get(2 * at..2 * at + 2)?.parse::<u8>().ok();
    let date = Date::from_calendar_date(year, Month::try_from(part(0)?).ok()?, part(1)?).ok()?;
    let time = Time::from_hms(part(2)?, part(3)?, part(4)?).ok()?;
    Some(date.with_time(time).assume_utc().unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_in_both_forms() {
        let of = |tag, text: &'static str| moment(&Element { tag, content: text.as_bytes(), whole: &[] });
        assert_eq!(of(UTC_TIME, "261123065000Z"), Some(1_795_416_600));
        assert_eq!(of(GENERALIZED_TIME, "20261123065000Z"), Some(1_795_416_600));
        assert_eq!(of(UTC_TIME, "991231235959Z"), Some(946_684_799));
        for (tag, text) in
            [(UTC_TIME, "2611230650Z"), (UTC_TIME, "261323065000Z"), (SEQUENCE, "261123065000Z"), (UTC_TIME, "é")]
        {
            assert_eq!(of(tag, text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _certificate = read(&bytes);
        }
    }
}
