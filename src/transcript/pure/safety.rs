//! Whatever is typed in whatever order: nothing personal opens without consent, a code, a name and a NIK, and
//! no message gives away what it must not (conversation.md 1 and 5).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::world::{Heard, World};
use crate::conversation::text::Texts;
use crate::domain::contact::{Bsuid, ContactId, Identity};
use crate::domain::message::{Button, Content, Outbound, Text};
use crate::domain::phone::Phone;
use crate::transcript::{Directive, Transcript, What};

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::embedded().unwrap());

/// `Qanita` stands in the registry only: nobody types it, so no message may say it.
const CITIZENS: &str = "\
# @citizen phone=0812-0000-0001 nik=0001014708900003 name=\"Siti Rahmawati Qanita\" doses=1:2021-09-03:CoronaVac
# @citizen phone=0812-0000-0001 nik=0001010505120004 name=\"Bayu Pradana Qanita\" doses=1:2021-07-14:CoronaVac,2:2021-08-11:CoronaVac
# @citizen phone=0812-0000-0001 nik=0001010707160001 name=\"Dimas Pradana Qanita\"
# @citizen phone=0812-0000-0002 nik=0001015708900004 name=\"Wulan Sari Qanita\" doses=1:2026-11-20:CoronaVac:pending
";

const PEOPLE: [(&str, &str); 5] = [
    ("Siti Rahmawati", "0001014708900003"),
    ("Bayu Pradana", "0001010505120004"),
    ("Dimas Pradana", "0001010707160001"),
    ("Wulan Sari", "0001015708900004"),
    ("Rina Kartika", "0001014708900003"),
];

/// Chats by the last digit of their WhatsApp number. The third owns no registered phone and sees no SMS of the others.
const CHATS: [&str; 3] = ["6281200000001", "6281200000002", "6281200000003"];

const WORDS: [&str; 48] = [
    "hai",
    "1",
    "2",
    "3",
    "ya",
    "tidak",
    "menu",
    "batal",
    "bantuan",
    "kirim ulang",
    "petugas",
    "tiket",
    "keluarga",
    "english",
    "indonesia",
    "hapus data",
    "bukan saya",
    "selesai",
    "stop",
    "makasih",
    "P",
    "download sertifikat",
    "status",
    "ubah nama",
    "ganti nomor hp",
    "ubah info diri",
    "semua",
    "dosis 2",
    "nomor lama saya hilang",
    "0812 0000 0001",
    "0812-0000-0002",
    "0812 0000 0199",
    "021 5201590",
    "12345",
    "999999",
    "000001",
    "bukan saya 1234-5678",
    "Juli 2021",
    "September 2021",
    "Siti Rahmawati",
    "siti rahmawatti",
    "Rina Kartika",
    "0001014708900003",
    "0001 0147 0890 000",
    "puskesmas melati, juli 2021",
    "apa kabar?",
    "tiket 4821-0937",
    "benar",
];

#[derive(Clone, Debug)]
enum Op {
    Word(usize),
    /// The n-th button or row of the newest message that has any.
    Tap(usize),
    /// The code that the newest SMS to this chat's own phone holds.
    Code,
    Undo,
    Person(usize),
    Family,
    Strange(u8),
    Wait(u32),
    Registry(bool),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => (0..WORDS.len()).prop_map(Op::Word),
        8 => (0..4_usize).prop_map(Op::Tap),
        5 => Just(Op::Code),
        1 => Just(Op::Undo),
        4 => (0..PEOPLE.len()).prop_map(Op::Person),
        1 => Just(Op::Family),
        1 => (0..6_u8).prop_map(Op::Strange),
        2 => prop_oneof![0..90_u32, 0..4_000_u32].prop_map(Op::Wait),
        1 => any::<bool>().prop_map(Op::Registry),
    ]
}

/// What a chat has shown.
#[derive(Default)]
struct Shown {
    phones: BTreeSet<usize>,
    niks: BTreeSet<&'static str>,
    offered: Vec<Button>,
}

struct Play<'t> {
    world: World<'t>,
    chats: Vec<ContactId>,
    shown: Vec<Shown>,
    sms: Vec<(usize, String)>,
    certificates: usize,
}

