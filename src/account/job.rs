//! Calls to neighbours that an account waits for.
//!
//! Nothing of this is durable: after a restart the session asks again under the same call, and the account
//! starts the work anew. So a job counts nothing before its last answer is in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::JobId;
use crate::domain::call::{Asker, CallId, Claim};
use crate::domain::citizen::{Person, PersonId, VaccinationRecord};
use crate::domain::contact::ContactId;
use crate::domain::keys::LookupKey;
use crate::domain::name::Name;
use crate::domain::phone::Mobile;

/// Jobs of one account at once; past it a request is answered `Down` and comes again.
const JOBS_MAX: usize = 64;

/// Who waits for a job's answer, and under which call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) asker: Asker,
    pub(super) call: CallId,
    pub(super) print: u64,
    /// The chat has made another call since: its answer is still told, and no longer kept as the chat's last.
    pub(super) overtaken: bool,
}

/// What the people registered here are wanted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The chat's own number: whether it is registered decides the answer.
    OwnChallenge,
    /// Any other number: the answer is given, only the SMS hangs on it.
    Sms {
        challenge: [u8; 16],
    },
    StepUp {
        month: u8,
        year: u16,
    },
    /// `counted`: what was answered before, when the call is made again.
    Identify {
        claims: Vec<Claim>,
        counted: Option<u8>,
    },
    Record {
        person: PersonId,
    },
    Issued {
        person: PersonId,
        dose: u8,
    },
    ChangeName {
        person: PersonId,
        name: Name,
    },
    ChangePhone {
        person: PersonId,
        to: Mobile,
    },
}

impl Wanted {
    /// Whether another call of the chat takes its place. A code's SMS was answered before, and whether a dose is issued
    /// is asked beside whatever the chat does.
    fn may_be_overtaken(&self) -> bool {
        match self {
            Self::OwnChallenge
            | Self::StepUp { .. }
            | Self::Identify { .. }
            | Self::Record { .. }
            | Self::ChangeName { .. }
            | Self::ChangePhone { .. } => true,
            Self::Sms { .. } | Self::Issued { .. } => false,
        }
    }
}

/// A person whose record is being read; none after the read when the registry does not know him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) person: Person,
    pub(super) record: Option<VaccinationRecord>,
}

/// A change on its way to the directory, with what is needed when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Changing {
    Name { person: PersonId, before: Name },
    Phone { person: PersonId, to: Mobile, name: Name },
}

/// One job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Waits for the people under the phone.
    People {
        ask: Ask,
        wanted: Wanted,
    },
    /// Waits until `left` of its reads are in.
    Records {
        ask: Ask,
        wanted: Wanted,
        readings: Vec<Reading>,
        left: usize,
    },
    /// One read of a `Records` job.
    Read {
        of: JobId,
        index: usize,
    },
    Change {
        ask: Ask,
        changing: Changing,
    },
    /// The registry puts a change back.
    PutBack {
        ask: Ask,
        key: LookupKey,
    },
    /// The desk takes the report of an undone change.
    Report {
        ask: Ask,
        key: LookupKey,
    },
}

/// The jobs in flight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Jobs {
    next: u64,
    open: BTreeMap<JobId, Job>,
}

impl Jobs {
    pub(super) fn number_from(&mut self, first: u64) {
        self.next = first;
    }

    /// Gives a job its name; none when there are too many.
    pub(super) fn open(&mut self, job: Job) -> Option<JobId> {
        if self.open.len() >= JOBS_MAX {
            return None;
        }
        let id = JobId(self.next);
        self.next = self.next.wrapping_add(1);
        self.open.insert(id, job);
        Some(id)
    }

    /// Ends a job. None for one that was given up meanwhile.
    pub(super) fn take(&mut self, id: JobId) -> Option<Job> {
        self.open.remove(&id)
    }

    pub(super) fn get(&self, id: JobId) -> Option<&Job> {
        self.open.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: JobId) -> Option<&mut Job> {
        self.open.get_mut(&id)
    }

    /// Ends a `Records` job with all its reads.
    pub(super) fn give_up(&mut self, id: JobId) -> Option<Job> {
        self.open.retain(|_, job| !matches!(job, Job::Read { of, .. } if *of == id));
        self.open.remove(&id)
    }

    /// Whether this call is being worked on, so that its answer will come by itself.
    pub(super) fn serves(&self, contact: ContactId, call: CallId) -> bool {
        self.open.values().any(|job| {
            job.ask().is_some_and(|ask| ask.asker.contact == contact && ask.call == call)
                && !matches!(job, Job::People { wanted: Wanted::Sms { .. }, .. })
        })
    }

    /// Gives up what a chat has put another call in place of: answered late, it would count a miss or a code that
    /// nobody is told of, and be taken for the chat's newest answer. What a neighbour may have done already (a change,
    /// an undo) comes to its end, and the SMS of a code that was told of still leaves.
    pub(super) fn overtaken(&mut self, contact: ContactId, call: CallId) -> Vec<Ask> {
        let old = |ask: &Ask| ask.asker.contact == contact && ask.call != call;
        let mut gone = Vec::new();
        let mut orphaned = Vec::new();
        self.open.retain(|id, job| match job {
            Job::People { ask, wanted } if old(ask) && wanted.may_be_overtaken() => {
                gone.push(*ask);
                false
            }
            Job::Records { ask, wanted, .. } if old(ask) && wanted.may_be_overtaken() => {
                gone.push(*ask);
                orphaned.push(*id);
                false
            }
            Job::Change { ask, .. } | Job::PutBack { ask, .. } | Job::Report { ask, .. } => {
                ask.overtaken |= old(ask);
                true
            }
            Job::People { .. } | Job::Records { .. } | Job::Read { .. } => true,
        });
        self.open.retain(|_, job| !matches!(job, Job::Read { of, .. } if orphaned.contains(of)));
        gone
    }

    /// Whether an undo of this change is being worked on.
    pub(super) fn undoes(&self, key: LookupKey) -> bool {
        self.open
            .values()
            .any(|job| matches!(job, Job::PutBack { key: of, .. } | Job::Report { key: of, .. } if *of == key))
    }
}

impl Job {
    pub(super) fn ask(&self) -> Option<Ask> {
        match self {
            Job::People { ask, .. }
            | Job::Records { ask, .. }
            | Job::Change { ask, .. }
            | Job::PutBack { ask, .. }
            | Job::Report { ask, .. } => Some(*ask),
            Job::Read { .. } => None,
        }
    }
}
