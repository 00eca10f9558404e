//! The texts as shipped are without fault, and every kind of fault is told.

use super::*;

const ID: &str = include_str!("../../../config/text/id.ftl");
const EN: &str = include_str!("../../../config/text/en.ftl");

fn faults(id: &str, en: &str) -> Vec<String> {
    Texts::load(id, en).err().map(|errors| errors.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

#[test]
fn the_texts_we_ship_are_without_fault() {
    assert_eq!(faults(ID, EN), Vec::<String>::new());
}

#[test]
fn every_fault_is_told_at_once_with_file_key_and_limit() {
    let id = ID
        .replace("b_menu = Menu", "b_menu = Menu yang terlalu panjang")
        .replace("want_dose = ", "want_dosis = ")
        .replace("otp_wrong = Kode", "otp_wrong = { $name } Kode")
        .replace("sms_otp_plain = ", "sms_otp_plain = “kode” ");
    let told = faults(&id, EN).join("\n");
    for part in [
        "id.ftl: key `b_menu` can be 25 characters long, a button holds at most 20",
        "id.ftl: key `want_dose` is missing",
        "id.ftl: key `want_dosis` is not one the service says",
        "id.ftl: key `otp_wrong`: ",
        "it may use: $n",
        "id.ftl: key `sms_otp_plain` has `“`",
    ] {
        assert!(told.contains(part), "{part} in:\n{told}");
    }
    assert!(!told.contains("en.ftl"), "{told}");
}

#[test]
fn dates_and_clocks_are_words() {
    let texts = Texts::embedded().unwrap();
    // 2026-11-26 07:00 UTC is 14.00 in Jakarta.
    let at = Timestamp::from_unix_s(1_795_676_400);
    let ticket = crate::domain::ticket::TicketNumber::new(48_210_937).unwrap();
    let phrase = table::ticket_waits(ticket, value::Day(at), value::Clock(at, Zone::Wib));
    assert_eq!(
        texts.render(&phrase, Language::Indonesian),
        "Laporan 4821-0937: sudah diterima, menunggu petugas. Batas waktu Kamis, 26 November 2026 pukul 14.00 WIB."
    );
    assert!(texts.render(&phrase, Language::English).contains("Thursday, 26 November 2026 at 14.00 WIB"));
}

#[test]
fn what_people_typed_is_cleaned() {
    let clean = |text| value::clean_line(text, 20);
    assert_eq!(clean("*Siti*\u{202e}_x_\n\n ~y~`z`"), "Sitix yz");
    assert_eq!(clean("NIK 0001014708900003 ya"), "NIK 00010147 ya");
    assert_eq!(clean("0812-0000 0042, 12 Mei"), "0812-0000 , 12 Mei");
    assert_eq!(clean("\u{200b}\u{7}"), "");
    assert_eq!(clean(&"a b ".repeat(40)).chars().count(), 19);
}

#[test]
fn an_observer_hears_each_key() {
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = heard.clone();
    let texts = Texts::embedded().unwrap().with_observer(Arc::new(move |key, _| log.lock().unwrap().push(key)));
    texts.render(&table::please_write(value::Want(table::want_code())), Language::English);
    assert_eq!(*heard.lock().unwrap(), ["please_write", "want_code"]);
}

#[test]
fn an_sms_is_one_part() {
    let texts = Texts::embedded().unwrap();
    let code = crate::domain::otp::Otp::new(483_920).unwrap();
    let sms = texts.sms_otp(code, Some(crate::domain::phone::Ending(42)), Language::Indonesian);
    assert_eq!(
        sms.0,
        "483920 kode OTP Kemenkes utk WhatsApp berakhiran 0042, berlaku 5 menit. Bukan Anda? Abaikan. Jangan beri \
         tahu siapa pun, termasuk petugas."
    );
    assert!(sms.0.len() <= 160);
}
