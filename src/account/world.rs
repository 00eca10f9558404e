//! What is outside of an account, for its tests: a directory, a registry and a desk that answer at once, and a clock
//! that stands until a test moves it. What an account must do is in the tests that use it.

mod requests;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::LazyLock;

use time::macros::date;

use super::*;
use crate::conversation::text::Texts;
use crate::domain::call::{Claim, ConflictReason, Login};
use crate::domain::certificate::Language;
use crate::domain::citizen::{Dose, Standing};
use crate::domain::nik::Nik;
use crate::domain::otp::{OtpPurpose, UndoCode};
use crate::domain::phone::{Ending, Phone};
use crate::domain::ticket::{TicketNumber, TicketState};
use crate::domain::time::DAY_MS;

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::embedded().unwrap());

pub(super) const START: Timestamp = Timestamp(1_795_400_000_000);

pub(super) fn mobile(text: &str) -> Mobile {
    Mobile::from_phone(Phone::from_wa_id(text).unwrap()).unwrap()
}

pub(super) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(super) fn nik(text: &str) -> Nik {
    Nik::parse(text).unwrap()
}

pub(super) fn contact_asker(contact: u64, own_number: bool) -> Asker {
    Asker {
        contact: ContactId(contact),
        ending: Some(Ending(42)),
        bsuid: Some(LookupKey([u8::try_from(contact % 251).unwrap(); 16])),
        own_number,
        abroad: false,
        language: Language::Indonesian,
        formerly: [None; 3],
        codes_spent_until: None,
        on_behalf: None,
    }
}

/// What becomes of an SMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gateway {
    Delivers,
    /// Each is reported as undelivered.
    Reports,
}

/// What is outside of the account under test.
pub(super) struct World {
    pub(super) account: Account,
    pub(super) now: Timestamp,
    pub(super) rules: AccountRules,
    pub(super) codes_spent_until: Option<Timestamp>,
    pub(super) phone: Mobile,
    pub(super) people: Vec<Person>,
    pub(super) records: BTreeMap<PersonId, VaccinationRecord>,
    pub(super) directory_down: bool,
    pub(super) registry_down: bool,
    pub(super) desk_down: bool,
    pub(super) refuse_changes: Option<ConflictReason>,
    pub(super) sms: Vec<(Mobile, String)>,
    pub(super) gateway: Gateway,
    pub(super) templates: Vec<(Mobile, Otp)>,
    /// Effects for others, in order.
    pub(super) out: Vec<AccountEffect>,
    pub(super) steps: Cell<u64>,
    made: RefCell<BTreeMap<[u8; 16], u32>>,
    calls: u64,
}

impl World {
    pub(super) fn new() -> Self {
        let siti = Person {
            id: PersonId(String::from("p1")),
            nik: nik("0001014708900003"),
            name: name("SITI RAHMWATI"),
            verified_name: name("SITI RAHMWATI"),
            civil_name: Some(name("SITI RAHMAWATI")),
            standing: Standing::Open,
            name_changed_at: None,
        };
        let record = VaccinationRecord {
            birth_date: date!(1990 - 08 - 07),
            doses: vec![Dose {
                number: 1,
                date: date!(2021 - 09 - 03),
                vaccine: String::from("CoronaVac"),
                batch: String::from("B1"),
                certificate: Some(String::from("C1")),
            }],
        };
        Self {
            account: Account::default(),
            now: START,
            rules: AccountRules::default(),
            codes_spent_until: None,
            phone: mobile("6281200000042"),
            people: vec![siti],
            records: BTreeMap::from([(PersonId(String::from("p1")), record)]),
            directory_down: false,
            registry_down: false,
            desk_down: false,
            refuse_changes: None,
            sms: Vec::new(),
            gateway: Gateway::Delivers,
            templates: Vec::new(),
            out: Vec::new(),
            steps: Cell::new(0),
            made: RefCell::default(),
            calls: 0,
        }
    }

    pub(super) fn wait(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
    }

    /// What a crash leaves.
    pub(super) fn restart(&mut self) {
        let bytes = crate::codec::encode(1, &self.account);
        assert!(bytes.len() <= 4096, "an account record of {} bytes", bytes.len());
        self.account = crate::codec::decode(1, &bytes).unwrap();
        self.account.number_jobs_from(self.steps.get() << 32);
    }

    /// Codes are told apart by their number: every challenge has its own.
    pub(super) fn code_of(&self, challenge: [u8; 16], chat: ContactId) -> u32 {
        let mut made = self.made.borrow_mut();
        let fresh = u32::try_from(made.len()).unwrap() + 1_000 * u32::try_from(chat.0 % 900).unwrap();
        *made.entry(challenge).or_insert(fresh)
    }

    pub(super) fn step(&mut self, event: AccountEvent) -> Vec<AccountEffect> {
        let steps = self.steps.get() + 1;
        self.steps.set(steps);
        let mut random = [0; 32];
        random[..8].copy_from_slice(&steps.to_le_bytes());
        let otp = |id: [u8; 16], chat: ContactId, _: Mobile| Otp::new(self.code_of(id, chat)).unwrap();
        let context = AccountContext {
            now: self.now,
            random,
            phone: self.phone,
            otp: &otp,
            undo_key: &|code| {
                let mut key = [0; 16];
                key[..4].copy_from_slice(&code.number().to_le_bytes());
                LookupKey(key)
            },
            undo_code: &|random| UndoCode::new(u32::from(random[0]) + 52_070_000).unwrap(),
            texts: &TEXTS,
            service_number: "nomor layanan",
            rules: &self.rules,
            codes_spent_until: self.codes_spent_until,
        };
        let (account, effects) = super::step(self.account.clone(), event, &context);
        self.account = account;
        effects
    }

