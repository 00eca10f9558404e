//! Names in the 26 letters that every reader of travel documents knows: ICAO Doc 9303 part 3, section 6.
//!
//! A filler `<` stands between words; apostrophes and full stops go without a trace; a letter that the table
//! does not name is its base letter without marks.

use unicode_normalization::UnicodeNormalization;

/// Longest field of an EU-DCC name.
const CHARS_MAX: usize = 80;

/// A name's letters as machines read them. Empty when it has none.
pub(super) fn plain(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 8);
    let letters = name.nfc().flat_map(char::to_uppercase);
    for letter in letters {
        match letter {
            'A'..='Z' => text.push(letter),
            '\'' | '.' => {}
            _ if letter.is_alphabetic() => text.push_str(&of_other(letter)),
            _ => text.push('<'),
        }
    }
    let mut plain = String::with_capacity(text.len());
    for word in text.split('<').filter(|word| !word.is_empty()) {
        if !plain.is_empty() {
            plain.push('<');
        }
        plain.push_str(word);
    }
    // Letters of the table are ASCII, so a byte is a letter.
    plain.truncate(CHARS_MAX);
    plain.truncate(plain.trim_end_matches('<').len());
    plain
}

fn of_other(letter: char) -> String {
    let named = match letter {
        'Ä' | 'Æ' | 'Ǽ' => "AE",
        'Å' => "AA",
        'Ð' | 'Đ' => "D",
        'Ħ' => "H",
        'Ĳ' => "IJ",
        'ĸ' => "Q",
        'Ł' | 'Ŀ' => "L",
        'Ŋ' => "N",
        'Ö' | 'Ø' | 'Œ' | 'Ǿ' => "OE",
        'ẞ' | 'ß' => "SS",
        'Ŧ' => "T",
        'Þ' => "TH",
        'Ü' => "UE",
        _ => "",
    };
    if !named.is_empty() {
        return named.to_owned();
    }
    let bare = std::iter::once(letter).nfkd().find(char::is_ascii_uppercase);
    // Doc 9303 writes an X where nothing fits.
    bare.unwrap_or('X').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_plain_letters() {
        for (name, expected) in [
            ("Siti Rahmawati", "SITI<RAHMAWATI"),
            ("Ma'ruf", "MARUF"),
            ("Abdul-Rahman, S.Kom", "ABDUL<RAHMAN<SKOM"),
            ("H. Muh. Yusuf", "H<MUH<YUSUF"),
            ("Łukasz Þórður Œuvré", "LUKASZ<THORDUR<OEUVRE"),
            ("Müller-Straße Åse", "MUELLER<STRASSE<AASE"),
            ("Re\u{301}ne Nguyễn", "RENE<NGUYEN"),
            ("Ǝ", "X"),
            (" - ", ""),
        ] {
            assert_eq!(plain(name), expected, "{name}");
        }
        assert_eq!(plain(&"Æ ".repeat(60)).len(), 80);
        assert!(!plain(&"Æ ".repeat(60)).ends_with('<'));
    }

    proptest::proptest! {
        #[test]
        fn only_letters_and_fillers_come_out(name in "\\PC{0,60}") {
            let plain = plain(&name);
            proptest::prop_assert!(plain.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'<'));
            proptest::prop_assert!(plain.len() <= CHARS_MAX && !plain.contains("<<"));
        }
    }
}
