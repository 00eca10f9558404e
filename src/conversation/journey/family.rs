//! Several people on one number: "Nama NIK" a line, one certificate each and one summary (conversation.md 7).

use super::{Talk, download, greet, identify, prompt, route};
use crate::conversation::choice::Choice as C;
use crate::conversation::input::{PersonFault, Wish};
use crate::conversation::say::Draft;
use crate::conversation::state::{FamilyLine, Question as Q};
use crate::conversation::text::table;
use crate::conversation::text::value::{Count, PeopleLines, Phrase, Word};
use crate::domain::call::{Claim, Identified, Request, Subject};
use crate::domain::nik::NikError;

/// KELUARGA.
pub(super) fn ask(talk: &mut Talk<'_>) {
    if talk.login().is_none() {
        return match talk.question() {
            Some(question) if route::is_before_login(question) => talk.tell(prompt::of(talk, question)),
            Some(_) | None => greet::begin_again(talk),
        };
    }
    let session = talk.session();
    session.pending = None;
    session.missed = None;
    // What was last wanted is wanted for the family too; a change never is.
    let wish = session.wanted.wish.filter(|wish| *wish == Wish::Status);
    session.wanted.wish = Some(wish.unwrap_or(Wish::Download));
    (session.wanted.dose, session.wanted.all) = (None, false);
    talk.ask(Q::Family, prompt::of(talk, Q::Family));
}

/// Several lines were written.
pub(super) fn people_answered(talk: &mut Talk<'_>, people: &[Result<Claim, PersonFault>]) -> bool {
    let Some(login) = talk.login() else { return false };
    let max = talk.context.rules.family_max;
    if people.len() > usize::from(max) {
        talk.tell(Draft::prompt(table::family_too_many(Count(u32::from(max)))));
        return true;
    }
    let session = talk.session();
    session.pending = None;
    session.family = people.iter().map(line_of).collect();
    // A change is one person's; several people are looked at, not changed.
    if matches!(session.wanted.wish, Some(Wish::Change | Wish::ChangeName | Wish::ChangePhone)) {
        session.wanted.wish = Some(Wish::Status);
    }
    let claims: Vec<Claim> = people.iter().filter_map(|person| person.as_ref().ok().cloned()).collect();
    if claims.is_empty() {
        let lines = session.family.drain(..).enumerate().map(|(place, line)| fault(place, &line)).collect();
        summary(talk, lines, None);
    } else {
        talk.call(Request::Identify { account: login.account, claims });
    }
    true
}

fn line_of(person: &Result<Claim, PersonFault>) -> FamilyLine {
    let Err(fault) = person else { return FamilyLine::Asked };
    match (&fault.name, fault.nik) {
        (Some(name), Some(NikError::Length(digits))) => {
            FamilyLine::NikLength { called: name.first_word(), digits: u32::try_from(digits).unwrap_or(u32::MAX) }
        }
        (Some(name), Some(NikError::Form(_))) => FamilyLine::NikForm { called: name.first_word() },
        (_, _) => FamilyLine::Unread,
    }
}

fn fault(place: usize, line: &FamilyLine) -> Phrase {
    match line {
        FamilyLine::NikLength { called, digits } => table::family_nik_len(Word(called.clone()), Count(*digits)),
        FamilyLine::NikForm { called } => table::family_nik_form(Word(called.clone())),
        FamilyLine::Asked | FamilyLine::Unread => {
            table::family_unread(Count(u32::try_from(place + 1).unwrap_or(u32::MAX)))
        }
    }
}

/// The directory's answer for all of them, in the order they were written.
pub(super) fn identified(talk: &mut Talk<'_>, claims: &[Claim], people: Vec<Identified>, misses_left: u8) {
    let wish = talk.session().wanted.wish;
    let mut written = std::mem::take(&mut talk.session().family);
    if written.iter().filter(|line| **line == FamilyLine::Asked).count() != claims.len() {
        written = vec![FamilyLine::Asked; claims.len()];
    }
    let mut answers = claims.iter().zip(people);
    let mut missed = None;
    let mut lines = Vec::with_capacity(written.len());
    for (place, line) in written.iter().enumerate() {
        if *line != FamilyLine::Asked {
            lines.push(fault(place, line));
            continue;
        }
        let Some((claim, person)) = answers.next() else { continue };
        let called = claim.name.first_word();
        match person {
            Identified::Miss => {
                missed = Some(claim.clone());
                lines.push(table::family_miss(Word(called)));
            }
            Identified::Found(subject) => {
                identify::become_known(talk, claim, &subject);
                lines.push(found(talk, wish, called, &subject));
            }
        }
    }
    talk.session().missed = missed.map(Box::new);
    let left = talk.session().missed.is_some().then_some(misses_left);
    summary(talk, lines, left);
}

/// The certificate of one of them, and the line that tells of it.
fn found(talk: &mut Talk<'_>, wish: Option<Wish>, called: String, subject: &Subject) -> Phrase {
    let doses = &subject.record.doses;
    let Some(last) = doses.last() else { return table::family_none(Word(called)) };
    if wish == Some(Wish::Status) {
        return table::family_doses(Word(called), Count(u32::from(last.number)));
    }
    let Some(dose) = subject.record.issued().last() else { return table::family_pending(Word(called)) };
    download::hand_over(talk, subject, dose, &called, false);
    table::family_sent(Word(called), Count(u32::from(dose.number)))
}

fn summary(talk: &mut Talk<'_>, lines: Vec<Phrase>, misses_left: Option<u8>) {
    let n = Count(u32::try_from(lines.len()).unwrap_or(u32::MAX));
    let (phrase, ways): (_, &[C]) = match misses_left {
        Some(left) => {
            let phrase = table::family_result_misses(n, PeopleLines(lines), Count(u32::from(left)));
            (phrase, &[C::Retry, C::DataWrong, C::Finish])
        }
        None => (table::family_result(n, PeopleLines(lines)), &[C::Family, C::Menu, C::Finish]),
    };
    talk.ask(Q::Family, Draft::answer(phrase).offering(ways).personal());
}
