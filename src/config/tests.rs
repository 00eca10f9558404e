//! Settings as an operator breaks them.

use std::io::Write as _;

use super::*;

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut overlay = tempfile::NamedTempFile::new().expect("a temporary file");
    overlay.write_all(file.as_bytes()).expect("written");
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(&[overlay.path().to_owned()], environment)
}

fn said(file: &str, environment: &[(&str, &str)]) -> String {
    load(file, environment).expect_err("must be refused").to_string()
}

#[test]
fn the_default_file_is_valid_by_itself() {
    let config = Config::load(&[], []).expect("valid");
    assert_eq!(config.whatsapp.mode, Mode::Emulator);
    assert_eq!(config.account.lock_s, [1800, 10800, 86400]);
}

#[test]
fn every_whole_number_has_a_range_that_holds_its_default() {
    let layered = layers::read(&[], []).expect("default");
    for (key, leaf) in &layered.leaves {
        if let Some(number) = leaf.value.as_integer() {
            let (least, most) = bounds::range(key).unwrap_or_else(|| panic!("`{key}` has no range"));
            assert!((least..=most).contains(&number), "`{key}`");
        }
    }
}

#[test]
fn a_file_lies_over_the_default_and_the_environment_over_the_file() {
    let file = "[server]\nbind = \"127.0.0.1:1\"\nweb_workers = 3\n";
    let config = load(file, &[("SIAGA__SERVER__BIND", "127.0.0.1:2"), ("HOME", "/root")]).expect("valid");
    assert_eq!(config.server.bind.port(), 2);
    assert_eq!(config.server.web_workers, 3);
}

#[test]
fn lists_and_flags_come_from_the_environment_as_toml() {
    let secrets = "[\"0123456789abcdef0\", \"fedcba98765432100\"]";
    let environment = [("SIAGA__WHATSAPP__APP_SECRETS", secrets), ("SIAGA__EMULATOR__ENFORCE_RATES", "false")];
    let config = load("", &environment).expect("valid");
    assert_eq!(config.whatsapp.app_secrets.len(), 2);
    assert!(!config.emulator.enforce_rates);
}

