//! Ubah Info Diri: the fresh code, and the name.

use super::{Talk, help, login, prompt, report};
use crate::conversation::choice::Choice as C;
use crate::conversation::heard::Heard;
use crate::conversation::input::Wish;
use crate::conversation::say::Draft;
use crate::conversation::state::{Question as Q, Wanted, Why};
use crate::conversation::text::table;
use crate::conversation::text::value::{Clock, Day};
use crate::domain::call::Request;
use crate::domain::otp::OtpPurpose;
use crate::domain::time::{SECOND_MS, Timestamp, Zone};

/// Enters with a person identified: a login that is not fresh asks for a code first.
pub(super) fn enter(talk: &mut Talk<'_>) {
    let Some(login) = talk.login() else { return login::menu(talk) };
    if login.weak {
        let draft = Draft::answer(table::change_weak());
        return talk.ask(Q::Menu, draft.offering(&[C::Download, C::Status, C::Finish]));
    }
    let fresh_ms = i64::from(talk.context.rules.fresh_login_s) * SECOND_MS;
    if !is_open(talk) && talk.now().since_ms(login.proven_at) > fresh_ms {
        return prove(talk, Why::First);
    }
    if !is_open(talk) {
        open(talk);
    }
    proceed(talk);
}

/// Whether changes may be finished now.
fn is_open(talk: &Talk<'_>) -> bool {
    talk.login().and_then(|login| login.change_until).is_some_and(|until| talk.now() <= until)
}

/// Asks for a fresh code.
fn prove(talk: &mut Talk<'_>, why: Why) {
    let Some(login) = talk.login() else { return login::menu(talk) };
    let request = Request::ChallengeOtp { account: login.account, purpose: OtpPurpose::Fresh };
    talk.call_with(request, |waiting| waiting.why = why);
}

/// The time in which a change has to be finished begins.
fn open(talk: &mut Talk<'_>) {
    let until = talk.now().plus_ms(i64::from(talk.context.rules.change_window_s) * SECOND_MS);
    if let Some(login) = talk.session().login.as_mut() {
        login.change_until = Some(until);
    }
}

/// The fresh code was right.
pub(super) fn proven(talk: &mut Talk<'_>) {
    open(talk);
    proceed(talk);
}

fn proceed(talk: &mut Talk<'_>) {
    let session = talk.session();
    (session.new_name, session.new_phone) = (None, None);
    let question = match session.wanted.wish {
        Some(Wish::ChangeName) => Q::NewName,
        Some(Wish::ChangePhone) => Q::NewPhone,
        Some(Wish::ChangeOther) => return report::kinds(talk, false),
        Some(Wish::Change | Wish::Download | Wish::Status) | None => Q::PickChange,
    };
    talk.ask(question, prompt::of(talk, question));
}

/// Whether a change may be carried out now; if not, a fresh code is asked for once more.
pub(super) fn may_finish(talk: &mut Talk<'_>) -> bool {
    let may = is_open(talk);
    if !may {
        prove(talk, Why::Late);
    }
    may
}

/// Questions `NewName` and `ConfirmName`: a name that is typed is asked back.
pub(super) fn name_answered(talk: &mut Talk<'_>, heard: &Heard) -> bool {
    if heard.reading.wish.is_some() || heard.reading.filler {
        return false;
    }
    let Some(name) = heard.reading.name.clone() else {
        if !heard.prose.trim().is_empty() && heard.reading.phone.is_none() && heard.reading.nik.is_none() {
            talk.tell(Draft::prompt(table::name_bad()));
            return true;
        }
        return false;
    };
    talk.session().new_name = Some(name.capitals());
    talk.ask(Q::ConfirmName, prompt::of(talk, Q::ConfirmName));
    true
}

/// "Benar".
pub(super) fn name_confirmed(talk: &mut Talk<'_>) -> bool {
    if talk.question() != Some(Q::ConfirmName) {
        return false;
    }
    let name = talk.session().new_name.clone();
    let (Some(name), Some(login)) = (name, talk.login()) else { return false };
    let Some(person) = talk.known().map(|known| known.id.clone()) else { return false };
    talk.session().wanted.wish = Some(Wish::ChangeName);
    if may_finish(talk) {
        talk.call(Request::ChangeName { account: login.account, person, name });
    }
    true
}

/// "Perbaiki".
pub(super) fn name_again(talk: &mut Talk<'_>) -> bool {
    if talk.question() != Some(Q::ConfirmName) {
        return false;
    }
    talk.ask(Q::NewName, prompt::of(talk, Q::NewName));
    true
}

pub(super) fn name_changed(talk: &mut Talk<'_>) {
    done(talk);
    let draft = Draft::answer(table::name_done());
    talk.ask(Q::Served, draft.offering(&[C::Download, C::Menu, C::Finish]));
}

/// The rules leave it to people: a report carries the new name.
pub(super) fn needs_desk(talk: &mut Talk<'_>) {
    match talk.session().new_name.clone() {
        Some(name) => report::file_name_change(talk, name.as_str()),
        None => help::trouble(talk),
    }
}

pub(super) fn shut(talk: &mut Talk<'_>, until: Timestamp) {
    done(talk);
    let draft = Draft::answer(table::changes_shut(Day(until), Clock(until, Zone::Wib)));
    talk.ask(Q::Served, draft.offering(&super::WAYS_ON));
}

/// What was to be changed is no longer kept.
pub(super) fn done(talk: &mut Talk<'_>) {
    let session = talk.session();
    (session.new_name, session.new_phone) = (None, None);
    session.wanted = Wanted::default();
}
