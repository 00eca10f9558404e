//! A state machine that guesses: whatever the order of calls, repeats, restarts and jumps of the clock, a code
//! is guessed five times at most, opens once, never again, and only in its own chat.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::world::{World, contact_asker};
use super::*;
use crate::domain::otp::OtpPurpose;
use crate::domain::time::{DAY_MS, SECOND_MS};

const PURPOSES: [OtpPurpose; 3] = [OtpPurpose::Login, OtpPurpose::NewPhone, OtpPurpose::LostPhone];

#[derive(Clone, Debug)]
enum Op {
    Challenge {
        chat: u8,
        purpose: u8,
    },
    /// `back`: which of the codes that were ever sent is typed, the newest is 0; wrong ones before it.
    Check {
        chat: u8,
        purpose: u8,
        wrong: u8,
        back: Option<u8>,
    },
    /// The last call of a chat, made again.
    Again {
        chat: u8,
    },
    /// What became of the SMS of the chat's newest code.
    Receipt {
        chat: u8,
        delivered: bool,
    },
    Jump {
        seconds: i32,
    },
    Restart,
    Leave {
        chat: u8,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let chat = 0..3_u8;
    let purpose = 0..3_u8;
    prop_oneof![
        3 => (chat.clone(), purpose.clone()).prop_map(|(chat, purpose)| Op::Challenge { chat, purpose }),
        6 => (chat.clone(), purpose, 0..4_u8, prop::option::of(0..4_u8))
            .prop_map(|(chat, purpose, wrong, back)| Op::Check { chat, purpose, wrong, back }),
        2 => chat.clone().prop_map(|chat| Op::Again { chat }),
        2 => (chat.clone(), any::<bool>()).prop_map(|(chat, delivered)| Op::Receipt { chat, delivered }),
        3 => prop_oneof![0..90_i32, -4000..4000_i32, -200_000..200_000_i32].prop_map(|seconds| Op::Jump { seconds }),
        1 => Just(Op::Restart),
        1 => chat.prop_map(|chat| Op::Leave { chat }),
    ]
}

/// What happened to a code.
#[derive(Clone, Debug)]
struct Code {
    number: u32,
    chat: u8,
    purpose: u8,
    guesses: u32,
    dead: bool,
}

#[derive(Default)]
struct Model {
    codes: Vec<Code>,
    /// How far the clock has gone forward since each chat's last call: past a day it may be forgotten.
    since: BTreeMap<u8, i64>,
    last: BTreeMap<u8, (CallId, Request, Answer)>,
    /// The calls that the newest codes were made for.
    made: BTreeMap<u8, CallId>,
}

impl Model {
    fn live(&mut self, chat: u8, purpose: u8) -> Option<&mut Code> {
        self.codes.iter_mut().rev().find(|code| code.chat == chat && code.purpose == purpose)
    }

    fn ask(&mut self, world: &mut World, chat: u8, request: Request) -> Answer {
        let call = world.next_call();
        let answer = world.ask_again(asker(chat), call, request.clone());
        self.last.insert(chat, (call, request, answer.clone()));
        self.since.insert(chat, 0);
        answer
    }

    fn apply(&mut self, world: &mut World, op: &Op) -> Result<(), TestCaseError> {
        match *op {
            Op::Jump { seconds } => {
                let ms = i64::from(seconds) * SECOND_MS;
                world.wait(ms);
                self.since.values_mut().for_each(|since| *since += ms.max(0));
            }
            Op::Restart => world.restart(),
            Op::Receipt { chat, delivered } => {
                let (contact, text) = (asker(chat).contact, Text("kode".into()));
                if let Some(call) = self.made.get(&chat).copied() {
                    let answers = world.run(if delivered {
                        AccountEvent::Delivered { contact, call }
                    } else {
                        AccountEvent::Undeliverable { contact, call, text, from: 1 }
                    });
                    prop_assert!(answers.is_empty());
                }
            }
            Op::Leave { chat } => {
                self.ask(world, chat, Request::Leave { account: world.phone });
                self.codes.iter_mut().filter(|code| code.chat == chat).for_each(|code| code.dead = true);
            }
            Op::Challenge { chat, purpose } => {
                let request = Request::ChallengeOtp { account: world.phone, purpose: PURPOSES[usize::from(purpose)] };
                match self.ask(world, chat, request) {
                    Answer::OtpSent => {
                        self.made.insert(chat, self.last[&chat].0);
                        self.live(chat, purpose).into_iter().for_each(|code| code.dead = true);
                        self.codes.push(Code { number: world.last_code(), chat, purpose, guesses: 0, dead: false });
                    }
                    // A lock kills what is out; a budget that others used up only gives nothing new.
                    Answer::Locked { .. } if is_locked(world, chat) => {
                        self.codes.iter_mut().filter(|code| code.chat == chat).for_each(|code| code.dead = true);
                    }
                    _ => {}
                }
            }
            Op::Check { chat, purpose, wrong, back } => self.check(world, chat, purpose, wrong, back)?,
            Op::Again { chat } => {
                let known = self.since.get(&chat).is_some_and(|since| *since < DAY_MS);
                if let Some((call, request, answer)) = self.last.get(&chat).cloned().filter(|_| known) {
                    let again = world.ask_again(asker(chat), call, request);
                    let gone = matches!(answer, Answer::OtpRight(_)) && again == Answer::LoginGone;
                    prop_assert!(again == answer || gone, "{:?} became {:?}", answer, again);
                }
            }
        }
        Ok(())
    }

