//! Download Sertifikat: which dose, and the file itself.

use super::{Talk, help, prompt, status};
use crate::conversation::choice::Choice as C;
use crate::conversation::heard::Heard;
use crate::conversation::input::Wish;
use crate::conversation::say::Draft;
use crate::conversation::state::{Question as Q, Wanted};
use crate::conversation::text::table;
use crate::conversation::text::value::{Count, DOSE_LINES_MAX, DoseLines, Word};
use crate::domain::call::{Request, Subject};
use crate::domain::certificate::Certificate;
use crate::domain::citizen::Dose;
use crate::domain::message::{Outbound, Text};

/// Doses that fit on buttons beside nothing else.
const DOSE_BUTTONS_MAX: usize = 3;

/// What can be downloaded for this person, or the file when that is clear.
pub(super) fn serve(talk: &mut Talk<'_>, subject: &Subject) {
    let wanted = talk.session().wanted;
    let record = &subject.record;
    let Some(last) = record.doses.last() else { return status::not_recorded(talk) };
    let issued: Vec<&Dose> = record.issued().take(DOSE_LINES_MAX).collect();
    if let Some(number) = wanted.dose {
        if let Some(dose) = issued.iter().find(|dose| dose.number == number) {
            return files(talk, subject, &[*dose]);
        }
        if let Some(dose) = record.doses.iter().find(|dose| dose.number == number) {
            return status::not_issued(talk, dose);
        }
        talk.session().wanted.dose = None;
        if !issued.is_empty() {
            talk.begin_with(table::dose_absent(Count(u32::from(number))));
            return pick(talk, &issued);
        }
    }
    match issued.len() {
        0 => status::not_issued(talk, last),
        1 => files(talk, subject, &issued),
        _ if wanted.all => files(talk, subject, &issued),
        _ => pick(talk, &issued),
    }
}

/// Asks which one, the latest first.
fn pick(talk: &mut Talk<'_>, issued: &[&Dose]) {
    let newest_first = || issued.iter().rev();
    let lines = newest_first().map(|dose| table::dose_line(Count(u32::from(dose.number)), dose.date)).collect();
    let n = Count(u32::try_from(issued.len()).unwrap_or(u32::MAX));
    let phrase = match issued.len() {
        1 => table::pick_dose_one(n, DoseLines(lines)),
        _ => table::pick_dose(n, DoseLines(lines)),
    };
    let mut ways: Vec<C> = newest_first().map(|dose| C::Dose(dose.number)).collect();
    if ways.len() != DOSE_BUTTONS_MAX {
        ways.push(C::Menu);
    }
    talk.ask(Q::Dose, Draft::prompt(phrase).offering(&ways).personal());
}

/// Question `Dose`: a number is the dose.
pub(super) fn dose_answered(talk: &mut Talk<'_>, heard: &Heard) -> bool {
    let dose = heard.reading.dose.or(heard.reading.choice);
    if dose.is_none() && !heard.reading.all {
        return false;
    }
    want(talk, Wanted { wish: Some(Wish::Download), dose, all: heard.reading.all && dose.is_none() });
    true
}

/// A dose was tapped.
pub(super) fn dose_chosen(talk: &mut Talk<'_>, dose: u8) {
    want(talk, Wanted { wish: Some(Wish::Download), dose: Some(dose), all: false });
}

/// The record is read anew each time: it may have changed since the question.
fn want(talk: &mut Talk<'_>, wanted: Wanted) {
    talk.session().wanted = wanted;
    match (talk.login(), talk.known().map(|known| known.id.clone())) {
        (Some(login), Some(person)) => talk.call(Request::ReadRecord { account: login.account, person }),
        (Some(_), None) => talk.ask(Q::Person, prompt::of(talk, Q::Person)),
        (None, _) => super::route::start(talk, Wish::Download),
    }
}

fn files(talk: &mut Talk<'_>, subject: &Subject, doses: &[&Dose]) {
    let called = prompt::called(talk).0;
    for (place, dose) in doses.iter().enumerate() {
        hand_over(talk, subject, dose, &called, place + 1 == doses.len());
    }
    let now = talk.now();
    let session = talk.session();
    session.wanted = Wanted { wish: Some(Wish::Download), ..Wanted::default() };
    session.question = Q::Served;
    session.offered.clear();
    session.asked_at = now;
    session.puzzled = 0;
}

/// One certificate, with the ways on in the last one's caption.
pub(super) fn hand_over(talk: &mut Talk<'_>, subject: &Subject, dose: &Dose, called: &str, is_last: bool) {
    let Some(id) = dose.certificate.clone() else { return help::trouble(talk) };
    let (number, name) = (Count(u32::from(dose.number)), Word(called.to_owned()));
    let phrase = if is_last { table::caption(number, name) } else { table::caption_short(number, name) };
    let (texts, language) = (talk.context.texts, talk.state.language);
    let caption = Text(talk.take_beginning() + &texts.render(&phrase, language));
    let file_name = texts.render(&table::file_name(number), language);
    let certificate = Certificate {
        id,
        person: subject.person.clone(),
        asked_at: talk.now(),
        name: subject.name.clone(),
        nik: subject.nik,
        birth_date: subject.record.birth_date,
        dose: dose.number,
        date: dose.date,
        vaccine: dose.vaccine.clone(),
        batch: dose.batch.clone(),
        language,
    };
    talk.hand_over(Outbound::Certificate { certificate: Box::new(certificate), file_name, caption });
}
