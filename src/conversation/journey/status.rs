//! Status Vaksinasi: what is recorded, and news of a certificate that is not issued yet.

use super::{Talk, prompt};
use crate::conversation::choice::Choice as C;
use crate::conversation::say::Draft;
use crate::conversation::state::{Question as Q, Watch};
use crate::conversation::text::table;
use crate::conversation::text::value::{Count, Phrase, StatusLines, Vaccine};
use crate::domain::call::{Answer, Call, CallId, Request, Subject};
use crate::domain::citizen::{Dose, VaccinationRecord};
use crate::domain::time::{DAY_MS, HOUR_MS};

/// The doses that everyone is told of, recorded or not.
const DOSES_EXPECTED: u8 = 3;
/// How often a certificate that is waited for is looked for.
const WATCH_EVERY_MS: i64 = 6 * HOUR_MS;
/// When looking ends: twice the time that it takes at most.
const WATCH_FOR_MS: i64 = 14 * DAY_MS;

/// The status of the person this session knows.
pub(super) fn serve(talk: &mut Talk<'_>, subject: &Subject) {
    let record = &subject.record;
    if record.doses.is_empty() {
        return not_recorded(talk);
    }
    let called = prompt::called(talk);
    let Some(waited) = record.doses.iter().rev().find(|dose| dose.certificate.is_none()) else {
        let phrase = table::status(called, StatusLines(recorded(record)));
        let ways = [C::Download, C::Family, C::Finish];
        return talk.ask(Q::Served, Draft::answer(phrase).offering(&ways).personal());
    };
    let phrase = table::status_pending(called, StatusLines(record.doses.iter().map(progress).collect()));
    let way_on = if record.issued().next().is_some() { C::Download } else { C::Menu };
    let draft = Draft::answer(phrase).offering(&[C::WatchYes, way_on, C::Finish]).personal();
    talk.ask(Q::Watch { dose: waited.number }, draft);
}

/// All issued: the vaccines, and which of the usual doses are missing.
fn recorded(record: &VaccinationRecord) -> Vec<Phrase> {
    let last = record.doses.last().map_or(0, |dose| dose.number).max(DOSES_EXPECTED);
    (1..=last)
        .map(|number| match record.doses.iter().find(|dose| dose.number == number) {
            Some(dose) => table::status_dose(Count(u32::from(number)), dose.date, Vaccine(dose.vaccine.clone())),
            None => table::status_none(Count(u32::from(number))),
        })
        .collect()
}

/// Some not issued: how far each is.
fn progress(dose: &Dose) -> Phrase {
    let number = Count(u32::from(dose.number));
    match dose.certificate {
        Some(_) => table::status_issued(number, dose.date),
        None => table::status_waiting(number, dose.date),
    }
}

pub(super) fn not_recorded(talk: &mut Talk<'_>) {
    let draft = Draft::answer(table::not_recorded(prompt::called(talk)));
    talk.ask(Q::Served, draft.offering(&[C::SendReport, C::Menu, C::Finish]).personal());
}

pub(super) fn not_issued(talk: &mut Talk<'_>, dose: &Dose) {
    let draft = Draft::answer(table::not_issued(dose.date)).offering(&[C::WatchYes, C::Menu, C::Finish]).personal();
    talk.ask(Q::Watch { dose: dose.number }, draft);
}

/// "Ya, kabari saya".
pub(super) fn watch(talk: &mut Talk<'_>) -> bool {
    let (Some(Q::Watch { dose }), Some(login)) = (talk.question(), talk.login()) else { return false };
    let Some(person) = talk.known().map(|known| known.id.clone()) else { return false };
    let now = talk.now();
    talk.state.watch = Some(Box::new(Watch {
        account: login.account,
        person,
        dose,
        next_at: now.plus_ms(WATCH_EVERY_MS),
        until: now.plus_ms(WATCH_FOR_MS),
        call: None,
    }));
    talk.ask(Q::Served, Draft::answer(table::watch_yes()));
    true
}

/// The time to look has come, unless the step already makes a call: then at the next waking.
pub(super) fn watch_again(talk: &mut Talk<'_>) {
    let (now, id, is_busy) = (talk.now(), talk.context.call, talk.makes_call());
    let Some(watch) = talk.state.watch.as_deref_mut() else { return };
    if watch.call.is_some() || now < watch.next_at {
        return;
    }
    watch.next_at = now.plus_ms(WATCH_EVERY_MS);
    if is_busy {
        return;
    }
    if now >= watch.until {
        talk.state.watch = None;
        return;
    }
    watch.call = Some(id);
    let request = Request::ReadIssued { account: watch.account, person: watch.person.clone(), dose: watch.dose };
    talk.push_call(Call { id, request }, 0);
}

/// The answer to a look. One message when it is there, without a word of health.
pub(super) fn watch_answered(talk: &mut Talk<'_>, call: CallId, answer: &Answer) -> bool {
    let Some(watch) = talk.state.watch.as_deref_mut().filter(|watch| watch.call == Some(call)) else { return false };
    watch.call = None;
    if matches!(answer, Answer::Issued(true)) {
        talk.state.watch = None;
        talk.notify(&Draft::notice(table::watch_done()));
    } else if matches!(answer, Answer::LoginGone) {
        // He is no longer on that account: there is nothing to tell to this chat.
        talk.state.watch = None;
    }
    true
}
