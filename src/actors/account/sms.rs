//! A text on its way to a phone: by the ways that are set (`otp.senders`), in their order.
//!
//! A way that surely did not take it leaves it to the next at once; one that refused it, or reports that the number
//! receives nothing, is not asked again for it. Where it is not known whether a way took it, that way is asked once
//! more under the same key, which a gateway that can tell sends once, and only then the next: whatever arrives, it is
//! the same code. While all breakers are open it waits; while ways fail whose breakers are closed, since nobody else asks
//! them, it is tried for as long: its citizen was told that it comes.
//!
//! A template's turn comes when no SMS before it can be expected soon: those refused, were refused by their breaker, or
//! `sms_tries_max` rounds are over. Nothing here decides whether a code may go that way: the account does (`or_template`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use crate::account::AccountEvent;
use crate::actors::neighbour::Neighbour;
use crate::actors::session::Home;
use crate::actors::{Way, supervision};
use crate::metrics;
use crate::ports::{OtpSender, OutgoingSms, Unsent};

use super::effects::tell;

const PAUSE_FIRST_MS: u64 = 500;
const PAUSE_LAST_MS: u64 = 8_000;
/// While all ways' breakers are open a text waits for one, looked at so often and at most so many times: a minute. A
/// text that ways do not take is tried for a minute too. A code is good for longer than that.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS_MAX: u32 = 120;

/// How a text's journey ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Taken,
    /// The code of this challenge is to go by a template.
    Template([u8; 16]),
    GivenUp,
}

/// Sends a text by the first way from `from` on that takes it.
pub(super) fn send(home: &Home, sms: OutgoingSms, or_template: Option<[u8; 16]>, from: usize) {
    let (key, to, text) = (sms.key, sms.to, sms.text.clone());
    let home = home.clone();
    let journey = Journey { home: home.clone(), sms, or_template, from };
    supervision::task(journey.run(), move |end| match end {
        Ok(End::Taken) => {}
        Ok(End::Template(challenge)) => {
            tell(&home, to, AccountEvent::ByTemplate { contact: key.contact, call: key.call, challenge, text });
        }
        Ok(End::GivenUp) | Err(_) => {
            tracing::error!("a text to a phone was given up");
            metrics::neighbour_called("sms", "given_up");
        }
    });
}

/// Where templates stand in the order.
pub(super) fn template_place(ways: &[Way]) -> Option<usize> {
    ways.iter().position(|way| matches!(way, Way::Template))
}

struct Journey {
    home: Home,
    sms: OutgoingSms,
    or_template: Option<[u8; 16]>,
    from: usize,
}

impl Journey {
    async fn run(self) -> End {
        let ways = &self.home.lines().ways;
        let usable = |(place, way): (usize, &Way)| match way {
            Way::Sms(_) => place >= self.from,
            Way::Template => place >= self.from && self.or_template.is_some(),
        };
        let mut open: Vec<bool> = ways.iter().enumerate().map(usable).collect();
        let rounds = self.home.neighbours.figures.sms_tries_max.max(1);
        let until = Instant::now() + LOOK * LOOKS_MAX;
        for round in 0.. {
            if !open.contains(&true) || (round >= rounds && Instant::now() >= until) {
                break;
            }
            if round > 0 {
                self.pause(round).await;
            }
            self.wait_for_a_way(&open).await;
            if let Some(end) = self.round(ways, &mut open, round + 1 >= rounds).await {
                return end;
            }
        }
        End::GivenUp
    }

    /// Asks each open way once, in their order.
    async fn round(&self, ways: &[Way], open: &mut [bool], last: bool) -> Option<End> {
        let gateways = &self.home.neighbours.calls.ways;
        for (place, (way, gateway)) in ways.iter().zip(gateways).enumerate() {
            if !open[place] || gateway.refuses() {
                continue;
            }
            match way {
                Way::Template => {
                    let expected = (0..place).any(|before| open[before] && !gateways[before].refuses());
                    if let Some(challenge) = self.or_template.filter(|_| last || !expected) {
                        return Some(End::Template(challenge));
                    }
                }
                Way::Sms(sender) => {
                    let mut ended = self.ask(gateway, sender).await;
                    if matches!(ended, Err(Unsent::Unknown { .. })) {
                        ended = self.ask(gateway, sender).await;
                    }
                    match ended {
                        Ok(()) => return Some(End::Taken),
                        Err(Unsent::NotNow { .. } | Unsent::Unknown { .. }) => {}
                        Err(Unsent::Undelivered | Unsent::Refused { .. }) => open[place] = false,
                    }
                }
            }
        }
        None
    }

    async fn ask(&self, gateway: &Arc<Neighbour>, sender: &Arc<dyn OtpSender>) -> Result<(), Unsent> {
        let (sender, sms) = (Arc::clone(sender), self.sms.clone());
        let within = Duration::from_millis(self.home.neighbours.figures.neighbour_timeout_ms);
        let make = move || -> BoxFuture<'static, _> { Box::pin(async move { sender.send(sms).await }) };
        let ended = Arc::clone(gateway).call(gateway.name(), within, make).await;
        match &ended {
            Ok(()) => {}
            Err(Unsent::Undelivered) => tracing::info!(way = gateway.name(), "a number is reported to receive no sms"),
            Err(Unsent::Refused { reason }) => tracing::error!(way = gateway.name(), reason, "an sms is refused"),
            Err(unsent) => tracing::warn!(way = gateway.name(), %unsent, "an sms is not taken"),
        }
        ended
    }

    async fn pause(&self, round: u32) {
        let whole = PAUSE_FIRST_MS.saturating_mul(1 << round.min(16)).min(PAUSE_LAST_MS);
        let chance = u64::from(self.home.neighbours.random.bytes()[0]);
        tokio::time::sleep(Duration::from_millis(whole * chance / 255)).await;
    }

    /// Waits while every way that is left refuses calls.
    async fn wait_for_a_way(&self, open: &[bool]) {
        let ways = &self.home.neighbours.calls.ways;
        for _ in 0..LOOKS_MAX {
            if ways.iter().zip(open).any(|(way, open)| *open && !way.refuses()) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
