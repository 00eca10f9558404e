//! The codes of a transcript: those it wants next, then invented ones.

use std::collections::{BTreeMap, VecDeque};

use crate::domain::otp::{Otp, UndoCode};

/// The codes that the transcript wants to be made next, and those that were made.
#[derive(Default)]
pub(super) struct Codes {
    otp: VecDeque<Otp>,
    undo: VecDeque<UndoCode>,
    made: BTreeMap<[u8; 16], Otp>,
}

impl Codes {
    pub(super) fn expect(&mut self, otp: Option<Otp>, undo: Option<UndoCode>) {
        self.otp.extend(otp);
        self.undo.extend(undo);
    }

    pub(super) fn unused(&mut self) -> impl Iterator<Item = String> {
        let otp = self.otp.drain(..).map(|otp| format!("code {}", otp.digits()));
        otp.chain(self.undo.drain(..).map(|undo| format!("undo code {}", undo.digits())))
    }

    /// The code of a challenge: always the same for the same one.
    pub(super) fn otp(&mut self, challenge: [u8; 16]) -> Otp {
        let own = u32::from_le_bytes([challenge[0], challenge[1], challenge[2], 0]) % 1_000_000;
        let next = &mut self.otp;
        let make = || next.pop_front().or_else(|| Otp::new(own)).unwrap_or_else(|| unreachable!("below a million"));
        *self.made.entry(challenge).or_insert_with(make)
    }

    pub(super) fn undo(&mut self, random: [u8; 32]) -> UndoCode {
        let own = u32::from_le_bytes([random[0], random[1], random[2], 0]);
        self.undo.pop_front().or_else(|| UndoCode::new(own)).unwrap_or_else(|| unreachable!("below a hundred million"))
    }
}
