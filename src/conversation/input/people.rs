//! Names in a text, alone or beside the number of their bearer.
//!
//! "Nama: Agus Prasetya⏎NIK: 0001…", "0001…, Agus Prasetya", several people line by line: each NIK takes the
//! words that stand nearest to it and were not taken by another: before it on its line, on the line above,
//! behind it, on the line below. What is around a name and not part of it is left out.

use super::numbers::Found;
#[allow(clippy::wildcard_imports)] // one table's names
use super::senses::*;
use super::tokens::{Token, Tokens};
use super::{PersonFault, Reading};
use crate::domain::call::Claim;
use crate::domain::name::Name;

/// More words than this are a sentence.
const NAME_WORDS_MAX: usize = 10;

/// A NIK with digits left out has at least so many.
const NEAR_NIK_DIGITS: usize = 11;

/// Words around a name in a text that also has its number.
const AROUND: u64 = FILLER
    | PARTICLE
    | LABEL
    | WANT
    | LINK
    | ME
    | RELATION
    | NAME
    | NIK
    | NUMBER
    | PHONE
    | DATA
    | YES
    | CERT
    | DOWNLOAD
    | STATUS
    | SEE
    | VACCINE
    | DOSE
    | BOOSTER
    | CODE
    | SEND
    | FAMILY
    | OLD
    | SALAM
    | GREET
    | BIRTH
    | NEW;

/// Labels of an identity card whose lines hold no name.
#[rustfmt::skip]
const OTHER_LABELS: [&str; 16] = [
    "agama", "alamat", "berlaku", "gol", "jenis", "kabupaten", "kec", "kecamatan", "kel", "kewarganegaraan", "kota",
    "pekerjaan", "provinsi", "rt", "status", "tgl",
];

/// Writes `name` and `people`. The other facets are read before: a keyword is not a name.
pub(super) fn read(tokens: &Tokens<'_>, found: &[Found], reading: &mut Reading) {
    // A run too short by far is a birth date or the like, unless nothing nearer to a NIK is there.
    let near = |digits_min: usize| -> Vec<&Found> {
        found.iter().filter(|found| found.digits >= digits_min && found.as_nik().is_some()).collect()
    };
    let niks = Some(near(NEAR_NIK_DIGITS)).filter(|niks| !niks.is_empty()).unwrap_or_else(|| near(0));
    if niks.len() > 1 {
        reading.people = people(tokens, found, &niks);
    } else if let [nik] = niks[..] {
        reading.name = Finder::new(tokens, found).name_of(nik);
    } else if let Some(number) = found.iter().find(|found| found.digits > 8) {
        reading.name = Finder::new(tokens, found).name_of(number);
    } else if found.is_empty() {
        reading.name = alone(tokens, reading);
    }
}

fn people(tokens: &Tokens<'_>, found: &[Found], niks: &[&Found]) -> Vec<Result<Claim, PersonFault>> {
    let mut finder = Finder::new(tokens, found);
    let mut people = Vec::with_capacity(niks.len());
    for number in niks {
        let name = finder.name_of(number);
        people.push(match (name, number.as_nik()) {
            (Some(name), Some(Ok(nik))) => Ok(Claim { name, nik }),
            (name, nik) => Err(PersonFault { name, nik: nik.and_then(Result::err) }),
        });
    }
    people
}

/// Gives each number the words nearest to it, and none twice.
struct Finder<'a, 't> {
    tokens: &'a Tokens<'t>,
    found: &'a [Found],
    /// Tokens before this one are taken.
    taken: usize,
}

impl<'a, 't> Finder<'a, 't> {
    fn new(tokens: &'a Tokens<'t>, found: &'a [Found]) -> Self {
        Self { tokens, found, taken: 0 }
    }

    fn name_of(&mut self, number: &Found) -> Option<Name> {
        let all = &self.tokens.all;
        let line = all[number.first].line;
        let line_start = all.partition_point(|token| token.line < line);
        let line_end = all.partition_point(|token| token.line <= line);
        let before = self.stretch(line_start.max(self.taken), number.first, true);
        let place = before
            .or_else(|| self.lines(self.taken, line_start, true))
            .or_else(|| self.stretch(number.last + 1, line_end, false))
            .or_else(|| self.lines(line_end, all.len(), false));
        let (from, to) = place?;
        self.taken = to.max(number.last + 1);
        name(self.tokens, from, to)
    }

