//! Base45 (RFC 9285): bytes in the 45 letters that a QR code holds two to eleven bits.

const LETTERS: [u8; 45] = *b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// A text that is not base45: where it is wrong, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("letter {at} is not base45, or the letters before it say more than two bytes hold")]
pub struct NotBase45 {
    pub at: usize,
}

/// Two bytes become three letters, a last single one becomes two; the least significant letter comes first.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(2) * 3);
    for pair in bytes.chunks(2) {
        let mut rest = pair.iter().fold(0, |number, byte| number * 256 + usize::from(*byte));
        for _ in 0..=pair.len() {
            text.push(char::from(LETTERS[rest % 45]));
            rest /= 45;
        }
    }
    text
}

/// The bytes of a text. Only what [`encode`] would have written is read.
pub fn decode(text: &str) -> Result<Vec<u8>, NotBase45> {
    let mut bytes = Vec::with_capacity(text.len() / 3 * 2 + 1);
    for (index, group) in text.as_bytes().chunks(3).enumerate() {
        let at = index * 3;
        let (mut number, mut weight) = (0_u32, 1);
        for (place, letter) in group.iter().enumerate() {
            let value = LETTERS.iter().position(|known| known == letter).ok_or(NotBase45 { at: at + place })?;
            number += weight * u32::try_from(value).unwrap_or_default();
            weight *= 45;
        }
        let last = NotBase45 { at: at + group.len() - 1 };
        match group.len() {
            3 => bytes.extend(u16::try_from(number).map_err(|_| last)?.to_be_bytes()),
            2 => bytes.push(u8::try_from(number).map_err(|_| last)?),
            _ => return Err(last),
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_rfc() {
        for (plain, text) in
            [("AB", "BB8"), ("Hello!!", "%69 VD92EX0"), ("base-45", "UJCLQE7W581"), ("ietf!", "QED8WEX0")]
        {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(decode(text), Ok(plain.as_bytes().to_vec()));
        }
    }

    #[test]
    fn what_nobody_encodes_is_not_decoded() {
        // Too much for two bytes, too much for one, a letter alone, a letter of no value, one beyond ascii.
        for (text, at) in [("GGW", 2), (":::", 2), ("::", 1), ("BB8B", 3), ("BBa", 2), ("Bé", 1)] {
            assert_eq!(decode(text), Err(NotBase45 { at }), "{text}");
        }
        assert_eq!(decode(""), Ok(Vec::new()));
    }

    proptest::proptest! {
        #[test]
        fn bytes_go_round(bytes: Vec<u8>) {
            let text = encode(&bytes);
            proptest::prop_assert!(text.bytes().all(|letter| LETTERS.contains(&letter)));
            proptest::prop_assert_eq!(decode(&text), Ok(bytes));
        }
    }
}
