//! What was proven so far, judged from outside, and what a step may do on the strength of it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use siaga::conversation::input::{self, YesNo};
use siaga::conversation::{Effect, Event};
use siaga::domain::call::{Answer, Call, Identified, Request};
use siaga::domain::message::{Content, Outbound, ReplyKind};
use siaga::domain::otp::OtpPurpose;
use siaga::domain::phone::Mobile;
use siaga::domain::time::{MINUTE_MS, Timestamp};

use super::CODE;

/// What was proven so far, known from outside.
#[derive(Default)]
pub(super) struct Proven {
    /// The citizen did something that agrees since the session began.
    agreed: bool,
    login: Option<(Mobile, u32)>,
    at: Option<Timestamp>,
    people: BTreeSet<String>,
    /// The call that is out.
    pub(super) out: Option<Call>,
}

impl Proven {
    /// What an event proves, judged without the conversation.
    pub(super) fn learn(&mut self, event: &Event, now: Timestamp) {
        match event {
            Event::Message(message) | Event::Late(message) => {
                let words = match &message.content {
                    Content::Text(text) => text.0.clone(),
                    Content::Choice { id, .. } => id.clone(),
                    Content::Contacts(_) => String::from("0812"),
                    _ => String::new(),
                };
                // Choosing or typing a number is agreeing; so is yes.
                let read = input::read(&words);
                let agrees = read.yes_no == Some(YesNo::Yes) || read.choice.is_some() || read.phone.is_some();
                let agrees = agrees || read.number_choice.is_some();
                let chooses = ["agree", "send_code", "setuju", "0812", "lain", "other", "resend"];
                self.agreed |= agrees || chooses.iter().any(|word| words.to_lowercase().contains(word));
            }
            Event::Answer { call, answer } => {
                let Some(out) = self.out.take_if(|out| out.id == *call) else { return };
                match (out.request, answer) {
                    (Request::CheckOtp { account, purpose, .. }, Answer::OtpRight(login)) => match purpose {
                        OtpPurpose::Login if !login.step_up => self.log_in(account, login.epoch, now),
                        OtpPurpose::Fresh => self.log_in(account, login.epoch, now),
                        _ => {}
                    },
                    (Request::StepUp { account, .. }, Answer::StepUpRight(login)) => {
                        self.log_in(account, login.epoch, now);
                    }
                    (Request::Identify { .. }, Answer::Identified { people, .. }) => {
                        for person in people {
                            if let Identified::Found(subject) = person {
                                self.people.insert(subject.person.0.clone());
                            }
                        }
                    }
                    (request, Answer::Down) => self.out = Some(Call { id: *call, request }),
                    _ => {}
                }
            }
            Event::Notice(_) | Event::Wake => {}
        }
    }

    fn log_in(&mut self, account: Mobile, epoch: u32, now: Timestamp) {
        self.login = Some((account, epoch));
        self.at = Some(now);
    }

    /// Calls stand on what was proven, one a step, and a restart makes them again.
    pub(super) fn hold_calls(
        &mut self,
        effects: &[Effect],
        resumed: &[Effect],
        now: Timestamp,
    ) -> Result<(), TestCaseError> {
        let calls = effects.iter().filter_map(|effect| match effect {
            Effect::Call { call, .. } => Some(call),
            _ => None,
        });
        let calls: Vec<&Call> = calls.collect();
        prop_assert!(calls.len() <= 1, "one call a step");
        let login = self.login.map(|login| login.0);
        for call in &calls {
            match &call.request {
                Request::ChallengeOtp { purpose: OtpPurpose::Login, .. } => prop_assert!(self.agreed),
                Request::Identify { account, .. } => prop_assert_eq!(Some(*account), login),
                Request::ReadRecord { account, person } => {
                    prop_assert_eq!(Some(*account), login);
                    prop_assert!(self.people.contains(&person.0));
                }
                Request::ChangeName { account, person, .. } | Request::ChangePhone { account, person, .. } => {
                    prop_assert_eq!(Some(*account), login);
                    prop_assert!(self.people.contains(&person.0));
                    let age_ms = self.at.map(|at| now.since_ms(at));
                    prop_assert!(age_ms.is_some_and(|age| age <= 15 * MINUTE_MS), "a change on a stale proof");
                }
                _ => {}
            }
            // Nobody waits for the answer to a leave.
            if !matches!(call.request, Request::Leave { .. }) {
                let again = Effect::Call { call: (*call).clone(), after_s: 0 };
                prop_assert!(resumed.contains(&again), "a restart would forget the call");
                self.out = Some((*call).clone());
            }
        }
        Ok(())
    }

