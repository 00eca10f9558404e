//! HAPUS DATA: asked back once; what protects others survives it (conversation.md 8).

use super::{Talk, greet, prompt};
use crate::conversation::Effect;
use crate::conversation::say::Draft;
use crate::conversation::state::Question as Q;
use crate::conversation::text::table;

/// Asks back. What was asked before is asked again if he thinks better of it.
pub(super) fn ask(talk: &mut Talk<'_>) {
    let session = talk.session();
    if session.question != Q::Erase {
        session.before_erase = Some((session.question, std::mem::take(&mut session.offered)));
    }
    talk.ask(Q::Erase, prompt::of(talk, Q::Erase));
}

/// "Batal".
pub(super) fn cancelled(talk: &mut Talk<'_>) {
    let (question, offered) = talk.session().before_erase.take().unwrap_or((Q::Consent, Vec::new()));
    talk.session().offered = offered;
    talk.begin_with(table::erase_kept());
    // Who was never greeted is greeted now.
    let draft = if question == Q::Consent { prompt::consent(talk) } else { prompt::of(talk, question) };
    talk.ask(question, draft);
}

/// "Ya, hapus": session, watch and open sends go. Undo tries, proof of consent and the language stay here;
/// locks and reports stay where they are kept.
pub(super) fn confirmed(talk: &mut Talk<'_>) -> bool {
    if talk.question() != Some(Q::Erase) {
        return false;
    }
    greet::leave(talk);
    let now = talk.now();
    talk.state.close(now, None);
    talk.state.watch = None;
    talk.state.ticket = None;
    talk.state.news = None;
    talk.push(Effect::Erase);
    talk.tell(Draft::answer(table::erased()));
    true
}
