//! Runs of digits by their length, whatever was asked: 6 a code, 8 an undo code or a report's number, 16 a NIK,
//! 08… or +62… a phone.

use super::tokens::{Run, Tokens};
use super::{PhoneReading, Reading, senses as is};
use crate::domain::nik::{Nik, NikError};
use crate::domain::otp::Otp;
use crate::domain::phone::{Mobile, PhoneError};

/// More groups than this in one run are not taken apart.
const GROUPS_MAX: usize = 8;

/// More runs than this in one text are not looked at, and only the first few are taken apart: a family of six
/// with phone and NIK each stays within both.
const RUNS_MAX: usize = 24;
const SPLITS_MAX: usize = 8;

/// What a run of digits is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// One or two digits.
    Small(u8),
    Code(Otp),
    Eight(u32),
    Nik(Result<Nik, NikError>),
    Mobile(Mobile),
    Landline,
    Other,
}

/// A number and its place: tokens `first..=last`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) number: Number,
    pub(super) digits: usize,
    pub(super) first: usize,
    pub(super) last: usize,
    /// Began like a phone number: a plus or 08 and more.
    phoneish: bool,
}

impl Found {
    /// What a NIK's place would hold: one, or a run too long or short for anything else.
    pub(super) fn as_nik(&self) -> Option<Result<Nik, NikError>> {
        match self.number {
            Number::Nik(nik) => Some(nik),
            Number::Other | Number::Eight(_) | Number::Landline if self.digits >= 7 => {
                Some(Err(NikError::Length(self.digits)))
            }
            Number::Small(_)
            | Number::Code(_)
            | Number::Eight(_)
            | Number::Mobile(_)
            | Number::Landline
            | Number::Other => None,
        }
    }
}

/// All numbers of a text, in order.
pub(super) fn find(tokens: &Tokens<'_>) -> Vec<Found> {
    let mut found = Vec::with_capacity(tokens.runs.len().min(RUNS_MAX));
    let mut splits = 0;
    for run in tokens.runs.iter().take(RUNS_MAX) {
        let whole = interpret(run.plus, &run.groups.concat());
        splits += usize::from(whole == Number::Other);
        if whole == Number::Other
            && splits <= SPLITS_MAX
            && let Some(parts) = split(tokens, run)
        {
            found.extend(parts);
        } else {
            found.push(place(run, 0, run.groups.len(), whole));
        }
    }
    found
}

/// Writes the facets of numbers.
pub(super) fn read(tokens: &Tokens<'_>, found: &[Found], reading: &mut Reading) {
    reading.digits = found.iter().map(|found| found.digits).max().unwrap_or_default();
    let mut codes =
        found.iter().filter_map(|found| if let Number::Code(code) = found.number { Some(code) } else { None });
    reading.code = codes.next().filter(|_| codes.next().is_none());
    // Few digits beside unknown words are a date or a house number; alone they are a short NIK or phone.
    let bare = tokens
        .only(is::FILLER | is::PARTICLE | is::LABEL | is::NIK | is::NUMBER | is::PHONE | is::CODE | is::ME | is::LINK);
    let odd = |found: &&Found| {
        matches!(found.number, Number::Other | Number::Eight(_) | Number::Landline)
            && (found.digits >= 5 || (bare && found.digits >= 3))
    };
    let mobile = found.iter().find_map(|found| {
        if let Number::Mobile(mobile) = found.number { Some(PhoneReading::Mobile(mobile)) } else { None }
    });
    let landline = || found.iter().find(|found| found.number == Number::Landline).map(|_| PhoneReading::Landline);
    let bad = || found.iter().find(|found| odd(found) || found.phoneish).map(|_| PhoneReading::Bad);
    reading.phone = mobile.or_else(landline).or_else(bad);
    let nik = |good: bool| {
        let niks = found.iter().filter_map(|found| if let Number::Nik(nik) = found.number { Some(nik) } else { None });
        niks.into_iter().find(|nik| nik.is_ok() == good)
    };
    let odd_nik =
        || found.iter().find(|found| odd(found) && !found.phoneish).map(|found| Err(NikError::Length(found.digits)));
    reading.nik = nik(true).or_else(|| nik(false)).or_else(odd_nik);
    if matches!(reading.nik, Some(Ok(_) | Err(NikError::Form(_)))) && reading.phone == Some(PhoneReading::Bad) {
        reading.phone = None;
    }
    if matches!(reading.phone, Some(PhoneReading::Mobile(_))) && matches!(reading.nik, Some(Err(NikError::Length(_)))) {
        reading.nik = found.iter().filter(|found| found.digits >= 13).find_map(Found::as_nik);
    }
}

