//! Histories of an account as it really lives: neighbours answer late, in any order, wrongly or twice; the process
//! dies between any two steps, or behind a step before anything of it was done; the clock jumps forth and back.
//!
//! Whatever the history, and judged from outside: no code is guessed more than five times; a code that was used,
//! replaced, locked, left or outlived never opens again and never leaves by SMS, whatever operators tell of it, and none
//! outlives ten minutes; a call made again has the same
//! answer; and no budget is exceeded, in time as it passes (a jump back gives nothing back).

mod model;
mod op;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use model::{Asked, Code, Made};
use op::{CHATS, Op, Served, op};

use super::world::{World, contact_asker};
use super::*;
use crate::domain::otp::OtpPurpose;
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

const PURPOSES: [OtpPurpose; 4] = [OtpPurpose::Login, OtpPurpose::Fresh, OtpPurpose::NewPhone, OtpPurpose::LostPhone];
struct Lab {
    world: World,
    /// Calls to neighbours, and whose record is wanted where one is.
    jobs: Vec<(JobId, Option<PersonId>)>,
    /// Slips that a chat was told of.
    slips: BTreeMap<u8, u32>,
    codes: Vec<Code>,
    made: Vec<Made>,
    last: BTreeMap<u8, Asked>,
    /// Chats that typed a right code once.
    proven: BTreeSet<u8>,
    /// How far the clock has ever gone forward.
    passed_ms: i64,
    joined: bool,
}

impl Lab {
    fn new() -> Self {
        let mut world = World::new();
        // So that logins owe a step-up now and then.
        world.rules.reconfirm_after_s = 3_600;
        Self {
            world,
            jobs: Vec::new(),
            slips: BTreeMap::new(),
            codes: Vec::new(),
            made: Vec::new(),
            last: BTreeMap::new(),
            proven: BTreeSet::new(),
            passed_ms: 0,
            joined: false,
        }
    }

    /// Chat 0 writes from the account's own number, the others are strangers; the last may turn out to be the one
    /// before it.
    fn asker(&self, chat: u8) -> Asker {
        let former = ContactId(u64::from(CHATS));
        let formerly = if self.joined && chat == CHATS - 2 { [Some(former), None, None] } else { [None; 3] };
        Asker { formerly, ..contact_asker(u64::from(chat) + 1, chat == 0) }
    }

    fn live(&mut self, chat: u8, purpose: OtpPurpose) -> Option<&mut Code> {
        self.codes.iter_mut().find(|code| code.chat == chat && code.purpose == purpose && !code.dead)
    }

    fn kill(&mut self, chat: u8) {
        self.codes.iter_mut().filter(|code| code.chat == chat).for_each(|code| code.dead = true);
    }

    fn apply(&mut self, op: &Op) -> Result<(), TestCaseError> {
        match *op {
            Op::Jump { seconds } => {
                let ms = i64::from(seconds) * SECOND_MS;
                self.world.wait(ms);
                self.passed_ms += ms.max(0);
            }
            Op::Receipt { back, delivered, crash } => {
                let of = self.codes.iter().rev().nth(usize::from(back)).map(|code| code.receipt(delivered));
                of.map_or(Ok(()), |event| self.step(event, crash))?;
            }
            Op::Restart => self.world.restart(),
            Op::Join => self.joined = true,
            Op::Ask { chat, .. } | Op::Again { chat, .. } if self.joined && chat == CHATS - 1 => {}
            Op::Ask { chat, what, crash } => {
                let Some(request) = self.request(what) else { return Ok(()) };
                let call = self.world.next_call();
                let asked = Asked { call, request: request.clone(), at_ms: self.passed_ms, answer: None };
                self.last.insert(chat, asked);
                self.ask(chat, call, request, crash)?;
            }
            Op::Again { chat, crash } => {
                // Whoever was silent for a day may be forgotten, and his call is a new one.
                let Some(asked) = self.last.get_mut(&chat).filter(|asked| self.passed_ms - asked.at_ms < DAY_MS) else {
                    return Ok(());
                };
                asked.at_ms = self.passed_ms;
                let (call, request) = (asked.call, asked.request.clone());
                self.ask(chat, call, request, crash)?;
            }
            Op::Serve { which, how, crash } => {
                if self.jobs.is_empty() {
                    return Ok(());
                }
                let (job, person) = self.jobs.remove(usize::from(which) % self.jobs.len());
                let down = super::world::down;
                let event = match (how, person) {
                    (Served::Down, None) => AccountEvent::Persons { job, result: Err(down()) },
                    (Served::Down, Some(_)) => AccountEvent::Record { job, result: Err(down()) },
                    (Served::Nobody, None) => AccountEvent::Persons { job, result: Ok(Vec::new()) },
                    (Served::People, None) => AccountEvent::Persons { job, result: Ok(self.world.people.clone()) },
                    (_, Some(person)) => AccountEvent::Record { job, result: Ok(self.world.records[&person].clone()) },
                };
                self.step(event, crash)?;
            }
        }
        Ok(())
    }

