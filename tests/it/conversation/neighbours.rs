//! Neighbours in the test's hand: what an honest one says, what one can say, and anything at all.

use siaga::domain::call::{Answer, Claim, Identified, Login, Request, Subject};
use siaga::domain::citizen::{Dose, PersonId, VaccinationRecord};
use siaga::domain::message::Text;
use siaga::domain::name::Name;
use siaga::domain::nik::Nik;
use siaga::domain::ticket::{TicketKind, TicketNumber, TicketStanding, TicketState, TicketView};
use siaga::domain::time::{MINUTE_MS, Timestamp};
use time::{Date, Month};

use super::SECRET_NAME;

/// The answers that a call can have, as [`answer`] numbers them.
pub(super) fn possible(request: &Request) -> &'static [u8] {
    match request {
        Request::ChallengeOtp { .. } => &[0, 1, 2, 3],
        Request::CheckOtp { .. } => &[4, 5, 6, 7, 8, 2],
        Request::StepUp { .. } => &[9, 10, 2],
        Request::Identify { .. } => &[11, 12, 13, 26, 27],
        Request::ReadRecord { .. } => &[14, 26, 27],
        Request::ReadIssued { .. } => &[15, 26],
        Request::ChangeName { .. } => &[16, 17, 20, 27],
        Request::ChangePhone { .. } => &[18, 19, 20, 27],
        Request::Undo { .. } => &[21, 22],
        Request::Leave { .. } => &[26],
        Request::FileTicket(_) => &[23, 27],
        Request::AddToTicket { .. } | Request::ReopenTicket { .. } => &[24, 27],
        Request::ReadTickets => &[25, 27],
    }
}

fn subject(person: &str, doses: u8) -> Subject {
    let dose = |number: u8| Dose {
        number,
        date: Date::from_calendar_date(2021, Month::September, number).expect("a date"),
        vaccine: String::from("CoronaVac"),
        batch: String::from("B-1"),
        certificate: (number != 3).then(|| format!("{person}/{number}")),
    };
    Subject {
        person: PersonId(person.to_owned()),
        nik: Nik::parse("0001014708900003").expect("a nik"),
        name: Name::parse(SECRET_NAME).expect("a name"),
        record: VaccinationRecord {
            birth_date: Date::from_calendar_date(1990, Month::August, 7).expect("a date"),
            doses: (1..=doses).map(dose).collect(),
        },
    }
}

pub(super) fn ticket(now: Timestamp, kind: TicketKind, state: TicketState) -> TicketView {
    let number = TicketNumber::new(48_210_937).expect("a number");
    TicketView { number, kind, state, due: now.plus_ms(72 * 60 * MINUTE_MS) }
}

fn standing(view: TicketView) -> TicketStanding {
    TicketStanding { view, words: Some(Text("sudah.".to_owned())) }
}

/// Any answer at all.
pub(super) fn answer(which: u8, now: Timestamp) -> Answer {
    let until = now.plus_ms(30 * MINUTE_MS);
    let view = |kind| ticket(now, kind, TicketState::Filed);
    let login = |step_up, weak| Login { epoch: 9, step_up, weak };
    let found = |person| Identified::Found(Box::new(subject(person, 2)));
    match which {
        0 => Answer::OtpSent,
        1 => Answer::OtpWait { seconds: 35, live: false },
        2 => Answer::Locked { until },
        3 => Answer::NotRegistered,
        4 => Answer::OtpRight(login(false, false)),
        5 => Answer::OtpRight(login(true, false)),
        6 => Answer::OtpRight(login(false, true)),
        7 => Answer::OtpWrong { left: 4 },
        8 => Answer::OtpExpired,
        9 => Answer::StepUpRight(login(false, false)),
        10 => Answer::StepUpWrong { left: 1 },
        11 => Answer::Identified { people: vec![found("p1")], misses_left: 3 },
        12 => Answer::Identified { people: vec![Identified::Miss], misses_left: 2 },
        13 => Answer::Identified { people: vec![found("p1"), Identified::Miss, found("p2")], misses_left: 0 },
        14 => Answer::Record(Box::new(subject("p2", 3))),
        15 => Answer::Issued(true),
        16 => Answer::NameChanged,
        17 => Answer::NeedsDesk,
        18 => Answer::PhoneChanged,
        19 => Answer::PhoneFull,
        20 => Answer::ChangesShut { until },
        21 => Answer::Undone { ticket: view(TicketKind::NameChange) },
        22 => Answer::UndoUnknown,
        23 => Answer::TicketFiled(view(TicketKind::OldNumberLost)),
        24 => Answer::NoTicket,
        25 => Answer::Tickets(vec![standing(view(TicketKind::Other)); 7]),
        26 => Answer::LoginGone,
        _ => Answer::Down,
    }
}

/// What should come of a call. `doses` of every person.
pub(super) fn truth(request: &Request, now: Timestamp, doses: u8) -> Answer {
    let view = |kind| ticket(now, kind, TicketState::Filed);
    let login = Login { epoch: 3, step_up: false, weak: false };
    match request {
        Request::ChallengeOtp { .. } => Answer::OtpSent,
        Request::CheckOtp { .. } => Answer::OtpRight(login),
        Request::StepUp { .. } => Answer::StepUpRight(login),
        Request::Identify { claims, .. } => {
            let person = |claim: &Claim| {
                let person = format!("p{}", claim.name.as_str().len());
                Identified::Found(Box::new(subject(&person, doses)))
            };
            Answer::Identified { people: claims.iter().map(person).collect(), misses_left: 3 }
        }
        Request::ReadRecord { person, .. } => Answer::Record(Box::new(subject(&person.0, 3))),
        Request::ReadIssued { .. } => Answer::Issued(true),
        Request::ChangeName { .. } => Answer::NameChanged,
        Request::ChangePhone { .. } => Answer::PhoneChanged,
        Request::Undo { .. } => Answer::Undone { ticket: view(TicketKind::ChangeUndone) },
        Request::Leave { .. } => Answer::Left,
        Request::FileTicket(draft) => Answer::TicketFiled(view(draft.kind)),
        Request::AddToTicket { .. } => Answer::TicketAdded(view(TicketKind::Other)),
        Request::ReopenTicket { .. } => Answer::TicketReopened(view(TicketKind::Other)),
        Request::ReadTickets => Answer::Tickets(vec![standing(view(TicketKind::Other))]),
    }
}
