//! Reports to people: which problem, in which words, where it stands.

use super::{Talk, change, help, lost, notice, prompt};
use crate::conversation::choice::Choice as C;
use crate::conversation::heard::Heard;
use crate::conversation::say::Draft;
use crate::conversation::state::{Question as Q, Report};
use crate::conversation::text::table;
use crate::conversation::text::value::{Clock, Day, OtherTickets, Phrase, Words};
use crate::domain::call::Request;
use crate::domain::message::Text;
use crate::domain::ticket::{TicketDraft, TicketKind, TicketNumber, TicketStanding, TicketState, TicketView};
use crate::domain::time::{Timestamp, Zone};

/// PETUGAS, "Kirim laporan", "Data saya salah": the list of problems.
pub(super) fn kinds(talk: &mut Talk<'_>, with_promise: bool) {
    if with_promise {
        talk.begin_with(table::officer());
    }
    talk.session().report = None;
    talk.ask(Q::TicketKind, prompt::of(talk, Q::TicketKind));
}

/// A row of the list.
pub(super) fn kind_chosen(talk: &mut Talk<'_>, kind: TicketKind) {
    if kind == TicketKind::OldNumberLost {
        return lost::ask(talk);
    }
    let missed = talk.session().missed.clone();
    talk.session().report = Some(Box::new(Report {
        kind,
        claimed_phone: None,
        claimed_name: missed.as_ref().map(|claim| claim.name.clone()),
        claimed_nik: missed.map(|claim| claim.nik),
        proven_phone: None,
    }));
    talk.ask(Q::TicketDetail, prompt::of(talk, Q::TicketDetail));
}

/// Question `TicketDetail`: any words.
pub(super) fn detail_answered(talk: &mut Talk<'_>, heard: &Heard) -> bool {
    let (Some(report), Some(detail)) = (talk.session().report.clone(), prose(heard)) else { return false };
    file(talk, &report, detail);
    true
}

/// A change of name that is left to people.
pub(super) fn file_name_change(talk: &mut Talk<'_>, name: &str) {
    let report = Report {
        kind: TicketKind::NameChange,
        claimed_phone: None,
        claimed_name: None,
        claimed_nik: None,
        proven_phone: None,
    };
    file(talk, &report, Text(name.to_owned()));
}

fn file(talk: &mut Talk<'_>, report: &Report, detail: Text) {
    let draft = TicketDraft {
        kind: report.kind,
        contact: talk.context.contact,
        language: talk.state.language,
        verified_phone: report.proven_phone.or(talk.login().map(|login| login.account)),
        verified_person: talk.known().map(|known| known.id.clone()),
        claimed_phone: report.claimed_phone,
        claimed_name: report.claimed_name.clone(),
        claimed_nik: report.claimed_nik,
        detail,
    };
    talk.call(Request::FileTicket(Box::new(draft)));
}

/// The report has its number.
pub(super) fn filed(talk: &mut Talk<'_>, view: &TicketView) {
    talk.state.ticket = Some(view.number);
    let (number, day, clock) = (view.number, Day(view.due), Clock(view.due, Zone::Wib));
    let is_lost = talk.session().report.take().is_some_and(|report| report.proven_phone.is_some());
    let phrase = if view.kind == TicketKind::NameChange {
        table::name_ticket(number, day, clock)
    } else if is_lost {
        table::lost_filed(number, day, clock)
    } else {
        table::ticket_filed(number, day, clock)
    };
    change::done(talk);
    talk.session().missed = None;
    talk.ask(Q::Served, Draft::answer(phrase).offering(&super::WAYS_ON));
}

/// TIKET, with or without a number.
pub(super) fn show(talk: &mut Talk<'_>, number: Option<TicketNumber>) {
    if talk.state.session.is_none() {
        talk.session().question = Q::Served;
    }
    talk.call_with(Request::ReadTickets, |waiting| waiting.ticket = number);
}

