//! What no transcript shows: ids, bounds, restarts, and what comes at the wrong moment.

use std::cell::Cell;

use time::macros::{date, datetime};

use super::*;
use crate::domain::call::{Identified, Login, Request, Subject};
use crate::domain::certificate::Language;
use crate::domain::citizen::{Dose, PersonId, VaccinationRecord};
use crate::domain::contact::BusinessNumber;
use crate::domain::message::Content;
use crate::domain::name::Name;
use crate::domain::nik::Nik;
use crate::domain::phone::Phone;
use crate::domain::time::{MINUTE_MS, SECOND_MS};

const NIK: &str = "0001014708900003";

/// One chat, its clock and its answers in the test's hand.
struct Chat {
    state: State,
    texts: Texts,
    rules: Rules,
    identity: Identity,
    now: Timestamp,
    revision: u64,
    messages: Cell<u64>,
    wake_at: Option<Timestamp>,
    /// What a message of the citizen quotes, whatever its id.
    quoted: Option<Arc<Outbound>>,
}

impl Chat {
    fn new() -> Self {
        let at = datetime!(2026-11-23 09:00 +7).unix_timestamp();
        Self {
            state: State::default(),
            texts: Texts::embedded().unwrap(),
            rules: Rules::default(),
            identity: Identity { phone: Phone::from_wa_id("6281200000042"), bsuid: None },
            now: Timestamp::from_unix_s(at),
            revision: 0,
            messages: Cell::new(0),
            wake_at: None,
            quoted: None,
        }
    }

    fn turn(&mut self, events: Vec<Event>) -> Vec<Effect> {
        self.revision += 1;
        let context = Context {
            now: self.now,
            contact: ContactId(7),
            call: CallId(self.revision),
            identity: &self.identity,
            texts: &self.texts,
            rules: &self.rules,
            quoted: &|_| self.quoted.clone(),
        };
        let step = step(std::mem::take(&mut self.state), events, &context);
        self.state = step.state;
        self.wake_at = step.wake_at;
        step.effects
    }

    fn message(&self, content: Content) -> Event {
        self.messages.set(self.messages.get() + 1);
        Event::Message(Inbound {
            id: MessageId(format!("wamid.{}", self.messages.get())),
            from: self.identity.clone(),
            to: BusinessNumber("100".into()),
            sent_at: self.now,
            quotes: None,
            content,
        })
    }

    fn text(&mut self, text: &str) -> Vec<Effect> {
        let message = self.message(Content::Text(Text(text.to_owned())));
        self.turn(vec![message])
    }

    fn tap(&mut self, id: &str) -> Vec<Effect> {
        let message = self.message(Content::Choice { id: id.to_owned(), title: Text(String::from("?")) });
        self.turn(vec![message])
    }

    fn answer(&mut self, answer: Answer) -> Vec<Effect> {
        let call = self.state.waiting().expect("a call is out");
        self.turn(vec![Event::Answer { call, answer }])
    }

    fn logged_in() -> Self {
        let mut chat = Self::new();
        chat.text("hai");
        chat.text("1");
        chat.answer(Answer::OtpSent);
        chat.text("483920");
        chat.answer(Answer::OtpRight(Login { epoch: 3, step_up: false, weak: false }));
        chat
    }

    fn served() -> Self {
        let mut chat = Self::logged_in();
        chat.text("1");
        chat.text(&format!("Siti Rahmawati {NIK}"));
        chat.answer(found(subject()));
        chat
    }
}

fn subject() -> Subject {
    let dose = Dose {
        number: 1,
        date: date!(2021 - 09 - 03),
        vaccine: String::from("CoronaVac"),
        batch: String::from("B1"),
        certificate: Some(String::from("C-1")),
    };
    Subject {
        person: PersonId(String::from("p1")),
        nik: Nik::parse(NIK).unwrap(),
        name: Name::parse("SITI RAHMAWATI").unwrap(),
        record: VaccinationRecord { birth_date: date!(1990 - 08 - 07), doses: vec![dose] },
    }
}

fn found(subject: Subject) -> Answer {
    Answer::Identified { people: vec![Identified::Found(Box::new(subject))], misses_left: 3 }
}

fn said(effects: &[Effect]) -> String {
    let bodies = effects.iter().filter_map(|effect| {
        let Effect::Say(reply) = effect else { return None };
        Some(match &reply.message {
            Outbound::Text { body } | Outbound::Buttons { body, .. } | Outbound::List { body, .. } => body.0.clone(),
            Outbound::Certificate { file_name, caption, .. } => format!("({file_name}) {}", caption.0),
            Outbound::Template { name, .. } => format!("({name})"),
        })
    });
    bodies.collect::<Vec<_>>().join(" | ")
}

