//! What the shards take in beside what is delivered to them, what was open at the start and who is let in; and what
//! they have not finished, when they should.

use super::gate::{Gate, Load};
use super::outbox::LanesView;
use super::{Shards, outbox};
use crate::ports::{Clock, Recovered};

impl Shards {
    /// The service gate, if there is one.
    pub fn gate(&self) -> Option<&Gate> {
        self.gate.as_deref()
    }

    /// Lets in who may come in, and has those told who are to wait. `times_back`: of directory and registry.
    pub fn let_in(&self, times_back: u64) {
        let Some(gate) = &self.gate else { return };
        let unsent = self.lanes.iter().map(|lanes| lanes.open()).sum();
        let in_line = self.boards.iter().map(|board| board.in_line()).max().unwrap_or_default();
        for guest in gate.let_in(Load { unsent, in_line, times_back }) {
            self.board(self.of_contact(guest.contact)).let_in(guest);
        }
        for (guest, place) in gate.told() {
            self.board(self.of_contact(guest.contact)).tell(guest, place);
        }
    }

    /// Puts what was open when the store was opened where it belongs. Before any shard starts.
    pub fn place_recovered(&self, recovered: Recovered, reconcile_ms: i64, clock: &dyn Clock) {
        // Who is in the middle of something is known by his wish, so wishes go first.
        for (contact, at) in recovered.timers {
            self.board(self.of_contact(contact)).wish(contact, Some(at));
        }
        if let Some(gate) = self.gate.as_deref().filter(|_| !recovered.inbox.is_empty()) {
            gate.ramp();
        }
        // POST by POST, so that who wrote first stands first, whatever his shard.
        let mut rows = recovered.inbox.into_iter().peekable();
        while let Some(first) = rows.next() {
            let lsn = first.0.lsn;
            let mut post = vec![first];
            while let Some(next) = rows.next_if(|(id, _)| id.lsn == lsn) {
                post.push(next);
            }
            self.rows(post);
        }
        self.sends(outbox::recovered(recovered.outbox, reconcile_ms, clock.now()));
        self.statuses(recovered.statuses);
    }

    /// What keeps a drain waiting, by the name of the actor.
    pub fn unfinished(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (shard, (board, lanes)) in self.boards.iter().zip(&self.lanes).enumerate() {
            if let Some(open) = board.unfinished() {
                let sessions: Vec<u64> = open.sessions.iter().map(|contact| contact.0).collect();
                names.push(format!(
                    "shard {shard}: {} contacts wait, {} letters, {} turns under way, of the sessions {sessions:?}",
                    open.contacts_waiting, open.mail, open.turns
                ));
            }
            if !lanes.at_rest() {
                let LanesView { rows_open, in_flight, statuses, .. } = lanes.view();
                names.push(format!(
                    "outbox of shard {shard}: {in_flight} of {rows_open} sends in the air, {statuses} statuses wait"
                ));
            }
        }
        names
    }
}