#[test]
fn all_faults_are_told_at_once_with_key_value_origin_and_what_is_allowed() {
    let file = "[server]\nbnd = \"x\"\ndrain_s = 0\nbind = \"here\"\n[whatsapp]\nmode = \"meta\"\n[store]\npath = 7\n";
    let said = said(file, &[("SIAGA__ACCOUNT__OTP_TRIES", "many")]);
    for part in [
        "5 faults",
        "server.bnd: no such setting",
        "did you mean `server.bind`",
        "server.drain_s: is 0",
        "allowed: 1 to 300",
        "whatsapp.mode: is \"meta\"",
        "allowed: \"emulator\", \"cloud\"",
        "store.path: is 7",
        "a text in quotes",
        "account.otp_tries: is \"many\" (SIAGA__ACCOUNT__OTP_TRIES)",
        "a whole number",
    ] {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
}

#[test]
fn an_address_is_told_with_an_example() {
    assert!(said("[server]\nbind = \"here\"\n", &[]).contains("an address with a port"));
}

#[test]
fn the_line_of_broken_toml_is_told() {
    assert!(said("[server]\nbind = \n", &[]).contains("line 2"));
}

#[test]
fn a_missing_file_is_told_by_its_path() {
    let error = Config::load(&["/nowhere/siaga.toml".into()], []).expect_err("refused");
    assert!(error.to_string().contains("/nowhere/siaga.toml: cannot be read"));
}

#[test]
fn cloud_mode_refuses_what_the_emulator_knows() {
    let said = said("[whatsapp]\nmode = \"cloud\"\n[store]\nkey_file = \"/nowhere/key\"\n", &[]);
    for key in ["app_secrets", "verify_token", "access_token", "otp.senders", "/nowhere/key"] {
        assert!(said.contains(key), "`{key}` is not in:\n{said}");
    }
}

#[test]
fn a_secret_with_its_line_break_and_a_host_that_only_looks_like_this_machine_are_told() {
    let file = "[whatsapp]\nmode = \"cloud\"\naccess_token = \"rahasia\\n\"\ngraph_url = \"http://127.0.0.1.example\"\n\
        [otp]\nsenders = [\"http\"]\nurl = \"http://sms.example\"\nauthorization = \"Bearer a\\rb\"\n";
    let said = said(file, &[]);
    for told in [
        "whatsapp.access_token: holds a line break",
        "otp.authorization: holds a line break",
        "whatsapp.graph_url: must be https",
        "otp.url: must be https",
    ] {
        assert!(said.contains(told), "`{told}` is not in:\n{said}");
    }
    assert!(!said.contains("rahasia"), "{said}");
}

#[test]
fn real_registries_need_an_address_and_what_they_gave_us() {
    let file = "[registry]\nkind = \"satusehat\"\nurl = \"http://fhir.example.org\"\nvaccine_codes = []\n\
        [directory]\nkind = \"http\"\n[desk]\nkind = \"http\"\nsecrets = [\"sangat-rahasia\"]\n";
    let said = said(file, &[]);
    assert!(!said.contains("sangat-rahasia"), "{said}");
    for key in [
        "registry.url",
        "client_id",
        "client_secret",
        "vaccine_codes",
        "directory.url",
        "directory.authorization",
        "desk.url",
        "desk.secrets: holds a secret that is not \"whsec_\"",
    ] {
        assert!(said.contains(key), "`{key}` is not in:\n{said}");
    }
    let codes = load("[registry]\nvaccine_codes = [ { system = \"s\", code = 511 } ]\n", &[]).expect_err("refused");
    assert!(codes.to_string().contains("vaccine = \"CoronaVac\""), "{codes}");
    let secrets = [("SIAGA__REGISTRY__CLIENT_SECRET".to_owned(), "sangat-rahasia".to_owned())];
    let shown = show::effective(&layers::read(&[], secrets).expect("read"));
    assert!(!shown.contains("sangat-rahasia"), "{shown}");
}

#[test]
fn an_smsc_is_on_this_machine_and_gets_what_smpp_has_room_for() {
    let smpp =
        |keys: &str| format!("[otp]\nsenders = [\"smpp\", \"emulator\"]\n[smpp]\nsystem_id = \"siaga\"\n{keys}\n");
    assert!(load(&smpp("password = \"rahasia\""), &[]).is_ok());
    assert!(load(&smpp("address = \"[::1]:2775\""), &[]).is_ok());
    for (keys, told) in [
        ("address = \"10.0.0.7:2775\"", "put a tunnel"),
        ("address = \"smsc.example:2775\"", "put a tunnel"),
        ("password = \"sembilan9\"", "smpp.password"),
        ("system_type = \"tiga belas abc\"", "smpp.system_type"),
        ("service_type = \"enam66\"", "smpp.service_type"),
        ("source = \"Kementerian Kesehatan\"", "smpp.source"),
        ("source_ton = 7", "smpp.source_ton"),
        ("window_max = 0", "smpp.window_max"),
        ("reconnect_max_ms = 400", "smpp.reconnect_first_ms"),
        ("timeout_ms = 4000", "actors.neighbour_timeout_ms"),
    ] {
        let said = said(&smpp(keys), &[]);
        assert!(said.contains(told) && !said.contains("sembilan9"), "{keys}: {said}");
    }
    let nobody = said("[otp]\nsenders = [\"smpp\"]\n", &[]);
    assert!(nobody.contains("smpp.system_id"), "{nobody}");
    assert!(said("[account]\notp_life_max_s = 200\n", &[]).contains("account.otp_life_s"));
}

#[test]
fn no_secret_is_ever_shown() {
    let secret = "a-very-secret-value";
    let said = said("", &[("SIAGA__WHATSAPP__APP_SECRETS", secret)]);
    assert!(!said.contains(secret), "{said}");
    let layered = layers::read(&[], [("SIAGA__WHATSAPP__VERIFY_TOKEN".to_owned(), secret.to_owned())]).expect("read");
    let shown = show::effective(&layered);
    assert!(shown.contains("verify_token = \"(hidden)\"") && !shown.contains(secret), "{shown}");
    assert!(!format!("{:?}", Config::load(&[], []).expect("valid")).contains("emulator-app-secret"));
}

#[test]
fn what_is_shown_can_be_loaded_again() {
    let layered = layers::read(&[], []).expect("default");
    let shown = show::effective(&layered).replace("app_secrets = \"(hidden)\"", "app_secrets = [\"0123456789abcdef\"]");
    let shown = shown.replace("\nsecrets = \"(hidden)\"", "\nsecrets = []");
    assert!(load(&shown, &[]).is_ok());
}

#[test]
fn a_key_file_is_made_once_and_only_for_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("deep/siaga.key");
    let first = key_file::load_or_make(&path).expect("made");
    assert_eq!(*first, *key_file::load_or_make(&path).expect("read"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
    assert!(key_file::load(&path).expect_err("refused").to_string().contains("must be 0600"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
    std::fs::write(&path, b"short").expect("written");
    assert!(key_file::load(&path).expect_err("refused").to_string().contains("exactly 32"));
}

#[test]
fn a_key_comes_from_the_units_credentials_and_nowhere_else() {
    use std::ffi::OsStr;
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("siaga.key");
    let set_mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
    std::fs::write(&path, [7; 32]).expect("written");
    // As systemd leaves it: the service's own right shows as the group's.
    set_mode(0o440);
    let load = |name: &str, at: Option<&OsStr>| key_file::load_with(std::path::Path::new(name), at);
    let at = Some(directory.path().as_os_str());
    assert_eq!(*load("credential:siaga.key", at).expect("read"), [7; 32]);
    set_mode(0o444);
    assert!(load("credential:siaga.key", at).is_err(), "others can read it");
    let none = load("credential:siaga.key", None).expect_err("no unit");
    assert!(none.to_string().contains("LoadCredential=siaga.key:FILE"), "{none}");
    for name in ["credential:", "credential:..", "credential:../siaga.key", "credential:/etc/passwd"] {
        assert!(matches!(load(name, at), Err(key_file::KeyFileError::CredentialName { .. })), "{name}");
    }
    let newcomer = key_file::load_or_make(std::path::Path::new("credential:no-such")).expect_err("not made");
    assert!(!matches!(newcomer, key_file::KeyFileError::Unmakeable { .. }), "{newcomer}");
}
