//! What happens to a contact without his writing: a login ended, an identity changed, a report moved.

use super::{Talk, greet};
use crate::conversation::Notice;
use crate::conversation::choice::Choice as C;
use crate::conversation::say::Draft;
use crate::conversation::state::News;
use crate::conversation::text::table;
use crate::conversation::text::value::Words;
use crate::domain::call::{Answer, Call, CallId, Request};
use crate::domain::message::Text;
use crate::domain::ticket::{TicketNumber, TicketStanding, TicketState, TicketView};
use crate::domain::time::{DAY_MS, Timestamp};

/// Reports that are told of in one turn; where there are more, TIKET shows them.
const NEWS_MAX: usize = 3;

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

/// The desk answered or asked. Past 24 h since the citizen wrote, only that there is news; what it is, once he has
/// written.
fn ticket_moved(talk: &mut Talk<'_>, ticket: &TicketView, words: &Text) {
    let Some(at) = spoken_at(ticket) else { return };
    talk.state.ticket = Some(ticket.number);
    if !may_write_freely(talk) {
        talk.state.news.get_or_insert(News { since: at, call: None });
        return talk.notify(&Draft::notice(table::ticket_news(ticket.number)));
    }
    tell(talk, ticket, words);
}

/// Reads the news that he was only told to be there, unless the step already makes a call: then in the next turn.
pub(super) fn read_news(talk: &mut Talk<'_>) {
    let (id, may) = (talk.context.call, may_write_freely(talk) && !talk.makes_call());
    let Some(news) = talk.state.news.as_mut().filter(|news| may && news.call.is_none()) else { return };
    news.call = Some(id);
    talk.push_call(Call { id, request: Request::ReadTickets }, 0);
}

/// What the desk said meanwhile, each in a message of its own, the oldest first.
pub(super) fn news_read(talk: &mut Talk<'_>, call: CallId, answer: &Answer) -> bool {
    let Some(news) = talk.state.news.as_mut().filter(|news| news.call == Some(call)) else { return false };
    // Where the desk does not answer, the next turn asks again.
    news.call = None;
    if let Answer::Tickets(reports) = answer {
        tell_news(talk, reports, None);
    }
    true
}

/// Tells all news but those of the report that is being shown.
pub(super) fn tell_news(talk: &mut Talk<'_>, reports: &[TicketStanding], shown: Option<TicketNumber>) {
    let Some(news) = talk.state.news.take() else { return };
    let is_new = |report: &&TicketStanding| {
        spoken_at(&report.view).is_some_and(|at| at >= news.since) && shown != Some(report.view.number)
    };
    for report in reports.iter().filter(is_new).take(NEWS_MAX).collect::<Vec<_>>().into_iter().rev() {
        talk.state.ticket = Some(report.view.number);
        tell(talk, &report.view, &report.words.clone().unwrap_or_default());
    }
}

/// When the desk said what stands now; nothing where it has said nothing.
fn spoken_at(ticket: &TicketView) -> Option<Timestamp> {
    match ticket.state {
        TicketState::Answered { at } => Some(at),
        TicketState::WaitingCitizen { since } => Some(since),
        TicketState::Filed | TicketState::InWork { .. } | TicketState::Closed { .. } | TicketState::Reopened { .. } => {
            None
        }
    }
}

fn may_write_freely(talk: &Talk<'_>) -> bool {
    talk.state.heard_at.is_some_and(|at| talk.now().since_ms(at) < DAY_MS)
}

fn tell(talk: &mut Talk<'_>, ticket: &TicketView, words: &Text) {
    let words = sentence(&words.0);
    let draft = if matches!(ticket.state, TicketState::Answered { .. }) {
        let draft = Draft::notice(table::ticket_done(ticket.number, words));
        draft.offering(&[C::Download, C::NotDone, C::Finish])
    } else {
        let draft = Draft::notice(table::ticket_question(ticket.number, words));
        draft.offering(&[C::AddWords, C::Menu, C::Finish])
    };
    talk.notify(&draft);
}

/// The officer's words, ended as a sentence is: another follows.
pub(super) fn sentence(words: &str) -> Words {
    let words = words.trim();
    let is_ended = words.is_empty() || words.ends_with(['.', '!', '?']);
    Words(if is_ended { words.to_owned() } else { format!("{words}.") })
}
