//! A contact that has been quiet: what of it may go, and when all of it may.
//!
//! The sweep (`actors::sweep`) finds who is due; the contact's own session does it, in a turn of its own, since
//! nobody else may write its record. What is past its time goes first (`shrunk`); when nothing is left to
//! remember the record goes with the aliases that lead to it. The aliases' locks are held meanwhile, and the
//! journal is waited for once: so no message can be on its way to a contact that is being forgotten.

use super::life::{Life, Memory};
use super::record::ContactRecord;
use crate::actors::board::Turned;
use crate::conversation::Rules;
use crate::domain::time::Timestamp;
use crate::metrics;
use crate::ports::{Part, StoreError, Table};

/// Ids that are past their time are worth a write when there are so many, or no others.
const SPENT_IDS_MIN: usize = 16;

/// What a quiet contact's record comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Rest {
    /// Nothing may go yet.
    Stays,
    /// This is what is left.
    Shrinks(Box<ContactRecord>),
    /// Nothing is left.
    Goes,
}

/// What may go of a record. Total: a record with anything under way stays.
pub fn rest(record: &ContactRecord, now: Timestamp, rules: &Rules) -> Rest {
    // One that turned out to be another stays as a sign to it: accounts and the desk may still know it.
    let at_work = record.wish.is_some() || record.trouble.is_some() || record.moved.is_some();
    if at_work || !record.state.is_quiet() {
        return Rest::Stays;
    }
    let mut left = record.clone();
    left.state = record.state.shrunk(now, rules);
    let spent = left.seen.forget(now);
    let pages = left.pages.forget(now);
    let none_left = left.seen.is_empty() && left.pages.is_empty();
    if left.state.is_blank() && none_left {
        return Rest::Goes;
    }
    let worth_it = left.state != record.state || pages > 0 || spent >= SPENT_IDS_MIN || (spent > 0 && none_left);
    if worth_it { Rest::Shrinks(Box::new(left)) } else { Rest::Stays }
}

impl Life {
    /// A turn that only tidies up.
    pub(super) async fn tidy(&self, mut memory: Box<Memory>) -> Result<(Box<Memory>, Turned), StoreError> {
        let neighbours = &self.home.neighbours;
        if memory.calls.is_empty() {
            match rest(&memory.record, neighbours.clock.now(), &neighbours.rules) {
                Rest::Stays => {}
                Rest::Shrinks(mut record) => {
                    record.rev += 1;
                    let key = ContactRecord::key(self.contact);
                    let mut parts = record.turn_pages(&memory.record, self.contact, neighbours.clock.now());
                    parts.push(Part::Put { table: Table::Contact, key, value: record.encode() });
                    self.home.commit(parts).await?;
                    memory.record = record;
                    metrics::tidied("contact_shrunk");
                }
                Rest::Goes => {
                    if self.forget(&memory.record).await? {
                        *memory = Memory::of(ContactRecord::fresh(neighbours.clock.now()));
                        metrics::tidied("contact_forgotten");
                    }
                }
            }
        }
        let due = [memory.record.wish, memory.calls.due_at()].into_iter().flatten().min();
        let (waiting, asking) = (!memory.calls.is_empty(), memory.calls.made());
        Ok((memory, Turned { contact: self.contact, life: self.number, due, waiting, asking }))
    }

    /// Removes the contact. False: something is on its way to it, or the desk still knows it.
    async fn forget(&self, record: &ContactRecord) -> Result<bool, StoreError> {
        let neighbours = &self.home.neighbours;
        // A report's answer comes back to this contact.
        if !neighbours.tickets.of_contact(self.contact).await.is_ok_and(|reports| reports.is_empty()) {
            return Ok(false);
        }
        let mut aliases = neighbours.switchboard.hold_aliases(&record.identity).await;
        // What came in before is at the board when this is durable.
        self.home.commit(Vec::new()).await?;
        if self.home.shards.board(self.home.shard).oldest(self.contact).is_some() {
            return Ok(false);
        }
        let mut parts = aliases.leading_to(self.contact).await?;
        parts.extend(record.pages.keys(self.contact).map(|key| Part::Delete { table: Table::Dedupe, key }));
        parts.push(Part::Delete { table: Table::Contact, key: ContactRecord::key(self.contact) });
        parts.push(Part::Timer { contact: self.contact, at: None });
        self.home.commit(parts).await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::session::seen::SEEN_MS;
    use crate::domain::contact::{BusinessNumber, Recipient};
    use crate::domain::message::MessageId;
    use crate::domain::phone::Phone;
    use crate::domain::time::HOUR_MS;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);
    /// What sealing and the table add to a record.
    const AROUND_BYTES: usize = 45 + 8;
    /// Of the moment of consent, which is kept for a year.
    const CONSENT_BYTES: usize = 7;

    fn record(ids: usize) -> ContactRecord {
        let mut record = ContactRecord { rev: 12, ..ContactRecord::fresh(NOW) };
        for id in 0..ids {
            record.seen.note(&MessageId(format!("wamid.{id}")), NOW);
        }
        let phone = Phone::from_wa_id("6281200000042").expect("a phone");
        record.identity.phone = Some(phone);
        record.reply_to = Some((BusinessNumber("100000000000001".into()), Recipient::Phone(phone)));
        record
    }

    #[test]
    fn a_finished_contact_rests_in_two_hundred_bytes() {
        let bytes = record(5).encode().0.len() + CONSENT_BYTES + AROUND_BYTES;
        assert!(bytes <= 200, "{bytes} bytes");
    }

    #[test]
    fn what_is_under_way_stays_and_what_is_over_goes() {
        let rules = Rules::default();
        let later = NOW.plus_ms(SEEN_MS + HOUR_MS);
        assert_eq!(rest(&record(5), later, &rules), Rest::Goes);
        let waking = ContactRecord { wish: Some(later), ..record(5) };
        assert_eq!(rest(&waking, later, &rules), Rest::Stays, "it wants to be woken");
        assert_eq!(rest(&record(40), NOW.plus_ms(SEEN_MS - HOUR_MS), &rules), Rest::Stays, "its ids still count");
    }

    #[test]
    fn many_ids_past_their_time_are_worth_a_write() {
        let mut record = record(SPENT_IDS_MIN);
        let later = NOW.plus_ms(SEEN_MS + HOUR_MS);
        // Noted by a clock that had not moved yet, so that the old ones are still there.
        record.seen.note(&MessageId("wamid.new".into()), NOW.plus_ms(2 * HOUR_MS));
        let Rest::Shrinks(left) = rest(&record, later, &Rules::default()) else { panic!("it stays as it is") };
        assert_eq!(left.seen.len(), 1);
    }

    #[test]
    fn a_contact_that_comes_back_has_another_epoch() {
        let first = ContactRecord::fresh(NOW);
        assert_ne!(first.state, ContactRecord::fresh(NOW.plus_ms(SEEN_MS)).state, "old buttons never act again");
    }
}
