//! Number and code: who holds the phone that the record stands under.

use super::{Talk, change, greet, help, lost, phone, prompt, route};
use crate::conversation::choice::Choice as C;
use crate::conversation::heard::Heard;
use crate::conversation::input::PhoneReading;
use crate::conversation::say::Draft;
use crate::conversation::state::{Login, Question as Q, Wanted, Why};
use crate::conversation::text::table;
use crate::conversation::text::value::Count;
use crate::domain::call::{self, Request};
use crate::domain::otp::OtpPurpose;
use crate::domain::phone::Mobile;
use crate::domain::time::{SECOND_MS, Timestamp};

/// A longer wait is said in minutes and by the clock.
const SECONDS_SAID_MAX: u32 = 600;

/// Asks for a code to log in with.
pub(super) fn challenge_login(talk: &mut Talk<'_>, account: Mobile) {
    talk.session().account = Some(account);
    talk.call(Request::ChallengeOtp { account, purpose: OtpPurpose::Login });
}

/// Question `Phone`.
pub(super) fn phone_answered(talk: &mut Talk<'_>, heard: &Heard) -> bool {
    match heard.reading.phone {
        Some(PhoneReading::Mobile(mobile)) => challenge_login(talk, mobile),
        Some(PhoneReading::Landline) => talk.tell(Draft::prompt(table::phone_landline())),
        Some(PhoneReading::Bad) => talk.tell(Draft::prompt(table::phone_bad())),
        None => return false,
    }
    true
}

/// "Belum pernah daftar".
pub(super) fn never_registered(talk: &mut Talk<'_>) -> bool {
    if talk.login().is_some() || talk.state.session.is_none() {
        return false;
    }
    let draft = Draft::answer(table::never_registered());
    talk.ask(Q::Phone, draft.offering(&[C::SendReport, C::OldNumberLost, C::Finish]));
    true
}

/// Question `Code`: each code counts, in the order they came.
pub(super) fn code_answered(talk: &mut Talk<'_>, heard: &Heard, purpose: OtpPurpose) -> bool {
    let Some(account) = target(talk, purpose) else { return false };
    if heard.codes.is_empty() {
        // "kodenya belum masuk"
        if heard.reading.code_missing {
            no_code(talk);
        }
        return heard.reading.code_missing;
    }
    talk.call(Request::CheckOtp { account, purpose, codes: heard.codes.clone() });
    true
}

/// "Belum terima kode".
pub(super) fn no_code(talk: &mut Talk<'_>) {
    let draft = Draft::answer(table::otp_help());
    talk.tell(draft.offering(&[C::Resend, C::ChangeNumber, C::OldNumberLost]));
}

/// "Kirim ulang", wherever a code can be out.
pub(super) fn resend(talk: &mut Talk<'_>) -> bool {
    let purpose = match talk.question() {
        Some(Q::Code(purpose)) => purpose,
        Some(Q::Expired) => return greet::send_code(talk),
        Some(_) | None => return false,
    };
    let Some(account) = target(talk, purpose) else { return false };
    talk.call_with(Request::ChallengeOtp { account, purpose }, |waiting| waiting.why = Why::Again);
    true
}

/// "Ganti nomor": back to the question that the code was for.
pub(super) fn change_number(talk: &mut Talk<'_>) -> bool {
    let question = match talk.question() {
        Some(Q::Code(OtpPurpose::Login) | Q::Phone | Q::Expired) => Q::Phone,
        Some(Q::Code(OtpPurpose::NewPhone) | Q::NewPhone) => Q::NewPhone,
        Some(Q::Code(OtpPurpose::LostPhone) | Q::LostPhone) => Q::LostPhone,
        Some(_) | None => return false,
    };
    if question == Q::Phone && !talk.session().consented {
        greet::consent(talk);
    }
    talk.ask(question, prompt::of(talk, question));
    true
}

