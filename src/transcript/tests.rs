//! The format: what is read, what is refused and how, and that writing and reading are each other's inverse.

use proptest::prelude::*;

use super::directive::{Citizen, DoseGiven, Gateway, MetaTells, TicketNews};
use super::*;
use crate::domain::citizen::Standing;
use crate::domain::contact::{Bsuid, Identity};
use crate::domain::message::{Button, Outbound, Text};
use crate::domain::name::Name;
use crate::domain::nik::Nik;
use crate::domain::ticket::TicketNumber;
use crate::domain::time::{DAY_MS, Timestamp};

fn steps(text: &str) -> Vec<What> {
    Transcript::parse("test.txt", text).unwrap().steps.into_iter().map(|step| step.what).collect()
}

fn fault(text: &str) -> String {
    Transcript::parse("test.txt", text).unwrap_err().to_string()
}

/// A phone and a BSUID, either of them empty when it does not show.
fn who(phone: &str, bsuid: &str) -> Identity {
    let bsuid = (!bsuid.is_empty()).then(|| Bsuid(bsuid.to_owned()));
    Identity { phone: Phone::from_wa_id(phone), bsuid }
}

fn turn(said: &[Said]) -> What {
    What::Turn(Turn { said: said.to_vec(), checked: true })
}

fn text(text: &str) -> Said {
    Said::Text(text.to_owned())
}

#[test]
fn lines_in_a_row_are_one_turn_and_anything_between_parts_them() {
    let one = steps("> hai\n> P\n> [Setuju, nomor ini]\n");
    assert_eq!(one, [turn(&[text("hai"), text("P"), Said::Tap("Setuju, nomor ini".into())])]);
    assert_eq!(steps("> hai\n\n> P\n"), [turn(&[text("hai")]), turn(&[text("P")])]);
    assert_eq!(steps("> hai\n< (diam)\n> P")[1..], [What::Silence, turn(&[text("P")])]);
}

#[test]
fn a_preamble_is_a_turn_whose_answers_are_not_looked_at() {
    let said = |said| What::Turn(Turn { said: vec![said], checked: false });
    assert_eq!(steps("# @> hai\n# @> [Menu]\n"), [said(text("hai")), said(Said::Tap("Menu".into()))]);
}

#[test]
fn what_is_no_text_is_named() {
    let phone = Phone::from_wa_id("6281200000199").unwrap();
    let lines = "> (sticker)\n> (voice note)\n> (photo)\n> (file)\n> (location)\n> (reaction)\n> (welcome)\n> (revoke)\n\
         > (contact 0812-0000-0199)\n> (edit) 0001⏎2\n> (quote 2) 1\n";
    let said = [
        Said::Sticker,
        Said::Voice,
        Said::Photo,
        Said::File,
        Said::Location,
        Said::Reaction,
        Said::Welcome,
        Said::Revoke,
        Said::Contact(phone),
        Said::Edit("0001\n2".into()),
        Said::Quote { nth: 2, text: "1".into() },
    ];
    assert_eq!(steps(lines), [turn(&said)]);
}

#[test]
fn buttons_rows_and_documents_are_taken_from_the_line() {
    let read = steps(
        "< Apa? [Pilih masalah] {NIK salah} {Lainnya}\n< (PDF A.pdf) Dosis 1 a.n. Siti. …\n< Data⏎1. Nama [Nama] [Batal]",
    );
    let expected = |document: Option<&str>, text: &str, buttons: &[&str], rows: &[&str]| {
        What::Reply(Expected {
            document: document.map(str::to_owned),
            text: Pattern::new(text),
            buttons: buttons.iter().map(|title| (*title).to_owned()).collect(),
            rows: rows.iter().map(|title| (*title).to_owned()).collect(),
        })
    };
    assert_eq!(read[0], expected(None, "Apa?", &["Pilih masalah"], &["NIK salah", "Lainnya"]));
    assert_eq!(read[1], expected(Some("A.pdf"), "Dosis 1 a.n. Siti. …", &[], &[]));
    assert_eq!(read[2], expected(None, "Data\n1. Nama", &["Nama", "Batal"], &[]));
}

