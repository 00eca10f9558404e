//! Whatever comes in whatever order, answers of neighbours included: a step never panics, keeps its bounds, opens
//! nothing without consent, code and the very person, and says nothing that it must not (conversation.md 1, 5).
//!
//! The accounts here lie: any answer may come to any call. What the conversation itself guarantees is held
//! against a model of what was proven so far.

#![allow(clippy::wildcard_enum_match_arm, reason = "a model looks at what it holds and at nothing else")]

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use siaga::conversation::input::{self, YesNo};
use siaga::conversation::{Context, Effect, Event, Notice, Rules, State, Step, Texts, resume, step};
use siaga::domain::call::{Answer, Call, CallId, Identified, Login, Request, Subject};
use siaga::domain::citizen::{Dose, PersonId, VaccinationRecord};
use siaga::domain::contact::{BusinessNumber, ContactId, Identity};
use siaga::domain::message::{Content, Inbound, MessageId, Outbound, ReplyKind, Text};
use siaga::domain::name::Name;
use siaga::domain::nik::Nik;
use siaga::domain::otp::OtpPurpose;
use siaga::domain::phone::{Mobile, Phone};
use siaga::domain::ticket::{TicketKind, TicketNumber, TicketState, TicketView};
use siaga::domain::time::{MINUTE_MS, SECOND_MS, Timestamp};
use time::{Date, Month};

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::embedded().expect("the texts"));
static RULES: LazyLock<Rules> = LazyLock::new(Rules::default);

/// Stands in the registry only: nobody types it, so no message may say it.
const SECRET_NAME: &str = "QANITA ZULAIKHA";
const CODE: &str = "483920";

const WORDS: [&str; 62] = [
    "hai",
    "Assalamualaikum",
    "P",
    "1",
    "2",
    "3",
    "10",
    "ya",
    "setuju",
    "tidak",
    "menu",
    "batal",
    "bantuan",
    "kirim ulang",
    "petugas",
    "tiket",
    "tiket 4821-0937",
    "keluarga",
    "english",
    "indonesia",
    "hapus data",
    "bukan saya",
    "bukan saya 1234-5678",
    "selesai",
    "makasih",
    "ok",
    "semua",
    "dosis 2",
    "status",
    "sertifikat",
    "download dosis 3",
    "ubah nama",
    "ganti nomor hp",
    "ubah info diri",
    "nomor lama saya hangus",
    "nomor lain",
    "Belum terima kode",
    "ganti nomor",
    "0812 0000 0042",
    "081200000199",
    "021 5201590",
    "+1 202 555 0100",
    "483920",
    "48 39 20",
    "000000",
    "12345",
    "Siti Rahmawati",
    "Siti",
    "0001014708900003",
    "0001 0147 0890 000",
    "Siti Rahmawati 0001014708900003",
    "Siti Rahmawati 0001019908900003",
    "Bayu Pradana 0001010505120004\nCitra Pradana 0001014506140002\nDimas 000101",
    "Juli 2021",
    "081200000170 Joko Susilo 0001011203770005",
    "puskesmas melati, juli 2021",
    "benar",
    "perbaiki",
    "Ya, hapus",
    "Hello, I need my vaccine certificate",
    "status of my vaccination please",
    "qwrty zxcvb asdfg hjklm",
];

const KEYS: [&str; 36] = [
    "agree_this",
    "agree_other",
    "disagree",
    "no_code",
    "change_number",
    "resend",
    "old_number_lost",
    "never_registered",
    "send_code",
    "other_number",
    "download",
    "status",
    "change",
    "retry",
    "data_wrong",
    "menu",
    "finish",
    "family",
    "send_report",
    "watch_yes",
    "cancel",
    "name_right",
    "name_again",
    "pick_name",
    "pick_phone",
    "pick_other",
    "erase_yes",
    "erase",
    "add_words",
    "not_done",
    "reports",
    "dose_1",
    "dose_2",
    "kind_1",
    "kind_6",
    "kind_9",
];

#[derive(Clone, Debug)]
enum Op {
    Word(usize),
    Typed(String),
    /// A button of the session so many epochs ago.
    Tap(usize, u8),
    Strange(u8),
    /// An answer to a call that is not out.
    Late(u8),
    /// What an honest neighbour would say.
    Right,
    /// One of the answers that this call can have.
    Other(u8),
    /// Any answer at all.
    Lie(u8),
    Notice(u8),
    Wake,
    Seconds(u32),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..WORDS.len()).prop_map(Op::Word),
        1 => "\\PC{0,80}".prop_map(Op::Typed),
        6 => (0..KEYS.len(), prop_oneof![9 => Just(0_u8), 1 => 1..3_u8]).prop_map(|(key, old)| Op::Tap(key, old)),
        1 => (0..9_u8).prop_map(Op::Strange),
        1 => (0..28_u8).prop_map(Op::Late),
        1 => (0..5_u8).prop_map(Op::Notice),
        1 => Just(Op::Wake),
        3 => prop_oneof![0..40_u32, 0..4_000_u32].prop_map(Op::Seconds),
    ]
}

