//! Whatever comes in whatever order, answers of neighbours included: a step never panics, keeps its bounds, opens
//! nothing without consent, code and the very person, and says nothing that it must not (conversation.md 1, 5).
//!
//! The accounts here lie: any answer may come to any call. What the conversation itself guarantees is held
//! against a model of what was proven so far.

#![allow(clippy::wildcard_enum_match_arm, reason = "a model looks at what it holds and at nothing else")]

mod neighbours;
mod proven;

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use siaga::conversation::{Context, Effect, Event, Notice, Rules, State, Step, Texts, resume, step};
use siaga::domain::call::CallId;
use siaga::domain::contact::{Bsuid, BusinessNumber, ContactId, Identity};
use siaga::domain::message::{Content, Inbound, MessageId, Outbound, Text};
use siaga::domain::phone::{Mobile, Phone};
use siaga::domain::ticket::{TicketKind, TicketState};
use siaga::domain::time::{SECOND_MS, Timestamp};

use neighbours::ticket;
use proven::Proven;

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
    /// It was long on its way.
    Old(usize),
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
        1 => (0..WORDS.len()).prop_map(Op::Old),
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

fn mobile(digits: &str) -> Mobile {
    Mobile::from_phone(Phone::from_wa_id(digits).expect("a number")).expect("a mobile")
}

struct Chat {
    state: State,
    identity: Identity,
    now: Timestamp,
    revision: u64,
    messages: u64,
    epoch: u8,
    proven: Proven,
}

impl Chat {
    fn new(has_phone: bool) -> Self {
        Self {
            state: State::default(),
            identity: Identity {
                phone: has_phone.then(|| mobile("6281200000042").phone()),
                bsuid: (!has_phone).then(|| Bsuid(String::from("ID.abc"))),
            },
            now: Timestamp::from_unix_s(1_795_399_200),
            revision: 0,
            messages: 0,
            epoch: 0,
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
            Op::Old(word) => {
                let Event::Message(message) = self.message(Content::Text(Text(WORDS[*word].to_owned()))) else {
                    unreachable!("a message")
                };
                Event::Late(message)
            }
            Op::Typed(text) => self.message(Content::Text(Text(text.clone()))),
            Op::Tap(key, old) => {
                let id = format!("{}:{}", self.epoch.saturating_sub(*old), KEYS[*key]);
                self.message(Content::Choice { id, title: Text(String::from("?")) })
            }
            Op::Strange(which) => {
                let content = self.strange(*which);
                self.message(content)
            }
            Op::Late(which) => {
                Event::Answer { call: CallId(self.revision / 2), answer: neighbours::answer(*which, self.now) }
            }
            Op::Right | Op::Other(_) | Op::Lie(_) => {
                let Some(call) = self.proven.out.clone() else { return Ok(()) };
                let answer = match op {
                    Op::Other(which) => {
                        let possible = neighbours::possible(&call.request);
                        neighbours::answer(possible[usize::from(*which) % possible.len()], self.now)
                    }
                    Op::Lie(which) => neighbours::answer(*which, self.now),
                    _ => neighbours::truth(&call.request, self.now, u8::try_from(self.messages % 4).unwrap_or(1)),
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

    fn turn(&mut self, event: &Event) -> Result<(), TestCaseError> {
        self.revision += 1;
        self.proven.learn(event, self.now);
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
        // The service gate knows by its wish that a conversation is in progress, without reading its record.
        prop_assert!(!self.state.is_live(self.now, &RULES) || wake_at.is_some(), "live, and nobody would know");
        let bytes = postcard::to_stdvec(&self.state).expect("a state is written").len();
        prop_assert!(bytes <= 1_900, "{} bytes at rest", bytes);
        self.proven.hold_calls(&effects, &resumed, self.now)?;
        self.proven.hold_replies(&effects)?;
        if self.state.login().is_none() {
            self.proven.log_out();
        }
        self.epoch = self.epoch.max(self.epoch_seen(&effects));
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