    fn check(
        &mut self,
        world: &mut World,
        chat: u8,
        purpose: u8,
        wrong: u8,
        back: Option<u8>,
    ) -> Result<(), TestCaseError> {
        let mut typed: Vec<u32> = (0..u32::from(wrong)).map(|n| 990_000 + n).collect();
        let guess = back.and_then(|back| self.codes.iter().rev().nth(usize::from(back)).cloned());
        typed.extend(guess.iter().map(|code| code.number));
        if typed.is_empty() {
            return Ok(());
        }
        let codes = typed.iter().filter_map(|number| Otp::new(*number)).collect();
        let request = Request::CheckOtp { account: world.phone, purpose: PURPOSES[usize::from(purpose)], codes };
        match self.ask(world, chat, request) {
            Answer::OtpRight(_) => {
                let number = typed.last().copied();
                let code = self.live(chat, purpose);
                prop_assert!(code.is_some(), "a code that was never sent opened");
                let Some(code) = code else { return Ok(()) };
                prop_assert_eq!(Some(code.number), number, "an old code, or another chat's, opened");
                prop_assert!(!code.dead, "a dead code opened");
                code.guesses += u32::from(wrong) + 1;
                prop_assert!(code.guesses <= 5, "guess {}", code.guesses);
                code.dead = true;
            }
            Answer::OtpWrong { left } => {
                let code = self.live(chat, purpose);
                prop_assert!(code.as_ref().is_some_and(|code| !code.dead), "a dead code was compared");
                let Some(code) = code else { return Ok(()) };
                code.guesses += u32::try_from(typed.len()).unwrap_or(u32::MAX);
                prop_assert_eq!(u32::from(left), 5_u32.saturating_sub(code.guesses));
                prop_assert!(left > 0);
            }
            Answer::OtpExpired => self.live(chat, purpose).into_iter().for_each(|code| code.dead = true),
            Answer::Locked { .. } => {
                self.codes.iter_mut().filter(|code| code.chat == chat).for_each(|code| code.dead = true);
            }
            other => prop_assert!(false, "{:?}", other),
        }
        Ok(())
    }
}

fn is_locked(world: &World, chat: u8) -> bool {
    let chat = world.account.chat(asker(chat).contact);
    chat.is_some_and(|chat| chat.locked_until(world.now).is_some())
}

/// Chat 0 writes from the account's own number, the others are strangers.
fn asker(chat: u8) -> Asker {
    contact_asker(u64::from(chat) + 1, chat == 0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_code_is_guessed_five_times_at_most_and_never_opens_twice(ops in prop::collection::vec(op(), 1..60)) {
        let mut world = World::new();
        let mut model = Model::default();
        for op in &ops {
            model.apply(&mut world, op)?;
        }
    }

    #[test]
    fn what_strangers_do_changes_nothing_for_a_chat(ops in prop::collection::vec(op(), 1..60)) {
        let chat_of = |op: &Op| match op {
            Op::Challenge { chat, .. }
            | Op::Check { chat, .. }
            | Op::Again { chat }
            | Op::Receipt { chat, .. }
            | Op::Leave { chat } => Some(*chat),
            Op::Jump { .. } | Op::Restart => None,
        };
        let mut seen = Vec::new();
        for alone in [false, true] {
            let mut world = World::new();
            let mut model = Model::default();
            let mut answers = Vec::new();
            for op in ops.iter().filter(|op| !alone || chat_of(op).is_none_or(|chat| chat == 0)) {
                // Nothing that differs by itself: wrong codes only, and a clock that does not go back.
                let own_only = match op {
                    Op::Check { chat, purpose, wrong, .. } => {
                        Op::Check { chat: *chat, purpose: *purpose, wrong: *wrong + 1, back: None }
                    }
                    Op::Jump { seconds } => Op::Jump { seconds: seconds.abs() },
                    other => other.clone(),
                };
                model.apply(&mut world, &own_only)?;
                if chat_of(op) == Some(0) {
                    answers.push(model.last.get(&0).map(|(_, _, answer)| answer.clone()));
                }
            }
            seen.push(answers);
        }
        prop_assert_eq!(&seen[0], &seen[1]);
    }
}