/// What comes of a call, if one is out: mostly what should, sometimes what can, rarely what cannot; or nothing yet.
fn outcome() -> impl Strategy<Value = Option<Op>> {
    prop_oneof![
        12 => Just(Some(Op::Right)),
        5 => (0..8_u8).prop_map(|answer| Some(Op::Other(answer))),
        1 => (0..28_u8).prop_map(|answer| Some(Op::Lie(answer))),
        2 => Just(None),
    ]
}

/// The answers that a call can have, as [`Chat::answer`] numbers them.
fn possible(request: &Request) -> &'static [u8] {
    match request {
        Request::ChallengeOtp { .. } => &[0, 1, 2, 3],
        Request::CheckOtp { .. } => &[4, 5, 6, 7, 8, 2],
        Request::StepUp { .. } => &[9, 10, 2],
        Request::Identify { .. } => &[11, 12, 13, 26, 27],
        Request::ReadRecord { .. } => &[14, 26, 27],
        Request::ReadIssued { .. } => &[15, 26],
        Request::ChangeName { .. } => &[16, 17, 20, 27],
        Request::ChangePhone { .. } => &[18, 19, 20, 27],
        Request::Undo { .. } => &[21, 22],
        Request::Leave { .. } => &[26],
        Request::FileTicket(_) => &[23, 27],
        Request::AddToTicket { .. } | Request::ReopenTicket { .. } => &[24, 27],
        Request::ReadTickets => &[25, 27],
    }
}

fn mobile(digits: &str) -> Mobile {
    Mobile::from_phone(Phone::from_wa_id(digits).expect("a number")).expect("a mobile")
}

fn subject(person: &str, doses: u8) -> Subject {
    let dose = |number: u8| Dose {
        number,
        date: Date::from_calendar_date(2021, Month::September, number).expect("a date"),
        vaccine: String::from("CoronaVac"),
        batch: String::from("B-1"),
        certificate: (number != 3).then(|| format!("{person}/{number}")),
    };
    Subject {
        person: PersonId(person.to_owned()),
        nik: Nik::parse("0001014708900003").expect("a nik"),
        name: Name::parse(SECRET_NAME).expect("a name"),
        record: VaccinationRecord {
            birth_date: Date::from_calendar_date(1990, Month::August, 7).expect("a date"),
            doses: (1..=doses).map(dose).collect(),
        },
    }
}

fn ticket(now: Timestamp, kind: TicketKind, state: TicketState) -> TicketView {
    let number = TicketNumber::new(48_210_937).expect("a number");
    TicketView { number, kind, state, due: now.plus_ms(72 * 60 * MINUTE_MS) }
}

/// What was proven so far, known from outside.
#[derive(Default)]
struct Proven {
    /// The citizen did something that agrees since the session began.
    agreed: bool,
    login: Option<(Mobile, u32)>,
    at: Option<Timestamp>,
    people: BTreeSet<String>,
}

struct Chat {
    state: State,
    identity: Identity,
    now: Timestamp,
    revision: u64,
    messages: u64,
    epoch: u8,
    out: Option<Call>,
    proven: Proven,
}

impl Chat {
    fn new(has_phone: bool) -> Self {
        Self {
            state: State::default(),
            identity: Identity {
                phone: has_phone.then(|| mobile("6281200000042").phone()),
                bsuid: (!has_phone).then(|| siaga::domain::contact::Bsuid(String::from("ID.abc"))),
            },
            now: Timestamp::from_unix_s(1_795_399_200),
            revision: 0,
            messages: 0,
            epoch: 0,
            out: None,
            proven: Proven::default(),
        }
    }

    fn message(&mut self, content: Content) -> Event {
        self.messages += 1;
        Event::Message(Inbound {
            id: MessageId(format!("wamid.HBgNNjI4MTIwMDAwMDA0MhUCABIYFjNFQjBDMDg3{:06}", self.messages)),
            from: self.identity.clone(),
            to: BusinessNumber("100".into()),
            sent_at: self.now,
            quotes: None,
            content,
        })
    }