fn place(run: &Run, from: usize, to: usize, number: Number) -> Found {
    let digits = run.groups[from..to].iter().map(String::len).sum();
    let starts_as_phone = run.plus || run.groups.get(from).is_some_and(|group| group.starts_with("08"));
    let phoneish = starts_as_phone && digits > 2 && matches!(number, Number::Other);
    Found { number, digits, first: run.first + from, last: run.first + to - 1, phoneish }
}

fn interpret(plus: bool, digits: &str) -> Number {
    let value = || digits.parse::<u32>().ok();
    match digits.len() {
        _ if plus => phone(true, digits),
        0..=2 => value().and_then(|value| u8::try_from(value).ok()).map_or(Number::Other, Number::Small),
        6 => value().and_then(Otp::new).map_or(Number::Other, Number::Code),
        8 => value().map_or(Number::Other, Number::Eight),
        // The longest phone number with its prefix has sixteen digits too; no region starts with 0062.
        16 if !digits.starts_with("00628") => Number::Nik(Nik::parse(digits)),
        9..=16 => phone(false, digits),
        _ => Number::Other,
    }
}

fn phone(plus: bool, digits: &str) -> Number {
    // What cannot be one is not worth the parser's time.
    let plausible = plus || digits.starts_with(['8', '6']) || (digits.starts_with('0') && !digits.starts_with("000"));
    if !plausible {
        return Number::Other;
    }
    match Mobile::from_digits(plus, digits) {
        Ok(mobile) => Number::Mobile(mobile),
        Err(PhoneError::Landline) => Number::Landline,
        Err(PhoneError::Bad) => Number::Other,
    }
}

/// Takes a run apart that is several numbers in a row, or a number after its place in a list ("1. 0001…").
fn split(tokens: &Tokens<'_>, run: &Run) -> Option<Vec<Found>> {
    let groups = run.groups.len();
    if !(2..=GROUPS_MAX).contains(&groups) {
        return None;
    }
    let first = &tokens.all[run.first];
    let listed = run.groups[0].len() <= 2
        && tokens.text[first.end..].starts_with(['.', ')'])
        && (run.first == 0 || tokens.all[run.first - 1].line < first.line);
    if listed {
        let rest = interpret(false, &run.groups[1..].concat());
        return Some(vec![place(run, 1, groups, rest)]);
    }
    let digits: usize = run.groups.iter().map(String::len).sum();
    // The shortest two in a row are a phone and a code.
    if digits < 15 { None } else { partition(run, 0).filter(|parts| parts.len() > 1) }
}

/// The fewest good numbers that groups `from..` make up, at least one of them a phone or a NIK.
fn partition(run: &Run, from: usize) -> Option<Vec<Found>> {
    let groups = run.groups.len();
    let mut best: Option<Vec<Found>> = None;
    for to in from + 1..=groups {
        let digits = run.groups[from..to].concat();
        if digits.len() > 16 {
            break;
        }
        let number = interpret(run.plus && from == 0, &digits);
        let good = match number {
            Number::Mobile(_) | Number::Nik(Ok(_)) => true,
            Number::Code(_) => to == from + 1,
            Number::Small(_) | Number::Eight(_) | Number::Nik(Err(_)) | Number::Landline | Number::Other => false,
        };
        if !good {
            continue;
        }
        let rest = if to == groups { Some(Vec::new()) } else { partition(run, to) };
        if let Some(rest) = rest.filter(|rest| best.as_ref().is_none_or(|best| rest.len() + 1 < best.len())) {
            best = Some(std::iter::once(place(run, from, to, number)).chain(rest).collect());
        }
    }
    let anchored = |parts: &Vec<Found>| from > 0 || parts.iter().any(|part| !matches!(part.number, Number::Code(_)));
    best.filter(anchored)
}
