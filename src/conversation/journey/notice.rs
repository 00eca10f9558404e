//! What happens to a contact without his writing: a login ended, an identity changed, a report moved.

use super::{Talk, greet};
use crate::conversation::Notice;
use crate::conversation::choice::Choice as C;
use crate::conversation::say::Draft;
use crate::conversation::text::table;
use crate::conversation::text::value::Words;
use crate::domain::message::Text;
use crate::domain::ticket::{TicketState, TicketView};
use crate::domain::time::DAY_MS;

pub(super) fn noticed(talk: &mut Talk<'_>, notice: Notice) {
    match notice {
        // Said at the next message, as a session that ran out is.
        Notice::LoginEnded => greet::drop_login(talk),
        Notice::IdentityChanged | Notice::MovedTo { .. } => greet::identity_changed(talk),
        Notice::Merged { .. } => {
            greet::leave(talk);
            greet::drop_login(talk);
        }
        Notice::Absorbed(legacy) => talk.state.absorb(&legacy.strict),
        Notice::TicketMoved { ticket, words } => ticket_moved(talk, &ticket, &words.unwrap_or_default()),
    }
}

/// The desk answered or asked. Past 24 h since the citizen wrote, only that there is news.
fn ticket_moved(talk: &mut Talk<'_>, ticket: &TicketView, words: &Text) {
    let is_answer = matches!(ticket.state, TicketState::Answered { .. });
    if !is_answer && !matches!(ticket.state, TicketState::WaitingCitizen { .. }) {
        return;
    }
    talk.state.ticket = Some(ticket.number);
    let words = sentence(&words.0);
    if talk.state.heard_at.is_none_or(|at| talk.now().since_ms(at) >= DAY_MS) {
        return talk.notify(&Draft::notice(table::ticket_news(ticket.number)));
    }
    let draft = if is_answer {
        let draft = Draft::notice(table::ticket_done(ticket.number, words));
        draft.offering(&[C::Download, C::NotDone, C::Finish])
    } else {
        let draft = Draft::notice(table::ticket_question(ticket.number, words));
        draft.offering(&[C::AddWords, C::Menu, C::Finish])
    };
    talk.notify(&draft);
}

/// The officer's words, ended as a sentence is: another follows.
fn sentence(words: &str) -> Words {
    let words = words.trim();
    let is_ended = words.is_empty() || words.ends_with(['.', '!', '?']);
    Words(if is_ended { words.to_owned() } else { format!("{words}.") })
}