    fn ask(&mut self, chat: u8, call: CallId, request: Request, crash: bool) -> Result<(), TestCaseError> {
        if self.joined && chat == CHATS - 2 {
            self.kill(CHATS - 1);
            self.made.iter_mut().filter(|made| made.chat == CHATS - 1).for_each(|made| made.chat = chat);
            let slips = self.slips.remove(&(CHATS - 1)).unwrap_or_default();
            *self.slips.entry(chat).or_default() += slips;
        }
        self.step(AccountEvent::Asked { asker: self.asker(chat), call, request }, crash)
    }

    /// One step. With `crash` it is durable, and then the process dies before anything else of it is done.
    fn step(&mut self, event: AccountEvent, crash: bool) -> Result<(), TestCaseError> {
        let now = self.world.now;
        self.codes.iter_mut().for_each(|code| code.dead |= code.is_over(now));
        if let AccountEvent::Delivered { call, .. } = event {
            let heard = self.codes.iter_mut().filter(|code| code.call == call && !code.dead && code.is_own());
            heard.for_each(|code| code.delivered_at = code.delivered_at.or(Some(now)));
        }
        let effects = self.world.step(event);
        if effects.iter().any(|effect| matches!(effect, AccountEffect::CountCode)) {
            self.made()?;
        }
        for effect in effects {
            match effect {
                AccountEffect::Answer { contact, call, answer } => {
                    let chat = u8::try_from(contact.0 - 1).unwrap_or(u8::MAX);
                    self.answered(chat, call, &answer)?;
                }
                AccountEffect::LookUp { job, .. } if !crash => self.jobs.push((job, None)),
                AccountEffect::ReadRecord { job, person } if !crash => self.jobs.push((job, Some(person.id.clone()))),
                AccountEffect::Sms { text, .. } if !crash => {
                    let number = text.0[..6].parse::<u32>().ok();
                    let code = self.codes.iter().find(|code| Some(code.number) == number);
                    prop_assert!(code.is_some_and(|code| !code.dead), "a dead code leaves: {:?}", code);
                }
                _ => {}
            }
        }
        for chat in &self.world.account.chats {
            let own = u8::try_from(chat.contact.0 - 1).unwrap_or(u8::MAX);
            let told = self.slips.get(&own).copied().unwrap_or_default();
            prop_assert!(u32::from(chat.misses.today) <= told, "a slip is counted that the chat was not told of");
        }
        if crash {
            self.world.restart();
        }
        Ok(())
    }

    /// A code was made, and told to nobody yet.
    fn made(&mut self) -> Result<(), TestCaseError> {
        let found = self.world.account.chats.iter().flat_map(|chat| {
            chat.challenges.iter().map(|challenge| (chat.contact, challenge.purpose, challenge.id, challenge.call))
        });
        let new: Vec<_> = found.filter(|(_, _, id, _)| self.codes.iter().all(|code| code.id != *id)).collect();
        prop_assert_eq!(new.len(), 1, "one code is counted, and one is made");
        let (contact, purpose, id, call) = new[0];
        let chat = u8::try_from(contact.0 - 1).unwrap_or(u8::MAX);
        self.live(chat, purpose).into_iter().for_each(|code| code.dead = true);
        let number = self.world.code_of(id, contact);
        let made_at = self.world.now;
        let (delivered_at, told) = (None, false);
        self.codes.push(Code { id, number, chat, purpose, made_at, call, delivered_at, told, guesses: 0, dead: false });
        let (fresh, stranger) = (purpose == OtpPurpose::Fresh, chat != 0 && !self.proven.contains(&chat));
        let before = |within_ms: i64, which: &dyn Fn(&Made) -> bool| {
            self.made.iter().filter(|made| self.passed_ms - made.at_ms < within_ms && which(made)).count()
        };
        let own = |made: &Made| made.chat == chat && made.fresh == fresh;
        prop_assert!(before(30 * MINUTE_MS, &own) < 3, "a chat's fourth code in half an hour");
        prop_assert!(before(MINUTE_MS, &own) == 0, "a second code within a minute");
        if stranger {
            prop_assert!(before(HOUR_MS, &|made| made.stranger) < 3, "the strangers' fourth code in an hour");
            prop_assert!(before(DAY_MS, &|made| made.stranger) < 5, "the strangers' sixth code in a day");
        }
        self.made.push(Made { chat, fresh, stranger, at_ms: self.passed_ms });
        Ok(())
    }

