//! A server among real neighbours, to chat with: `.ci/neighbours chat` starts this.
//!
//! Kannel, Medplum's FHIR server and a ministry's directory on loopback, and the server with its chat page; the codes
//! that citizens get are printed as Kannel's operator got them. Ctrl-C ends all of it, and nothing of it is kept.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)] // a person looks on

#[path = "fhir.rs"]
#[allow(dead_code, unused_imports, reason = "the tests in it use the rest")]
mod fhir;
#[path = "kannel.rs"]
#[allow(dead_code, unused_imports, reason = "the tests in it use the rest")]
mod kannel;
#[path = "ministry.rs"]
#[allow(dead_code, reason = "tests use the rest of it")]
mod ministry;
#[path = "programs.rs"]
#[allow(dead_code, reason = "tests use the rest of it")]
mod programs;
#[path = "../it/tiny_server.rs"]
#[allow(dead_code, reason = "tests use the rest of it")]
mod tiny_server;
#[path = "together.rs"]
#[allow(dead_code, reason = "tests use the rest of it")]
mod together;

use std::process::ExitCode;

use siaga::config::Config;

/// Settings that cannot work (EX_USAGE).
const EXIT_USAGE: u8 = 64;

fn main() -> ExitCode {
    let mut neighbours = together::Together::start();
    let delivered = neighbours.kannel.delivered.take().expect("an operator");
    std::thread::spawn(move || delivered.iter().for_each(|line| show(&line)));
    println!("vaccinations   Medplum's FHIR server    {}", neighbours.fhir.url);
    println!("SMS            Debian's Kannel          {}", neighbours.kannel.url());
    println!("               what its operator gets is printed here: codes too\n");
    match Config::load(&[neighbours.settings()], std::env::vars()) {
        Ok(config) => siaga::app::serve(config, Vec::new()),
        Err(error) => {
            eprintln!("siaga: {error}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

/// An SMS, if the line is about one.
fn show(line: &str) {
    let Some((to, text)) = line.split_once("KEMENKES ").and_then(|(_, sms)| sms.split_once(" text ")) else { return };
    println!("\n  SMS through Kannel to {}: {}\n", to.replacen("+62", "0", 1), text.trim_end_matches('>'));
}
