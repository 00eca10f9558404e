//! A text in GSM's default alphabet (3GPP TS 23.038), one byte a character: what SMPP calls data coding 0.
//!
//! Our texts are kept to it (`conversation::text`), so a character outside of it is a fault of ours: such a text would
//! arrive mutilated or as several SMS, and is refused instead.

use crate::domain::message::Text;

/// Places in one SMS; a character of the extension takes two.
pub(super) const PLACES_MAX: usize = 160;

const ESCAPE: u8 = 0x1b;

/// By their codes, from 0. The place of the escape holds a character that no text has.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// Behind the escape.
const EXTENSION: [(char, u8); 10] = [
    ('\u{c}', 0x0a),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2f),
    ('[', 0x3c),
    ('~', 0x3d),
    (']', 0x3e),
    ('|', 0x40),
    ('€', 0x65),
];

/// Why a text cannot leave as one SMS. Never what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("the text has a character outside of gsm's default alphabet")]
    Alphabet,
    #[error("the text takes more than the {PLACES_MAX} places of one sms")]
    Long,
}

/// The bytes of a text.
pub(super) fn encoded(text: &Text) -> Result<Vec<u8>, Unfit> {
    let mut bytes = Vec::with_capacity(text.0.len());
    for character in text.0.chars() {
        if let Some((_, code)) = EXTENSION.iter().find(|known| known.0 == character) {
            bytes.extend([ESCAPE, *code]);
            continue;
        }
        let place = BASIC.chars().position(|known| known == character && known != '\u{1b}');
        bytes.push(place.and_then(|place| u8::try_from(place).ok()).ok_or(Unfit::Alphabet)?);
    }
    if bytes.len() > PLACES_MAX { Err(Unfit::Long) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Result<Vec<u8>, Unfit> {
        encoded(&Text(text.to_owned()))
    }

    #[test]
    fn characters_have_the_codes_of_the_standard() {
        assert_eq!(BASIC.chars().count(), 128);
        assert_eq!(bytes("Kode 483920, 5 menit."), Ok(b"Kode 483920, 5 menit.".to_vec()), "as in ascii");
        assert_eq!(bytes("@$_\n\"à¿§"), Ok(vec![0, 2, 0x11, 0x0a, 0x22, 0x7f, 0x60, 0x5f]));
        assert_eq!(bytes("Δ¡Ä[€"), Ok(vec![0x10, 0x40, 0x5b, 0x1b, 0x3c, 0x1b, 0x65]));
    }

    #[test]
    fn what_is_no_single_sms_is_refused() {
        for outside in ["“kode”", "kode\u{1b}", "kode 😀", "kode`", "ﬁ"] {
            assert_eq!(bytes(outside), Err(Unfit::Alphabet), "{outside:?}");
        }
        assert!(bytes(&"a".repeat(160)).is_ok());
        assert_eq!(bytes(&"a".repeat(161)), Err(Unfit::Long));
        assert_eq!(bytes(&"[".repeat(81)), Err(Unfit::Long), "two places each");
    }
}
