//! What goes wrong on purpose: refusals, lost answers, a revoked token, maintenance, latency, an SMS gateway's troubles.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use super::world::lock;
use crate::domain::time::Timestamp;

/// Faults that may be waiting; more are not taken.
const FAULTS_MAX: usize = 100_000;

/// "Service unavailable" of Meta's table: how an upload fails while `/messages` answers with a proxy's page.
const UNAVAILABLE: u32 = 131_016;

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
    standing: Mutex<Option<Standing>>,
    sms_undelivered: AtomicBool,
    sms_down: AtomicBool,
    sms_latency_ms: AtomicU64,
}

/// A fault that stays until it is taken back, and which of the calls it meets.
#[derive(Clone, Copy, Debug)]
struct Standing {
    fault: Fault,
    percent: u64,
    calls: u64,
}

impl Standing {
    /// Whether it meets the next call: evenly spread, so that the same calls meet the same fate in every run.
    fn meets(&mut self) -> bool {
        self.calls += 1;
        self.calls * self.percent / 100 > (self.calls - 1) * self.percent / 100
    }
}

impl Faults {
    pub(super) fn new(plan: &[(usize, Fault)], latency_ms: u64) -> Self {
        let faults = Self {
            messages: Mutex::default(),
            uploads: Mutex::default(),
            revoked: AtomicBool::new(false),
            maintenance_until: AtomicI64::new(i64::MIN),
            latency_ms: AtomicU64::new(latency_ms),
            standing: Mutex::default(),
            sms_undelivered: AtomicBool::new(false),
            sms_down: AtomicBool::new(false),
            sms_latency_ms: AtomicU64::new(0),
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
        let planned = lock(&self.messages).pop_front();
        planned
            .or_else(|| lock(&self.standing).as_mut().and_then(|standing| standing.meets().then_some(standing.fault)))
    }

    pub(super) fn stand(&self, percent: u32, fault: Fault) {
        let standing = Standing { fault, percent: u64::from(percent.min(100)), calls: 0 };
        *lock(&self.standing) = (percent > 0).then_some(standing);
    }

    pub(super) fn next_upload(&self, times: usize, code: u32) {
        plan(&self.uploads, times, code);
    }

    pub(super) fn take_for_upload(&self) -> Option<u32> {
        let planned = lock(&self.uploads).pop_front();
        planned.or_else(|| match lock(&self.standing).as_mut() {
            Some(standing) => match standing.fault {
                Fault::Code(code) => standing.meets().then_some(code),
                Fault::Http(_) => standing.meets().then_some(UNAVAILABLE),
                Fault::ResetAfterAccept | Fault::FailedStatus(_) | Fault::SlowMs(_) => None,
            },
            None => None,
        })
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

    pub(super) fn fail_sms(&self, down: bool) {
        self.sms_down.store(down, Ordering::Relaxed);
    }

    pub(super) fn sms_down(&self) -> bool {
        self.sms_down.load(Ordering::Relaxed)
    }

    pub(super) fn set_sms_latency_ms(&self, latency_ms: u64) {
        self.sms_latency_ms.store(latency_ms, Ordering::Relaxed);
    }

    pub(super) fn sms_latency_ms(&self) -> u64 {
        self.sms_latency_ms.load(Ordering::Relaxed)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_fault_meets_its_share_evenly_until_it_is_taken_back() {
        let faults = Faults::new(&[(1, Fault::SlowMs(1))], 0);
        faults.stand(25, Fault::Http(503));
        assert_eq!(faults.take(), Some(Fault::SlowMs(1)), "what is planned comes first");
        let met: Vec<bool> = (0..8).map(|_| faults.take().is_some()).collect();
        assert_eq!(met, [false, false, false, true, false, false, false, true]);
        faults.stand(100, Fault::Http(503));
        assert_eq!((faults.take(), faults.take_for_upload()), (Some(Fault::Http(503)), Some(UNAVAILABLE)));
        faults.stand(0, Fault::Http(503));
        assert_eq!((faults.take(), faults.take_for_upload()), (None, None));
    }

    #[test]
    fn a_lost_answer_is_no_fault_of_uploads() {
        let faults = Faults::new(&[], 0);
        faults.stand(100, Fault::ResetAfterAccept);
        assert_eq!((faults.take_for_upload(), faults.take()), (None, Some(Fault::ResetAfterAccept)));
    }
}
