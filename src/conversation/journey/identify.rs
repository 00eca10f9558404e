//! Name and NIK: who the person is, once per person and session.
//!
//! The only place where a person becomes [`Known`]: from an answer of the account that the session is logged in
//! to. Every kind of miss is one and the same answer here; only a report may carry what was claimed.

use super::{Talk, change, download, family, help, login, prompt, status};
use crate::conversation::choice::Choice as C;
use crate::conversation::heard::Heard;
use crate::conversation::input::Wish;
use crate::conversation::say::Draft;
use crate::conversation::state::{Known, Pending, Question as Q};
use crate::conversation::text::table;
use crate::conversation::text::value::Count;
use crate::domain::call::{Claim, Identified, Request, Subject};
use crate::domain::name::Name;
use crate::domain::nik::{Nik, NikError};

/// More words than a name has are a sentence.
const NAME_WORDS_MAX: usize = 8;

/// Questions `Person` and `Family`.
pub(super) fn person_answered(talk: &mut Talk<'_>, heard: &Heard) -> bool {
    let Some(login) = talk.login() else { return false };
    if !heard.reading.people.is_empty() {
        return family::people_answered(talk, &heard.reading.people);
    }
    let mut pending = talk.session().pending.take().map(|pending| *pending).unwrap_or_default();
    let name = name_in(heard);
    let is_answer = name.is_some() || heard.reading.nik.is_some();
    pending.name = name.or(pending.name);
    let fault = nik_in(heard, &mut pending);
    let (name, nik) = (pending.name.clone(), pending.nik);
    talk.session().pending = (pending != Pending::default()).then(|| Box::new(pending));
    if !is_answer {
        return false;
    }
    match (fault, name, nik) {
        (Some(fault), _, _) => talk.tell(nik_fault(fault)),
        (None, Some(name), Some(nik)) => {
            talk.session().pending = None;
            talk.call(Request::Identify { account: login.account, claims: vec![Claim { name, nik }] });
        }
        (None, Some(_), None) => talk.tell(Draft::prompt(table::ask_nik())),
        (None, None, _) => talk.tell(Draft::prompt(table::ask_name())),
    }
    true
}

/// A name, unless the words are a wish or plainly a sentence.
pub(super) fn name_in(heard: &Heard) -> Option<Name> {
    let is_sentence = heard.words() > NAME_WORDS_MAX && heard.reading.nik.is_none();
    let is_wish = heard.reading.wish.is_some() && heard.reading.nik.is_none();
    heard.reading.name.clone().filter(|_| !is_sentence && !is_wish && !heard.reading.filler)
}

/// Takes the NIK of a turn in. An odd form is asked again once, then left to the registry: some real ones are
/// odd. A half that came before stays.
pub(super) fn nik_in(heard: &Heard, pending: &mut Pending) -> Option<NikError> {
    match heard.reading.nik? {
        Ok(nik) => pending.nik = Some(nik),
        Err(NikError::Form(nik)) if pending.odd_nik == Some(nik) => pending.nik = Some(nik),
        Err(NikError::Form(nik)) => {
            pending.odd_nik = Some(nik);
            pending.nik = None::<Nik>;
            return Some(NikError::Form(nik));
        }
        Err(NikError::Length(digits)) => {
            pending.nik = None;
            return Some(NikError::Length(digits));
        }
    }
    None
}

pub(super) fn nik_fault(fault: NikError) -> Draft {
    Draft::prompt(match fault {
        NikError::Length(digits) => table::nik_len(Count(u32::try_from(digits).unwrap_or(u32::MAX))),
        NikError::Form(_) => table::nik_form(),
    })
}

/// "Coba lagi".
pub(super) fn again(talk: &mut Talk<'_>) -> bool {
    if talk.login().is_none() {
        return false;
    }
    let question = if talk.question() == Some(Q::Family) { Q::Family } else { Q::Person };
    talk.ask(question, prompt::of(talk, question));
    true
}

/// The directory's answer.
pub(super) fn identified(talk: &mut Talk<'_>, mut claims: Vec<Claim>, people: Vec<Identified>, misses_left: u8) {
    if claims.len() != people.len() || claims.is_empty() {
        return help::trouble(talk);
    }
    if claims.len() > 1 || !talk.session().family.is_empty() {
        return family::identified(talk, &claims, people, misses_left);
    }
    let (Some(claim), Some(person)) = (claims.pop(), people.into_iter().next()) else { return help::trouble(talk) };
    match person {
        Identified::Found(subject) => {
            talk.session().missed = None;
            become_known(talk, &claim, &subject);
            serve(talk, &subject);
        }
        Identified::Miss => missed(talk, claim, misses_left),
    }
}

/// From here on this session knows the person.
pub(super) fn become_known(talk: &mut Talk<'_>, claim: &Claim, subject: &Subject) {
    let known = Known { id: subject.person.clone(), called: claim.name.first_word() };
    talk.session().person = Some(Box::new(known));
}

/// What the citizen wanted of this person.
pub(super) fn serve(talk: &mut Talk<'_>, subject: &Subject) {
    // An answer about anyone but the person this session knows opens nothing.
    if talk.known().is_none_or(|known| known.id != subject.person) || talk.login().is_none() {
        return help::trouble(talk);
    }
    match talk.session().wanted.wish {
        Some(Wish::Status) => status::serve(talk, subject),
        Some(Wish::Change | Wish::ChangeName | Wish::ChangePhone) => change::enter(talk),
        Some(Wish::Download | Wish::ChangeOther) | None => download::serve(talk, subject),
    }
}

fn missed(talk: &mut Talk<'_>, claim: Claim, left: u8) {
    let Some(login) = talk.login() else { return login::menu(talk) };
    talk.session().missed = Some(Box::new(claim));
    let question = if talk.question() == Some(Q::Family) { Q::Family } else { Q::Person };
    let draft = Draft::prompt(table::miss(login.account.ending(), Count(u32::from(left))));
    talk.ask(question, draft.offering(&[C::Retry, C::DataWrong, C::Menu]));
}
