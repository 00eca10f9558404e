//! The beginning and the end: greeting, consent, a session that ran out or was ended, the farewell.

use super::{Talk, login, prompt};
use crate::conversation::heard::{Heard, Media};
use crate::conversation::input::{Keyword, PhoneReading};
use crate::conversation::say::Draft;
use crate::conversation::state::Question as Q;
use crate::conversation::text::table;
use crate::domain::call::{Call, Request};
use crate::domain::certificate::Language;
use crate::domain::phone::Mobile;
use crate::domain::time::{DAY_MS, SECOND_MS};

/// Ends a session whose time is over. Nothing is said, unless an answer was promised.
pub(super) fn close_if_over(talk: &mut Talk<'_>) {
    let Some(session) = talk.state.session.as_deref() else { return };
    let end = session.ends_at(talk.context.rules);
    if talk.now() < end {
        return;
    }
    let (account, promised) = (session.login.map(|login| login.account), session.waiting.is_some());
    talk.state.close(end, account);
    if promised {
        talk.tell(Draft::answer(table::gave_up()));
    }
}

/// Whether thanks get nothing because the conversation has ended not long ago.
pub(super) fn is_quiet_after_end(talk: &Talk<'_>) -> bool {
    let quiet_ms = i64::from(talk.context.rules.silence_after_end_s) * SECOND_MS;
    talk.state.session.is_none() && talk.state.closed.is_some_and(|closed| talk.now().since_ms(closed.at) < quiet_ms)
}

/// Whether the chat has opened as many sessions as it may: told once, then silence. What protects others acts at
/// any time.
pub(super) fn is_fenced(talk: &mut Talk<'_>, heard: &Heard) -> bool {
    use Keyword as K;
    let reading = &heard.reading;
    let protects = matches!(reading.keyword, Some(K::EraseData | K::NotMe | K::Finish)) || reading.undo.is_some();
    let (now, rules) = (talk.now(), talk.context.rules);
    let spent = talk.state.budget.as_ref().and_then(|budget| budget.sessions_spent_until(now, rules));
    let Some(until) = spent.filter(|_| heard.speaks && !protects) else { return false };
    if talk.state.budget().tell(now) {
        talk.tell(prompt::fenced(talk, until));
    }
    true
}

/// Opens a session: with the greeting, or with the offer of a new code where one ran out.
pub(super) fn begin(talk: &mut Talk<'_>, heard: &Heard) {
    let ran_out = talk.state.closed.filter(|closed| talk.now().since_ms(closed.at) < DAY_MS);
    let account = ran_out.and_then(|closed| closed.account);
    let session = talk.session();
    session.account = account;
    session.wanted.wish = heard.reading.wish.or(session.wanted.wish);
    session.wanted.dose = heard.reading.dose.or(session.wanted.dose);
    session.wanted.all |= heard.reading.all;
    match heard.media {
        Some(Media::Photo) => talk.begin_with(table::photo_first()),
        Some(Media::Voice) => talk.begin_with(table::voice_first()),
        Some(Media::Other) | None => {}
    }
    if account.is_some() {
        talk.ask(Q::Expired, prompt::of(talk, Q::Expired));
    } else {
        talk.ask(Q::Consent, prompt::consent(talk));
    }
}

/// The same from a choice or keyword alone.
pub(super) fn begin_again(talk: &mut Talk<'_>) {
    begin(talk, &Heard::default());
}

/// Consent is given by choosing a number.
pub(super) fn consent(talk: &mut Talk<'_>) {
    let now = talk.now();
    talk.session().consented = true;
    talk.state.consent_at = Some(now);
}

/// A number typed where consent is asked: typing it is agreeing.
pub(super) fn consent_answered(talk: &mut Talk<'_>, heard: &Heard) -> bool {
    match heard.reading.phone {
        Some(PhoneReading::Mobile(mobile)) => {
            consent(talk);
            login::challenge_login(talk, mobile);
        }
        Some(PhoneReading::Landline) => talk.tell(Draft::prompt(table::phone_landline())),
        Some(PhoneReading::Bad) => talk.tell(Draft::prompt(table::phone_bad())),
        None => return false,
    }
    true
}

