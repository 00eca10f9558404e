//! What is said and when, on a clock of the test's own: neither tells a stranger whether a number is registered,
//! nor the person who logged in what was wrong with a name and NIK.
//!
//! Conversation and accounts together; a directory that answers at once for one number and after three seconds
//! for another. Each message is listened to for ten seconds, tick by tick.

use std::sync::LazyLock;

use super::world::{Heard, World};
use crate::conversation::text::Texts;
use crate::domain::contact::{ContactId, Identity};
use crate::domain::message::{Content, Text};
use crate::domain::phone::{Mobile, Phone};
use crate::transcript::{Directive, Transcript, What, written};

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::embedded().unwrap());

const QUICK_MS: i64 = 5;
const SLOW_MS: i64 = 3_000;
const LISTENS_MS: i64 = 10_000;

/// What came of each message: which one, how many milliseconds after it, and what it said.
type Told = Vec<(usize, i64, String)>;

struct Chat {
    world: World<'static>,
    who: ContactId,
    said: usize,
    told: Told,
}

impl Chat {
    /// A chat from a number, in a world of these citizens.
    fn open(own: &str, citizens: &str) -> Self {
        let mut world = World::new(&TEXTS);
        for step in Transcript::parse("citizens", citizens).unwrap().steps {
            if let What::Directive(Directive::Citizen(citizen)) = step.what {
                world.people.add(&citizen);
            }
        }
        let who = world.meet(&Identity { phone: Phone::from_wa_id(own), bsuid: None });
        Self { world, who, said: 0, told: Vec::new() }
    }

    fn directory_takes(&mut self, number: &str, ms: i64) {
        let mobile = Phone::from_wa_id(number).and_then(Mobile::from_phone).unwrap();
        self.world.slow_ms.insert(mobile, ms);
    }

    fn says(&mut self, words: &str) {
        let start = self.world.now;
        self.said += 1;
        let content = Content::Text(Text(words.to_owned()));
        self.world.hear(self.who, vec![Heard { content, quotes: None }]);
        for ms in 0..=LISTENS_MS {
            self.world.wait_until(start.plus_ms(ms));
            while let Some(message) = self.world.next_unread(self.who) {
                self.told.push((self.said, ms, written(&message)));
            }
        }
        assert!(!self.world.restless);
    }

    fn waits(&mut self, ms: i64) {
        self.world.wait_until(self.world.now.plus_ms(ms));
    }

    fn code(&self) -> String {
        self.world.sms.last().expect("a code came").2[..6].to_owned()
    }
}

#[test]
fn a_stranger_reads_the_same_words_at_the_same_tick_whether_a_number_is_registered_or_not() {
    let (own, other) = ("6281200000900", "6281200000901");
    let citizen =
        "# @citizen phone=0812-0000-0901 nik=0001014708900003 name=\"Siti Rahmawati\" doses=1:2021-09-03:CoronaVac\n";
    let script = [
        "hai",
        "0812 0000 0901",
        "999999",
        "belum terima kode",
        "kirim ulang",
        "999998",
        "999 997",
        "kirim ulang",
        "Siti Rahmawati 0001014708900003",
        "999996",
        "999995",
        "999994",
        "999993",
        "999992",
        "kirim ulang",
        "menu",
        "status",
        "0812 0000 0901",
        "selesai",
    ];
    let mut heard: Vec<Told> = Vec::new();
    for (citizens, ms) in [(citizen, QUICK_MS), (citizen, SLOW_MS), ("", QUICK_MS), ("", SLOW_MS)] {
        let mut chat = Chat::open(own, citizens);
        chat.directory_takes(other, ms);
        let mut sent = 0;
        for words in script {
            chat.says(words);
            sent += std::mem::take(&mut chat.world.sms).len();
            chat.waits(25_000);
        }
        assert_eq!(sent > 0, !citizens.is_empty(), "only a registered number hears of it");
        heard.push(chat.told);
    }
    let words: Vec<&str> = heard[0].iter().map(|(.., words)| words.as_str()).collect();
    for part in ["Jika nomor berakhiran 0901", "Kode belum sesuai", "percobaan dihentikan sementara"] {
        assert!(words.iter().any(|words| words.contains(part)), "the script does not get to `{part}`: {words:#?}");
    }
    for other in &heard[1..] {
        assert_eq!(&heard[0], other);
    }
}

#[test]
fn every_kind_of_miss_reads_the_same_at_the_same_tick() {
    let own = "6281200000902";
    let citizens = "\
# @citizen phone=0812-0000-0902 nik=0001014708900003 name=\"Siti Rahmawati\" doses=1:2021-09-03:CoronaVac
# @citizen phone=0812-0000-0902 nik=0001014708900011 name=\"Wulan Sari\" standing=protected doses=1:2021-09-03:CoronaVac
# @citizen phone=0812-0000-0902 nik=0001014708900012 name=\"Bayu Pradana\" standing=deceased doses=1:2021-09-03:CoronaVac
# @citizen phone=0812-0000-0903 nik=0001014708900013 name=\"Dimas Pradana\" doses=1:2021-09-03:CoronaVac
";
    let kinds = [
        ("unknown", "Siti Rahmawati 0001014708900099"),
        ("another's name", "Rina Kartika 0001014708900003"),
        ("another's NIK", "Siti Rahmawati 0001014708900011"),
        ("protected", "Wulan Sari 0001014708900011"),
        ("dead", "Bayu Pradana 0001014708900012"),
        ("on another number", "Dimas Pradana 0001014708900013"),
    ];
    for ms in [QUICK_MS, SLOW_MS] {
        let mut heard: Vec<Told> = Vec::new();
        for (kind, claim) in kinds {
            let mut chat = Chat::open(own, citizens);
            chat.directory_takes(own, ms);
            for words in ["hai", "ya"] {
                chat.says(words);
            }
            let code = chat.code();
            chat.says(&code);
            chat.says("status");
            let before = chat.told.len();
            for words in [claim, claim, "coba lagi", claim, claim, "menu"] {
                chat.says(words);
            }
            let told = chat.told.split_off(before);
            let misses = told.iter().filter(|(.., words)| words.contains("belum cocok")).count();
            assert_eq!(misses, 2, "{kind}: {told:#?}");
            assert!(told.iter().any(|(_, at, _)| *at == ms), "it waits for the directory alone: {told:#?}");
            heard.push(told);
        }
        for (other, (kind, _)) in heard.iter().zip(kinds) {
            assert_eq!(&heard[0], other, "{kind}");
        }
    }
}
