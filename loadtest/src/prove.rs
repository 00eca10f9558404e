//! Shows of every limit of every scenario that it breaks when what it guards against happens.
//!
//! Each scenario is played small, once under each sabotage that one of its limits is there to find; the run must break
//! that limit by name. Growth of memory and disk is no business of a minute: `report.rs` shows those limits break on
//! samples that grow.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::play::{self, Subject};
use crate::sabotage::Sabotage;
use crate::scenario::Scenario;
use crate::server;

/// How small: citizens of all, seconds, and how long one waits for a reply that never comes.
const CITIZENS: f64 = 24.0;
const SECONDS: f64 = 6.0;
const PATIENCE_S: u64 = 12;

/// What must break which limits. A limit stands where nothing else can break it.
const PROOFS: &[(Sabotage, &[&str])] = &[
    (Sabotage::LoseReplies, &["lost_max", "failed_percent_max"]),
    (Sabotage::DoubleReplies, &["duplicated_max"]),
    (Sabotage::SwapCertificates, &["reordered_max"]),
    (Sabotage::MisdirectReplies, &["wrong_recipient_max"]),
    (Sabotage::RewriteReplies, &["wrong_step_max"]),
    (Sabotage::DelayReplies, &["reply_p50_ms", "reply_p99_ms"]),
    (Sabotage::DelayAcks, &["ack_p50_ms", "ack_p99_ms", "ack_over_1_s_percent"]),
    (Sabotage::RefuseFirst, &["redelivered_percent_max"]),
    (Sabotage::TakeForged, &["forged_taken_max"]),
    (Sabotage::RefuseOdd, &["odd_refused_max"]),
];

#[derive(Args, Debug)]
pub(crate) struct Prove {
    /// Scenarios of loadtest/scenarios; all of them if none is named.
    scenarios: Vec<String>,
    /// The server's binary, if not the one beside this one.
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

/// Plays all of it; exit code 1 when a limit did not break.
#[expect(clippy::print_stdout, reason = "the command line speaks to a person")]
pub(crate) async fn prove(prove: &Prove) -> anyhow::Result<ExitCode> {
    let binary = prove.server.clone().map_or_else(server::beside, Ok)?;
    let scenarios = if prove.scenarios.is_empty() { all()? } else { prove.scenarios.clone() };
    let (mut broke, mut held) = (0_usize, Vec::new());
    for name in &scenarios {
        undisturbed(name, &binary).await?;
        for (sabotage, limits) in PROOFS {
            let scenario = small(name)?;
            let due: Vec<&str> = limits.iter().copied().filter(|limit| is_due(&scenario, limit)).collect();
            if due.is_empty() {
                continue;
            }
            let subject = Subject::Sabotaged { binary: binary.clone(), sabotage: *sabotage };
            let report = play::play(scenario, &subject).await.with_context(|| format!("{name} under {sabotage:?}"))?;
            let named = report.broken();
            for limit in due {
                let found = named.iter().find(|line| line.split(' ').next() == Some(limit));
                println!(
                    "{name:<18} {:<18} {limit:<24} {}",
                    format!("{sabotage:?}"),
                    found.map_or("HELD", String::as_str)
                );
                if found.is_some() { broke += 1 } else { held.push(format!("{name}: {limit} under {sabotage:?}")) }
            }
        }
    }
    println!("{broke} limits broke as they must, {} held", held.len());
    for limit in &held {
        println!("held: {limit}");
    }
    Ok(if held.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// With nobody on the wires nothing is lost, doubled, swapped or wrong: what breaks then is the sabotage's doing.
async fn undisturbed(name: &str, binary: &Path) -> anyhow::Result<()> {
    let mut scenario = small(name)?;
    scenario.forget_times();
    let report = play::play(scenario, &Subject::Own(binary.to_owned())).await?;
    let broken = report.broken();
    ensure!(broken.is_empty(), "{name} breaks by itself: {}", broken.join("; "));
    Ok(())
}

/// Whether a scenario can show it: it names the limit, or the limit is everybody's and the scenario has what it is about.
fn is_due(scenario: &Scenario, limit: &str) -> bool {
    match limit {
        "forged_taken_max" | "odd_refused_max" => !scenario.noise.is_empty() && scenario.name == "bad_signatures",
        "reordered_max" => scenario.paths.iter().any(|share| share.turns.is_none() && two_in_a_row(&share.transcript)),
        // A greeting names nobody: who gets another's is found by what is lost and what nobody asked for.
        "wrong_recipient_max" => scenario.paths.iter().any(|share| share.turns.is_none()),
        _ => scenario.limits.named().iter().any(|(name, bound)| *name == limit && bound.is_some()),
    }
}

/// Whether several certificates are sent at once in it.
fn two_in_a_row(transcript: &Path) -> bool {
    transcript.file_stem().is_some_and(|stem| stem == "02-wish-first")
}

/// The scenario with few citizens in little time, and with no trouble of its own.
fn small(name: &str) -> anyhow::Result<Scenario> {
    let mut scenario = Scenario::load(name)?;
    scenario.troubles.clear();
    scenario.arrive(CITIZENS / SECONDS, SECONDS)?;
    scenario.citizens.patience_s = PATIENCE_S;
    // So few meet on two numbers at most: a reply for another chat is one that Meta takes only where both write.
    scenario.whatsapp.numbers = scenario.whatsapp.numbers.min(2);
    Ok(scenario)
}

fn all() -> anyhow::Result<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    ensure!(!names.is_empty(), "{} holds no scenario", folder.display());
    names.sort();
    Ok(names)
}
