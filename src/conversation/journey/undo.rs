//! BUKAN SAYA: a change is taken back with the code of its SMS, from any chat, without a login.

use super::{Talk, greet};
use crate::conversation::heard::Heard;
use crate::conversation::say::Draft;
use crate::conversation::state::Question as Q;
use crate::conversation::text::table;
use crate::conversation::text::value::{Clock, Count, Day};
use crate::domain::call::Request;
use crate::domain::ticket::{TicketKind, TicketView};
use crate::domain::time::Zone;

/// BUKAN SAYA, with or without its code.
pub(super) fn asked(talk: &mut Talk<'_>, heard: &Heard) {
    let Some(code) = heard.reading.undo else { return talk.tell(Draft::prompt(table::undo_ask())) };
    let now = talk.now();
    if talk.state.take_undo_try(now).is_none() {
        return talk.tell(Draft::answer(table::undo_stopped()));
    }
    if talk.state.session.is_none() {
        // Only to wait in; nobody is asked anything.
        talk.session().question = Q::Served;
    }
    talk.call(Request::Undo { code });
}

pub(super) fn undone(talk: &mut Talk<'_>, ticket: &TicketView) {
    talk.state.ticket = Some(ticket.number);
    let (day, clock) = (Day(ticket.due), Clock(ticket.due, Zone::Wib));
    talk.tell(Draft::answer(if ticket.kind == TicketKind::NameChangeUndone {
        table::undone_name(ticket.number, day, clock)
    } else {
        table::undone(ticket.number, day, clock)
    }));
    // Undoing ends every login of its account, this chat's among them. Which account that was is not known
    // here, so a login of another one is proven anew as well.
    greet::drop_login(talk);
}

pub(super) fn unknown(talk: &mut Talk<'_>) {
    let left = talk.state.undo_tries_left(talk.now());
    talk.tell(Draft::answer(match left {
        0 => table::undo_stopped(),
        left => table::undo_unknown(Count(u32::from(left))),
    }));
}
