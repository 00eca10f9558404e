//! Contacts' revisions in a journal: each record of a contact follows the one before it by one. Anything else is a
//! turn that was lost, or one that was written by two.

use std::collections::HashMap;

use super::record::ContactRecord;
use crate::ports::{Key, Part, Table};

/// The newest revision of every contact, as far as the journal has been read.
#[derive(Debug, Default)]
pub struct Revisions(HashMap<Key, u64>);

impl Revisions {
    /// Looks at a part, in the journal's order. `Err` says what cannot be. The first record of a contact that is there
    /// may have any revision: the journal before it was trimmed.
    pub fn judge(&mut self, part: &Part) -> Result<(), String> {
        match part {
            Part::Put { table: Table::Contact, key, value } => {
                let rev = ContactRecord::decode(value).map_err(|error| error.to_string())?.rev;
                match self.0.insert(key.clone(), rev) {
                    Some(before) if rev != before + 1 => {
                        let contact = ContactRecord::contact_of(key).map_or(0, |contact| contact.0);
                        Err(format!("revision {rev} of contact {contact} follows {before}"))
                    }
                    Some(_) | None => Ok(()),
                }
            }
            Part::Delete { table: Table::Contact, key } => {
                self.0.remove(key);
                Ok(())
            }
            Part::Put { .. }
            | Part::Delete { .. }
            | Part::OpenInbox(_)
            | Part::CloseInbox(..)
            | Part::OpenOutbox(_)
            | Part::AttemptOutbox { .. }
            | Part::CloseOutbox { .. }
            | Part::Status(_)
            | Part::Timer { .. }
            | Part::DeadLetter(_)
            | Part::CloseDeadLetter(_) => Ok(()),
        }
    }
}
