//! The desk of a transcript: reports in memory, with the numbers that the transcript wants.

use std::collections::VecDeque;

use crate::domain::call::{Answer, CallId};
use crate::domain::contact::ContactId;
use crate::domain::message::Text;
use crate::domain::ticket::{TicketDraft, TicketNumber, TicketStanding, TicketState, TicketView};
use crate::domain::time::{DAY_MS, Timestamp};
use crate::transcript::directive::TicketNews;

/// A report is due after this long; the time a citizen is asked does not count.
const DUE_MS: i64 = 3 * DAY_MS;

pub(super) struct Desk {
    numbers: VecDeque<TicketNumber>,
    reports: Vec<Report>,
}

struct Report {
    call: CallId,
    draft: TicketDraft,
    view: TicketView,
    /// What the desk said last.
    words: Option<Text>,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self { numbers: VecDeque::new(), reports: Vec::new() }
    }

    /// The number of the next new report.
    pub(super) fn expect(&mut self, number: TicketNumber) {
        self.numbers.push_back(number);
    }

    pub(super) fn unused(&self) -> impl Iterator<Item = String> {
        self.numbers.iter().map(|number| format!("report {number}"))
    }

    /// The same call is the same report; so is an open one of the same chat, kind and person.
    pub(super) fn file(&mut self, contact: ContactId, call: CallId, draft: TicketDraft, now: Timestamp) -> TicketView {
        let known = self.reports.iter().find(|report| {
            let open = !matches!(report.view.state, TicketState::Answered { .. } | TicketState::Closed { .. });
            let about = |draft: &TicketDraft| (draft.kind, draft.verified_person.clone(), draft.claimed_nik);
            let again = report.call == call || (open && about(&report.draft) == about(&draft));
            report.draft.contact == contact && again
        });
        if let Some(known) = known {
            return known.view.clone();
        }
        let serial = u32::try_from(self.reports.len()).unwrap_or_default() + 1_000_000;
        let made = self.numbers.pop_front().or_else(|| TicketNumber::with_check_digit(serial));
        let number = made.unwrap_or_else(|| unreachable!("a serial has seven digits"));
        let view = TicketView { number, kind: draft.kind, state: TicketState::Filed, due: now.plus_ms(DUE_MS) };
        self.reports.push(Report { call, draft, view: view.clone(), words: None });
        view
    }

    fn of(&mut self, contact: ContactId, number: TicketNumber) -> Option<&mut TicketView> {
        let report = self.reports.iter_mut().find(|report| report.view.number == number);
        report.filter(|report| report.draft.contact == contact).map(|report| &mut report.view)
    }

    pub(super) fn add(&mut self, contact: ContactId, number: TicketNumber, now: Timestamp) -> Answer {
        let Some(view) = self.of(contact, number) else { return Answer::NoTicket };
        if let TicketState::WaitingCitizen { since } = view.state {
            view.due = view.due.plus_ms(now.since_ms(since));
            view.state = TicketState::InWork { since: now };
        }
        Answer::TicketAdded(view.clone())
    }

    pub(super) fn reopen(&mut self, contact: ContactId, number: TicketNumber, now: Timestamp) -> Answer {
        let Some(view) = self.of(contact, number) else { return Answer::NoTicket };
        if matches!(view.state, TicketState::Answered { .. } | TicketState::Closed { .. }) {
            view.state = TicketState::Reopened { at: now };
            view.due = now.plus_ms(DUE_MS);
        }
        Answer::TicketReopened(view.clone())
    }

    /// The reports of a chat, newest first.
    pub(super) fn of_contact(&self, contact: ContactId) -> Answer {
        let own = self.reports.iter().rev().filter(|report| report.draft.contact == contact);
        let standing = |report: &Report| {
            let speaks = matches!(report.view.state, TicketState::Answered { .. } | TicketState::WaitingCitizen { .. });
            TicketStanding { view: report.view.clone(), words: report.words.clone().filter(|_| speaks) }
        };
        Answer::Tickets(own.map(standing).collect())
    }

    /// The desk does something. Gives whom to tell what; none when there is no such report.
    pub(super) fn moves(
        &mut self,
        number: TicketNumber,
        news: &TicketNews,
        now: Timestamp,
    ) -> Option<(ContactId, TicketView, Option<Text>)> {
        let report = self.reports.iter_mut().find(|report| report.view.number == number)?;
        let (state, words) = match news {
            TicketNews::InWork { since } => (TicketState::InWork { since: *since }, None),
            TicketNews::Answered(words) => (TicketState::Answered { at: now }, Some(Text(words.clone()))),
            TicketNews::Closed => (TicketState::Closed { at: now }, None),
            TicketNews::Ask(words) => (TicketState::WaitingCitizen { since: now }, Some(Text(words.clone()))),
        };
        report.view.state = state;
        report.words.clone_from(&words);
        Some((report.draft.contact, report.view.clone(), words))
    }
}
