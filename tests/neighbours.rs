//! Programs that nobody here wrote: our neighbours in real life, or who play them.
//!
//! Certificates are shown to readers, who believe the genuine ones and no other; the others are in modules of their
//! own. The readers are PyPI's `cwt` and npm's `@pathcheck/dcc-sdk`, which verify codes, and Debian's `zbarimg`, which reads
//! them off the printed page. `chat.rs` has all neighbours at once, and a browser. `.ci/neighbours` installs them (not the
//! browser); without them these tests fail and say so.
#![allow(clippy::unwrap_used)] // a panic is the finding

#[path = "neighbours/chat.rs"]
mod chat;
#[path = "neighbours/desk_to_desk.rs"]
mod desk_to_desk;
#[path = "neighbours/directory.rs"]
mod directory;
#[path = "browser/driver.rs"]
#[allow(dead_code, reason = "tests/browser uses the rest of it")]
mod driver;
#[path = "neighbours/fhir.rs"]
mod fhir;
#[path = "neighbours/kannel.rs"]
mod kannel;
#[path = "neighbours/ministry.rs"]
#[allow(dead_code, reason = "tests/it uses the rest of it")]
mod ministry;
#[path = "neighbours/desk.rs"]
#[allow(dead_code, reason = "tests/it uses the rest of it")]
mod ministry_desk;
#[path = "neighbours/programs.rs"]
mod programs;
#[path = "browser/server.rs"]
#[allow(dead_code, reason = "tests/browser uses the rest of it")]
mod server;
#[path = "neighbours/smpp.rs"]
mod smpp;
#[path = "it/support.rs"]
#[allow(dead_code, reason = "tests/it uses the rest of it")]
mod support;
#[path = "it/tiny_server.rs"]
#[allow(dead_code, reason = "tests/it uses the rest of it")]
mod tiny_server;
#[path = "neighbours/together.rs"]
mod together;

use std::process::Command;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use siaga::certificate::hcert::{self, Claims, Payload, SigningKeys, Vaccines};
use siaga::certificate::{Code, Typesetter};
use siaga::clock::SystemClock;
use siaga::domain::certificate::{Certificate, Language};
use siaga::domain::citizen::PersonId;
use siaga::domain::name::Name;
use siaga::domain::time::Timestamp;
use siaga::domain::uvci::Uvci;
use siaga::ports::Clock as _;
use siaga::registry::embedded::{Citizen, population};

use programs::{installed, run, script};

const COUNT: usize = 1_000;
const YEAR_S: i64 = 365 * 86_400;
const ISSUER: &str = "Ministry of Health of the Republic of Indonesia";
/// Names that go through everything that names go through; all others come from the registry.
const NAMES: [&str; 6] = [
    "Sukarno",
    "Łukasz Þórður Œuvré",
    "Ma'ruf Abdul-Rahman",
    "Budi Santoso, S.Kom",
    "W Ŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵŵ",
    "Ñandú",
];

/// The seal of these tests: a key, and the certificate that a stranger's program made for it.
struct Seal {
    directory: tempfile::TempDir,
    keys: SigningKeys,
    vaccines: Vaccines,
    now_s: i64,
}

