//! What became of texts: from the way that hears of it to the account whose text it was.
//!
//! Bounded by the texts that were sent: a way tells of each once. What comes when no account has room is lost, as is all
//! that a way forgot when the process ended: nothing waits for it.

use std::sync::Arc;

use super::board::Mail;
use super::{Lines, Shards, Way};
use crate::account::AccountEvent;
use crate::domain::keys::ServerKeys;
use crate::metrics;
use crate::ports::{Fate, Receipt, Receipts};

/// One way's news.
struct Listener {
    shards: Arc<Shards>,
    keys: Arc<ServerKeys>,
    /// The place behind the way's own in the order.
    next: usize,
}

/// Has every way tell what it hears.
pub fn listen(lines: &[Lines], shards: &Arc<Shards>, keys: &Arc<ServerKeys>) {
    for line in lines {
        for (place, way) in line.ways.iter().enumerate() {
            if let Way::Sms(sender) = way {
                let (shards, keys) = (Arc::clone(shards), Arc::clone(keys));
                sender.tell(Arc::new(Listener { shards, keys, next: place + 1 }));
            }
        }
    }
}

impl Receipts for Listener {
    fn heard(&self, Receipt { sms, fate }: Receipt) {
        let (contact, call) = (sms.key.contact, sms.key.call);
        let event = match fate {
            Fate::Delivered => {
                metrics::receipt_heard("delivered");
                AccountEvent::Delivered { contact, call }
            }
            Fate::Undeliverable => {
                metrics::receipt_heard("undeliverable");
                AccountEvent::Undeliverable { contact, call, text: sms.text, from: self.next }
            }
        };
        let mail = Mail::Account { phone: sms.to, event: Box::new(event) };
        self.shards.tell_account(self.keys.account(sms.to), mail);
    }
}
