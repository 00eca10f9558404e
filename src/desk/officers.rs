//! What the officers' side does with a report, whoever it is: `siaga tickets`, or a ministry's own desk.

use super::{Desk, shelf};
use crate::conversation::Notice;
use crate::domain::ticket::{TicketMove, TicketNumber, TicketState, TicketView};
use crate::ports::{Acted, Change, InboxBody, InboxRow, NeighbourError, OrderId, Part};

impl Desk {
    /// Moves a report on and tells its chat. An order of the ministry's desk is carried out once and not told back to
    /// it; what is done here is told to it.
    pub async fn act(
        &self,
        number: TicketNumber,
        moved: TicketMove,
        order: Option<OrderId>,
    ) -> Result<Acted, NeighbourError> {
        let _alone = self.writing.lock().await;
        let now = self.clock.now();
        let Some(mut head) = self.shelf.head(number).await? else { return Ok(Acted::Unknown) };
        if order.is_some_and(|order| head.carried_out(order)) {
            return Ok(Acted::Before);
        }
        if matches!(head.ticket.state, TicketState::Closed { .. }) {
            return Ok(Acted::Closed);
        }
        let was_answered = matches!(head.ticket.state, TicketState::Answered { .. });
        head.resume(now);
        let (state, words) = match moved {
            TicketMove::TakeUp => (TicketState::InWork { since: now }, None),
            TicketMove::Ask(words) => (TicketState::WaitingCitizen { since: now }, Some(shelf::cut(words))),
            TicketMove::Answer(words) => (TicketState::Answered { at: now }, Some(shelf::cut(words))),
            TicketMove::Close => (TicketState::Closed { at: now }, None),
        };
        let mut parts = Vec::new();
        match (&state, &words) {
            (TicketState::Answered { .. }, words) if was_answered && head.ticket.answer == *words => {
                return Ok(Acted::Repeated);
            }
            (TicketState::Answered { .. }, words) => head.ticket.answer.clone_from(words),
            (_, Some(words)) => parts.push(shelf::asked(number, words)),
            (_, None) => {}
        }
        let closes = matches!(state, TicketState::Closed { .. });
        head.ticket.state = state;
        if !closes {
            let notice = Notice::TicketMoved { ticket: head.view(), words: words.clone() };
            let contact = head.ticket.draft.contact;
            parts.push(Part::OpenInbox(InboxRow { contact, accepted_at: now, body: InboxBody::Notice(notice) }));
        }
        if let Some(order) = order {
            head.note(order);
            parts.push(head.written());
            self.shelf.write(parts).await?;
        } else {
            let change = if closes { Change::Closed } else { Change::Moved };
            self.change(&mut head, change, words, parts).await?;
        }
        Ok(Acted::Done(head.view()))
    }

    /// The same by an officer here, where it is enough to know what it came to.
    pub async fn advance(&self, number: TicketNumber, moved: TicketMove) -> Result<Option<TicketView>, NeighbourError> {
        match self.act(number, moved, None).await? {
            Acted::Done(view) => Ok(Some(view)),
            Acted::Before | Acted::Unknown | Acted::Closed | Acted::Repeated => Ok(None),
        }
    }
}
