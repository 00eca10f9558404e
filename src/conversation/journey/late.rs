//! Messages that were long on their way: all of them together are answered once, with where one is now.
//!
//! They are no answers: a code has run out, a button belongs to what was asked then. What a citizen wanted is
//! kept, so that he need not say it again.

use super::{Talk, greet, prompt, route};
use crate::conversation::heard::Heard;
use crate::conversation::input::Reading;
use crate::conversation::say::Draft;
use crate::conversation::state::Said;
use crate::conversation::text::table;
use crate::domain::certificate::Language;
use crate::domain::time::MINUTE_MS;

/// What comes within this time of "we are back" belongs to the same interruption.
const SAID_AGAIN_AFTER_MS: i64 = 10 * MINUTE_MS;

/// What late messages still count for: the wish in them.
pub(super) struct Late(Heard);

/// Begins the turn's reply with "we are back", if these are to be answered at all.
pub(super) fn begin(talk: &mut Talk<'_>, late: &[Said]) -> Option<Late> {
    if late.is_empty() {
        return None;
    }
    let now = talk.now();
    let Reading { wish, dose, all, english, thanks, .. } = {
        let heard = Heard::read(late, &talk.state, talk.context);
        if !heard.speaks {
            return None;
        }
        heard.reading
    };
    let session = talk.state.session.as_deref();
    let was_said = session.and_then(|session| session.back_at).is_some_and(|at| now.since_ms(at) < SAID_AGAIN_AFTER_MS);
    if was_said || (thanks && greet::is_quiet_after_end(talk)) {
        return None;
    }
    if session.is_none() && english {
        talk.state.language = Language::English;
    }
    talk.begin_with(table::back());
    let reading = Reading { wish, dose, all, ..Reading::default() };
    Some(Late(Heard { reading, ..Heard::default() }))
}

/// Says where one is now, unless the newer messages of the turn have led somewhere.
pub(super) fn end(talk: &mut Talk<'_>, late: &Late) {
    if !talk.has_spoken() && !talk.makes_call() {
        let waits = talk.state.session.as_ref().is_some_and(|session| session.waiting.is_some());
        match talk.question() {
            Some(_) if waits => talk.tell(Draft::answer(table::still_trying())),
            Some(question) => {
                route::keep_wish(talk, &late.0, question);
                talk.tell(prompt::of(talk, question));
            }
            None => greet::begin(talk, &late.0),
        }
    }
    let now = talk.now();
    if let Some(session) = talk.state.session.as_deref_mut() {
        session.back_at = Some(now);
    }
}
