//! What a citizen came for: one of the three menus or a part of one, a dose, a month.
//!
//! Read within a sentence ("pak mau donlod sertipikat dosis 2"), for the wish stated first is kept through the
//! login. A long text is a story, not a wish.

use super::Wish;
use super::numbers::{Found, Number};
#[allow(clippy::wildcard_imports)] // one table's names
use super::senses::*;
use super::tokens::{Token, Tokens};

const WISH_WORDS_MAX: usize = 25;
/// Doses that anyone can have.
const DOSE_MAX: u8 = 6;

pub(super) fn wish(tokens: &Tokens<'_>) -> Option<Wish> {
    if tokens.words > WISH_WORDS_MAX {
        return None;
    }
    let has = |bits: u64| tokens.any(bits);
    if has(CHANGE | WRONG)
        && let Some(change) = change(tokens)
    {
        return Some(change);
    }
    let see_record = has(SEE) && has(VACCINE) && !has(CERT | PAPER);
    let not_there = has(CERT) && has(NO | YET) && has(ARRIVE);
    if (has(STATUS) && !has(TICKET)) || see_record || not_there {
        return Some(Wish::Status);
    }
    (has(DOWNLOAD | CERT) || (has(VACCINE) && has(PAPER))).then_some(Wish::Download)
}

/// What is to be changed, or what is wrong.
fn change(tokens: &Tokens<'_>) -> Option<Wish> {
    let has = |bits: u64| tokens.any(bits);
    let wrong = has(WRONG);
    if has(NIK) {
        Some(Wish::ChangeOther)
    } else if has(NAME) {
        Some(Wish::ChangeName)
    } else if has(NUMBER | PHONE) {
        Some(Wish::ChangePhone)
    } else if has(BIRTH | DOSE | VACCINE) || (wrong && has(CERT | DATA)) || (has(DATA) && has(OTHER)) {
        Some(Wish::ChangeOther)
    } else {
        // "correct" is a yes as well, so alone it changes nothing.
        let alone = tokens.only(CHANGE | FILLER | PARTICLE | WANT | ME | LINK)
            && tokens.words().any(|token| token.any(CHANGE) && !token.any(YES));
        (has(DATA | CERT) || alone).then_some(Wish::Change)
    }
}

/// "dosis 2", "dosis kedua", "vaksin ke-2", "2nd dose", "booster" (3), "booster kedua" (4). Two different: none.
pub(super) fn dose(tokens: &Tokens<'_>) -> Option<u8> {
    let mut dose = None;
    for (at, token) in tokens.all.iter().enumerate() {
        let number = if token.any(BOOSTER) {
            let nth = after(tokens, at).or_else(|| ordinal_before(tokens, at)).filter(|nth| *nth <= 2);
            // Its own number may stand before it: "dosis 3 booster".
            Some(2 + nth.unwrap_or(1))
        } else if token.any(DOSE) {
            after(tokens, at).or_else(|| ordinal_before(tokens, at))
        } else if token.any(VACCINE | CERT) {
            after(tokens, at)
        } else {
            None
        };
        match (dose, number.filter(|number| *number <= DOSE_MAX)) {
            (Some(earlier), Some(number)) if earlier != number => return None,
            (_, Some(number)) => dose = Some(number),
            (_, None) => {}
        }
    }
    dose
}

/// The small number that follows, "ke" and the like left out; not the day of a date, not the first of several.
fn after(tokens: &Tokens<'_>, at: usize) -> Option<u8> {
    let rest = &tokens.all[at + 1..];
    let skip = |from: usize, bits: u64| {
        from + rest[from..]
            .iter()
            .take_while(|token| !token.digits && token.sense.number == 0 && token.any(bits))
            .count()
    };
    let at = skip(0, ORDINAL | LINK | NUMBER | VACCINE | DOSE);
    let number = value(tokens, rest.get(at)?)?;
    let is_day = |at: usize| rest.get(at + 1).is_some_and(|next| next.sense.month > 0);
    let next = skip(at + 1, LINK);
    let several = !is_day(next) && rest.get(next).is_some_and(|next| value(tokens, next).is_some());
    (!several && !is_day(at)).then_some(number)
}

/// The ordinal that stands before: "second dose", "2nd dose".
fn ordinal_before(tokens: &Tokens<'_>, at: usize) -> Option<u8> {
    let before = &tokens.all[at.checked_sub(1)?];
    let ending = ["st", "nd", "rd", "th"].iter().any(|ending| tokens.str(before).eq_ignore_ascii_case(ending));
    let number = if ending { &tokens.all[at.checked_sub(2)?] } else { before };
    if number.digits && !ending { None } else { value(tokens, number) }
}

fn value(tokens: &Tokens<'_>, token: &Token) -> Option<u8> {
    let number = if token.digits { number(tokens, token, 2)?.try_into().ok()? } else { token.sense.number };
    (1..=31).contains(&number).then_some(number)
}

/// A group's value, if it has at most so many digits.
fn number(tokens: &Tokens<'_>, token: &Token, digits_max: usize) -> Option<u16> {
    let text = tokens.str(token);
    (token.digits && text.len() <= digits_max).then(|| text.parse().ok()).flatten()
}

/// "Juli 2021", "14 juli 2021", "jul '21", "07/2021", "14-07-2021", "2021-07", "072021".
pub(super) fn month(tokens: &Tokens<'_>, found: &[Found]) -> Option<(u8, u16)> {
    if found.iter().any(|found| matches!(found.number, Number::Nik(_) | Number::Mobile(_))) {
        return None;
    }
    named_month(tokens).or_else(|| numbered_month(tokens))
}

fn named_month(tokens: &Tokens<'_>) -> Option<(u8, u16)> {
    tokens.all.iter().enumerate().filter(|(_, token)| token.sense.month > 0).find_map(|(at, token)| {
        let year = tokens.all[at + 1..].iter().find(|next| !next.any(LINK))?;
        Some((token.sense.month, full_year(number(tokens, year, 4)?)?))
    })
}

fn numbered_month(tokens: &Tokens<'_>) -> Option<(u8, u16)> {
    let groups: Vec<&Token> = tokens.all.iter().filter(|token| token.digits).take(4).collect();
    let value = |at: usize, digits_max: usize| number(tokens, groups[at], digits_max);
    let pair = |month: Option<u16>, year: Option<u16>| {
        let month = month.filter(|month| (1..=12).contains(month))?;
        let year = year.filter(|year| (2019..=2100).contains(year))?;
        Some((u8::try_from(month).ok()?, year))
    };
    match groups.len() {
        1 => {
            let text = tokens.str(groups[0]);
            let (month, year) = (text.len() == 6).then(|| text.split_at_checked(2)).flatten()?;
            pair(month.parse().ok(), year.parse().ok())
        }
        2 => pair(value(0, 2), value(1, 4)).or_else(|| pair(value(1, 2), value(0, 4))),
        3 => pair(value(1, 2), value(2, 4)).or_else(|| pair(value(1, 2), value(0, 4))),
        _ => None,
    }
}

/// 2021 from 21 or 2021; years without vaccinations are none.
fn full_year(year: u16) -> Option<u16> {
    let year = if year < 100 { 2000 + year } else { year };
    (2019..=2100).contains(&year).then_some(year)
}