    fn answered(&mut self, chat: u8, call: CallId, answer: &Answer) -> Result<(), TestCaseError> {
        let asked = self.last.get_mut(&chat).filter(|asked| asked.call == call);
        // An earlier call's, or a call that nobody could serve: it is asked again, and counted nothing.
        let Some(asked) = asked.filter(|_| *answer != Answer::Down) else { return Ok(()) };
        if let Some(before) = &asked.answer {
            let opened = matches!(before, Answer::OtpRight(_) | Answer::StepUpRight(_) | Answer::Identified { .. });
            let gone = opened && *answer == Answer::LoginGone;
            prop_assert!(before == answer || gone, "{:?} became {:?}", before, answer);
            return Ok(());
        }
        asked.answer = Some(answer.clone());
        match asked.request.clone() {
            Request::CheckOtp { purpose, codes, .. } => self.checked(chat, purpose, &codes, answer)?,
            Request::ChallengeOtp { purpose, .. } => {
                let live = self.live(chat, purpose).is_some();
                match answer {
                    Answer::OtpSent => prop_assert!(live, "a code is told of that was never made"),
                    Answer::OtpWait { live: told, .. } => prop_assert_eq!(*told, live),
                    Answer::Locked { .. } if self.is_locked(chat) => self.kill(chat),
                    Answer::OtpDelivered => {
                        let code = self.live(chat, purpose).filter(|code| code.is_own() && code.delivered_at.is_some());
                        let told = code.map(|code| std::mem::replace(&mut code.told, true));
                        prop_assert_eq!(told, Some(false), "told of what the phone has, once");
                    }
                    _ => {}
                }
            }
            Request::Identify { .. } => {
                let slip = matches!(answer, Answer::Identified { .. } | Answer::Locked { .. });
                *self.slips.entry(chat).or_default() += u32::from(slip);
                if matches!(answer, Answer::Locked { .. }) {
                    self.kill(chat);
                }
            }
            Request::StepUp { .. } if !matches!(answer, Answer::Locked { .. }) => {}
            _ => self.kill(chat),
        }
        Ok(())
    }

    fn checked(&mut self, chat: u8, purpose: OtpPurpose, typed: &[Otp], answer: &Answer) -> Result<(), TestCaseError> {
        let live = self.live(chat, purpose);
        match answer {
            Answer::OtpRight(_) => {
                let Some(code) = live else { return Err(TestCaseError::fail("a dead code opened")) };
                let place = typed.iter().position(|typed| Some(*typed) == Otp::new(code.number));
                let Some(place) = place else { return Err(TestCaseError::fail("another code opened")) };
                code.guesses += u32::try_from(place).unwrap_or(u32::MAX) + 1;
                prop_assert!(code.guesses <= 5, "guess {}", code.guesses);
                code.dead = true;
                self.proven.insert(chat);
            }
            Answer::OtpWrong { left } => {
                let Some(code) = live else { return Err(TestCaseError::fail("a dead code was compared")) };
                prop_assert!(typed.iter().all(|typed| Some(*typed) != Otp::new(code.number)), "a right code is wrong");
                code.guesses += u32::try_from(typed.len()).unwrap_or(u32::MAX);
                prop_assert!(
                    *left > 0 && u32::from(*left) + code.guesses == 5,
                    "{} guesses, {} left",
                    code.guesses,
                    left
                );
            }
            Answer::OtpExpired => prop_assert!(live.is_none(), "a living code is said to be dead"),
            Answer::Locked { .. } => self.kill(chat),
            Answer::LoginGone => prop_assert_eq!(purpose, OtpPurpose::Fresh),
            other => prop_assert!(false, "{:?}", other),
        }
        Ok(())
    }

    fn is_locked(&self, chat: u8) -> bool {
        let known = self.world.account.chat(ContactId(u64::from(chat) + 1));
        known.is_some_and(|known| known.locked_until(self.world.now).is_some())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 768, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_answers_late_or_dies_codes_and_budgets_hold(ops in prop::collection::vec(op(), 1..90)) {
        let mut lab = Lab::new();
        for op in &ops {
            lab.apply(op)?;
        }
    }
}