#[test]
fn an_sms_gives_its_codes() {
    let read = steps(
        "# SMS to 0812-0000-0042: 483920 kode OTP Kemenkes, …\n# SMS to 0812-0000-0042: BUKAN SAYA 8841-0276 (72 jam)\n# SMS only: a note",
    );
    let [What::Sms(first), What::Sms(second), What::Note(_)] = &read[..] else { panic!("{read:?}") };
    assert_eq!((first.code(), first.undo()), (Otp::new(483_920), None));
    assert_eq!((second.code(), second.undo()), (None, UndoCode::new(88_410_276)));
    assert!(first.text.fits("483920 kode OTP Kemenkes, berlaku 5 menit."));
}

#[test]
fn directives_are_read() {
    let read = steps(
        "# @wa 0812-0000-0042\n# @wa no-phone bsuid=ID.abc\n\
         # @wa 0812-0000-0042 no-bsuid\n# @meta user_id_update bsuid=ID.abc to 0812-0000-0042 bsuid=ID.b\n\
         # @clock 2026-11-23 13.50 WIB\n# @wait 16m\n# @otp 000920\n\
         # @number 4821-0937\n# @undo 8841-0276\n# @registry down\n# @sms up\n# @sms none\n\
         # @ticket 4821-2255 in-work 2026-11-24 10.10 WIT\n# @ticket 4821-2255 answered \"sudah.\"",
    );
    let number = TicketNumber::new(48_212_255).unwrap();
    let expected = [
        Directive::Wa(who("6281200000042", "ID.6281200000042")),
        Directive::Wa(who("", "ID.abc")),
        Directive::Wa(who("6281200000042", "")),
        Directive::Meta {
            way: MetaTells::UserIdUpdate,
            before: who("", "ID.abc"),
            after: who("6281200000042", "ID.b"),
        },
        Directive::Clock(Timestamp::from_unix_s(1_795_416_600)),
        Directive::Wait(960_000),
        Directive::Otp(Otp::new(920).unwrap()),
        Directive::Number(TicketNumber::new(48_210_937).unwrap()),
        Directive::Undo(UndoCode::new(88_410_276).unwrap()),
        Directive::Registry { up: false },
        Directive::Sms(Gateway::Up),
        Directive::NoSms,
        Directive::Ticket { number, news: TicketNews::InWork { since: Timestamp::from_unix_s(1_795_482_600) } },
        Directive::Ticket { number, news: TicketNews::Answered("sudah.".into()) },
    ];
    assert_eq!(read, expected.map(What::Directive));
}

#[test]
fn a_citizen_is_read_with_all_his_fields() {
    let read = steps(
        "# @citizen phone=0812-0000-0042 nik=0001014708900003 name=\"Siti Rahmawati\" civil=\"SITI R\" \
         standing=deceased born=1990-08-07 doses=1:2021-09-03:CoronaVac,2:2021-10-01:CoronaVac:pending",
    );
    let [What::Directive(Directive::Citizen(citizen))] = &read[..] else { panic!("{read:?}") };
    assert_eq!(citizen.name.as_str(), "Siti Rahmawati");
    assert_eq!(citizen.standing, Standing::Deceased);
    assert_eq!(citizen.doses.iter().map(|dose| dose.issued).collect::<Vec<_>>(), [true, false]);
    assert_eq!(citizen.born.map(|date| date.to_string()).as_deref(), Some("1990-08-07"));
}

