//! What each question says when it is asked in full, and what it asks for within another sentence.

use super::Talk;
use crate::conversation::choice::Choice as C;
use crate::conversation::input::Wish;
use crate::conversation::say::Draft;
use crate::conversation::state::Question as Q;
use crate::conversation::text::table;
use crate::conversation::text::value::{Clock, Count, Phrase, Want, WholeName, Word};
use crate::domain::otp::OtpPurpose;
use crate::domain::ticket::TicketKind;
use crate::domain::time::{MINUTE_MS, Timestamp, Zone};

/// The question in full.
pub(super) fn of(talk: &Talk<'_>, question: Q) -> Draft {
    match question {
        Q::Consent => consent_again(talk),
        Q::Gone => gone(talk),
        Q::Expired => expired(talk),
        Q::Phone => Draft::prompt(table::ask_phone()),
        Q::Locked { until } => locked(talk, until),
        Q::Menu => menu(),
        Q::Person => Draft::prompt(table::ask_person()),
        Q::Family => Draft::prompt(table::ask_family()),
        Q::PickChange => Draft::prompt(table::pick_change()).offering(&[C::PickName, C::PickPhone, C::PickOther]),
        Q::NewName => Draft::prompt(table::ask_new_name()),
        Q::ConfirmName => confirm_name(talk),
        Q::NewPhone => Draft::prompt(table::ask_new_phone(called(talk))),
        Q::TicketKind => Draft::prompt(table::ticket_kind()).offering(&C::kinds()),
        Q::TicketDetail => Draft::prompt(detail(talk)),
        Q::Lost => Draft::prompt(table::lost_ask()).offering(&[C::Disagree]),
        Q::LostPhone => Draft::prompt(table::lost_phone()),
        Q::Erase => Draft::prompt(table::erase_ask()).offering(&[C::EraseYes, C::Cancel]),
        Q::StepUp => Draft::prompt(table::step_up()),
        Q::Code(purpose) => Draft::prompt(please(question)).offering(&code_ways(purpose)),
        Q::Dose | Q::Watch { .. } | Q::TicketWords | Q::Help => {
            let offered = talk.state.session.as_ref().map(|session| session.offered.clone()).unwrap_or_default();
            Draft::prompt(please(question)).offering(&offered)
        }
        Q::Served => {
            if talk.login().is_some() {
                menu()
            } else {
                consent(talk)
            }
        }
    }
}

/// What a question asks for, as a noun phrase.
pub(super) fn want(question: Q) -> Phrase {
    match question {
        Q::Consent | Q::Gone => table::want_consent(),
        Q::Phone => table::want_phone(),
        Q::Code(_) => table::want_code(),
        Q::StepUp => table::want_month(),
        Q::Menu | Q::Served => table::want_menu(),
        Q::Person | Q::Family => table::want_person(),
        Q::Dose => table::want_dose(),
        Q::PickChange => table::want_change(),
        Q::NewName => table::want_new_name(),
        Q::NewPhone | Q::LostPhone => table::want_new_phone(),
        Q::TicketKind => table::want_kind(),
        Q::TicketDetail | Q::TicketWords => table::want_detail(),
        Q::Lost => table::want_lost(),
        Q::Expired | Q::Locked { .. } | Q::Watch { .. } | Q::ConfirmName | Q::Erase | Q::Help => table::want_choice(),
    }
}

fn please(question: Q) -> Phrase {
    table::please_write(Want(want(question)))
}

/// The first words of a session.
pub(super) fn consent(talk: &Talk<'_>) -> Draft {
    match talk.own() {
        Some(own) => Draft::prompt(table::greeting(own.ending()))
            .offering(&[C::AgreeThis, C::AgreeOther, C::Disagree])
            .footer(table::greeting_footer()),
        None => Draft::prompt(table::greeting_typed()).offering(&[C::Disagree]),
    }
}

