//! Whose words a transcript becomes, and what of it cannot be played.

use super::*;

const TRANSCRIPT: &str = "# @wa 0812-0000-0042\n\
    # @citizen phone=0812-0000-0042 nik=0001014708900003 name=\"Siti Rahmawati\" doses=1:2021-09-03:CoronaVac\n\
    # @otp 483920\n> hai\n< Selamat datang … [Setuju, nomor ini] [Setuju, nomor lain] [Tidak setuju]\n";

fn script(text: &str) -> anyhow::Result<Script> {
    Script::of("test", Transcript::parse("test", text)?, None)
}

fn player() -> Role {
    let phone = Phone::from_wa_id("6281200000817").expect("a phone");
    let name = Name::parse("Ma'ruf Hakim").expect("a name");
    let nik = Nik::parse("0001021203770005").expect("a nik");
    Role { sender: Sender::phone(phone), person: Some(Person { phone, name, nik }) }
}

#[test]
fn the_player_says_his_own_data_in_the_transcripts_grouping() {
    let script = script(TRANSCRIPT).expect("playable");
    let say = |text| script.spoken(text, &player(), "990011");
    assert_eq!(say("Siti Rahmawati 0001014708900003"), "Ma'ruf Hakim 0001021203770005");
    assert_eq!(say("Nama: siti rahmawati\nNIK: 0001 0147 0890 0003"), "Nama: Ma'ruf Hakim\nNIK: 0001 0212 0377 0005");
    assert_eq!(say("62 812-0000-0042"), "62 812-0000-0817");
    assert_eq!(say("kodenya 48 39 20"), "kodenya 99 00 11");
    assert_eq!(say("pak mau donlod dosis 2"), "pak mau donlod dosis 2");
    assert!(script.needs_code("483 920") && !script.needs_code("483921"));
}

#[test]
fn what_cannot_be_played_says_which_line() {
    for (more, fault) in [
        ("# @wait 16m\n", "line 6"),
        ("# @> hai\n", "line 6"),
        ("# @registry down\n", "line 6"),
        ("# @wa 0812-0000-0043\n", "line 6"),
    ] {
        let error = script(&format!("{TRANSCRIPT}{more}")).expect_err("not playable");
        assert!(error.to_string().contains(fault), "{more}: {error}");
    }
    assert!(script("> hai\n").is_err() && script("# @wa 0812-0000-0042\n").is_err());
}

#[test]
fn the_first_turns_of_what_cannot_be_played_to_its_end_can() {
    let text = format!("{TRANSCRIPT}# @wait 16m\n> hai\n");
    let script = Script::of("test", Transcript::parse("test", &text).expect("a transcript"), Some(1));
    assert_eq!(script.expect("playable").moves.len(), 2);
}

#[test]
fn who_plays_is_told_by_the_transcript() {
    let who = |text: &str| script(text).expect("playable").who;
    assert_eq!(who(TRANSCRIPT), Who::Registered);
    assert_eq!(who("# @wa 0812-0000-0042\n> hai\n"), Who::Stranger);
    assert_eq!(who("# @wa no-phone bsuid=ID.x\n> hai\n"), Who::Username);
    assert!(Role::stranger(0).is_some_and(|role| role.names() == ["9999"]));
    assert!(Role::stranger(STRANGERS.len()).is_none());
}

#[test]
fn whom_a_reply_names_is_read_from_it() {
    assert_eq!(named_in("Nomor WhatsApp ini berakhiran 0042."), ["0042"]);
    assert_eq!(named_in("Sertifikat vaksinasi dosis 1 a.n. Ma'ruf. Berisi data"), ["ma'ruf"]);
    assert_eq!(named_in("Your number ending in 0817 …"), ["0817"]);
    assert_eq!(named_in("Silakan pilih:"), Vec::<String>::new());
    assert_eq!(player().names(), ["0817", "ma'ruf", "hakim"]);
}
