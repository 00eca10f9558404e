//! Statuses of the server's messages: sent, delivered, read, or failed (cloud-api.md 2.1).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::event::{DeliveryStep, Happening};
use super::poster;
use super::say::Sender;
use super::webhook::Update;
use super::world::{OpenPost, World, lock};
use crate::domain::contact::Recipient;
use crate::domain::time::DAY_MS;

/// A message of the server whose fate is told.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) number: usize,
    pub(super) chat: Recipient,
    /// As it was addressed: a status to a BSUID names no phone.
    pub(super) to: Recipient,
    pub(super) id: String,
    pub(super) opaque: Option<String>,
    pub(super) template: bool,
    /// Reactions only get `sent`.
    pub(super) reaction: bool,
}

/// Statuses waiting to share a POST.
#[derive(Default)]
pub(super) struct Gathered(Mutex<Vec<(Update, OpenPost)>>);

/// Tells of a message that was accepted, each step in its time. Without room, a step is not told.
pub(super) fn follow(world: &Arc<World>, subject: &Subject) {
    let delays = &world.options.statuses;
    let mut steps = vec![(DeliveryStep::Sent, delays.sent_ms)];
    if !subject.reaction {
        steps.push((DeliveryStep::Delivered, delays.delivered_ms));
        steps.extend(delays.read_ms.map(|read_ms| (DeliveryStep::Read, read_ms)));
    }
    if delays.shuffled {
        for last in (1..steps.len()).rev() {
            let other = rand::random_range(0..=last);
            let (a, b) = (steps[last].1, steps[other].1);
            (steps[last].1, steps[other].1) = (b, a);
        }
    }
    for (step, delay_ms) in steps {
        tell_later(world, subject.clone(), step, delay_ms);
    }
}

/// Tells that an accepted message failed after all.
pub(super) fn fail(world: &Arc<World>, subject: &Subject, code: u32) {
    tell_later(world, subject.clone(), DeliveryStep::Failed { code }, world.options.statuses.sent_ms);
}

fn tell_later(world: &Arc<World>, subject: Subject, step: DeliveryStep, delay_ms: u64) {
    let Some(place) = world.open_post() else { return };
    let telling = Arc::clone(world);
    world.runtime.spawn(async move {
        tokio::select! {
            () = telling.closed() => {}
            () = tokio::time::sleep(Duration::from_millis(delay_ms)) => tell(&telling, &subject, step, place),
        }
    });
}

fn tell(world: &Arc<World>, subject: &Subject, step: DeliveryStep, place: OpenPost) {
    world.publish(Some(&subject.chat), Happening::Status { id: subject.id.clone(), step });
    // What failed names no contact (cloud-api.md 2.1).
    let failed = matches!(step, DeliveryStep::Failed { .. });
    let contact = (!failed).then(|| Sender::of_chat(&subject.to).contact());
    let update = Update::status(subject.number, contact, status(world, subject, step));
    let delays = &world.options.statuses;
    if delays.batch_max <= 1 {
        poster::post(world, place, &[update], Vec::new());
        return;
    }
    let full = {
        let mut gathered = lock(&world.gathered.0);
        gathered.push((update, place));
        if gathered.len() == 1 {
            flush_later(world, Duration::from_millis(delays.gather_ms));
        }
        gathered.len() >= delays.batch_max
    };
    if full {
        flush(world);
    }
}

fn flush_later(world: &Arc<World>, gather: Duration) {
    let flushing = Arc::clone(world);
    world.runtime.spawn(async move {
        tokio::time::sleep(gather).await;
        flush(&flushing);
    });
}

fn flush(world: &Arc<World>) {
    let (updates, mut places): (Vec<_>, Vec<_>) = std::mem::take(&mut *lock(&world.gathered.0)).into_iter().unzip();
    if let Some(place) = places.pop() {
        poster::post(world, place, &updates, Vec::new());
    }
}

fn status(world: &World, subject: &Subject, step: DeliveryStep) -> Value {
    let now = world.now();
    let name = match step {
        DeliveryStep::Sent => "sent",
        DeliveryStep::Delivered => "delivered",
        DeliveryStep::Read => "read",
        DeliveryStep::Failed { .. } => "failed",
    };
    let mut status = json!({ "id": subject.id, "status": name, "timestamp": (now.0 / 1_000).to_string() });
    let category = if subject.template { "utility" } else { "service" };
    match (&subject.to, step) {
        (Recipient::Phone(phone), _) => status["recipient_id"] = json!(phone.digits().to_string()),
        (Recipient::Bsuid(_), DeliveryStep::Failed { .. }) => {}
        (Recipient::Bsuid(bsuid), _) => status["recipient_user_id"] = json!(bsuid),
    }
    if let Some(opaque) = &subject.opaque {
        status["biz_opaque_callback_data"] = json!(opaque);
    }
    if matches!(step, DeliveryStep::Sent | DeliveryStep::Delivered) {
        status["pricing"] =
            json!({ "billable": false, "pricing_model": "PMP", "type": "free_customer_service", "category": category });
    }
    if step == DeliveryStep::Sent {
        let expires = (now.plus_ms(DAY_MS).0 / 1_000).to_string();
        status["conversation"] =
            json!({ "id": subject.id, "expiration_timestamp": expires, "origin": { "type": category } });
    }
    if let DeliveryStep::Failed { code } = step {
        let title = super::graph::title(code);
        status["errors"] = json!([{
            "code": code, "title": title, "message": title, "error_data": { "details": title }
        }]);
    }
    status
}