#[test]
fn errors_name_file_line_and_what_is_allowed() {
    assert_eq!(
        fault("> hai\nhello"),
        "test.txt:2: the line starts with \"he\"; allowed: `> ` and what the citizen sends, `< ` and what the service \
         says, `#` and a note or directive"
    );
    let faults = [
        ("> (stiker)", "test.txt:1: `(stiker)` is nothing that a citizen sends; allowed: (sticker)"),
        ("# @klock 1", "there is no directive `klock`; allowed: wa, clock"),
        ("\n# @otp 12345", "test.txt:2: `12345` does not go with `otp`; allowed: six digits"),
        ("# @registry off", "allowed: `up` or `down`"),
        ("# @clock 2026-11-31 13.50 WIB", "allowed: a moment like `2026-11-23 13.50 WIB`"),
        ("# @wait 16", "allowed: a time like `16m`"),
        ("# @citizen phone=0812-0000-0042 nik=1", "`1` is no nik in"),
        ("# @citizen phone=0812-0000-0042 age=1", "an unknown field `age` in"),
        ("# SMS to nobody: x", "is no SMS; allowed: `# SMS to"),
        ("# @ticket 4821-2255 lost", "allowed: `ticket 4821-2255 in-work"),
        ("> (quote 0) 1", "`0` is no count"),
    ];
    for (line, expected) in faults {
        let said = fault(line);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn an_ellipsis_stands_for_any_text() {
    let fits = |pattern: &str, text: &str| Pattern::new(pattern).fits(text);
    assert!(fits("Selamat … berakhiran 0042.", "Selamat datang di sini\n\nNomor berakhiran 0042."));
    assert!(fits("SMS. … Balas KELUARGA …, MENU …, atau.", "SMS.\nBalas KELUARGA untuk, MENU untuk lain, atau."));
    assert!(fits("Kode. …", "Kode.") && fits("…", "") && fits("… x … x", "x x"));
    assert!(!fits("Kode. …", "Kod.") && !fits("… x … x", "x"), "every part is found once");
    assert!(!fits("a … c", "a b") && !fits("Kode.", "Kode. Lagi"));
}

#[test]
fn a_message_is_compared_with_its_buttons_and_without_its_footer() {
    let button = |title: &str| Button { id: String::from("1:x"), title: Text(title.to_owned()) };
    let message = Outbound::Buttons {
        body: Text("Kode.\nTulis.".into()),
        footer: Some(Text("Reply ENGLISH for English".into())),
        buttons: vec![button("Ganti nomor"), button("Batal")],
    };
    assert_eq!(written(&message), "Kode.⏎Tulis. [Ganti nomor] [Batal]");
    let fits = |line: &str| match &steps(line)[0] {
        What::Reply(expected) => expected.fits(&message),
        other => panic!("{other:?}"),
    };
    assert!(fits("< Kode.⏎Tulis. [Ganti nomor] [Batal]") && fits("< Kode. … [Ganti nomor] [Batal]"));
    assert!(!fits("< Kode. …") && !fits("< Kode. … [Batal] [Ganti nomor]") && !fits("< (PDF A.pdf) Kode. …"));
}

fn words() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9,.?-]{1,8}( [a-zA-Z0-9,.?-]{1,8}|\n[a-z]{1,5}| …){0,4}"
}

fn title() -> impl Strategy<Value = String> {
    "[a-zA-Z]{1,10}( [a-z,/]{1,6})?"
}

fn phone() -> impl Strategy<Value = Phone> {
    (0..10_000_u32).prop_map(|n| Phone::from_wa_id(&format!("628120000{n:04}")).unwrap())
}

fn mobile() -> impl Strategy<Value = Mobile> {
    phone().prop_map(|phone| Mobile::from_phone(phone).unwrap())
}

fn moment() -> impl Strategy<Value = Timestamp> {
    (1_700_000_000..1_900_000_000_i64).prop_map(Timestamp::from_unix_s)
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        words().prop_map(Said::Text),
        title().prop_map(Said::Tap),
        Just(Said::Sticker),
        Just(Said::Voice),
        Just(Said::Photo),
        Just(Said::File),
        Just(Said::Location),
        Just(Said::Reaction),
        Just(Said::Welcome),
        Just(Said::Revoke),
        phone().prop_map(Said::Contact),
        words().prop_map(Said::Edit),
        (1..9_usize, words()).prop_map(|(nth, text)| Said::Quote { nth, text }),
    ]
}

fn citizen() -> impl Strategy<Value = Citizen> {
    let standing = prop_oneof![Just(Standing::Open), Just(Standing::Protected), Just(Standing::Deceased)];
    let name = || "[A-Z][a-z]{1,9}( [A-Z][a-z]{1,9})?".prop_map(|name| Name::parse(&name).unwrap());
    let day = || (0..9_000_i32).prop_map(|days| time::Date::from_julian_day(2_451_545 + days).unwrap());
    let dose = (1..4_u8, day(), "[A-Z][a-zA-Z ]{0,8}[a-z]", any::<bool>())
        .prop_map(|(number, date, vaccine, issued)| DoseGiven { number, date, vaccine, issued });
    let doses = prop::collection::vec(dose, 0..4);
    (mobile(), 1..9_999_u32, name(), prop::option::of(name()), standing, prop::option::of(day()), doses).prop_map(
        |(phone, serial, name, civil, standing, born, doses)| {
            let nik = Nik::parse(&format!("000101470890{serial:04}")).unwrap();
            Citizen { phone, nik, name, civil, standing, born, doses }
        },
    )
}