impl Seal {
    /// Always the same, and with nothing of a stranger's: so a page that is read once is read each time.
    fn printing() -> Self {
        let key = SigningKeys::make(&[7; 32]).expect("a key");
        Self {
            directory: tempfile::tempdir().unwrap(),
            keys: SigningKeys::read(&key).expect("a ring"),
            vaccines: Vaccines::embedded().unwrap(),
            now_s: 1_795_416_600,
        }
    }

    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = SigningKeys::make(&rand::random()).expect("a key");
        let path = directory.path().join("key.pem");
        std::fs::write(&path, key.as_bytes()).unwrap();
        let python = installed("python/bin/python3");
        let made = run(Command::new(python).arg(script("python/document_signer.py")).arg(&path));
        std::fs::write(directory.path().join("signer.pem"), &made).unwrap();
        let keys = SigningKeys::read(&format!("{}{}", *key, String::from_utf8(made).unwrap())).expect("a ring");
        let now_s = SystemClock::default().now().0.div_euclid(1_000);
        Self { directory, keys, vaccines: Vaccines::embedded().unwrap(), now_s }
    }

    fn claims(&self, certificate: &Certificate, number: usize) -> Claims {
        let id = Uvci::of((number as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes());
        let payload = Payload::of(certificate, &id, ISSUER, &self.vaccines).expect("a known vaccine");
        Claims { issued_at_s: self.now_s, expires_at_s: self.now_s + YEAR_S, payload }
    }

    /// What a stranger's program says of each text; nothing where it does not believe.
    fn verdicts(&self, program: &mut Command, texts: &[String]) -> Vec<Value> {
        let at = |name: &str| self.directory.path().join(name);
        std::fs::write(at("codes.json"), serde_json::to_vec(texts).unwrap()).unwrap();
        run(program.args([at("signer.pem"), at("codes.json"), at("results.json")]));
        let results: Vec<Value> = serde_json::from_slice(&std::fs::read(at("results.json")).unwrap()).unwrap();
        assert_eq!(results.len(), texts.len());
        results
    }
}

/// Random people of the registry, a dose of each, and the names above.
fn certificates(random: &mut SmallRng) -> Vec<Certificate> {
    let people = population(random.random(), 2_000, time::macros::date!(2026 - 11 - 23));
    let doses = |citizen: Citizen| {
        let (person, record) = (citizen.person, citizen.record);
        record.doses.into_iter().map(move |dose| Certificate {
            id: String::from("R1"),
            person: PersonId(person.id.0.clone()),
            asked_at: Timestamp(0),
            name: person.name.clone(),
            nik: person.nik,
            birth_date: record.birth_date,
            dose: dose.number,
            date: dose.date,
            vaccine: dose.vaccine,
            batch: dose.batch,
            language: Language::Indonesian,
        })
    };
    let mut all: Vec<Certificate> = people.into_iter().flat_map(doses).take(COUNT).collect();
    for (name, certificate) in NAMES.iter().zip(&mut all) {
        certificate.name = Name::parse(name).unwrap();
    }
    assert_eq!(all.len(), COUNT);
    all
}

/// One random bit of what is signed (header, content) or of the signature is another one.
fn altered(text: &str, random: &mut SmallRng) -> String {
    use coset::TaggedCborSerializable as _;
    let mut bytes = hcert::unpacked(text).unwrap();
    let message = coset::CoseSign1::from_tagged_slice(&bytes).unwrap();
    let (header, content) = (message.protected.original_data.unwrap(), message.payload.unwrap());
    let parts = [&header, &content, &message.signature];
    let of_all = random.random_range(0..parts.iter().map(|part| part.len()).sum());
    let (mut at, mut rest) = (0, of_all);
    for part in parts {
        at = bytes.windows(part.len()).position(|window| window == &part[..]).unwrap();
        if rest < part.len() {
            break;
        }
        rest -= part.len();
    }
    bytes[at + rest] ^= 1 << random.random_range(0..8);
    hcert::packed(&bytes)
}

fn expected(claims: &Claims) -> Value {
    let of = &claims.payload;
    let dose = &of.vaccination;
    let mut name = json!({ "fn": of.family, "fnt": of.family_plain });
    if let (Some(given), Some(plain)) = (&of.given, &of.given_plain) {
        name["gn"] = json!(given);
        name["gnt"] = json!(plain);
    }
    json!({
        "iss": "ID", "iat": claims.issued_at_s, "exp": claims.expires_at_s,
        "payload": {
            "ver": "1.3.0", "nam": name, "dob": of.birth_date.to_string(),
            "v": [{
                "tg": "840539006", "vp": dose.prophylaxis, "mp": dose.product, "ma": dose.holder, "dn": dose.dose,
                "sd": dose.doses, "dt": dose.date.to_string(), "co": "ID", "is": ISSUER, "ci": dose.id,
            }],
        },
    })
}

