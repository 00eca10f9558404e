//! The old number is dead: no login is possible, so the way is a report, and the same answer whatever exists.

use super::{Talk, greet, identify, prompt, report};
use crate::conversation::heard::Heard;
use crate::conversation::input::PhoneReading;
use crate::conversation::say::Draft;
use crate::conversation::state::{Pending, Question as Q, Report};
use crate::conversation::text::table;
use crate::conversation::text::value::Want;
use crate::domain::call::Request;
use crate::domain::otp::OtpPurpose;
use crate::domain::phone::Mobile;
use crate::domain::ticket::TicketKind;

/// "nomor lama hilang / hangus / mati".
pub(super) fn ask(talk: &mut Talk<'_>) {
    talk.session().pending = None;
    talk.session().new_phone = None;
    talk.ask(Q::Lost, prompt::of(talk, Q::Lost));
}

/// Question `Lost`: old number, name and NIK, in one message or in several.
pub(super) fn answered(talk: &mut Talk<'_>, heard: &Heard) -> bool {
    let mut pending = talk.session().pending.take().map(|pending| *pending).unwrap_or_default();
    let name = identify::name_in(heard);
    let is_answer = name.is_some() || heard.reading.nik.is_some() || heard.reading.phone.is_some();
    pending.name = name.or(pending.name);
    let fault = identify::nik_in(heard, &mut pending);
    let mut phone_fault = None;
    match heard.reading.phone {
        Some(PhoneReading::Mobile(mobile)) => pending.phone = Some(mobile),
        Some(PhoneReading::Landline) => phone_fault = Some(table::phone_landline()),
        Some(PhoneReading::Bad) => phone_fault = Some(table::phone_bad()),
        None => {}
    }
    let complete = (pending.phone, pending.name.clone(), pending.nik);
    let missing = match &complete {
        (None, _, _) => table::want_old_phone(),
        (_, None, _) => table::want_name(),
        (_, _, _) => table::want_nik(),
    };
    talk.session().pending = (pending != Pending::default()).then(|| Box::new(pending));
    if !is_answer {
        return false;
    }
    // Writing it is agreeing that it is used for the check.
    greet::consent(talk);
    match (fault, phone_fault, complete) {
        (Some(fault), _, _) => talk.tell(identify::nik_fault(fault)),
        (None, Some(fault), _) => talk.tell(Draft::prompt(fault)),
        (None, None, (Some(phone), Some(name), Some(nik))) => {
            let session = talk.session();
            session.pending = None;
            session.report = Some(Box::new(Report {
                kind: TicketKind::OldNumberLost,
                claimed_phone: Some(phone),
                claimed_name: Some(name),
                claimed_nik: Some(nik),
                proven_phone: None,
            }));
            prove(talk, phone);
        }
        (None, None, _) => talk.tell(Draft::prompt(table::lost_more(Want(missing)))),
    }
    true
}

/// The new number is proven by a code: the chat's own, if it is another than the lost one.
fn prove(talk: &mut Talk<'_>, lost: Mobile) {
    match talk.own().filter(|own| *own != lost) {
        Some(own) => challenge(talk, own),
        None => talk.ask(Q::LostPhone, prompt::of(talk, Q::LostPhone)),
    }
}

fn challenge(talk: &mut Talk<'_>, new: Mobile) {
    talk.session().new_phone = Some(new);
    talk.call(Request::ChallengeOtp { account: new, purpose: OtpPurpose::LostPhone });
}

/// Question `LostPhone`.
pub(super) fn phone_answered(talk: &mut Talk<'_>, heard: &Heard) -> bool {
    let lost = talk.session().report.as_ref().and_then(|report| report.claimed_phone);
    match heard.reading.phone {
        Some(PhoneReading::Mobile(mobile)) if Some(mobile) == lost => talk.tell(Draft::prompt(table::lost_same())),
        Some(PhoneReading::Mobile(mobile)) => challenge(talk, mobile),
        Some(PhoneReading::Landline) => talk.tell(Draft::prompt(table::phone_landline())),
        Some(PhoneReading::Bad) => talk.tell(Draft::prompt(table::phone_bad())),
        None => return false,
    }
    true
}

/// The new number is his: place and date of the vaccination complete the report. This is no login.
pub(super) fn proven(talk: &mut Talk<'_>, new: Mobile) {
    if let Some(report) = talk.session().report.as_deref_mut() {
        report.proven_phone = Some(new);
    }
    report::lost_detail(talk);
}