fn directive() -> impl Strategy<Value = Directive> {
    let number = || (0..100_000_000_u32).prop_map(|n| TicketNumber::new(n).unwrap());
    let bsuid = || "ID\\.[a-z0-9]{1,12}".prop_map(Bsuid);
    let both = || (phone(), bsuid()).prop_map(|(phone, bsuid)| Identity { phone: Some(phone), bsuid: Some(bsuid) });
    let someone = prop_oneof![
        both(),
        phone().prop_map(|phone| Identity { phone: Some(phone), bsuid: None }),
        bsuid().prop_map(|bsuid| Identity { phone: None, bsuid: Some(bsuid) }),
    ];
    let way = prop_oneof![
        Just(MetaTells::UserIdUpdate),
        Just(MetaTells::UserChangedUserId),
        Just(MetaTells::UserChangedNumber)
    ];
    prop_oneof![
        someone.prop_map(Directive::Wa),
        (way, both(), both()).prop_map(|(way, before, after)| Directive::Meta { way, before, after }),
        moment().prop_map(Directive::Clock),
        (0..3 * DAY_MS / 1_000).prop_map(|seconds| Directive::Wait(seconds * 1_000)),
        (0..3 * DAY_MS / 1_000).prop_map(|seconds| Directive::Late(seconds * 1_000)),
        citizen().prop_map(|citizen| Directive::Citizen(Box::new(citizen))),
        (0..1_000_000_u32).prop_map(|code| Directive::Otp(Otp::new(code).unwrap())),
        number().prop_map(Directive::Number),
        (0..100_000_000_u32).prop_map(|code| Directive::Undo(UndoCode::new(code).unwrap())),
        any::<bool>().prop_map(|up| Directive::Registry { up }),
        prop_oneof![Just(Gateway::Up), Just(Gateway::Down), Just(Gateway::Undelivered)].prop_map(Directive::Sms),
        Just(Directive::NoSms),
        (number(), moment())
            .prop_map(|(number, since)| Directive::Ticket { number, news: TicketNews::InWork { since } }),
        (number(), title()).prop_map(|(number, words)| Directive::Ticket { number, news: TicketNews::Answered(words) }),
        number().prop_map(|number| Directive::Ticket { number, news: TicketNews::Closed }),
        (number(), title()).prop_map(|(number, words)| Directive::Ticket { number, news: TicketNews::Ask(words) }),
    ]
}

pub(super) fn what() -> impl Strategy<Value = What> {
    let expected = (
        prop::option::of("[A-Za-z0-9-]{1,9}\\.pdf"),
        words(),
        prop::collection::vec(title(), 0..3),
        prop::collection::vec(title(), 0..3),
    )
        .prop_map(|(document, text, buttons, rows)| Expected { document, text: Pattern::new(text), buttons, rows });
    prop_oneof![
        " [a-zA-Z0-9 ,.]{0,20}[a-z]".prop_map(What::Note),
        directive().prop_map(What::Directive),
        prop::collection::vec(said(), 1..4).prop_map(|said| What::Turn(Turn { said, checked: true })),
        said().prop_map(|said| What::Turn(Turn { said: vec![said], checked: false })),
        expected.prop_map(What::Reply),
        Just(What::Silence),
        (any::<bool>(), mobile(), words()).prop_map(|(sms, to, text)| {
            let way = if sms { Way::Sms } else { Way::Template };
            What::Sms(ExpectedSms { way, to, text: Pattern::new(text) })
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again(written in prop::collection::vec(what(), 0..12)) {
        let mut line = 0;
        let transcript = Transcript { steps: written.into_iter().map(|what| { line += 1; Step { line, what } }).collect() };
        let text = transcript.to_string();
        let again = Transcript::parse("written.txt", &text);
        let whats = |transcript: &Transcript| transcript.steps.iter().map(|step| step.what.clone()).collect::<Vec<_>>();
        prop_assert_eq!(again.as_ref().map(whats), Ok(whats(&transcript)), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[><#@\\[\\](){} a-z0-9…⏎\n-]{0,60}") {
        let _ = Transcript::parse("any.txt", &text);
    }
}