    fn act(&mut self, op: &Op) -> Result<(), TestCaseError> {
        let event = match op {
            Op::Word(word) => self.message(Content::Text(Text(WORDS[*word].to_owned()))),
            Op::Typed(text) => self.message(Content::Text(Text(text.clone()))),
            Op::Tap(key, old) => {
                let id = format!("{}:{}", self.epoch.saturating_sub(*old), KEYS[*key]);
                self.message(Content::Choice { id, title: Text(String::from("?")) })
            }
            Op::Strange(which) => {
                let content = self.strange(*which);
                self.message(content)
            }
            Op::Late(which) => Event::Answer { call: CallId(self.revision / 2), answer: self.answer(*which) },
            Op::Right | Op::Other(_) | Op::Lie(_) => {
                let Some(call) = self.out.clone() else { return Ok(()) };
                let answer = match op {
                    Op::Other(which) => {
                        let possible = possible(&call.request);
                        self.answer(possible[usize::from(*which) % possible.len()])
                    }
                    Op::Lie(which) => self.answer(*which),
                    _ => self.truth(&call.request),
                };
                Event::Answer { call: call.id, answer }
            }
            Op::Notice(which) => Event::Notice(self.notice(*which)),
            Op::Wake => Event::Wake,
            Op::Seconds(seconds) => {
                self.now = self.now.plus_ms(i64::from(*seconds) * SECOND_MS);
                return Ok(());
            }
        };
        self.turn(&event)
    }

    fn strange(&self, which: u8) -> Content {
        let original = MessageId(format!("wamid.HBgNNjI4MTIwMDAwMDA0MhUCABIYFjNFQjBDMDg3{:06}", self.messages));
        let text = Box::new(Content::Text(Text(WORDS[50].to_owned())));
        match which {
            0 => Content::Voice,
            1 => Content::Photo,
            2 => Content::Sticker,
            3 => Content::Reaction,
            4 => Content::Contacts(vec![mobile("6281200000199").phone()]),
            5 => Content::Edit { original, content: text },
            6 => Content::Revoke { original },
            7 => Content::Welcome,
            _ => Content::Unsupported,
        }
    }

    fn notice(&self, which: u8) -> Notice {
        let at = self.now;
        let words = Some(Text(format!("hubungi 0812 0000 0042 dan bawa {}", WORDS[48])));
        match which {
            0 => Notice::LoginEnded,
            1 => Notice::IdentityChanged,
            2 => Notice::TicketMoved { ticket: ticket(at, TicketKind::Other, TicketState::Answered { at }), words },
            3 => {
                let asks = TicketState::WaitingCitizen { since: at };
                Notice::TicketMoved { ticket: ticket(at, TicketKind::Other, asks), words }
            }
            _ => Notice::TicketMoved { ticket: ticket(at, TicketKind::Other, TicketState::Filed), words: None },
        }
    }

    /// Any answer at all.
    fn answer(&self, which: u8) -> Answer {
        let until = self.now.plus_ms(30 * MINUTE_MS);
        let view = |kind| ticket(self.now, kind, TicketState::Filed);
        let login = |step_up, weak| Login { epoch: 9, step_up, weak };
        let found = |person| Identified::Found(Box::new(subject(person, 2)));
        match which {
            0 => Answer::OtpSent,
            1 => Answer::OtpWait { seconds: 35 },
            2 => Answer::Locked { until },
            3 => Answer::NotRegistered,
            4 => Answer::OtpRight(login(false, false)),
            5 => Answer::OtpRight(login(true, false)),
            6 => Answer::OtpRight(login(false, true)),
            7 => Answer::OtpWrong { left: 4 },
            8 => Answer::OtpExpired,
            9 => Answer::StepUpRight(login(false, false)),
            10 => Answer::StepUpWrong { left: 1 },
            11 => Answer::Identified { people: vec![found("p1")], misses_left: 3 },
            12 => Answer::Identified { people: vec![Identified::Miss], misses_left: 2 },
            13 => Answer::Identified { people: vec![found("p1"), Identified::Miss, found("p2")], misses_left: 0 },
            14 => Answer::Record(Box::new(subject("p2", 3))),
            15 => Answer::Issued(true),
            16 => Answer::NameChanged,
            17 => Answer::NeedsDesk,
            18 => Answer::PhoneChanged,
            19 => Answer::PhoneFull,
            20 => Answer::ChangesShut { until },
            21 => Answer::Undone { ticket: view(TicketKind::NameChange) },
            22 => Answer::UndoUnknown,
            23 => Answer::TicketFiled(view(TicketKind::OldNumberLost)),
            24 => Answer::NoTicket,
            25 => Answer::Tickets(vec![view(TicketKind::Other); 7]),
            26 => Answer::LoginGone,
            _ => Answer::Down,
        }
    }

