//! Makes JSON readable that is broken only in its text: half of an emoji, bytes that are not UTF-8.
//!
//! Meta escapes everything outside ASCII as `\uXXXX`; a text cut in the middle of a pair leaves half of one,
//! which strict JSON readers refuse, and with it up to a thousand other updates in the body.

const REPLACEMENT: &[u8] = b"\\uFFFD";

/// The body with each broken character replaced by U+FFFD; `None` when there was none, so that reading it again
/// would fail again.
pub(super) fn repaired(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(bytes);
    let (whole, mut changed) = (text.as_bytes(), text.len() != bytes.len() || text.as_bytes() != bytes);
    let mut out = Vec::with_capacity(whole.len());
    let mut at = 0;
    while let Some(&byte) = whole.get(at) {
        let taken = if byte == b'\\' { escape(&whole[at..]) } else { Taken::Whole(1) };
        match taken {
            Taken::Whole(length) => {
                let end = whole.len().min(at + length);
                out.extend_from_slice(&whole[at..end]);
                at = end;
            }
            Taken::Half => {
                changed = true;
                out.extend_from_slice(REPLACEMENT);
                at += REPLACEMENT.len();
            }
        }
    }
    changed.then_some(out)
}

/// How much stands at a backslash.
enum Taken {
    /// So many bytes that are right as they are.
    Whole(usize),
    /// Half of a surrogate pair.
    Half,
}

fn escape(text: &[u8]) -> Taken {
    match unit(text) {
        None => Taken::Whole(2),
        Some(0xD800..=0xDBFF) => match text.get(6..).and_then(unit) {
            Some(0xDC00..=0xDFFF) => Taken::Whole(12),
            Some(_) | None => Taken::Half,
        },
        Some(0xDC00..=0xDFFF) => Taken::Half,
        Some(_) => Taken::Whole(6),
    }
}

/// The UTF-16 unit of a `\uXXXX` at the start.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_pairs_are_replaced_and_whole_ones_are_kept() {
        for (broken, right) in [
            (r#""a\ud83d""#, r#""a\uFFFD""#),
            (r#""\ude00b""#, r#""\uFFFDb""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\uFFFD\ud83d\ude00""#),
            (r#""\ud83dA""#, r#""\uFFFDA""#),
            (r#""\\\ud83d\\ud83d""#, r#""\\\uFFFD\\ud83d""#),
        ] {
            let repaired = repaired(broken.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(repaired).unwrap(), right);
        }
    }

    #[test]
    fn sound_text_is_left_alone() {
        for sound in [r#""\ud83d\ude00 \\ud83d \u0000""#, r#"{"a":"é"}"#, r#""\u12"#, "\\", ""] {
            assert_eq!(repaired(sound.as_bytes()), None, "{sound}");
        }
    }

    #[test]
    fn bytes_outside_utf8_are_replaced() {
        assert_eq!(repaired(b"\"\xff\"").unwrap(), "\"\u{fffd}\"".as_bytes());
    }
}