/// Which number a code of this purpose goes to now.
fn target(talk: &Talk<'_>, purpose: OtpPurpose) -> Option<Mobile> {
    let session = talk.state.session.as_deref()?;
    match purpose {
        OtpPurpose::Login => session.account,
        OtpPurpose::Fresh => session.login.map(|login| login.account),
        OtpPurpose::NewPhone | OtpPurpose::LostPhone => session.new_phone,
    }
}

/// A code is on its way, or would be.
pub(super) fn otp_sent(talk: &mut Talk<'_>, account: Mobile, purpose: OtpPurpose, why: Why) {
    let (now, rules) = (talk.now(), talk.context.rules);
    talk.state.budget().note_code(purpose, now, rules);
    if why == Why::Late {
        talk.begin_with(table::change_late());
    }
    let (own, ending) = (greet::is_own(talk, account), account.ending());
    let phrase = match (purpose, why == Why::Again) {
        (OtpPurpose::Login, false) if own => table::otp_sent(ending),
        (OtpPurpose::Login, false) => table::otp_maybe(ending),
        (OtpPurpose::Login, true) if !own => table::otp_resent_maybe(ending),
        (_, true) => table::otp_resent(ending),
        (OtpPurpose::Fresh, false) => table::fresh_otp(ending),
        (OtpPurpose::NewPhone, false) => table::otp_sent(ending),
        (OtpPurpose::LostPhone, false) => table::lost_code(ending),
    };
    talk.ask(Q::Code(purpose), Draft::prompt(phrase).offering(&prompt::code_ways(purpose)));
}

/// Too soon for another code. Only one that is out and was not used still serves.
pub(super) fn otp_wait(talk: &mut Talk<'_>, purpose: OtpPurpose, seconds: u32, live: bool) {
    let ways = prompt::code_ways(purpose);
    let draft = match (seconds > SECONDS_SAID_MAX, live) {
        (true, _) => prompt::wait_long(talk, talk.now().plus_ms(i64::from(seconds) * SECOND_MS)),
        (false, true) => Draft::prompt(table::otp_wait(Count(seconds))),
        (false, false) => Draft::prompt(table::otp_wait_used(Count(seconds))),
    };
    talk.ask(Q::Code(purpose), draft);
    talk.session().offered = ways.to_vec();
}

/// Another code was wanted, and the phone has the one that is out: what is missing is on his side. Asked again, we send.
pub(super) fn otp_delivered(talk: &mut Talk<'_>, account: Mobile, purpose: OtpPurpose) {
    let way_back = prompt::code_ways(purpose)[1];
    let draft = Draft::prompt(table::otp_delivered(account.ending())).offering(&[C::Resend, way_back]);
    talk.ask(Q::Code(purpose), draft);
}

/// The chat's own number is not registered: only ever said of that one.
pub(super) fn not_registered(talk: &mut Talk<'_>) {
    talk.session().account = None;
    let draft = Draft::prompt(table::not_registered());
    talk.ask(Q::Phone, draft.offering(&[C::NeverRegistered, C::OldNumberLost]));
}

pub(super) fn otp_wrong(talk: &mut Talk<'_>, purpose: OtpPurpose, left: u8) {
    let draft = Draft::prompt(table::otp_wrong(Count(u32::from(left))));
    talk.ask(Q::Code(purpose), draft.offering(&prompt::code_ways(purpose)));
}

pub(super) fn otp_expired(talk: &mut Talk<'_>, purpose: OtpPurpose) {
    let way_back = prompt::code_ways(purpose)[1];
    let draft = Draft::prompt(table::otp_expired()).offering(&[C::Resend, way_back]);
    talk.ask(Q::Code(purpose), draft);
}

/// Tries are stopped, whatever exists.
pub(super) fn locked(talk: &mut Talk<'_>, until: Timestamp) {
    if let Some(session) = talk.state.session.as_deref_mut() {
        session.pending = None;
        session.family.clear();
    }
    talk.ask(Q::Locked { until }, prompt::locked(talk, until));
}

