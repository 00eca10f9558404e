//! A code on its way to a phone's WhatsApp, by a template: one of the ways of codes (`sms`).
//!
//! It spends the number's budget as what belongs to a session, and of the bucket of that number with the citizen whose
//! WhatsApp it is, if he ever wrote: his own chat's replies come out of the same. It is tried again only while it is
//! certain that nothing has left. What Meta did not take goes on to the ways after templates; one with an unknown end
//! is left at that, since whoever waits may ask for another code.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::sms;
use crate::actors::neighbour::{CallError, Neighbour};
use crate::actors::session::Home;
use crate::actors::supervision;
use crate::domain::contact::ContactId;
use crate::domain::message::{MessageId, Urgency};
use crate::domain::otp::Otp;
use crate::limits::Room;
use crate::metrics;
use crate::ports::{OutgoingCode, OutgoingSms, SendError};
use crate::wire::codes::{self, Class};

/// How long is waited before it is tried again, and how often: half a minute, of the minutes that a code is good for.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS_MAX: u32 = 60;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Taken,
    NotTaken,
    Unknown,
}

/// Sends a code, if codes may leave this way; `sms` is its text, for the ways that come after.
pub(super) fn send(home: &Home, sms: OutgoingSms, code: Otp) {
    let Some(place) = sms::template_place(&home.lines().ways) else { return };
    let template = home.neighbours.figures.code_template.clone();
    let (Some((number, template)), Some(gateway)) = (template, home.neighbours.calls.ways.get(place)) else { return };
    let outgoing = OutgoingCode { number, to: sms.to.phone(), template, code };
    let attempt = Attempt { home: home.clone(), gateway: Arc::clone(gateway), outgoing };
    let home = home.clone();
    supervision::task(attempt.run(), move |end| match end {
        Ok(End::Taken) => metrics::neighbour_called("code_template", "ok"),
        Ok(End::NotTaken) => {
            metrics::neighbour_called("code_template", "given_up");
            sms::send(&home, sms, None, place + 1);
        }
        Ok(End::Unknown) | Err(_) => metrics::neighbour_called("code_template", "unknown"),
    });
}

struct Attempt {
    home: Home,
    gateway: Arc<Neighbour>,
    outgoing: OutgoingCode,
}

impl Attempt {
    async fn run(self) -> End {
        let neighbours = &self.home.neighbours;
        let (budgets, tries_max) = (&neighbours.budgets, neighbours.figures.tries_max);
        let chat = self.chat().await;
        let mut tries = 0;
        for look in 0..LOOKS_MAX {
            if look > 0 {
                tokio::time::sleep(LOOK).await;
            }
            if self.gateway.refuses() || !budgets.template_is_usable(&self.outgoing.template.name) {
                return End::NotTaken;
            }
            match self.room(chat) {
                Room::Yes => {}
                Room::NotNow => continue,
                Room::Shut => return End::NotTaken,
            }
            tries += 1;
            match self.once().await {
                Ok(_) => {
                    budgets.accepted(&self.outgoing.number);
                    return End::Taken;
                }
                Err(Failed(SendError::Unreachable { .. })) if tries < tries_max => {}
                Err(Failed(SendError::Refused { code, http })) => {
                    if !self.may_pass(chat, code, http) || tries >= tries_max {
                        return End::NotTaken;
                    }
                }
                Err(Failed(SendError::Unreachable { .. } | SendError::Unsendable { .. })) => return End::NotTaken,
                Err(Failed(SendError::Ambiguous { .. } | SendError::Unreadable { .. })) => return End::Unknown,
            }
        }
        End::NotTaken
    }

    async fn once(&self) -> Result<MessageId, Failed> {
        let (channel, outgoing) = (Arc::clone(&self.home.lines().channel), self.outgoing.clone());
        let within = Duration::from_millis(self.home.neighbours.figures.send_timeout_ms);
        let make = move || -> BoxFuture<'static, _> {
            Box::pin(async move { channel.send_code(outgoing).await.map_err(Failed) })
        };
        Arc::clone(&self.gateway).call(self.gateway.name(), within, make).await
    }

    /// Whose WhatsApp it is, if he ever wrote to us. A bucket that nobody can read of is as good as full: a number
    /// gets a handful of codes a day, and Meta's refusal is heard.
    async fn chat(&self) -> Option<ContactId> {
        let switchboard = &self.home.neighbours.switchboard;
        let alias = switchboard.alias(switchboard.phone(Some(self.outgoing.to))?).await.ok()?;
        alias.map(|alias| alias.contact)
    }

    /// Whether it may leave now: its place in the citizen's bucket and in the number's budget is taken.
    fn room(&self, chat: Option<ContactId>) -> Room {
        let (home, number) = (&self.home, &self.outgoing.number);
        let now = home.neighbours.clock.now();
        let bucket = chat.map(|contact| (contact, home.shards.lanes(home.shards.of_contact(contact))));
        if bucket.is_some_and(|(contact, lanes)| !lanes.take_pair(number, contact, now)) {
            metrics::limit_acted("code_waits");
            return Room::NotNow;
        }
        let room = home.neighbours.budgets.take_for(number, Urgency::Session);
        if room != Room::Yes
            && let Some((contact, lanes)) = bucket
        {
            lanes.give_pair_back(number, contact);
        }
        room
    }

    /// Meta refused it: what that means beyond it, and whether it may be taken a moment later.
    fn may_pass(&self, chat: Option<ContactId>, code: u32, http: u16) -> bool {
        let (home, number) = (&self.home, &self.outgoing.number);
        let class = codes::class_of_answer(code, http);
        tracing::warn!(code, http, class = class.name(), "meta refused a code's template");
        home.neighbours.budgets.refused(number, Some(code), class);
        if let Some(contact) = chat.filter(|_| class == Class::ThrottleContact) {
            let lanes = home.shards.lanes(home.shards.of_contact(contact));
            lanes.empty_pair(number, contact, home.neighbours.clock.now());
        }
        matches!(class, Class::Retry | Class::ThrottleNumber | Class::ThrottleContact)
    }
}

/// A send as its breaker sees it: Meta answers, whatever it says of this one.
struct Failed(SendError);

impl CallError for Failed {
    fn unmade(_: &'static str, reason: String) -> Self {
        Self(SendError::Unreachable { reason })
    }

    fn unanswered(_: &'static str, reason: String) -> Self {
        Self(SendError::Ambiguous { reason })
    }

    fn outcome(&self) -> &'static str {
        match self.0 {
            SendError::Unreachable { .. } | SendError::Ambiguous { .. } | SendError::Unreadable { .. } => "down",
            SendError::Refused { .. } | SendError::Unsendable { .. } => "misconfigured",
        }
    }
}