fn calls(effects: &[Effect]) -> Vec<(Request, u32)> {
    let calls = effects.iter().filter_map(|effect| {
        let Effect::Call { call, after_s } = effect else { return None };
        Some((call.request.clone(), *after_s))
    });
    calls.collect()
}

#[test]
fn a_finished_contact_is_small() {
    let mut chat = Chat::served();
    chat.text("selesai");
    let bytes = postcard::to_stdvec(&chat.state).unwrap();
    assert!(bytes.len() < 48, "{} bytes", bytes.len());
    assert!(!chat.state.is_live(chat.now, &chat.rules));
    assert_eq!(chat.wake_at, None);
}

#[test]
fn personal_replies_stand_on_the_login() {
    let mut chat = Chat::logged_in();
    chat.text("1");
    chat.text(&format!("Siti Rahmawati {NIK}"));
    let effects = chat.answer(found(subject()));
    let [Effect::Say(reply)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(reply.epoch, chat.state.login());
    assert_eq!(reply.epoch.map(|epoch| epoch.epoch), Some(3));
    assert_eq!(reply.kind, ReplyKind::Document);
}

#[test]
fn a_call_is_resumed_under_its_id_and_a_late_answer_of_another_is_ignored() {
    let mut chat = Chat::new();
    chat.text("hai");
    let made = chat.text("setuju nomor ini");
    let context = Context {
        now: chat.now,
        contact: ContactId(7),
        call: CallId(99),
        identity: &chat.identity,
        texts: &chat.texts,
        rules: &chat.rules,
        quoted: &|_| None,
    };
    assert_eq!(resume(&chat.state, &context), made);
    let before = chat.state.clone();
    assert_eq!(chat.turn(vec![Event::Answer { call: CallId(1), answer: Answer::OtpSent }]), []);
    assert_eq!(chat.state, before);
    chat.answer(Answer::OtpSent);
    assert_eq!(chat.state.waiting(), None);
}

#[test]
fn what_comes_while_an_answer_is_on_its_way_is_read_after_it() {
    let mut chat = Chat::logged_in();
    chat.text("1");
    chat.text(&format!("Siti Rahmawati {NIK}"));
    assert_eq!(chat.text("mau status"), []);
    // The certificate goes out, then the status is asked for.
    let effects = chat.answer(found(subject()));
    assert!(said(&effects).contains("(Sertifikat-Vaksinasi-Dosis-1.pdf)"), "{}", said(&effects));
    assert!(matches!(calls(&effects)[..], [(Request::ReadRecord { .. }, 0)]), "{effects:?}");
}

#[test]
fn codes_in_turns_that_cross_all_count() {
    let mut chat = Chat::new();
    chat.text("hai");
    chat.text("1");
    chat.answer(Answer::OtpSent);
    chat.text("111111");
    assert_eq!(chat.text("222222"), []);
    let effects = chat.answer(Answer::OtpWrong { left: 4 });
    assert_eq!(calls(&effects).len(), 1);
    assert!(matches!(&calls(&effects)[0].0, Request::CheckOtp { codes, .. } if codes.len() == 1));
}

#[test]
fn a_neighbour_that_is_down_is_asked_again_ever_later_and_given_up_at_the_end_of_the_session() {
    let mut chat = Chat::logged_in();
    chat.text("1");
    chat.text(&format!("Siti Rahmawati {NIK}"));
    let mut waits = Vec::new();
    for round in 0..6 {
        let effects = chat.answer(Answer::Down);
        assert_eq!(said(&effects).is_empty(), round > 0);
        waits.push(calls(&effects)[0].1);
    }
    assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
    // An hour after the login it is over, and said.
    chat.now = chat.wake_at.unwrap();
    assert_eq!(chat.now.since_ms(chat.state.heard_at.unwrap()), 60 * MINUTE_MS);
    let effects = chat.turn(vec![Event::Wake]);
    assert!(said(&effects).starts_with("Maaf, permintaan Anda belum dapat"), "{}", said(&effects));
    assert_eq!(chat.state.waiting(), None);
}

#[test]
fn menu_cancels_what_is_awaited_and_the_late_answer_opens_nothing() {
    let mut chat = Chat::logged_in();
    chat.text("1");
    chat.text(&format!("Siti Rahmawati {NIK}"));
    let call = chat.state.waiting().unwrap();
    assert!(said(&chat.text("menu")).starts_with("Silakan pilih"));
    assert_eq!(chat.turn(vec![Event::Answer { call, answer: found(subject()) }]), []);
    assert!(said(&chat.text("1")).starts_with("Tulis nama lengkap"));
}

#[test]
fn buttons_of_another_session_never_act() {
    let mut chat = Chat::served();
    let old = format!("{}:download", chat.state.epoch);
    assert_eq!(calls(&chat.tap(&old)).len(), 1);
    chat.answer(Answer::Record(Box::new(subject())));
    chat.text("selesai");
    let effects = chat.tap(&old);
    assert_eq!(calls(&effects), []);
    assert!(said(&effects).starts_with("Selamat datang"));
}

#[test]
fn an_answer_about_another_person_opens_nothing() {
    let mut chat = Chat::served();
    chat.text("mau status");
    let other = Subject { person: PersonId(String::from("p2")), ..subject() };
    let effects = chat.answer(Answer::Record(Box::new(other)));
    assert!(said(&effects).starts_with("Maaf, pesan terakhir belum"), "{}", said(&effects));
}

#[test]
fn half_a_login_opens_nothing() {
    let mut chat = Chat::new();
    chat.text("status vaksin");
    chat.text("1");
    chat.answer(Answer::OtpSent);
    chat.text("483920");
    let step_up = Login { epoch: 1, step_up: true, weak: false };
    assert!(said(&chat.answer(Answer::OtpRight(step_up))).starts_with("Satu langkah lagi"));
    assert_eq!(chat.state.login(), None);
    for text in ["keluarga", "menu", "status", "Siti Rahmawati 0001014708900003"] {
        assert_eq!(calls(&chat.text(text)), [], "{text}");
    }
    assert!(matches!(calls(&chat.text("Juli 2021"))[..], [(Request::StepUp { month: 7, year: 2021, .. }, 0)]));
    let effects = chat.answer(Answer::StepUpRight(Login { epoch: 1, step_up: false, weak: false }));
    assert!(said(&effects).starts_with("Verifikasi berhasil. Untuk melihat status"), "{}", said(&effects));
}

#[test]
fn a_certificate_that_is_waited_for_is_told_once_and_without_health() {
    let mut chat = Chat::logged_in();
    chat.text("1");
    chat.text(&format!("Siti Rahmawati {NIK}"));
    let mut waiting = subject();
    waiting.record.doses[0].certificate = None;
    chat.answer(found(waiting));
    chat.text("ya");
    chat.text("selesai");
    let mut looks = 0;
    let told = loop {
        chat.now = chat.wake_at.expect("it looks again");
        let made = chat.turn(vec![Event::Wake]);
        assert!(matches!(calls(&made)[..], [(Request::ReadIssued { dose: 1, .. }, 0)]), "{made:?}");
        looks += 1;
        let effects = chat.answer(if looks == 2 { Answer::Down } else { Answer::Issued(looks == 4) });
        if !effects.is_empty() {
            break effects;
        }
    };
    assert_eq!(looks, 4);
    assert_eq!(said(&told), "Kabar yang Anda tunggu sudah ada. Balas MENU untuk membukanya.");
    assert_eq!(chat.wake_at, None);
}

#[test]
fn five_undo_codes_a_day_and_no_more() {
    let mut chat = Chat::new();
    for left in (0..5).rev() {
        assert_eq!(calls(&chat.text("bukan saya 1234-5678")).len(), 1);
        let reply = said(&chat.answer(Answer::UndoUnknown));
        assert_eq!(reply.contains(&format!("Sisa {left} ")), left > 0, "{reply}");
    }
    let effects = chat.text("bukan saya 1234-5678");
    assert_eq!(calls(&effects), []);
    chat.text("hapus data");
    chat.text("Ya, hapus");
    assert_eq!(calls(&chat.text("bukan saya 1234-5678")), [], "an erasure does not give them back");
    chat.now = chat.now.plus_ms(24 * 60 * MINUTE_MS);
    assert_eq!(calls(&chat.text("bukan saya 1234-5678")).len(), 1);
}

#[test]
fn four_riddles_bring_silence_and_a_keyword_ends_it() {
    let mut chat = Chat::logged_in();
    let mut replies = Vec::new();
    for _ in 0..6 {
        chat.now = chat.now.plus_ms(20 * SECOND_MS);
        replies.push(said(&chat.text("kwxyz qwrty zxcvb asdfg hjklm qwert poiuy lkjhg mnbvc trewq")));
    }
    assert!(replies[0].starts_with("Maaf, kami belum paham."), "{replies:?}");
    assert!(replies[1].starts_with("Pilih topik"), "{replies:?}");
    assert!(replies[3..].iter().all(String::is_empty), "{replies:?}");
    assert!(said(&chat.text("menu")).starts_with("Silakan pilih"));
}

#[test]
fn a_message_taken_back_is_purged_and_says_nothing() {
    let mut chat = Chat::logged_in();
    let effects = {
        let first = chat.message(Content::Text(Text(String::from("Siti Rahmawati"))));
        let Event::Message(inbound) = &first else { unreachable!() };
        let revoke = chat.message(Content::Revoke { original: inbound.id.clone() });
        chat.turn(vec![first.clone(), revoke])
    };
    assert_eq!(effects, [Effect::Purge(MessageId(String::from("wamid.4")))]);
    assert_eq!(chat.state.language(), Language::Indonesian);
}

/// The contact's record holds at most 4 KiB, and the ids of handled messages take half of that.
#[test]
fn a_state_that_waits_for_much_still_rests_in_its_record() {
    let long = "Ä".repeat(28) + " " + &"É".repeat(28);
    let mut chat = Chat::logged_in();
    chat.text("keluarga");
    let lines: Vec<String> = (1..=6).map(|n| format!("{long} 000101470890000{n}")).collect();
    assert_eq!(calls(&chat.text(&lines.join("\n"))).len(), 1);
    for _ in 0..20 {
        chat.text(&"dan ".repeat(25));
    }
    let bytes = postcard::to_stdvec(&chat.state).unwrap().len();
    assert!(bytes <= 1_900, "{bytes} bytes");

    let mut chat = Chat::served();
    chat.text("petugas");
    chat.text("1");
    assert_eq!(calls(&chat.text(&long.repeat(40))).len(), 1);
    for _ in 0..20 {
        chat.text(&"dan ".repeat(25));
    }
    let bytes = postcard::to_stdvec(&chat.state).unwrap().len();
    assert!(bytes <= 1_900, "{bytes} bytes");
}

#[test]
fn a_quoted_number_means_the_quoted_messages_button() {
    let mut chat = Chat::served();
    let menu = chat.text("menu");
    let Some(Effect::Say(menu)) = menu.into_iter().next() else { panic!("no menu") };
    chat.text("keluarga");
    // "2" would mean nothing here, but it answers the menu.
    let quoting = |chat: &Chat| {
        let Event::Message(mut message) = chat.message(Content::Text(Text(String::from("2")))) else { unreachable!() };
        message.quotes = Some(MessageId(String::from("wamid.menu")));
        Event::Message(message)
    };
    chat.quoted = Some(Arc::new(menu.message));
    let message = quoting(&chat);
    assert!(matches!(calls(&chat.turn(vec![message]))[..], [(Request::ReadRecord { .. }, 0)]));
    chat.answer(Answer::Record(Box::new(subject())));
    // In the next session it is an old button: where one is now.
    chat.text("selesai");
    chat.text("hai");
    let message = quoting(&chat);
    let effects = chat.turn(vec![message]);
    assert_eq!(calls(&effects), []);
    assert!(said(&effects).starts_with("Jika setuju, pilih nomor"), "{}", said(&effects));
}

#[test]
fn a_change_that_took_too_long_needs_a_fresh_code_and_says_so() {
    let mut chat = Chat::served();
    chat.text("ubah nama");
    chat.text("Siti Rahmawati");
    for _ in 0..2 {
        chat.now = chat.now.plus_ms(6 * MINUTE_MS);
        chat.text("P");
    }
    let effects = chat.text("benar");
    assert!(matches!(calls(&effects)[..], [(Request::ChallengeOtp { .. }, 0)]), "{effects:?}");
    let reply = said(&chat.answer(Answer::OtpSent));
    assert!(reply.starts_with("Waktu untuk mengubah data sudah habis. Sebelum mengubah data"), "{reply}");
    chat.text("483920");
    let reply = said(&chat.answer(Answer::OtpRight(Login { epoch: 3, step_up: false, weak: false })));
    assert!(reply.starts_with("Tulis nama lengkap persis"), "{reply}");
}