#[test]
fn a_thousand_codes_are_believed_by_strangers_and_none_that_is_altered_by_one_bit() {
    let seed: u64 = rand::random();
    let mut random = SmallRng::seed_from_u64(seed);
    let seal = Seal::new();
    let claims: Vec<Claims> =
        certificates(&mut random).iter().enumerate().map(|(number, one)| seal.claims(one, number)).collect();
    let genuine: Vec<String> = claims.iter().map(|claims| hcert::sign(claims, &seal.keys).unwrap()).collect();
    let altered: Vec<String> = genuine.iter().map(|text| altered(text, &mut random)).collect();
    let texts = [&genuine[..], &altered].concat();

    let mut python = Command::new(installed("python/bin/python3"));
    python.arg(script("python/verify.py"));
    let mut node = Command::new("node");
    node.current_dir(installed("node/node_modules").parent().unwrap()).arg(script("node/verify.js"));
    for (program, mut command) in [("cwt", python), ("dcc-sdk", node)] {
        let verdicts = seal.verdicts(&mut command, &texts);
        for (number, claims) in claims.iter().enumerate() {
            assert_eq!(
                verdicts[number],
                expected(claims),
                "seed {seed}, {program}, code {number}: {}",
                genuine[number]
            );
            let other = &verdicts[COUNT + number];
            assert_eq!(
                *other,
                Value::Null,
                "seed {seed}, {program} believes code {number} although it is altered: {}",
                altered[number]
            );
        }
    }
    for text in &altered {
        assert!(hcert::verify(text, seal.keys.public(), seal.now_s).is_err(), "seed {seed}: {text}");
    }
}

#[test]
fn the_code_is_read_off_the_printed_page_and_the_words_can_be_selected() {
    let mut random = SmallRng::seed_from_u64(7);
    let seal = Seal::printing();
    let setter = Typesetter::new().unwrap();
    let certificates: Vec<Certificate> = certificates(&mut random).into_iter().take(NAMES.len() + 4).collect();
    for (number, certificate) in certificates.into_iter().enumerate() {
        let language = if number % 2 == 0 { Language::Indonesian } else { Language::English };
        let certificate = Certificate { language, ..certificate };
        let claims = seal.claims(&certificate, number);
        let id = Uvci::parse(&claims.payload.vaccination.id).unwrap();
        let text = hcert::sign(&claims, &seal.keys).unwrap();
        let good_until = Timestamp::from_unix_s(claims.expires_at_s).day_wib();
        let code = Code { text, id, good_until };
        let pdf = setter.render(&certificate, Some(&code)).unwrap();
        assert!(pdf.len() <= 30_000, "{} bytes", pdf.len());
        let at = |name: &str| seal.directory.path().join(name);
        std::fs::write(at("page.pdf"), pdf).unwrap();
        // As a good screen shows the page, and as a printer prints it. Below some 170 dots an inch a module has
        // about four dots, whose grey edges make zbarimg miss a code now and then.
        for resolution in ["200", "300"] {
            let mut draw = Command::new("pdftoppm");
            run(draw.args(["-singlefile", "-png", "-r", resolution]).arg(at("page.pdf")).arg(at("page")));
            let read = run(Command::new("zbarimg").args(["--quiet", "--raw"]).arg(at("page.png")));
            assert_eq!(String::from_utf8(read).unwrap().trim_end(), code.text, "page {number} at {resolution} dpi");
        }
        let words = String::from_utf8(run(Command::new("pdftotext").arg(at("page.pdf")).arg("-"))).unwrap();
        for part in [code.id.as_str(), certificate.vaccine.as_str()] {
            assert!(words.contains(part), "`{part}` is not in:\n{words}");
        }
    }
}
