//! A code on its way to a phone's WhatsApp, where its SMS was reported undelivered.
//!
//! It spends the number's budget as what belongs to a session, and is tried again only while it is certain that
//! nothing has left; one with an unknown end is left at that, since whoever waits may ask for another code. The pair
//! limit of the phone's own chat is not asked: a number gets a handful of codes a day, and Meta's refusal is heard.

use std::sync::Arc;
use std::time::Duration;

use crate::actors::Neighbours;
use crate::actors::session::Home;
use crate::actors::supervision;
use crate::domain::message::Urgency;
use crate::domain::otp::Otp;
use crate::domain::phone::Mobile;
use crate::limits::Room;
use crate::metrics;
use crate::ports::{Channel, OutgoingCode, SendError};
use crate::wire::codes::{self, Class};

/// How long is waited before it is tried again, and how often: half a minute, of the minutes that a code is good for.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS_MAX: u32 = 60;

/// Sends a code, if codes may leave this way; `false`: no event comes of it.
pub(super) fn send(home: &Home, to: Mobile, code: Otp) -> bool {
    let neighbours = Arc::clone(&home.neighbours);
    let channel = Arc::clone(&home.lines().channel);
    let Some((number, template)) = neighbours.figures.code_template.clone() else { return false };
    let outgoing = OutgoingCode { number, to: to.phone(), template, code };
    supervision::task(with_retries(neighbours, channel, outgoing), |sent| {
        metrics::neighbour_called("code_template", if sent == Ok(true) { "ok" } else { "given_up" });
    });
    false
}

async fn with_retries(neighbours: Arc<Neighbours>, channel: Arc<dyn Channel>, outgoing: OutgoingCode) -> bool {
    let within = Duration::from_millis(neighbours.figures.send_timeout_ms);
    let budgets = &neighbours.budgets;
    let mut tries = 0;
    for look in 0..LOOKS_MAX {
        if look > 0 {
            tokio::time::sleep(LOOK).await;
        }
        if !budgets.template_is_usable(&outgoing.template.name) {
            return false;
        }
        match budgets.take_for(&outgoing.number, Urgency::Session) {
            Room::Yes => {}
            Room::NotNow => continue,
            Room::Shut => return false,
        }
        tries += 1;
        let sent = tokio::time::timeout(within, channel.send_code(outgoing.clone())).await;
        match sent {
            Ok(Ok(_)) => {
                budgets.accepted(&outgoing.number);
                return true;
            }
            Ok(Err(SendError::Unreachable { .. })) if tries < neighbours.figures.tries_max => {}
            Ok(Err(SendError::Refused { code, http })) => {
                let class = codes::class_of_answer(code, http);
                tracing::warn!(code, http, class = class.name(), "meta refused a code's template");
                budgets.refused(&outgoing.number, Some(code), class);
                if !may_pass(class) || tries >= neighbours.figures.tries_max {
                    return false;
                }
            }
            Ok(Err(_)) | Err(_) => return false,
        }
    }
    false
}

/// Whether the same message may be taken a moment later.
fn may_pass(class: Class) -> bool {
    matches!(class, Class::Retry | Class::ThrottleNumber | Class::ThrottleContact)
}