/// "Setuju, nomor ini".
pub(super) fn agree_this(talk: &mut Talk<'_>) -> bool {
    let (Some(own), Some(Q::Consent | Q::Gone)) = (talk.own(), talk.question()) else { return false };
    consent(talk);
    login::challenge_login(talk, own);
    true
}

/// "Setuju, nomor lain".
pub(super) fn agree_other(talk: &mut Talk<'_>) -> bool {
    let Some(Q::Consent | Q::Gone) = talk.question() else { return false };
    consent(talk);
    talk.ask(Q::Phone, prompt::of(talk, Q::Phone));
    true
}

/// "Tidak setuju".
pub(super) fn disagree(talk: &mut Talk<'_>) -> bool {
    match talk.question() {
        // Only the report is refused; a login stays what it was.
        Some(Q::Lost) if talk.login().is_some() => login::menu(talk),
        Some(Q::Consent | Q::Gone | Q::Lost) => end(talk, Draft::answer(table::consent_no())),
        Some(_) | None => return false,
    }
    true
}

/// "Ya, kirim kode": a new code to the number of the session that ran out.
pub(super) fn send_code(talk: &mut Talk<'_>) -> bool {
    let account = talk.state.session.as_ref().and_then(|session| session.account);
    let (Some(account), Some(Q::Expired)) = (account, talk.question()) else { return false };
    consent(talk);
    login::challenge_login(talk, account);
    true
}

/// "Nomor lain", where a new code is offered.
pub(super) fn other_number(talk: &mut Talk<'_>) -> bool {
    if talk.question() != Some(Q::Expired) {
        return false;
    }
    consent(talk);
    talk.ask(Q::Phone, prompt::of(talk, Q::Phone));
    true
}

/// "Selesai": the farewell, and the login ends with it.
pub(super) fn finish(talk: &mut Talk<'_>) {
    end(talk, Draft::answer(table::bye()));
}

fn end(talk: &mut Talk<'_>, farewell: Draft) {
    leave(talk);
    let now = talk.now();
    talk.state.close(now, None);
    talk.tell(farewell);
}

/// Logs the chat out, if it is in. Nobody waits for the answer.
pub(super) fn leave(talk: &mut Talk<'_>) {
    if let Some(login) = talk.login() {
        let call = Call { id: talk.context.call, request: Request::Leave { account: login.account } };
        talk.push_call(call, 0);
    }
}

/// The login ended elsewhere; what stood on it is dropped. Says nothing.
pub(super) fn drop_login(talk: &mut Talk<'_>) {
    let Some(session) = talk.state.session.as_deref_mut() else { return };
    if session.login.take().is_none() {
        return;
    }
    session.person = None;
    session.waiting = None;
    session.pending = None;
    session.missed = None;
    session.new_name = None;
    session.new_phone = None;
    session.consented = false;
    session.account = None;
    session.question = Q::Gone;
    session.offered.clear();
    talk.state.epoch = talk.state.epoch.wrapping_add(1);
}

/// An answer says that the login is gone: told at once, since the citizen waits.
pub(super) fn login_gone(talk: &mut Talk<'_>) {
    drop_login(talk);
    talk.ask(Q::Gone, prompt::of(talk, Q::Gone));
}

/// ENGLISH, INDONESIA: the same place in the other language.
pub(super) fn speak(talk: &mut Talk<'_>, language: Language) {
    talk.state.language = language;
    match talk.question() {
        Some(Q::Consent) => talk.ask(Q::Consent, prompt::consent(talk)),
        Some(question) => talk.tell(prompt::of(talk, question)),
        None => begin_again(talk),
    }
}

/// The chat now belongs to someone else, or may: nothing of the former is offered again.
pub(super) fn identity_changed(talk: &mut Talk<'_>) {
    let now = talk.now();
    if talk.state.session.is_some() {
        leave(talk);
    }
    talk.state.close(now, None);
    talk.state.closed = None;
    talk.state.watch = None;
    talk.state.ticket = None;
    talk.state.news = None;
}

/// Whether an account is the chat's own number.
pub(super) fn is_own(talk: &Talk<'_>, account: Mobile) -> bool {
    talk.own() == Some(account)
}
