//! Typed text in one form: NFKC, digits of any script as ASCII, nothing invisible.
//!
//! Old phones, keyboards of other scripts and copied messages bring full-width and Arabic-Indic digits,
//! bidirectional marks, no-break spaces and keycap emoji. All that reads digits or names reads this form, so
//! each of them is handled once, here. Pure and linear; the result is at most `chars_max` characters.

use unicode_normalization::UnicodeNormalization;

/// The first character of each script's ten decimal digits, in ascending order (Unicode category Nd).
/// Scripts whose digits NFKC already makes ASCII (full-width, mathematical) are not here.
const ZEROS: [char; 21] = [
    '\u{0660}', '\u{06F0}', '\u{07C0}', '\u{0966}', '\u{09E6}', '\u{0A66}', '\u{0AE6}', '\u{0B66}', '\u{0BE6}',
    '\u{0C66}', '\u{0CE6}', '\u{0D66}', '\u{0E50}', '\u{0ED0}', '\u{0F20}', '\u{1040}', '\u{17E0}', '\u{1810}',
    '\u{1B50}', '\u{1BB0}', '\u{A9D0}',
];

/// The text in its one form, cut after `chars_max` characters. Line breaks become `\n`, every other white
/// space a plain space; curly apostrophes become `'`, every dash `-`.
pub(crate) fn normalise(text: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(chars_max.saturating_mul(4)));
    if text.is_ascii() {
        out.extend(text.bytes().take(chars_max).filter_map(|byte| plain(char::from(byte))));
    } else {
        out.extend(text.chars().take(chars_max).nfkc().filter_map(plain).take(chars_max));
    }
    out
}

/// One character in its one form; `None` for what is not seen.
fn plain(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        ' '..='~' => Some(c),
        '\t' => Some(' '),
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '\u{02BB}' | '\u{02BC}' | '\u{00B4}' | '\u{2032}' => Some('\''),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' => Some('-'),
        // Zero-width and bidirectional marks, soft hyphen, variation selectors, keycap, byte order mark.
        '\u{00AD}'
        | '\u{061C}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2069}'
        | '\u{20E3}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' => None,
        _ if c.is_whitespace() => Some(' '),
        _ if c.is_control() => None,
        _ => Some(ascii_digit(c).unwrap_or(c)),
    }
}

/// A decimal digit of any script as ASCII.
fn ascii_digit(c: char) -> Option<char> {
    let at = ZEROS.partition_point(|zero| *zero <= c);
    let zero = *ZEROS.get(at.checked_sub(1)?)?;
    let value = u32::from(c) - u32::from(zero);
    if value < 10 { char::from_digit(value, 10) } else { None }
}

/// Whether a character may stand between two groups of the same number.
pub(crate) fn joins_digits(c: char) -> bool {
    matches!(c, ' ' | '.' | '-' | '(' | ')')
}

/// A group of letters and digits as digits: O and o are 0, I and l are 1, where everything else is a digit. A
/// group of such letters alone counts only among digits, and only if it is all O: "lo" is a word.
pub(crate) fn group_digits(group: &str, among_digits: bool) -> Option<String> {
    let holds_digit = group.bytes().any(|b| b.is_ascii_digit());
    let zeros = among_digits && group.len() > 1 && group.bytes().all(|b| matches!(b, b'O' | b'o'));
    if !holds_digit && !zeros {
        return None;
    }
    group
        .chars()
        .map(|c| match c {
            'O' | 'o' => Some('0'),
            'I' | 'l' => Some('1'),
            _ => c.is_ascii_digit().then_some(c),
        })
        .collect()
}

/// The digits of a text that is nothing else than digits and what joins them; `None` otherwise.
pub(crate) fn only_digits(text: &str) -> Option<String> {
    let text = normalise(text, 64);
    let text = text.trim();
    let fits = text.chars().all(|c| c.is_ascii_digit() || joins_digits(c));
    fits.then(|| text.chars().filter(char::is_ascii_digit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script_become_ascii() {
        for (typed, plain) in [
            ("０８１２", "0812"),
            ("٠٨١٢", "0812"),
            ("۰۸۱۲", "0812"),
            ("०८१२", "0812"),
            ("᭐᭘᭑᭒", "0812"),
            ("꧐꧘꧑꧒", "0812"),
            ("𝟎𝟖𝟏𝟐", "0812"),
            ("1️⃣", "1"),
        ] {
            assert_eq!(normalise(typed, 100), plain, "{typed}");
        }
    }

    #[test]
    fn what_is_not_seen_is_dropped_and_spaces_are_spaces() {
        assert_eq!(normalise("\u{202A}+62\u{00A0}812\u{200B}0000\u{2011}0042\u{202C}", 100), "+62 8120000-0042");
        assert_eq!(normalise("a\r\nb", 100), "a\n\nb");
        assert_eq!(normalise("Ni’mah", 100), "Ni'mah");
    }

    #[test]
    fn expansion_stays_within_the_bound() {
        // U+FDFA becomes 18 characters.
        assert_eq!(normalise(&"\u{FDFA}".repeat(5_000), 4_096).chars().count(), 4_096);
    }

    #[test]
    fn letters_are_digits_only_among_digits() {
        assert_eq!(group_digits("OOO1O1", false).as_deref(), Some("000101"));
        assert_eq!(group_digits("08I2l", false).as_deref(), Some("08121"));
        assert_eq!(group_digits("OOO", true).as_deref(), Some("000"));
        for (group, among) in [("OOO", false), ("lo", true), ("O", true), ("5a", true), ("", true), ("Siti", true)] {
            assert_eq!(group_digits(group, among), None, "{group}");
        }
    }

    #[test]
    fn digits_alone_or_nothing() {
        assert_eq!(only_digits(" 483 920 ").as_deref(), Some("483920"));
        assert_eq!(only_digits("48-39.20").as_deref(), Some("483920"));
        assert_eq!(only_digits("kode 483920"), None);
    }
}
