//! Readings of what people write, row by row, and what holds for any text at all.

use proptest::prelude::*;

use super::*;

mod table;

/// A reading in words, facet by facet, so that a row says all of what a text means and nothing else.
fn said(text: &str) -> String {
    let reading = read(text);
    let mut facets = Vec::new();
    let mut say = |facet: String| facets.push(facet);
    if let Some(greeting) = reading.greeting {
        say(format!("{greeting:?}"));
    }
    if let Some(keyword) = reading.keyword {
        say(format!("#{keyword:?}"));
    }
    if let Some(wish) = reading.wish {
        say(format!("wish {wish:?}"));
    }
    if let Some(dose) = reading.dose {
        say(format!("dose {dose}"));
    }
    if reading.all {
        say("all".to_owned());
    }
    if let Some(yes_no) = reading.yes_no {
        say(format!("{yes_no:?}"));
    }
    if let Some(choice) = reading.choice {
        say(format!("choice {choice}"));
    }
    if let Some(code) = reading.code {
        say(format!("code {}", code.digits()));
    }
    match reading.phone {
        Some(PhoneReading::Mobile(mobile)) => say(mobile.phone().to_e164()),
        Some(PhoneReading::Landline) => say("landline".to_owned()),
        Some(PhoneReading::Bad) => say("phone?".to_owned()),
        None => {}
    }
    match reading.nik {
        Some(Ok(nik)) => say(format!("nik {}", nik.digits())),
        Some(Err(NikError::Form(nik))) => say(format!("nik form {}", nik.digits())),
        Some(Err(NikError::Length(length))) => say(format!("nik of {length}")),
        None => {}
    }
    if let Some(name) = reading.name {
        say(format!("\"{}\"", name.as_str()));
    }
    for person in reading.people {
        say(match person {
            Ok(claim) => format!("<{} {}>", claim.name.as_str(), claim.nik.digits()),
            Err(fault) => format!("<{:?} {:?}>", fault.name.map(|name| name.as_str().to_owned()), fault.nik),
        });
    }
    if let Some(undo) = reading.undo {
        say(format!("undo {}", undo.digits()));
    }
    if let Some(ticket) = reading.ticket {
        say(format!("ticket {ticket}"));
    }
    if let Some((month, year)) = reading.month {
        say(format!("{month}/{year}"));
    }
    if let Some(choice) = reading.number_choice {
        say(format!("number {choice:?}"));
    }
    for (holds, word) in [
        (reading.code_missing, "no code"),
        (reading.filler, "filler"),
        (reading.thanks, "thanks"),
        (reading.english, "english"),
    ] {
        if holds {
            say(word.to_owned());
        }
    }
    facets.join(", ")
}

#[test]
fn what_people_write_means_what_they_mean() {
    let wrong: Vec<String> = table::ROWS
        .iter()
        .filter(|(text, meaning)| said(text) != *meaning)
        .map(|(text, meaning)| format!("{text:?}\n    wanted: {meaning}\n    read:   {}", said(text)))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table::ROWS.len(), wrong.join("\n"));
}

#[test]
fn a_title_is_echoed_by_whoever_types_it() {
    for (text, title) in [
        ("belum terima kode", "Belum terima kode"),
        ("Belum terima kode.", "Belum terima kode"),
        ("nama", "Nama"),
        ("NIK atau data lain", "NIK atau data lain"),
        ("ya kirim kode", "Ya, kirim kode"),
        ("data saya salah pak", "Data saya salah"),
        ("dosis/vaksin salah", "Dosis/vaksin salah"),
        ("dosis 2", "Dosis 2"),
        ("coba lagi", "Coba lagi"),
        ("tanpa nik / wna", "Tanpa NIK/WNA"),
    ] {
        assert!(echoed(text, &[title]).is_some(), "{text} / {title}");
    }
    for (text, title) in [
        ("belum", "Belum terima kode"),
        ("belum terima kode sampai sekarang", "Belum terima kode"),
        ("pak", "Nama"),
        ("", "Nama"),
        ("dosis 1", "Dosis 2"),
        ("nama saya siti", "Nama"),
    ] {
        assert!(echoed(text, &[title]).is_none(), "{text} / {title}");
    }
}

