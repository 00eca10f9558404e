//! The service gate as the boards use it: one for the process, because an arrival has one place among all.
//!
//! The store's thread asks it for each new conversation, shards ask it with each tick who may come in and who is
//! to be told. One lock, held for moments; the order is always a board's lock first, then this one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::domain::contact::{BusinessNumber, ContactId};
use crate::limits::admission::{Admission, AdmissionView, Arrival, Guest, Pace, Place, Seat};
use crate::metrics;
use crate::ports::Clock;

/// Guests let in or told in one go, before others get their turn.
const GO_MAX: usize = 512;
/// Contacts in line at a board: with more, the machine and not the pace is the limit, and new ones wait.
pub const IN_LINE_MAX: usize = 2_048;

/// The gate.
pub struct Gate {
    admission: Mutex<Admission>,
    clock: Arc<dyn Clock>,
    closed: AtomicBool,
    /// How often directory and registry had come back when last looked at.
    times_back: AtomicU64,
}

/// How the service stands, as far as letting in goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    /// Replies that are not sent.
    pub unsent: usize,
    /// Contacts in line, at the board that has the most.
    pub in_line: usize,
    /// How often directory and registry have come back.
    pub times_back: u64,
}

impl Gate {
    pub fn new(pace: Pace, clock: Arc<dyn Clock>) -> Self {
        let admission = Mutex::new(Admission::new(pace, clock.now()));
        Self { admission, clock, closed: AtomicBool::new(false), times_back: AtomicU64::new(0) }
    }

    /// There is a backlog: it is taken up by the ramp.
    pub fn ramp(&self) {
        self.admission.lock().ramp(self.clock.now());
    }

    /// A turn of a live conversation.
    pub fn live(&self, number: &BusinessNumber) {
        self.admission.lock().live(number, self.clock.now());
    }

    /// A new conversation.
    pub fn arrive(&self, contact: ContactId, number: &BusinessNumber) -> Arrival {
        self.admission.lock().arrive(contact, number, self.clock.now())
    }

    /// A guest writes again.
    pub fn again(&self, seat: Seat) -> Option<Place> {
        let place = self.admission.lock().again(seat, self.clock.now());
        if place.is_some() {
            metrics::waiting_told("again");
        }
        place
    }

    /// Nobody else is let in: the server is on its way out. Who waits goes on waiting in the store.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Who comes in now.
    pub fn let_in(&self, load: Load) -> Vec<Guest> {
        let now = self.clock.now();
        let mut admission = self.admission.lock();
        if self.times_back.swap(load.times_back, Ordering::Relaxed) < load.times_back {
            admission.ramp(now);
        }
        let replies_max = admission.replies_max();
        let held = admission.view(now).held;
        // Let go at half, so that it does not flutter.
        let unsent_max = if held { replies_max / 2 } else { replies_max };
        admission.hold(load.unsent > unsent_max, now);
        metrics::waiting(admission.view(now).waiting);
        if load.in_line >= IN_LINE_MAX || self.closed.load(Ordering::Acquire) {
            return Vec::new();
        }
        std::iter::from_fn(|| admission.next(now)).take(GO_MAX).collect()
    }

    /// Who is to be told where he stands.
    pub fn told(&self) -> Vec<(Guest, Place)> {
        if self.closed.load(Ordering::Acquire) {
            return Vec::new();
        }
        let now = self.clock.now();
        let mut admission = self.admission.lock();
        let told: Vec<_> = std::iter::from_fn(|| admission.tell(now)).take(GO_MAX).collect();
        for _ in &told {
            metrics::waiting_told("first");
        }
        told
    }

    /// Figures for `/actors`.
    pub fn view(&self) -> AdmissionView {
        self.admission.lock().view(self.clock.now())
    }
}