impl Play<'_> {
    fn new() -> Self {
        let mut world = World::new(&TEXTS);
        for step in Transcript::parse("citizens", CITIZENS).unwrap().steps {
            if let What::Directive(Directive::Citizen(citizen)) = step.what {
                world.people.add(&citizen);
            }
        }
        let chats = CHATS.map(|number| {
            let bsuid = Some(Bsuid(format!("ID.{number}")));
            world.meet(&Identity { phone: Phone::from_wa_id(number), bsuid })
        });
        let shown = CHATS.map(|_| Shown::default()).into();
        Self { world, chats: chats.into(), shown, sms: Vec::new(), certificates: 0 }
    }

    fn newest_sms(&self, chat: usize, marked: &str) -> Option<&str> {
        let own = self.sms.iter().rev().filter(|(to, _)| *to == chat);
        own.map(|(_, text)| text.as_str()).find(|text| text.contains(marked))
    }

    fn content(&mut self, chat: usize, op: &Op) -> Option<Content> {
        let text = |text: &str| Some(Content::Text(Text(text.to_owned())));
        match op {
            Op::Word(word) => {
                self.shown[chat].niks.extend(PEOPLE.iter().map(|(_, nik)| *nik).filter(|nik| WORDS[*word] == *nik));
                text(WORDS[*word])
            }
            Op::Tap(nth) => {
                let button = self.shown[chat].offered.get(*nth)?.clone();
                Some(Content::Choice { id: button.id, title: button.title })
            }
            Op::Code => {
                let code = self.newest_sms(chat, "OTP")?[..6].to_owned();
                self.shown[chat].phones.insert(chat);
                text(&code)
            }
            Op::Undo => {
                let sms = self.newest_sms(chat, "BUKAN SAYA")?;
                let code = sms.split("BUKAN SAYA ").nth(1)?[..9].to_owned();
                text(&format!("bukan saya {code}"))
            }
            Op::Person(person) => {
                let (name, nik) = PEOPLE[*person];
                self.shown[chat].niks.insert(nik);
                text(&format!("{name} {nik}"))
            }
            Op::Family => {
                self.shown[chat].niks.extend(PEOPLE.map(|(_, nik)| nik));
                text(&PEOPLE.map(|(name, nik)| format!("{name} {nik}")).join("\n"))
            }
            Op::Strange(0) => Some(Content::Voice),
            Op::Strange(1) => Some(Content::Photo),
            Op::Strange(2) => Some(Content::Sticker),
            Op::Strange(3) => Some(Content::Contacts(Phone::from_wa_id(CHATS[0]).into_iter().collect())),
            Op::Strange(4) => {
                let original = self.world.last_heard(self.chats[chat])?;
                Some(Content::Edit { original, content: Box::new(Content::Text(Text(String::from("1")))) })
            }
            Op::Strange(_) => Some(Content::Unsupported),
            Op::Wait(_) | Op::Registry(_) => None,
        }
    }

    fn apply(&mut self, chat: usize, op: &Op) -> Result<(), TestCaseError> {
        match op {
            Op::Wait(seconds) => self.world.wait_until(self.world.now.plus_ms(i64::from(*seconds) * 1_000)),
            Op::Registry(up) => self.world.people.up = *up,
            _ => {
                if let Some(content) = self.content(chat, op) {
                    self.world.hear(self.chats[chat], vec![Heard { content, quotes: None }]);
                }
            }
        }
        prop_assert!(!self.world.restless, "effects run in a circle");
        for (_, to, text) in std::mem::take(&mut self.world.sms) {
            let owner = CHATS.iter().position(|number| to.phone() == Phone::from_wa_id(number).unwrap());
            self.sms.extend(owner.map(|owner| (owner, text)));
        }
        for chat in 0..CHATS.len() {
            while let Some(message) = self.world.next_unread(self.chats[chat]) {
                self.look_at(chat, &message)?;
            }
        }
        Ok(())
    }

    fn look_at(&mut self, chat: usize, message: &Outbound) -> Result<(), TestCaseError> {
        let shown = &mut self.shown[chat];
        let (text, buttons) = match message {
            Outbound::Text { body } => (body, None),
            Outbound::Buttons { body, buttons, .. } => (body, Some(buttons)),
            Outbound::List { body, rows, .. } => (body, Some(rows)),
            Outbound::Certificate { certificate, caption, .. } => {
                let nik = certificate.nik.digits();
                self.certificates += 1;
                prop_assert!(shown.niks.contains(nik.as_str()), "a certificate for a NIK that was not typed");
                let phone = usize::from(nik == PEOPLE[3].1);
                prop_assert!(shown.phones.contains(&phone), "a certificate without that phone's code");
                (caption, None)
            }
            // The outbox makes templates; a conversation says none.
            Outbound::Template { .. } => return Ok(()),
        };
        if let Some(buttons) = buttons {
            shown.offered.clone_from(buttons);
        }
        let digits = text.0.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default();
        prop_assert!(digits < 6, "a long number is said: {}", text.0);
        let joined = text.0.replace([' ', '-', '.'], "");
        let joined = joined.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default();
        prop_assert!(joined < 9, "a phone or NIK is said: {}", text.0);
        prop_assert!(!text.0.to_lowercase().contains("qanita"), "a name from the registry is said: {}", text.0);
        let opened = ["Status vaksinasi a.n.", "Vaccination status of", "sertifikat. Pilih", "masih diproses"];
        if opened.iter().any(|words| text.0.contains(words)) {
            prop_assert!(!shown.phones.is_empty() && !shown.niks.is_empty(), "opened unproven: {}", text.0);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_personal_opens_unproven_and_nothing_private_is_said(
        ops in prop::collection::vec((0..CHATS.len(), op()), 1..80),
    ) {
        let mut play = Play::new();
        for (chat, op) in &ops {
            play.apply(*chat, op)?;
        }
    }

    /// One patient citizen, so that the deep states are reached too.
    #[test]
    fn the_same_holds_for_one_who_gets_in(ops in prop::collection::vec(op(), 1..60)) {
        let mut play = Play::new();
        for op in [Op::Word(0), Op::Tap(0), Op::Code, Op::Tap(0), Op::Person(0)] {
            play.apply(0, &op)?;
        }
        prop_assert_eq!((play.sms.len(), play.certificates), (1, 1));
        for op in &ops {
            play.apply(0, op)?;
        }
    }
}
