//! Keywords, greetings, yes and no, choices: what a text of words says as a whole.
//!
//! A keyword is the whole text apart from words that say nothing beside it, so that a person called Menu or a
//! sentence with "batal" in it does not fire one. Three phrases act within a sentence too: a lost number,
//! "bukan saya" with its code, and the request for a new code.

use super::numbers::{Found, Number};
#[allow(clippy::wildcard_imports)] // one table's names
use super::senses::*;
use super::tokens::{Token, Tokens};
use super::{Greeting, Keyword, NumberChoice, Reading, YesNo};
use crate::domain::otp::UndoCode;
use crate::domain::ticket::TicketNumber;

/// Words that change nothing beside a keyword.
const LIGHT: u64 = FILLER | PARTICLE | WANT | ME | LINK | GREET | SALAM | SWASTI | SHALOM;
/// Words that change nothing beside a choice.
const AROUND_CHOICE: u64 = FILLER | PARTICLE | PICK | NUMBER | LINK | ORDINAL | ME | WANT | BESIDE;
/// A lost number is told in at most so many words.
const LOST_WORDS_MAX: usize = 15;
/// An answer is given in at most so many words.
const ANSWER_WORDS_MAX: usize = 6;
/// A complaint about a missing code has at most so many words.
const CODE_WORDS_MAX: usize = 12;

/// Writes every facet but numbers, wishes and names.
pub(super) fn read(tokens: &Tokens<'_>, found: &[Found], reading: &mut Reading) {
    reading.greeting = greeting(tokens);
    not_me(tokens, found, reading);
    if reading.keyword.is_none() {
        reading.keyword = keyword(tokens, found);
    }
    if reading.keyword == Some(Keyword::Ticket) {
        reading.ticket = eight(found).and_then(TicketNumber::new);
    }
    reading.filler = is_filler(tokens);
    let emoji = tokens.all.is_empty() && !tokens.text.is_ascii();
    reading.thanks = reading.filler && (emoji || tokens.any(THANKS));
    reading.yes_no = yes_no(tokens).filter(|_| reading.keyword.is_none());
    reading.choice = choice(tokens, found);
    reading.all = tokens.words <= 8 && found.is_empty() && tokens.any(ALL);
    reading.number_choice = number_choice(tokens);
    reading.code_missing = code_missing(tokens);
    reading.english = english(tokens);
}

fn eight(found: &[Found]) -> Option<u32> {
    match found {
        [Found { number: Number::Eight(eight), .. }] => Some(*eight),
        _ => None,
    }
}

fn greeting(tokens: &Tokens<'_>) -> Option<Greeting> {
    let near = |bits: u64| tokens.all.iter().take(3).any(|token| token.any(bits));
    let (first, second) = (tokens.all.first()?, tokens.all.get(1));
    // Sugeng, Selamat and Salam are names until a time of day follows.
    let greets = |token: &Token| token.any(GREET) && !token.any(NAMEABLE);
    let plain = greets(first)
        || (first.any(NAMEABLE) && first.any(GREET) && second.is_none_or(|second| second.any(GREET | FILLER)))
        || (is_filler(tokens) && !tokens.any(THANKS));
    if near(SALAM) {
        Some(Greeting::Salam)
    } else if near(SWASTI) {
        Some(Greeting::OmSwastiastu)
    } else if near(SHALOM) {
        Some(Greeting::Shalom)
    } else {
        plain.then_some(Greeting::Plain)
    }
}

/// "Bukan saya", with the code beside it or, in a short text, anywhere.
fn not_me(tokens: &Tokens<'_>, found: &[Found], reading: &mut Reading) {
    let Some(at) = tokens.all.windows(2).position(|pair| pair[0].any(NOT) && pair[1].any(ME)) else { return };
    let beside = found.iter().find(|found| found.first == at + 2);
    let beside = beside.and_then(|found| eight(std::slice::from_ref(found)));
    let short = tokens.words <= ANSWER_WORDS_MAX && tokens.only(LIGHT | NOT | CODE | CHANGE);
    if let Some(eight) = beside.or_else(|| eight(found).filter(|_| short)) {
        reading.keyword = Some(Keyword::NotMe);
        reading.undo = UndoCode::new(eight);
    } else if short && found.is_empty() {
        reading.keyword = Some(Keyword::NotMe);
    }
}