#[test]
fn a_long_text_is_read_as_far_as_the_bound() {
    let mut long = "a ".repeat(TEXT_CHARS_MAX / 2);
    long.push_str(" 483920");
    assert_eq!(read(&long).code, None);
    let mut long = "483920 ".to_owned();
    long.push_str(&"😀 ".repeat(30_000));
    assert_eq!(read(&long).code.map(Otp::digits).as_deref(), Some("483920"));
    // Texts that would be dear to take apart.
    for piece in ["8123456789 ", "(0812) ", "sertivikad ", "0001 ", "62", "\u{FDFA}", "ا", "a\u{301}", "1\n"] {
        let _ = said(&piece.repeat(65_536 / piece.len()));
    }
}

proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC{0,200}") {
        let _ = said(&text);
        let _ = echoed(&text, &[&text]);
    }

    #[test]
    fn any_string_of_any_characters_is_read(text in any::<String>()) {
        let _ = said(&text);
    }

    #[test]
    fn words_and_numbers_in_any_order_are_read(
        pieces in prop::collection::vec(
            prop_oneof![
                "[0-9OoIl]{1,18}", "[ .()+:,#/\n-]{1,3}", "(nama|nik|bukan saya|no|ke|dosis|terima kasih|anak agung|nd)", "[A-Za-z']{1,12}",
            ],
            0..20,
        )
    ) {
        let _ = said(&pieces.concat());
    }

    #[test]
    fn a_code_is_read_however_it_is_grouped(number in 0_u32..1_000_000, gap in "[ .-]", at in 1_usize..5) {
        let digits = format!("{number:06}");
        let (left, right) = digits.split_at(at);
        for text in [digits.clone(), format!("{left}{gap}{right}"), format!("kodenya {left}{gap}{right} ya pak")] {
            prop_assert_eq!(read(&text).code.map(Otp::digits), Some(digits.clone()), "{}", text);
        }
    }

    #[test]
    fn sixteen_digits_are_a_nik_and_the_rest_the_name(day in 1_u8..=28, month in 1_u8..=12, serial in 1_u16..10_000, first: bool) {
        let nik = format!("000101{day:02}{month:02}90{serial:04}");
        let text = if first { format!("{nik} Siti Rahmawati") } else { format!("Siti Rahmawati {nik}") };
        let reading = read(&text);
        prop_assert_eq!(reading.nik.and_then(Result::ok).map(Nik::digits), Some(nik));
        let name = reading.name.map(|name| name.as_str().to_owned());
        prop_assert_eq!(name.as_deref(), Some("Siti Rahmawati"));
        prop_assert!(reading.code.is_none() && reading.phone.is_none());
    }

    #[test]
    fn a_registered_number_is_a_phone_in_every_form(last in 0_u16..10_000) {
        let wanted = Mobile::parse(&format!("08120000{last:04}")).ok();
        for text in [
            format!("08120000{last:04}"), format!("0812-0000-{last:04}"), format!("+62 812 0000 {last:04}"),
            format!("62812-0000-{last:04}"), format!("nomor saya 0812 0000 {last:04} pak"),
        ] {
            let reading = read(&text);
            prop_assert_eq!(reading.phone, wanted.map(PhoneReading::Mobile), "{}", text);
            prop_assert!(reading.nik.is_none() && reading.code.is_none());
        }
    }

    #[test]
    fn a_text_without_digits_is_never_a_number(text in "[a-zA-Z ,.?!]{0,60}") {
        let reading = read(&text);
        prop_assert!(reading.code.is_none() && reading.phone.is_none() && reading.nik.is_none());
        prop_assert_eq!(reading.digits, 0);
    }

    #[test]
    fn case_and_surrounding_space_change_no_keyword(at in 0_usize..11) {
        let words = ["menu", "batal", "bantuan", "kirim ulang", "petugas", "tiket", "keluarga", "english", "hapus data", "bukan saya", "selesai"];
        let keyword = read(words[at]).keyword;
        prop_assert!(keyword.is_some());
        for text in [words[at].to_uppercase(), format!("  {}  ", words[at]), format!("{}!!", words[at]), format!("{} dong pak", words[at])] {
            prop_assert_eq!(read(&text).keyword, keyword, "{}", text);
        }
    }
}
