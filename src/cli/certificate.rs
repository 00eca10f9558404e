//! `siaga certificate`: what an operator, or anyone who checks a certificate, does by hand.
//!
//! `verify` and `keys` need no server and no store. `revoke` asks a running server, or opens the store of a stopped
//! one as `issue` does. What is personal is printed only where it was asked for: by `verify` of the text that is held out to it, and into the
//! file of `issue`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use super::{EXIT_USAGE, Files};
use crate::app::by_hand::{self, Order};
use crate::app::{Wish, operate};
use crate::certificate::hcert::{self, Claims, PublicKey, PublicKeys, Signer as _, SigningKeys};
use crate::clock::SystemClock;
use crate::config::{Config, signing_file};
use crate::control;
use crate::domain::certificate::Language;
use crate::domain::nik::Nik;
use crate::domain::phone::Mobile;
use crate::ports::Clock as _;

/// A certificate that is not to be believed.
const EXIT_NOT_BELIEVED: u8 = 1;
/// The store, the registry or a file cannot be had (EX_UNAVAILABLE).
const EXIT_UNAVAILABLE: u8 = 69;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a citizen's certificate and write its PDF; the server must be stopped. Prints the code's id and text.
    Issue(Issue),
    /// Check the text of a code: who signed it, until when it is good, what it says. Exit 1: not to be believed.
    Verify(Verify),
    /// Revoke a certificate by its id, on a running server or in the store of a stopped one. The next download gets a
    /// new one.
    Revoke(Revoke),
    /// The keys that sign.
    #[command(subcommand)]
    Keys(Keys),
}

#[derive(Args, Debug)]
pub(super) struct Issue {
    /// The registered phone, 0812…
    #[arg(long)]
    phone: String,
    /// The 16 digits of the NIK.
    #[arg(long)]
    nik: String,
    /// 1, 2, 3 …
    #[arg(long)]
    dose: u8,
    #[arg(long, value_enum, default_value = "id")]
    language: Tongue,
    /// Where the PDF goes.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    files: Files,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tongue {
    Id,
    En,
}

#[derive(Args, Debug)]
pub(super) struct Verify {
    /// What the QR says, `HC1:…`; without it, standard input is read.
    text: Option<String>,
    /// Keys to believe: PEM with public keys or certificates; may be given several times. Without it, the ring of
    /// the settings.
    #[arg(long, value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// A page of the list of revoked ids as fetched from /certificates/revoked; may be given several times.
    #[arg(long, value_name = "FILE")]
    revoked: Vec<PathBuf>,
    #[command(flatten)]
    files: Files,
}

#[derive(Args, Debug)]
pub(super) struct Revoke {
    /// The id on the certificate, URN:UVCI:01:ID:…#…
    id: String,
    #[command(flatten)]
    files: Files,
}

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a key where there is none.
    Make {
        /// Put it in front of the keys that are there: it signs from the next start on, they go on verifying.
        #[arg(long)]
        ahead: bool,
        #[command(flatten)]
        ring: RingFile,
    },
    /// List the keys: id, whether it signs, until when its certificate is good.
    List(RingFile),
    /// Print the public keys, for those who check certificates.
    Public {
        #[arg(long, value_enum, default_value = "jwk")]
        format: Format,
        #[command(flatten)]
        ring: RingFile,
    },
}

#[derive(Args, Clone, Debug)]
pub(super) struct RingFile {
    /// The keys' file; without it, certificate.key_file of the settings.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    files: Files,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Format {
    /// A JWK set.
    Jwk,
    Pem,
}

/// What goes wrong, as the person at the command line reads it, and the exit code.
type Refusal = (u8, String);

pub(super) fn run(command: Command) -> ExitCode {
    match command {
        Command::Issue(wish) => with_settings(&wish.files, |config| ended(issue(&wish, config))),
        // Who brings the keys along needs no settings.
        Command::Verify(wish) if !wish.keys.is_empty() => ended(given(&wish).and_then(|keys| verify(&wish, &keys))),
        Command::Verify(wish) => with_settings(&wish.files, |config| {
            ended(ring(&config.certificate.key_file).and_then(|ring| verify(&wish, ring.public())))
        }),
        Command::Revoke(wish) => with_settings(&wish.files, |config| {
            operate(&config, Wish::Command(control::Command::RevokeCertificate { id: wish.id }), false)
        }),
        Command::Keys(Keys::Make { ahead, ring }) => with_file(&ring, |path| {
            let keys = signing_file::make(path, ahead).map_err(|error| unavailable(&error))?;
            println!("{} signs from the next start on ({})", keys.key_id(), path.display());
            Ok(())
        }),
        Command::Keys(Keys::List(file)) => with_file(&file, |path| {
            list(&ring(path)?);
            Ok(())
        }),
        Command::Keys(Keys::Public { format, ring: file }) => with_file(&file, |path| {
            let keys = ring(path)?;
            match format {
                Format::Jwk => println!("{:#}", keys.public().to_jwks()),
                Format::Pem => print!("{}", keys.public().iter().map(PublicKey::to_pem).collect::<String>()),
            }
            Ok(())
        }),
    }
}

/// None of these commands needs what only a server needs.
fn with_settings(files: &Files, then: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match Config::load_for_commands(&files.files, std::env::vars()) {
        Ok(config) => then(config),
        Err(error) => ended(Err((EXIT_USAGE, error.to_string()))),
    }
}

