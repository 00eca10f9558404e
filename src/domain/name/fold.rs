//! The form in which names are compared: case, accents, titles and old spellings taken away.
//!
//! Both sides of a comparison are folded, so a fold may be crude as long as it is the same for both. What may
//! not be folded is what tells two people apart.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Name;

/// Titles and forms of address, dropped as long as another word follows.
const LEADING: [&str; 36] = [
    "APT", "BAPAK", "BPK", "BU", "DR", "DRA", "DRG", "DRH", "DRS", "H", "HAJI", "HAJAH", "HAJJAH", "HJ", "IBU", "IR",
    "KH", "KIAI", "KYAI", "MISS", "MR", "MRS", "MS", "NERS", "NN", "NS", "NY", "PAK", "PROF", "SDR", "SDRA", "SDRI",
    "TN", "UST", "USTAD", "USTADZ",
];

/// Degrees, dropped at the end. Those of two letters only after a comma or with dots: "SITI MA" may be Maimunah.
const TRAILING: [&str; 62] = [
    "AK", "AMD", "AMDKEB", "AMDKEP", "AMKEB", "AMKEP", "APT", "BA", "BSC", "LC", "MA", "MAG", "MBA", "MH", "MHUM",
    "MKEB", "MKEP", "MKES", "MKOM", "MM", "MPD", "MPDI", "MPH", "MSC", "MSI", "MT", "NERS", "NS", "PHD", "SAG", "SE",
    "SFARM", "SH", "SHI", "SIKOM", "SIP", "SKEB", "SKED", "SKEP", "SKG", "SKH", "SKM", "SKOM", "SP", "SPA", "SPAN",
    "SPB", "SPD", "SPDI", "SPOG", "SPPD", "SPSI", "SPT", "SS", "SSI", "SSN", "SSOS", "SST", "ST", "STP", "STRKEB",
    "SPT",
];

/// The many spellings and short forms of one name.
const MUHAMMAD: [&str; 22] = [
    "MD",
    "MHD",
    "MOCH",
    "MOCHAMAD",
    "MOCHAMMAD",
    "MOH",
    "MOHAMAD",
    "MOHAMED",
    "MOHAMMAD",
    "MOHAMMED",
    "MOHD",
    "MUCH",
    "MUCHAMAD",
    "MUCHAMMAD",
    "MUH",
    "MUHAMAD",
    "MUHAMED",
    "MUHAMMAD",
    "MUHAMMED",
    "MUHD",
    "MOKHAMAD",
    "MUKHAMAD",
];

pub(super) fn is_leading_title(upper: &str) -> bool {
    LEADING.contains(&upper)
}

/// A name as folded tokens, at least one.
pub(super) fn tokens(name: &Name) -> Vec<String> {
    let plain: String =
        name.as_str().nfkd().filter(|c| !is_combining_mark(*c) && *c != '\'').flat_map(char::to_uppercase).collect();
    // Each token with whether it can be a degree of two letters (after a comma, or written with dots).
    let mut words: Vec<(String, bool)> = Vec::new();
    for (part, text) in plain.split(',').enumerate() {
        for chunk in text.split_whitespace() {
            let whole: String = chunk.chars().filter(|c| *c != '.').collect();
            if TRAILING.contains(&whole.as_str()) {
                words.push((whole, part > 0 || chunk.trim_end_matches('.').contains('.')));
            } else {
                words.extend(chunk.split(['.', '-']).filter(|w| !w.is_empty()).map(|w| (w.to_owned(), false)));
            }
        }
    }
    let mut words = &words[..];
    while let [(word, _), rest @ ..] = words
        && !rest.is_empty()
        && is_leading_title(word)
    {
        words = rest;
    }
    while let [rest @ .., (word, marked)] = words
        && !rest.is_empty()
        && TRAILING.contains(&word.as_str())
        && (*marked || word.len() > 2)
    {
        words = rest;
    }
    words.iter().map(|(word, _)| fold_word(word)).collect()
}

/// One word in upper case, folded: MUH. and its like, old spelling, doubled letters.
fn fold_word(word: &str) -> String {
    if MUHAMMAD.contains(&word) {
        return "MUHAMAD".to_owned();
    }
    let modern = word.replace("OE", "U").replace("DJ", "J").replace("TJ", "C").replace("NJ", "NY");
    let mut out = String::with_capacity(modern.len());
    for c in modern.chars() {
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    out
}