    /// The words of `from..to` that border on its end (`last`) or its start, without what is around a name.
    fn stretch(&self, from: usize, to: usize, last: bool) -> Option<(usize, usize)> {
        if from >= to {
            return None;
        }
        let inside = self.found.iter().filter(|found| found.first >= from && found.last < to);
        let (from, to) = if last {
            (inside.map(|found| found.last + 1).max().unwrap_or(from), to)
        } else {
            (from, inside.map(|found| found.first).min().unwrap_or(to))
        };
        trimmed(self.tokens, from, to)
    }

    /// The nearest line of `from..to` that can hold a name: one labelled so first, no other number on it.
    fn lines(&self, from: usize, to: usize, last: bool) -> Option<(usize, usize)> {
        let all = self.tokens.all.get(from..to)?;
        let mut lines = Vec::new();
        let mut start = from;
        for chunk in all.chunk_by(|a, b| a.line == b.line) {
            lines.push((start, start + chunk.len()));
            start += chunk.len();
        }
        let numbered = |line: &(usize, usize)| {
            self.found.iter().any(|found| found.digits > 2 && found.first >= line.0 && found.first < line.1)
        };
        if last {
            lines.reverse();
        } else {
            // What follows the next number belongs to it.
            lines.truncate(lines.iter().position(numbered).unwrap_or(lines.len()));
        }
        lines.retain(|line| !numbered(line) && !self.is_other_label(line.0));
        let labelled = lines.iter().find(|line| self.tokens.all[line.0].any(NAME));
        labelled.into_iter().chain(&lines).find_map(|line| trimmed(self.tokens, line.0, line.1))
    }

    fn is_other_label(&self, first: usize) -> bool {
        let token = &self.tokens.all[first];
        let word = self.tokens.str(token).to_lowercase();
        let line = self.tokens.text[token.end..].lines().next().unwrap_or_default();
        line.contains(':') && (token.any(BIRTH) || OTHER_LABELS.contains(&word.as_str()))
    }
}

/// `from..to` without what is around a name; `None` when nothing is left.
fn trimmed(tokens: &Tokens<'_>, mut from: usize, mut to: usize) -> Option<(usize, usize)> {
    let all = &tokens.all;
    let around = |token: &Token| token.digits || (token.any(AROUND) && !token.any(NAMEABLE));
    // "Anak Agung" is a noble name of Bali; any other "anak" is a child.
    let noble = |at: usize| {
        let word = |at: usize| all.get(at).map(|token| tokens.str(token).to_lowercase()).unwrap_or_default();
        word(at) == "anak" && word(at + 1) == "agung"
    };
    while from < to && around(&all[from]) && !noble(from) {
        from += 1;
    }
    while from < to && around(&all[to - 1]) {
        to -= 1;
    }
    (from < to).then_some((from, to))
}

/// A text without digits as a name: "siti rahmawati", "nama saya Siti Rahmawati", "my name is Maria".
fn alone(tokens: &Tokens<'_>, reading: &Reading) -> Option<Name> {
    let said = reading.keyword.is_some()
        || reading.wish.is_some()
        || reading.filler
        || reading.code_missing
        || reading.yes_no.is_some();
    let words = tokens.all.len();
    let ours = tokens.words().all(|token| token.sense.is_known() && !token.any(NAMEABLE));
    if said || ours || words > NAME_WORDS_MAX || tokens.text.contains('?') {
        return None;
    }
    let all = &tokens.all;
    let mut from = 0;
    // "ya, siti rahmawati"
    while from + 1 < words && all[from].any(PARTICLE | THANKS | GREET | SALAM) && !all[from].any(NAMEABLE | RELATION) {
        from += 1;
    }
    // "nama lengkap saya", "my full name is", "a.n.", "atas nama"
    let label = NAME | LABEL | ME | LINK | NEW;
    let labels = all[from..].iter().take_while(|token| token.any(label)).count();
    let short = tokens.text[all[from].start..].to_lowercase();
    if all[from..from + labels].iter().any(|token| token.any(NAME)) || short.starts_with("a.n") {
        from += labels;
    } else if all[from].any(ME) && all[from].any(ID) {
        from += 1;
    }
    if from < words { name(tokens, from, words) } else { None }
}

/// The text of `from..to` as a name; marks that people put around names read as spaces.
fn name(tokens: &Tokens<'_>, from: usize, to: usize) -> Option<Name> {
    if to - from > NAME_WORDS_MAX {
        return None;
    }
    let text = &tokens.text[tokens.all[from].start..tokens.all[to - 1].end];
    let plain: String = text.chars().map(|c| if "#*_\"()/=|~:;".contains(c) { ' ' } else { c }).collect();
    Name::parse(&plain).ok()
}