/// The reports of this chat, newest first.
pub(super) fn shown(talk: &mut Talk<'_>, asked: Option<TicketNumber>, reports: &[TicketStanding]) {
    let numbers: Vec<TicketNumber> = reports.iter().map(|report| report.view.number).collect();
    let shown = reports.iter().find(|report| asked.is_none_or(|number| report.view.number == number)).cloned();
    notice::tell_news(talk, reports, shown.as_ref().map(|report| report.view.number));
    let Some(TicketStanding { view, words }) = shown else {
        let phrase = if asked.is_some() { table::ticket_unknown() } else { table::ticket_none() };
        return talk.ask(Q::Served, Draft::answer(phrase).offering(&[C::SendReport, C::Menu, C::Finish]));
    };
    talk.state.ticket = Some(view.number);
    let mut draft = Draft::answer(standing(&view, words)).offering(match view.state {
        TicketState::Answered { .. } | TicketState::Closed { .. } => &[C::Download, C::NotDone, C::Finish],
        TicketState::Filed
        | TicketState::InWork { .. }
        | TicketState::WaitingCitizen { .. }
        | TicketState::Reopened { .. } => &[C::AddWords, C::Menu, C::Finish],
    });
    let others: Vec<_> = numbers.into_iter().filter(|number| *number != view.number).collect();
    if !others.is_empty() {
        draft = draft.then(table::ticket_others(OtherTickets(others)));
    }
    talk.ask(Q::Served, draft);
}

fn standing(view: &TicketView, words: Option<Text>) -> Phrase {
    let (number, due, due_clock) = (view.number, Day(view.due), Clock(view.due, Zone::Wib));
    let day = Day;
    let clock = |at: Timestamp| Clock(at, Zone::Wib);
    // Questions of an older server are not kept.
    let words = words.map_or_else(|| Words(String::from("…")), |words| notice::sentence(&words.0));
    match view.state {
        TicketState::Filed => table::ticket_waits(number, due, due_clock),
        TicketState::InWork { since } => table::ticket_in_work(number, day(since), clock(since), due, due_clock),
        TicketState::WaitingCitizen { since } => table::ticket_asks(number, day(since), clock(since), words),
        TicketState::Answered { at } => table::ticket_answered(number, day(at), clock(at), words),
        TicketState::Closed { at } => table::ticket_closed(number, day(at), clock(at)),
        TicketState::Reopened { at } => table::ticket_reopened_at(number, day(at), clock(at), due, due_clock),
    }
}

/// "Tambah keterangan".
pub(super) fn ask_words(talk: &mut Talk<'_>) {
    let Some(number) = talk.state.ticket else { return show(talk, None) };
    talk.ask(Q::TicketWords, Draft::prompt(table::ask_words(number)));
}

/// Question `TicketWords`.
pub(super) fn words_answered(talk: &mut Talk<'_>, heard: &Heard) -> bool {
    let (Some(number), Some(detail)) = (talk.state.ticket, prose(heard)) else { return false };
    talk.call(Request::AddToTicket { number, detail });
    true
}

pub(super) fn added(talk: &mut Talk<'_>, view: &TicketView) {
    let draft = Draft::answer(table::words_added(view.number));
    talk.ask(Q::Served, draft.offering(&super::WAYS_ON));
}

/// "Belum selesai".
pub(super) fn reopen(talk: &mut Talk<'_>) {
    let Some(number) = talk.state.ticket else { return show(talk, None) };
    if talk.state.session.is_none() {
        talk.session().question = Q::Served;
    }
    talk.call(Request::ReopenTicket { number });
}

pub(super) fn reopened(talk: &mut Talk<'_>, view: &TicketView) {
    talk.state.ticket = Some(view.number);
    talk.ask(Q::TicketWords, Draft::prompt(table::reopened(view.number)));
}

/// No such report of this chat.
pub(super) fn unknown(talk: &mut Talk<'_>) {
    talk.state.ticket = None;
    let draft = Draft::answer(table::ticket_unknown());
    talk.ask(Q::Served, draft.offering(&[C::SendReport, C::Menu, C::Finish]));
}

/// Words that say something; fillers alone do not.
fn prose(heard: &Heard) -> Option<Text> {
    let says = heard.prose.chars().any(char::is_alphanumeric) && !heard.reading.filler;
    says.then(|| Text(heard.prose.trim().to_owned()))
}

/// Nothing was found to report on.
pub(super) fn lost_detail(talk: &mut Talk<'_>) {
    if talk.session().report.is_none() {
        return help::trouble(talk);
    }
    talk.ask(Q::TicketDetail, prompt::of(talk, Q::TicketDetail));
}