fn ended(result: Result<(), Refusal>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, reason)) => {
            eprintln!("siaga: {reason}");
            ExitCode::from(code)
        }
    }
}

fn with_file(ring: &RingFile, act: impl FnOnce(&Path) -> Result<(), Refusal>) -> ExitCode {
    match &ring.file {
        Some(path) => ended(act(path)),
        None => with_settings(&ring.files, |config| ended(act(&config.certificate.key_file))),
    }
}

fn issue(wish: &Issue, config: Config) -> Result<(), Refusal> {
    let wrong = |what: &str, reason: &dyn std::fmt::Display| (EXIT_USAGE, format!("{what}: {reason}"));
    let order = Order {
        phone: Mobile::parse(&wish.phone).map_err(|error| wrong("--phone", &error))?,
        nik: Nik::parse(&wish.nik).map_err(|error| wrong("--nik", &error))?,
        dose: wish.dose,
        language: match wish.language {
            Tongue::Id => Language::Indonesian,
            Tongue::En => Language::English,
        },
    };
    let issued = by_hand::issue(config, order).map_err(|error| unavailable(&error))?;
    std::fs::write(&wish.out, &issued.pdf)
        .map_err(|error| (EXIT_UNAVAILABLE, format!("{}: cannot be written: {error}", wish.out.display())))?;
    match issued.code {
        Some(code) => println!("{}\n{}", code.id, code.text),
        None => eprintln!("siaga: it has no code: its vaccine is not in config/vaccines.toml"),
    }
    Ok(())
}

fn verify(wish: &Verify, keys: &PublicKeys) -> Result<(), Refusal> {
    let text = if let Some(text) = &wish.text {
        text.clone()
    } else {
        let mut text = String::new();
        let read = std::io::stdin().take(64 * 1_024).read_to_string(&mut text);
        read.map_err(|error| (EXIT_USAGE, format!("standard input: {error}")))?;
        text
    };
    let now_s = SystemClock::default().now().0.div_euclid(1_000);
    let not_believed = |reason: &dyn std::fmt::Display| (EXIT_NOT_BELIEVED, format!("not to be believed: {reason}"));
    let claims = hcert::verify(&text, keys, now_s).map_err(|error| not_believed(&error))?;
    for path in &wish.revoked {
        if is_revoked(&read(path)?, &claims)
            .ok_or_else(|| (EXIT_USAGE, format!("{}: is no page of /certificates/revoked", path.display())))?
        {
            return Err(not_believed(&"it is revoked"));
        }
    }
    show(&claims);
    Ok(())
}

/// Whether a page of the list names a certificate; nothing when it is no such page.
fn is_revoked(page: &str, claims: &Claims) -> Option<bool> {
    let page: serde_json::Value = serde_json::from_str(page).ok()?;
    let rows = page.get("revoked")?.as_array()?;
    let id = claims.payload.vaccination.id.as_str();
    Some(rows.iter().any(|row| row.get("id").and_then(serde_json::Value::as_str) == Some(id)))
}

fn show(claims: &Claims) {
    let hcert::Payload { family, family_plain, given, given_plain, birth_date, vaccination } = &claims.payload;
    let name = given.iter().chain([family]).map(String::as_str).collect::<Vec<_>>().join(" ");
    let plain = given_plain.iter().chain([family_plain]).map(String::as_str).collect::<Vec<_>>().join("<");
    let day = |at_s| crate::domain::time::Timestamp::from_unix_s(at_s).day_wib();
    println!("genuine     signed {}, good until {}", day(claims.issued_at_s), day(claims.expires_at_s));
    println!("name        {name} ({plain})");
    println!("born        {birth_date}");
    println!("vaccination dose {} of {}, {}", vaccination.dose, vaccination.doses, vaccination.date);
    println!("vaccine     {} ({}, {})", vaccination.product, vaccination.holder, vaccination.prophylaxis);
    println!("issued by   {}, {}", vaccination.issuer, vaccination.country);
    println!("id          {}", vaccination.id);
}

fn list(keys: &SigningKeys) {
    for key in keys.public().iter() {
        let until = key.good_until_s.map_or_else(
            || "no certificate".to_owned(),
            |at| format!("certificate good until {}", crate::domain::time::Timestamp::from_unix_s(at).day_wib()),
        );
        println!("{}  {}  {until}", key.id, if key.id == keys.key_id() { "signs   " } else { "verifies" });
    }
}

fn ring(path: &Path) -> Result<SigningKeys, Refusal> {
    signing_file::load(path).map_err(|error| unavailable(&error))
}

/// The keys that were brought along.
fn given(wish: &Verify) -> Result<PublicKeys, Refusal> {
    let pem = wish.keys.iter().map(|path| read(path)).collect::<Result<String, _>>()?;
    PublicKeys::read(&pem).map_err(|error| (EXIT_USAGE, format!("--keys: {error}")))
}

fn read(path: &Path) -> Result<String, Refusal> {
    std::fs::read_to_string(path).map_err(|error| (EXIT_USAGE, format!("{}: cannot be read: {error}", path.display())))
}

fn unavailable(error: &dyn std::error::Error) -> Refusal {
    (EXIT_UNAVAILABLE, error.to_string())
}