fn consent_again(talk: &Talk<'_>) -> Draft {
    match talk.own() {
        Some(own) => {
            Draft::prompt(table::consent_again(own.ending())).offering(&[C::AgreeThis, C::AgreeOther, C::Disagree])
        }
        None => Draft::prompt(table::consent_again_typed()).offering(&[C::Disagree]),
    }
}

fn gone(talk: &Talk<'_>) -> Draft {
    match talk.own() {
        Some(_) => Draft::prompt(table::gone()).offering(&[C::AgreeThis, C::AgreeOther, C::Disagree]),
        None => Draft::prompt(table::gone_typed()).offering(&[C::Disagree]),
    }
}

fn expired(talk: &Talk<'_>) -> Draft {
    match talk.state.session.as_ref().and_then(|session| session.account) {
        Some(account) => {
            Draft::prompt(table::expired(account.ending())).offering(&[C::SendCode, C::OtherNumber, C::Finish])
        }
        None => consent(talk),
    }
}

pub(super) fn menu() -> Draft {
    Draft::prompt(table::menu()).offering(&[C::Download, C::Status, C::Change]).footer(table::menu_footer())
}

/// Name and NIK, asked for what the citizen said he wants.
pub(super) fn person_for(wish: Wish) -> Draft {
    Draft::prompt(match wish {
        Wish::Download => table::ask_person_download(),
        Wish::Status => table::ask_person_status(),
        Wish::Change | Wish::ChangeName | Wish::ChangePhone | Wish::ChangeOther => table::ask_person_change(),
    })
}

/// The ways on while a code is awaited.
pub(super) fn code_ways(purpose: OtpPurpose) -> [C; 2] {
    match purpose {
        OtpPurpose::Login | OtpPurpose::NewPhone => [C::NoCode, C::ChangeNumber],
        OtpPurpose::Fresh | OtpPurpose::LostPhone => [C::NoCode, C::Cancel],
    }
}

pub(super) fn locked(talk: &Talk<'_>, until: Timestamp) -> Draft {
    Draft::prompt(when(talk, until, table::locked))
}

/// Another code can be had then, and what is out still opens.
pub(super) fn wait_long(talk: &Talk<'_>, until: Timestamp) -> Draft {
    Draft::prompt(when(talk, until, table::otp_wait_long))
}

/// No new session before then.
pub(super) fn fenced(talk: &Talk<'_>, until: Timestamp) -> Draft {
    Draft::answer(when(talk, until, table::sessions_fence))
}

/// A sentence that says when: minutes first, then the clock in three zones.
fn when(talk: &Talk<'_>, until: Timestamp, phrase: fn(Count, Clock, Clock, Clock) -> Phrase) -> Phrase {
    let left_ms = until.since_ms(talk.now()).max(0);
    let minutes = u32::try_from((left_ms + MINUTE_MS - 1) / MINUTE_MS).unwrap_or(u32::MAX);
    let clock = |zone| Clock(until, zone);
    phrase(Count(minutes), clock(Zone::Wib), clock(Zone::Wita), clock(Zone::Wit))
}

/// What a report of its kind needs to say.
fn detail(talk: &Talk<'_>) -> Phrase {
    let report = talk.state.session.as_ref().and_then(|session| session.report.as_deref());
    match report.map(|report| report.kind) {
        Some(TicketKind::Other | TicketKind::NoNik | TicketKind::VaccinatedAbroad) => table::ticket_what(),
        Some(_) | None => table::ticket_where(),
    }
}

fn confirm_name(talk: &Talk<'_>) -> Draft {
    let name = talk.state.session.as_ref().and_then(|session| session.new_name.as_ref());
    let name = WholeName(name.map(|name| name.as_str().to_owned()).unwrap_or_default());
    Draft::prompt(table::confirm_name(name)).offering(&[C::NameRight, C::NameAgain, C::Cancel])
}

/// How the identified person is named to the citizen.
pub(super) fn called(talk: &Talk<'_>) -> Word {
    let stranger = || talk.context.texts.render(&table::you(), talk.state.language);
    Word(talk.known().map_or_else(stranger, |known| known.called.clone()))
}
