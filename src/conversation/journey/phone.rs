//! Ubah Info Diri: the phone number. The new one is proven before anything is said about it.

use super::{Talk, change, help, login, prompt};
use crate::conversation::heard::Heard;
use crate::conversation::input::{PhoneReading, Wish};
use crate::conversation::say::Draft;
use crate::conversation::state::Question as Q;
use crate::conversation::text::table;
use crate::domain::call::Request;
use crate::domain::otp::OtpPurpose;
use crate::domain::phone::Mobile;

/// Question `NewPhone`.
pub(super) fn answered(talk: &mut Talk<'_>, heard: &Heard) -> bool {
    let Some(login) = talk.login() else { return false };
    match heard.reading.phone {
        Some(PhoneReading::Mobile(mobile)) if mobile == login.account => {
            talk.tell(Draft::prompt(table::phone_same()));
        }
        Some(PhoneReading::Mobile(mobile)) => {
            talk.session().new_phone = Some(mobile);
            talk.call(Request::ChallengeOtp { account: mobile, purpose: OtpPurpose::NewPhone });
        }
        Some(PhoneReading::Landline) => talk.tell(Draft::prompt(table::phone_landline())),
        Some(PhoneReading::Bad) => talk.tell(Draft::prompt(table::phone_bad())),
        None => return false,
    }
    true
}

/// The new number's code was right: the person moves, if there is still time.
pub(super) fn proven(talk: &mut Talk<'_>, to: Mobile) {
    let (Some(login), Some(person)) = (talk.login(), talk.known().map(|known| known.id.clone())) else {
        return login::menu(talk);
    };
    if talk.session().new_phone != Some(to) {
        return help::trouble(talk);
    }
    talk.session().wanted.wish = Some(Wish::ChangePhone);
    if change::may_finish(talk) {
        talk.call(Request::ChangePhone { account: login.account, person, to });
    }
}

/// Done at once: who moved is no longer on this account, so this session knows nobody.
pub(super) fn changed(talk: &mut Talk<'_>, to: Mobile) {
    let called = prompt::called(talk);
    change::done(talk);
    let moved = talk.session().person.take();
    if let (Some(moved), Some(watch)) = (moved, talk.state.watch.as_deref_mut())
        && watch.person == moved.id
    {
        watch.account = to;
    }
    let draft = Draft::answer(table::phone_done(called, to.ending()));
    talk.ask(Q::Served, draft.offering(&super::WAYS_ON));
}

/// Six people stand on the new number.
pub(super) fn full(talk: &mut Talk<'_>) {
    talk.session().new_phone = None;
    talk.ask(Q::NewPhone, Draft::prompt(table::phone_full()));
}
