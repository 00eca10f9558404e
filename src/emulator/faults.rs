//! What goes wrong on purpose: refusals, lost answers, a revoked token, maintenance, latency.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use super::world::lock;
use crate::domain::time::Timestamp;

/// Faults that may be waiting; more are not taken.
const FAULTS_MAX: usize = 100_000;

/// One call of `/messages` that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused with this code of Meta's table, before anything is looked at.
    Code(u32),
    /// A page of a proxy instead of JSON, with this HTTP status.
    Http(u16),
    /// Accepted, and the connection dies before the answer: the sender cannot know.
    ResetAfterAccept,
    /// Accepted, and later reported as `failed` with this code.
    FailedStatus(u32),
    /// Accepted, and answered this much later.
    SlowMs(u64),
}

/// The plan, and the switches.
pub(super) struct Faults {
    messages: Mutex<VecDeque<Fault>>,
    /// Codes with which the next uploads are refused.
    uploads: Mutex<VecDeque<u32>>,
    revoked: AtomicBool,
    maintenance_until: AtomicI64,
    latency_ms: AtomicU64,
    sms_undelivered: AtomicBool,
}

impl Faults {
    pub(super) fn new(plan: &[(usize, Fault)], latency_ms: u64) -> Self {
        let faults = Self {
            messages: Mutex::default(),
            uploads: Mutex::default(),
            revoked: AtomicBool::new(false),
            maintenance_until: AtomicI64::new(i64::MIN),
            latency_ms: AtomicU64::new(latency_ms),
            sms_undelivered: AtomicBool::new(false),
        };
        for (times, fault) in plan {
            faults.next(*times, *fault);
        }
        faults
    }

    pub(super) fn next(&self, times: usize, fault: Fault) {
        plan(&self.messages, times, fault);
    }

    pub(super) fn take(&self) -> Option<Fault> {
        lock(&self.messages).pop_front()
    }

    pub(super) fn next_upload(&self, times: usize, code: u32) {
        plan(&self.uploads, times, code);
    }

    pub(super) fn take_for_upload(&self) -> Option<u32> {
        lock(&self.uploads).pop_front()
    }

    pub(super) fn revoke_token(&self, revoked: bool) {
        self.revoked.store(revoked, Ordering::Relaxed);
    }

    pub(super) fn token_revoked(&self) -> bool {
        self.revoked.load(Ordering::Relaxed)
    }

    pub(super) fn maintain_until(&self, until: Timestamp) {
        self.maintenance_until.store(until.0, Ordering::Relaxed);
    }

    pub(super) fn in_maintenance(&self, now: Timestamp) -> bool {
        now.0 < self.maintenance_until.load(Ordering::Relaxed)
    }

    pub(super) fn set_latency_ms(&self, latency_ms: u64) {
        self.latency_ms.store(latency_ms, Ordering::Relaxed);
    }

    pub(super) fn lose_sms(&self, undelivered: bool) {
        self.sms_undelivered.store(undelivered, Ordering::Relaxed);
    }

    pub(super) fn sms_undelivered(&self) -> bool {
        self.sms_undelivered.load(Ordering::Relaxed)
    }

    pub(super) fn latency_ms(&self) -> u64 {
        self.latency_ms.load(Ordering::Relaxed)
    }
}

fn plan<T: Copy>(queue: &Mutex<VecDeque<T>>, times: usize, fault: T) {
    let mut queue = lock(queue);
    let room = FAULTS_MAX.saturating_sub(queue.len());
    queue.extend(std::iter::repeat_n(fault, times.min(room)));
}
