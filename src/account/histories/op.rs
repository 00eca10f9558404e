//! What can happen in a history.

use proptest::prelude::*;

use super::{Lab, PURPOSES};
use crate::account::world::NOBODY;
use crate::account::{Otp, Request};

/// Chats; see `asker` beside.
pub(super) const CHATS: u8 = 4;

#[derive(Clone, Debug)]
pub(super) enum Op {
    Ask {
        chat: u8,
        what: What,
        crash: bool,
    },
    /// The last call of a chat, made again.
    Again {
        chat: u8,
        crash: bool,
    },
    /// A neighbour answers one of the calls that were ever made and not answered, also of an earlier life.
    Serve {
        which: u8,
        how: Served,
        crash: bool,
    },
    /// An operator tells of the SMS of one of the codes that were ever made, the newest is 0; the order may be any.
    Receipt {
        back: u8,
        delivered: bool,
        crash: bool,
    },
    Jump {
        seconds: i32,
    },
    Restart,
    Join,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Challenge {
        purpose: u8,
    },
    /// `back`: which of the codes that were ever made is typed, the newest is 0; wrong ones before it.
    Check {
        purpose: u8,
        wrong: u8,
        back: Option<u8>,
    },
    /// A slip: nobody of that name stands under the number.
    Identify,
    /// A wrong month.
    StepUp,
    Leave,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Served {
    People,
    Nobody,
    Down,
}

fn what() -> impl Strategy<Value = What> {
    let purpose = 0..4_u8;
    prop_oneof![
        4 => purpose.clone().prop_map(|purpose| What::Challenge { purpose }),
        6 => (purpose, 0..4_u8, prop::option::of(0..4_u8))
            .prop_map(|(purpose, wrong, back)| What::Check { purpose, wrong, back }),
        3 => Just(What::Identify),
        2 => Just(What::StepUp),
        1 => Just(What::Leave),
    ]
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let (chat, crash) = (0..CHATS, prop::bool::weighted(0.15));
    let how = prop_oneof![4 => Just(Served::People), 1 => Just(Served::Nobody), 1 => Just(Served::Down)];
    prop_oneof![
        9 => (chat.clone(), what(), crash).prop_map(|(chat, what, crash)| Op::Ask { chat, what, crash }),
        3 => (chat, crash).prop_map(|(chat, crash)| Op::Again { chat, crash }),
        5 => (0..8_u8, how, crash).prop_map(|(which, how, crash)| Op::Serve { which, how, crash }),
        3 => (0..4_u8, prop::bool::weighted(0.8), prop::bool::weighted(0.15))
            .prop_map(|(back, delivered, crash)| Op::Receipt { back, delivered, crash }),
        4 => prop_oneof![
            0..90_i32, 60..400_i32, -4000..4000_i32, -200_000..200_000_i32
        ].prop_map(|seconds| Op::Jump { seconds }),
        1 => Just(Op::Restart),
        1 => Just(Op::Join),
    ]
}

impl Lab {
    /// What a chat asks, if there is anything to ask with.
    pub(super) fn request(&self, what: What) -> Option<Request> {
        let account = self.world.phone;
        Some(match what {
            What::Leave => Request::Leave { account },
            What::Identify => self.world.identify(&[NOBODY]),
            What::StepUp => Request::StepUp { account, month: 1, year: 1999 },
            What::Challenge { purpose } => Request::ChallengeOtp { account, purpose: PURPOSES[usize::from(purpose)] },
            What::Check { purpose, wrong, back } => {
                let mut typed: Vec<u32> = (0..u32::from(wrong)).map(|n| 990_000 + n).collect();
                typed.extend(
                    back.and_then(|back| self.codes.iter().rev().nth(usize::from(back))).map(|code| code.number),
                );
                let codes: Vec<Otp> = typed.into_iter().filter_map(Otp::new).collect();
                let purpose = PURPOSES[usize::from(purpose)];
                (!codes.is_empty()).then_some(Request::CheckOtp { account, purpose, codes })?
            }
        })
    }
}