fn keyword(tokens: &Tokens<'_>, found: &[Found]) -> Option<Keyword> {
    if old_number_lost(tokens) {
        return Some(Keyword::OldNumberLost);
    }
    let has = |bits: u64| tokens.any(bits);
    let only = |bits: u64| tokens.only(bits | LIGHT);
    if !found.is_empty() {
        let ticket = has(TICKET) && only(TICKET | NUMBER | SEE | STATUS) && eight(found).is_some();
        return ticket.then_some(Keyword::Ticket);
    }
    let again = (has(SEND) && has(AGAIN)) || (has(CODE) && has(AGAIN | NEW));
    let rules = [
        (has(ERASE) && has(DATA) && only(ERASE | DATA | ALL), Keyword::EraseData),
        (again && only(SEND | AGAIN | CODE | NEW), Keyword::Resend),
        (has(CANCEL) && only(CANCEL | BESIDE | CHANGE | NAME | NUMBER | PHONE | DATA), Keyword::Cancel),
        (has(NO) && has(TO_BECOME) && only(NO | TO_BECOME), Keyword::Cancel),
        (has(OFFICER) && only(OFFICER | BESIDE | HELP), Keyword::Officer),
        (has(TICKET) && has(SEND) && only(TICKET | SEND | NEW), Keyword::Officer),
        (has(TICKET) && only(TICKET | SEE | STATUS | NUMBER | BESIDE), Keyword::Ticket),
        (has(FAMILY) && only(FAMILY | BESIDE | OTHER), Keyword::Family),
        (has(ENGLISH) && only(ENGLISH | INDONESIAN | BESIDE | CHANGE), Keyword::English),
        (has(INDONESIAN) && only(INDONESIAN | BESIDE | CHANGE), Keyword::Indonesian),
        (has(FINISH) && only(FINISH | BESIDE | THANKS), Keyword::Finish),
        (has(MENU) && only(MENU | BESIDE | SEE | PICK), Keyword::Menu),
        (has(HELP) && only(HELP | BESIDE), Keyword::Help),
    ];
    rules.into_iter().find(|(holds, _)| *holds).map(|(_, keyword)| keyword)
}

/// "nomor lama saya sudah hangus", "kartu hilang", "hp dicuri", "no lama udah ga aktif".
fn old_number_lost(tokens: &Tokens<'_>) -> bool {
    if tokens.words > LOST_WORDS_MAX || tokens.any(CERT | VACCINE | NIK) {
        return false;
    }
    let idle = tokens.any(NO) && tokens.any(ACTIVE);
    let number_gone = tokens.any(NUMBER | SIM) && (tokens.any(DEAD | LOST) || idle);
    let phone_gone = tokens.any(PHONE) && (tokens.any(LOST) || (tokens.any(OLD) && (tokens.any(DEAD) || idle)));
    number_gone || phone_gone
}

/// Greetings, thanks and emoji alone; a word that is a name as well needs another beside it.
fn is_filler(tokens: &Tokens<'_>) -> bool {
    let empty = FILLER | GREET | SALAM | SWASTI | SHALOM | THANKS;
    let says_nothing = |token: &Token| !token.digits && token.any(empty | PARTICLE);
    let weighs = |token: &&Token| token.any(empty) && !token.any(NAMEABLE);
    tokens.all.is_empty() || (tokens.all.iter().all(says_nothing) && tokens.all.iter().any(|token| weighs(&token)))
}

/// Every word is one of ours and one of them agrees or refuses; refusing wins ("tidak setuju").
fn yes_no(tokens: &Tokens<'_>) -> Option<YesNo> {
    let known = tokens.words().all(|token| token.sense.is_known());
    if tokens.words == 0 || tokens.words > ANSWER_WORDS_MAX || !known || tokens.words < tokens.all.len() {
        return None;
    }
    // "sebentar ya" asks for patience: what stands before a yes is an address or a greeting.
    let first = tokens.words().find(|token| !token.any(RELATION | GREET | SALAM) || token.any(YES | NO))?;
    if tokens.any(NO) {
        Some(YesNo::No)
    } else if first.any(YES) || tokens.only(YES | PARTICLE | RELATION | WANT | ME) && tokens.any(YES | WANT) {
        Some(YesNo::Yes)
    } else {
        None
    }
}

/// A number from 1 to 10, in digits or as a word, with nothing else said.
fn choice(tokens: &Tokens<'_>, found: &[Found]) -> Option<u8> {
    let around = |token: &Token| token.any(AROUND_CHOICE);
    let number = match found {
        [Found { number: Number::Small(number), .. }] => tokens.words().all(around).then_some(*number),
        [] => {
            let mut numbers = tokens.words().filter(|token| token.sense.number > 0);
            let number = numbers.next()?.sense.number;
            let alone = numbers.next().is_none() && tokens.words().filter(|token| token.sense.number == 0).all(around);
            alone.then_some(number)
        }
        _ => None,
    };
    number.filter(|number| (1..=10).contains(number))
}

fn number_choice(tokens: &Tokens<'_>) -> Option<NumberChoice> {
    if tokens.words > ANSWER_WORDS_MAX || tokens.words < tokens.all.len() {
        return None;
    }
    // "yang ini" says as much where a number was asked for.
    if !tokens.any(NUMBER | PHONE) && !tokens.only(LIGHT | THIS | OTHER | YES | BESIDE) {
        None
    } else if tokens.any(OTHER) {
        Some(NumberChoice::Other)
    } else {
        tokens.any(THIS).then_some(NumberChoice::This)
    }
}

fn code_missing(tokens: &Tokens<'_>) -> bool {
    let missing = tokens.any(NO | YET) && tokens.any(ARRIVE) || tokens.any(NO) && tokens.any(YET);
    let of_code = tokens.any(CODE) || tokens.any(YET) && tokens.only(YET | NO | ARRIVE | BESIDE | LIGHT);
    missing && of_code && tokens.words <= CODE_WORDS_MAX && !tokens.any(CERT | VACCINE)
}

/// At least two English words and no Indonesian one; a word of both says nothing.
fn english(tokens: &Tokens<'_>) -> bool {
    let both = EN | ID;
    let count = |language: u64| tokens.words().filter(|token| token.sense.bits & both == language).count();
    count(EN) >= 2 && count(ID) == 0
}