    /// Replies keep Meta's limits, stand on the login where they are personal, and give nothing away.
    pub(super) fn hold_replies(&self, effects: &[Effect]) -> Result<(), TestCaseError> {
        let mut talk = 0;
        for effect in effects {
            let Effect::Say(reply) = effect else { continue };
            talk += usize::from(matches!(reply.kind, ReplyKind::Prompt | ReplyKind::Answer));
            let (body, limit) = match &reply.message {
                Outbound::Text { body } => (&body.0, 1024),
                Outbound::Buttons { body, footer, buttons } => {
                    let titles: BTreeSet<&str> = buttons.iter().map(|button| button.title.0.as_str()).collect();
                    prop_assert!(buttons.len() <= 3 && titles.len() == buttons.len());
                    prop_assert!(titles.iter().all(|title| (1..=20).contains(&title.chars().count())));
                    prop_assert!(footer.as_ref().is_none_or(|footer| footer.0.chars().count() <= 60));
                    (&body.0, 1024)
                }
                Outbound::List { body, open, rows, .. } => {
                    prop_assert!(rows.len() <= 10 && open.0.chars().count() <= 20);
                    prop_assert!(rows.iter().all(|row| (1..=24).contains(&row.title.0.chars().count())));
                    (&body.0, 1024)
                }
                Outbound::Certificate { certificate, file_name, caption } => {
                    prop_assert_eq!(reply.kind, ReplyKind::Document);
                    prop_assert!(self.login.is_some(), "a certificate without a login");
                    let person = certificate.id.split('/').next().unwrap_or_default();
                    prop_assert!(self.people.contains(person), "a certificate of another");
                    prop_assert!(file_name.contains(".pdf"));
                    (&caption.0, 1024)
                }
                Outbound::Template { .. } => return Err(TestCaseError::fail("a conversation says no template")),
            };
            prop_assert!(!body.is_empty() && body.chars().count() <= limit);
            prop_assert!(!body.contains('{') && !body.contains(['\u{2068}', '\u{2069}']), "{}", body);
            prop_assert!(!body.contains(CODE), "a code is said");
            prop_assert!(!body.to_uppercase().contains("QANITA"), "the registry's name is said");
            prop_assert!(longest_number(body) <= 8, "a number is said: {}", body);
            let shows = ["Status vaksinasi a.n.", "Vaccination status for", "Kami belum menemukan catatan"];
            if reply.epoch.is_some() || shows.iter().any(|words| body.contains(words)) {
                let (account, epoch) = self.login.expect("personal words without a login");
                let stands_on = reply.epoch.map(|stands| (stands.account, stands.epoch));
                prop_assert_eq!(stands_on, Some((account, epoch)));
            }
        }
        prop_assert!(talk <= 1, "one reply a turn");
        Ok(())
    }

    /// The session has no login any more.
    pub(super) fn log_out(&mut self) {
        self.login = None;
        self.people.clear();
    }
}

/// Digits of the longest number in a text, however it is grouped.
fn longest_number(text: &str) -> usize {
    let (mut longest, mut digits, mut gap) = (0, 0, 0);
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits += 1;
            gap = 0;
        } else if matches!(c, ' ' | '-') && gap == 0 && digits > 0 {
            gap = 1;
        } else {
            digits = 0;
        }
        longest = longest.max(digits);
    }
    longest
}