/// A code was right: what it was for goes on.
pub(super) fn otp_right(talk: &mut Talk<'_>, account: Mobile, purpose: OtpPurpose, login: call::Login) {
    match purpose {
        OtpPurpose::Login => {
            let now = talk.now();
            let session = talk.session();
            session.opened_at = now;
            if login.step_up {
                // No login until that is through: nothing may stand on half of one.
                session.account = Some(account);
                talk.ask(Q::StepUp, prompt::of(talk, Q::StepUp));
            } else {
                open(talk, account, login);
                logged_in(talk);
            }
        }
        OtpPurpose::Fresh => {
            open(talk, account, login);
            change::proven(talk);
        }
        OtpPurpose::NewPhone => phone::proven(talk, account),
        OtpPurpose::LostPhone => lost::proven(talk, account),
    }
}

/// Keeps the login.
fn open(talk: &mut Talk<'_>, account: Mobile, login: call::Login) {
    let now = talk.now();
    let session = talk.session();
    session.account = Some(account);
    session.login = Some(Login { account, epoch: login.epoch, weak: login.weak, proven_at: now, change_until: None });
}

/// The wish said before goes on; without one, the menu.
fn logged_in(talk: &mut Talk<'_>) {
    talk.begin_with(table::verified());
    let wish = talk.session().wanted.wish;
    match wish {
        Some(wish) if talk.known().is_none() && !route::needs_nobody(wish) => {
            talk.ask(Q::Person, prompt::person_for(wish));
        }
        Some(wish) => route::start(talk, wish),
        None => talk.ask(Q::Menu, prompt::menu()),
    }
}

/// Question `StepUp`.
pub(super) fn step_up_answered(talk: &mut Talk<'_>, heard: &Heard) -> bool {
    let account = talk.state.session.as_ref().and_then(|session| session.account);
    let (Some((month, year)), Some(account)) = (heard.reading.month, account) else { return false };
    talk.call(Request::StepUp { account, month, year });
    true
}

pub(super) fn step_up_right(talk: &mut Talk<'_>, account: Mobile, login: call::Login) {
    open(talk, account, login);
    logged_in(talk);
}

pub(super) fn step_up_wrong(talk: &mut Talk<'_>, left: u8) {
    talk.ask(Q::StepUp, Draft::prompt(table::step_up_wrong(Count(u32::from(left)))));
}

/// MENU.
pub(super) fn menu(talk: &mut Talk<'_>) {
    match talk.question() {
        None => greet::begin_again(talk),
        Some(question) if talk.login().is_none() => {
            if route::is_before_login(question) {
                talk.tell(prompt::of(talk, question));
            } else {
                greet::begin_again(talk);
            }
        }
        Some(_) => {
            let session = talk.session();
            session.wanted = Wanted::default();
            session.pending = None;
            session.report = None;
            talk.ask(Q::Menu, prompt::menu());
        }
    }
}

/// BATAL: out of what was begun.
pub(super) fn cancel(talk: &mut Talk<'_>) {
    match talk.question() {
        Some(Q::Code(OtpPurpose::Login) | Q::Phone) if talk.login().is_none() => {
            talk.session().account = None;
            talk.ask(Q::Consent, prompt::of(talk, Q::Consent));
        }
        Some(_) | None => menu(talk),
    }
}

/// Question `Locked`: until the time has come there is only the way to people.
pub(super) fn still_locked(talk: &mut Talk<'_>, heard: &Heard, until: Timestamp) -> bool {
    if talk.now() >= until {
        if talk.login().is_some() {
            menu(talk);
        } else {
            talk.ask(Q::Consent, prompt::of(talk, Q::Consent));
        }
    } else if !heard.reading.filler && !help::gives_up(talk) {
        talk.tell(prompt::locked(talk, until));
    }
    true
}
