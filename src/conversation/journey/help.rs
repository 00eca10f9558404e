//! Help, and what is said to what does not fit: fillers, voice, photos, digits out of order, riddles.

use super::{Talk, prompt};
use crate::conversation::choice::Choice as C;
use crate::conversation::heard::{Heard, Media};
use crate::conversation::input::PhoneReading;
use crate::conversation::say::Draft;
use crate::conversation::state::Question as Q;
use crate::conversation::text::table;
use crate::conversation::text::value::Want;
use crate::domain::nik::NikError;
use crate::domain::time::SECOND_MS;

/// Messages in a row that are not understood until the help topics are shown, and until silence.
const PUZZLED_HELP: u8 = 2;
const PUZZLED_SILENCE: u8 = 4;

/// A run of so many digits is meant as a NIK, whatever is missing.
const NIK_DIGITS_NEARLY: usize = 14;
/// A run of so many digits is meant as an answer, even if it is none.
const DIGITS_MEANT: usize = 4;

/// The ten topics.
const TOPICS: [C; 10] = [
    C::Download,
    C::Status,
    C::Change,
    C::Family,
    C::NoCode,
    C::OldNumberLost,
    C::SendReport,
    C::Reports,
    C::Erase,
    C::Finish,
];

/// BANTUAN: the topics, and honestly who carries the messages. What was asked stays asked.
pub(super) fn topics(talk: &mut Talk<'_>) {
    if talk.state.session.is_none() {
        talk.session().question = Q::Help;
    }
    talk.tell(Draft::answer(table::help()).offering(&TOPICS));
}

/// Whether our question is so fresh that a filler is no answer to it.
pub(super) fn is_just_asked(talk: &Talk<'_>) -> bool {
    let window_ms = i64::from(talk.context.rules.filler_window_s) * SECOND_MS;
    talk.state.session.as_ref().is_some_and(|session| talk.now().since_ms(session.asked_at) <= window_ms)
}

/// Greetings, "P", "ok": never a bad number or a wrong code. Later they are taken as "are you there?".
pub(super) fn filler(talk: &mut Talk<'_>, heard: &Heard, question: Q) {
    let nothing_asked = matches!(question, Q::Served | Q::Watch { .. });
    if is_just_asked(talk) || talk.has_spoken() || (heard.reading.thanks && nothing_asked) {
        return;
    }
    if matches!(question, Q::Served | Q::Help) && talk.login().is_none() {
        talk.ask(Q::Consent, prompt::consent(talk));
    } else {
        talk.tell(prompt::of(talk, question));
    }
}

/// Voice, photo, file and the like.
pub(super) fn unreadable(talk: &mut Talk<'_>, question: Q, media: Media) {
    if gives_up(talk) {
        return;
    }
    let want = Want(wanted(talk, question));
    let draft = Draft::prompt(match media {
        Media::Voice => table::voice(want),
        Media::Photo => table::photo(want),
        Media::Other => table::unreadable(want),
    });
    repeat(talk, draft);
}

/// What is not understood. Digits out of order are said kindly; twice brings the topics, four times silence,
/// which also ends a talk with another machine.
pub(super) fn puzzled(talk: &mut Talk<'_>, heard: &Heard, question: Q) {
    if talk.has_spoken() || gives_up(talk) {
        return;
    }
    let reading = &heard.reading;
    let whole_nik = matches!(reading.nik, Some(Ok(_) | Err(NikError::Form(_))));
    let whole_phone = matches!(reading.phone, Some(PhoneReading::Mobile(_) | PhoneReading::Landline));
    let out_of_order = if whole_nik || reading.digits >= NIK_DIGITS_NEARLY {
        Some(table::got_nik())
    } else if whole_phone {
        Some(table::got_phone())
    } else {
        (!heard.codes.is_empty()).then(table::got_code)
    };
    let need = table::need_now(Want(wanted(talk, question)));
    match out_of_order {
        Some(phrase) => repeat(talk, Draft::prompt(phrase).then(need)),
        // A code or a number with digits missing.
        None if reading.digits >= DIGITS_MEANT => repeat(talk, Draft::prompt(need)),
        None if talk.session().puzzled == PUZZLED_HELP => topics(talk),
        None => {
            let want = Want(wanted(talk, question));
            repeat(talk, Draft::prompt(table::not_understood(want)));
        }
    }
}

/// Counts one more, and says whether it is time to be silent.
pub(super) fn gives_up(talk: &mut Talk<'_>) -> bool {
    let session = talk.session();
    session.puzzled = session.puzzled.saturating_add(1);
    session.puzzled >= PUZZLED_SILENCE
}

/// The same ways on as before.
fn repeat(talk: &mut Talk<'_>, draft: Draft) {
    let offered = talk.session().offered.clone();
    talk.tell(draft.offering(&offered));
}

/// What is asked for now: a half that is missing rather than the whole.
fn wanted(talk: &Talk<'_>, question: Q) -> crate::conversation::text::value::Phrase {
    let pending = talk.state.session.as_ref().and_then(|session| session.pending.as_deref());
    match (question, pending) {
        (Q::Person | Q::Family, Some(pending)) if pending.name.is_some() => table::want_nik(),
        (Q::Person | Q::Family, Some(pending)) if pending.nik.is_some() => table::want_name(),
        (Q::Consent | Q::Gone, _) if talk.own().is_none() => table::want_phone(),
        (question, _) => prompt::want(question),
    }
}

/// An answer that fits no question of ours.
pub(super) fn trouble(talk: &mut Talk<'_>) {
    talk.tell(Draft::answer(table::trouble()));
}