    /// Steps, and lets the neighbours answer until there is peace. Gives the answers.
    pub(super) fn run(&mut self, event: AccountEvent) -> Vec<(ContactId, CallId, Answer)> {
        let mut answers = Vec::new();
        let mut queue = vec![event];
        while let Some(event) = queue.pop() {
            for effect in self.step(event) {
                match effect {
                    AccountEffect::Answer { contact, call, answer } => answers.push((contact, call, answer)),
                    AccountEffect::Sms { contact, call, to, text, or_template, .. } => {
                        if self.gateway == Gateway::Delivers {
                            self.sms.push((to, text.0));
                        } else if let Some(challenge) = or_template {
                            queue.push(AccountEvent::ByTemplate { contact, call, challenge, text });
                        }
                    }
                    AccountEffect::Template { to, code, .. } => self.templates.push((to, code)),
                    AccountEffect::LookUp { job, .. } => {
                        let result = if self.directory_down { Err(down()) } else { Ok(self.people.clone()) };
                        queue.push(AccountEvent::Persons { job, result });
                    }
                    AccountEffect::ReadRecord { job, person } => {
                        let record = self.records.get(&person.id).cloned();
                        let known = record.ok_or(NeighbourError::NotFound { neighbour: "registry" });
                        let result = if self.registry_down { Err(down()) } else { known };
                        queue.push(AccountEvent::Record { job, result });
                    }
                    AccountEffect::ChangeName { job, person, ref name, .. } => {
                        let result = self.change(|world| {
                            world.people.iter_mut().filter(|known| known.id == person).for_each(|known| {
                                known.name = name.clone();
                                known.name_changed_at = Some(world.now);
                            });
                        });
                        queue.push(AccountEvent::Changed { job, result });
                    }
                    AccountEffect::ChangePhone { job, .. } => {
                        let result = self.change(|_| {});
                        self.out.push(effect);
                        queue.push(AccountEvent::Changed { job, result });
                    }
                    AccountEffect::FileTicket { job, ref draft, .. } => {
                        let number = TicketNumber::new(48_211_042).unwrap();
                        let (kind, due) = (draft.kind, self.now.plus_ms(3 * DAY_MS));
                        let view = TicketView { number, kind, state: TicketState::Filed, due };
                        let result = if self.desk_down { Err(down()) } else { Ok(view) };
                        self.out.push(effect);
                        queue.push(AccountEvent::TicketFiled { job, result });
                    }
                    other => self.out.push(other),
                }
            }
        }
        answers
    }

    pub(super) fn change(&mut self, make: impl FnOnce(&mut Self)) -> Result<(), NeighbourError> {
        if self.directory_down {
            return Err(down());
        }
        if let Some(reason) = self.refuse_changes {
            return Err(NeighbourError::Conflict { neighbour: "directory", reason });
        }
        make(self);
        Ok(())
    }

    pub(super) fn next_call(&mut self) -> CallId {
        self.calls += 1;
        CallId(self.calls)
    }

    pub(super) fn ask_as(&mut self, asker: Asker, request: Request) -> Answer {
        let call = self.next_call();
        self.ask_again(asker, call, request)
    }

    /// Asks while an earlier call is still served, which is answered `Down`.
    pub(super) fn ask_as_newer(&mut self, asker: Asker, request: Request) -> Answer {
        let call = self.next_call();
        let answers = self.run(AccountEvent::Asked { asker, call, request });
        let own = |(_, answered, answer): (ContactId, CallId, Answer)| (answered == call).then_some(answer);
        answers.into_iter().find_map(own).unwrap()
    }

    pub(super) fn ask_again(&mut self, asker: Asker, call: CallId, request: Request) -> Answer {
        let mut answers = self.run(AccountEvent::Asked { asker, call, request });
        assert_eq!(answers.len(), 1, "one answer a call");
        let (contact, answered, answer) = answers.remove(0);
        assert_eq!((contact, answered), (asker.contact, call));
        answer
    }

    pub(super) fn own(&mut self, request: Request) -> Answer {
        self.ask_as(contact_asker(1, true), request)
    }

    pub(super) fn challenge(&self, purpose: OtpPurpose) -> Request {
        Request::ChallengeOtp { account: self.phone, purpose }
    }

    pub(super) fn check(&self, purpose: OtpPurpose, codes: &[u32]) -> Request {
        let codes = codes.iter().map(|code| Otp::new(*code).unwrap()).collect();
        Request::CheckOtp { account: self.phone, purpose, codes }
    }

    /// The code in the newest SMS.
    pub(super) fn last_code(&self) -> u32 {
        self.sms.last().unwrap().1[..6].parse().unwrap()
    }

    pub(super) fn log_in(&mut self, asker: Asker) -> Login {
        assert_eq!(self.ask_as(asker, self.challenge(OtpPurpose::Login)), Answer::OtpSent);
        let code = self.last_code();
        match self.ask_as(asker, self.check(OtpPurpose::Login, &[code])) {
            Answer::OtpRight(login) => login,
            other => panic!("no login: {other:?}"),
        }
    }
}

pub(super) fn down() -> NeighbourError {
    NeighbourError::Down { neighbour: "test", reason: String::from("asked to be") }
}

pub(super) const SITI: (&str, &str) = ("Siti Rahmawati", "0001014708900003");
pub(super) const NOBODY: (&str, &str) = ("Siti Rahmawati", "0001014708900004");
