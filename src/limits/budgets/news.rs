//! What Meta says of our numbers, account and templates, and what an operator reads of it.

use super::super::standing::{self, Reason, Standing, Stop, Turn};
use super::Budgets;
use crate::domain::contact::BusinessNumber;
use crate::metrics;
use crate::wire::payload::AccountEvent;

/// Templates of ours that may be off at once; we have a few.
const TEMPLATES_OFF_MAX: usize = 256;

impl Budgets {
    /// Meta's news of our numbers, account and templates. Gives what must be remembered over a restart.
    pub fn news(&self, event: &AccountEvent) -> Option<Standing> {
        let standing = match event {
            AccountEvent::NumberQuality { display_number, change } => {
                let number = self.named(display_number.as_deref());
                tracing::warn!(number = number.map(|number| &*number.0), ?change, "meta has news of a number");
                Standing::Ceiling(number?.0.to_string(), standing::of_quality(*change)?)
            }
            AccountEvent::Account { change, display_number } => {
                tracing::error!(?change, "meta has news of our account");
                let stop = match standing::of_account(*change) {
                    Turn::Stop(reason) => Some(reason),
                    Turn::Resume => None,
                    Turn::Nothing => return None,
                };
                match display_number.as_deref().and_then(|digits| self.named(Some(digits))) {
                    Some(number) => Standing::Number(number.0.to_string(), stop),
                    None => Standing::Account(stop),
                }
            }
            AccountEvent::Template { name, state } => {
                tracing::warn!(template = name, ?state, "meta has news of a template");
                Standing::Template(name.clone()?, standing::of_template(*state)?)
            }
            AccountEvent::Alert(severity) => {
                if standing::is_grave(*severity) {
                    tracing::error!("meta alerts us of our account; its page says of what");
                }
                return None;
            }
            AccountEvent::TemplateCategory { .. } | AccountEvent::Capability { .. } | AccountEvent::Security(_) => {
                tracing::warn!(event = event.name(), "meta has news of our account");
                return None;
            }
        };
        self.stand(&standing);
        Some(standing)
    }

    /// What Meta said holds from here on: at its news, and when a server starts.
    pub fn stand(&self, standing: &Standing) {
        let now_us = self.now_us();
        let set = |stop: &mut Option<Stop>, reason: &Option<Reason>| {
            *stop = reason.map(|reason| Stop::new(reason, now_us));
            metrics::limit_acted(if reason.is_some() { "stop" } else { "resumed" });
        };
        match standing {
            Standing::Account(reason) => {
                set(&mut self.everyone.lock().stop, reason);
                if reason.is_none() {
                    self.numbers.values().for_each(|number| number.lock().stop = None);
                }
            }
            Standing::Number(number, reason) => {
                if let Some(number) = self.numbers.get(&BusinessNumber(number.as_str().into())) {
                    set(&mut number.lock().stop, reason);
                }
            }
            Standing::Ceiling(number, per_s) => {
                if let Some(number) = self.numbers.get(&BusinessNumber(number.as_str().into())) {
                    number.lock().rate.raise(*per_s);
                }
            }
            Standing::Template(name, usable) => {
                let mut off = self.templates_off.lock();
                off.retain(|known| known != name);
                if !usable && off.len() < TEMPLATES_OFF_MAX {
                    off.push(name.clone());
                }
            }
        }
    }

    /// Whether a template may be sent, as far as Meta told.
    pub fn template_is_usable(&self, name: &str) -> bool {
        !self.templates_off.lock().iter().any(|off| off == name)
    }

    /// The number with these digits; the only one, where Meta names none.
    fn named(&self, digits: Option<&str>) -> Option<&BusinessNumber> {
        let named = self.numbers.iter().find(|(_, own)| digits.is_some_and(|digits| own.lock().digits == digits));
        let only = || self.numbers.iter().next().filter(|_| self.numbers.len() == 1 && digits.is_none());
        named.or_else(only).map(|(number, _)| number)
    }

    /// What an operator should know, one line each; none when all is well. For `/readyz`.
    pub fn troubles(&self) -> Vec<String> {
        let now_us = self.now_us();
        let mut lines = Vec::new();
        let everyone = self.everyone.lock();
        if let Some(stop) = everyone.stop {
            lines.push(format!("all numbers: sends are stopped: {}", stop.reason.words()));
        }
        if now_us < everyone.hold_until_us {
            lines.push("all numbers: sends wait: the app's or account's rate".into());
        }
        drop(everyone);
        for (name, own) in &self.numbers {
            let own = own.lock();
            if let Some(stop) = own.stop {
                lines.push(format!("number {}: sends are stopped: {}", name.0, stop.reason.words()));
            }
            if now_us < own.hold_until_us {
                lines.push(format!("number {}: sends wait: maintenance or spam limit", name.0));
            }
            let (rate, ceiling) = (own.rate.rate_milli(now_us) / 1_000, own.rate.ceiling_per_s());
            if rate < i64::from(ceiling) {
                lines.push(format!("number {}: rate cut to {rate} of {ceiling} messages a second", name.0));
            }
        }
        lines.extend(self.templates_off.lock().iter().map(|name| format!("template {name}: paused or disabled")));
        lines.sort();
        lines
    }
}