    fn truth(&self, request: &Request) -> Answer {
        let view = |kind| ticket(self.now, kind, TicketState::Filed);
        let login = Login { epoch: 3, step_up: false, weak: false };
        match request {
            Request::ChallengeOtp { .. } => Answer::OtpSent,
            Request::CheckOtp { .. } => Answer::OtpRight(login),
            Request::StepUp { .. } => Answer::StepUpRight(login),
            Request::Identify { claims, .. } => {
                let person = |claim: &siaga::domain::call::Claim| {
                    let person = format!("p{}", claim.name.as_str().len());
                    Identified::Found(Box::new(subject(&person, u8::try_from(self.messages % 4).unwrap_or(1))))
                };
                Answer::Identified { people: claims.iter().map(person).collect(), misses_left: 3 }
            }
            Request::ReadRecord { person, .. } => Answer::Record(Box::new(subject(&person.0, 3))),
            Request::ReadIssued { .. } => Answer::Issued(true),
            Request::ChangeName { .. } => Answer::NameChanged,
            Request::ChangePhone { .. } => Answer::PhoneChanged,
            Request::Undo { .. } => Answer::Undone { ticket: view(TicketKind::ChangeUndone) },
            Request::Leave { .. } => Answer::Left,
            Request::FileTicket(draft) => Answer::TicketFiled(view(draft.kind)),
            Request::AddToTicket { .. } => Answer::TicketAdded(view(TicketKind::Other)),
            Request::ReopenTicket { .. } => Answer::TicketReopened(view(TicketKind::Other)),
            Request::ReadTickets => Answer::Tickets(vec![view(TicketKind::Other)]),
        }
    }

    fn turn(&mut self, event: &Event) -> Result<(), TestCaseError> {
        self.revision += 1;
        self.learn(event);
        let before = self.state.clone();
        let context = Context {
            now: self.now,
            contact: ContactId(1),
            call: CallId(self.revision),
            identity: &self.identity,
            texts: &TEXTS,
            rules: &RULES,
            quoted: &|_: &MessageId| None::<Arc<Outbound>>,
        };
        let Step { state, effects, wake_at } = step(before, vec![event.clone()], &context);
        self.state = state;
        let resumed = resume(&self.state, &context);

        prop_assert!(wake_at.is_none_or(|at| at > self.now || *event != Event::Wake), "it wakes for ever");
        let bytes = postcard::to_stdvec(&self.state).expect("a state is written").len();
        prop_assert!(bytes <= 1_900, "{} bytes at rest", bytes);
        self.hold_calls(&effects, &resumed)?;
        self.hold_replies(&effects)?;
        if self.state.login().is_none() {
            self.proven.login = None;
            self.proven.people.clear();
        }
        self.epoch = self.epoch.max(self.epoch_seen(&effects));
        Ok(())
    }

    /// What an event proves, judged without the conversation.
    fn learn(&mut self, event: &Event) {
        match event {
            Event::Message(message) => {
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
                self.proven.agreed |= agrees || chooses.iter().any(|word| words.to_lowercase().contains(word));
            }
            Event::Answer { call, answer } => {
                let Some(out) = self.out.take_if(|out| out.id == *call) else { return };
                match (out.request, answer) {
                    (Request::CheckOtp { account, purpose, .. }, Answer::OtpRight(login)) => match purpose {
                        OtpPurpose::Login if !login.step_up => self.log_in(account, login.epoch),
                        OtpPurpose::Fresh => self.log_in(account, login.epoch),
                        _ => {}
                    },
                    (Request::StepUp { account, .. }, Answer::StepUpRight(login)) => self.log_in(account, login.epoch),
                    (Request::Identify { .. }, Answer::Identified { people, .. }) => {
                        for person in people {
                            if let Identified::Found(subject) = person {
                                self.proven.people.insert(subject.person.0.clone());
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

    fn log_in(&mut self, account: Mobile, epoch: u32) {
        self.proven.login = Some((account, epoch));
        self.proven.at = Some(self.now);
    }

    fn hold_calls(&mut self, effects: &[Effect], resumed: &[Effect]) -> Result<(), TestCaseError> {
        let calls = effects.iter().filter_map(|effect| match effect {
            Effect::Call { call, .. } => Some(call),
            _ => None,
        });
        let calls: Vec<&Call> = calls.collect();
        prop_assert!(calls.len() <= 1, "one call a step");
        let login = self.proven.login.map(|login| login.0);
        for call in &calls {
            match &call.request {
                Request::ChallengeOtp { purpose: OtpPurpose::Login, .. } => prop_assert!(self.proven.agreed),
                Request::Identify { account, .. } => prop_assert_eq!(Some(*account), login),
                Request::ReadRecord { account, person } => {
                    prop_assert_eq!(Some(*account), login);
                    prop_assert!(self.proven.people.contains(&person.0));
                }
                Request::ChangeName { account, person, .. } | Request::ChangePhone { account, person, .. } => {
                    prop_assert_eq!(Some(*account), login);
                    prop_assert!(self.proven.people.contains(&person.0));
                    let age_ms = self.proven.at.map(|at| self.now.since_ms(at));
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

    fn hold_replies(&self, effects: &[Effect]) -> Result<(), TestCaseError> {
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
                    prop_assert!(self.proven.login.is_some(), "a certificate without a login");
                    let person = certificate.id.split('/').next().unwrap_or_default();
                    prop_assert!(self.proven.people.contains(person), "a certificate of another");
                    prop_assert!(file_name.contains(".pdf"));
                    (&caption.0, 1024)
                }
            };
            prop_assert!(!body.is_empty() && body.chars().count() <= limit);
            prop_assert!(!body.contains('{') && !body.contains(['\u{2068}', '\u{2069}']), "{}", body);
            prop_assert!(!body.contains(CODE), "a code is said");
            prop_assert!(!body.to_uppercase().contains("QANITA"), "the registry's name is said");
            prop_assert!(longest_number(body) <= 8, "a number is said: {}", body);
            let shows = ["Status vaksinasi a.n.", "Vaccination status for", "Kami belum menemukan catatan"];
            if reply.epoch.is_some() || shows.iter().any(|words| body.contains(words)) {
                let (account, epoch) = self.proven.login.expect("personal words without a login");
                let stands_on = reply.epoch.map(|stands| (stands.account, stands.epoch));
                prop_assert_eq!(stands_on, Some((account, epoch)));
            }
        }
        prop_assert!(talk <= 1, "one reply a turn");
        Ok(())
    }

    fn epoch_seen(&self, effects: &[Effect]) -> u8 {
        let ids = effects.iter().filter_map(|effect| match effect {
            Effect::Say(reply) => match &reply.message {
                Outbound::Buttons { buttons: rows, .. } | Outbound::List { rows, .. } => rows.first(),
                _ => None,
            },
            _ => None,
        });
        ids.filter_map(|button| button.id.split(':').next()?.parse().ok()).max().unwrap_or(self.epoch)
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_opens_unproven_and_nothing_is_given_away(
        has_phone in prop::bool::weighted(0.85),
        start in 0..7_u8,
        ops in prop::collection::vec((op(), outcome()), 1..40),
    ) {
        let mut chat = Chat::new(has_phone);
        for op in preamble(start, has_phone) {
            chat.act(&op)?;
        }
        for (op, outcome) in ops {
            chat.act(&op)?;
            if let Some(outcome) = outcome {
                chat.act(&outcome)?;
            }
        }
    }
}

/// Brings a chat to where more can go wrong: logged in, a person known, a change begun, and much later.
fn preamble(start: u8, has_phone: bool) -> Vec<Op> {
    let said = |text: &str| Op::Typed(text.to_owned());
    let number = if has_phone { said("setuju") } else { said("081200000160") };
    let code = [said("hai"), number, Op::Right, said(CODE)];
    let known = [Op::Right, said("status"), said("Siti Rahmawati 0001014708900003"), Op::Right];
    let change = [said("ubah nama"), said("Siti Rahmawati")];
    let later = [Op::Seconds(600), said("P"), Op::Seconds(400)];
    // A login that owes more, and one that was ended and made anew.
    let half = [Op::Other(1), said("status"), said("Siti Rahmawati 0001014708900003")];
    let again = [Op::Notice(0), said("hai"), code[1].clone(), Op::Right, said(CODE), Op::Right];
    match start {
        0 => Vec::new(),
        1 => code.to_vec(),
        2 => [&code[..], &known].concat(),
        3 => [&code[..], &known, &change].concat(),
        4 => [&code[..], &known, &change, &later].concat(),
        5 => [&code[..], &half].concat(),
        _ => [&code[..], &known, &again].concat(),
    }
}
