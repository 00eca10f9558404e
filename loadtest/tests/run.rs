//! `loadtest run` from end to end, small: against the server that this workspace has built, on whatever machine. What is
//! looked at is what was lost, doubled, out of order or wrong; how long it took is not.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The server beside the load tester: `cargo test --workspace` builds both.
fn server() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_loadtest")).with_file_name("siaga");
    assert!(path.is_file(), "{} is not there: run `cargo build`", path.display());
    path
}

fn run(scenario: &str, more: &[&str]) -> Output {
    let server = server();
    let fixed = ["run", scenario, "--no-times", "--server", server.to_str().expect("a path")];
    Command::new(env!("CARGO_BIN_EXE_loadtest")).args(fixed).args(more).output().expect("the load tester runs")
}

/// The line of JSON.
fn report(output: &Output) -> serde_json::Value {
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find(|line| line.starts_with('{'));
    let Some(line) = line else { panic!("no report: {said}\n{}", String::from_utf8_lossy(&output.stderr)) };
    serde_json::from_str(line).expect("JSON")
}

#[test]
fn citizens_are_served_and_the_report_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("smoke.html");
    let output = run("smoke", &["--scale", "0.3", "--seconds", "5", "--html", page.to_str().expect("a path")]);
    let report = report(&output);
    assert!(output.status.success(), "{report:#}");
    assert!(std::fs::read_to_string(page).expect("a page").contains("All limits held."));
    assert_eq!((&report["citizens_served"], &report["citizens_failed"]), (&15.into(), &0.into()));
}

#[test]
fn nothing_is_lost_or_said_twice_when_the_power_goes_three_times() {
    let output = run("kill_restart", &["--scale", "0.3", "--seconds", "8"]);
    let report = report(&output);
    assert!(output.status.success(), "{report:#}");
    assert_eq!(report["citizens_served"], 24);
}

#[test]
fn messages_that_come_twice_and_out_of_order_are_answered_once() {
    let output = run("duplicates", &["--scale", "0.3", "--seconds", "5"]);
    assert!(output.status.success(), "{:#}", report(&output));
}

#[test]
fn everybody_is_served_while_the_directory_is_slow_and_then_dead() {
    let output = run("slow_registry", &["--scale", "0.3", "--seconds", "8"]);
    let report = report(&output);
    assert!(output.status.success(), "{report:#}");
    assert!(report["citizens_served"].as_u64().is_some_and(|served| served > 12), "{report:#}");
}

#[test]
fn every_limit_breaks_when_what_it_guards_against_happens() {
    let server = server();
    let fixed = ["prove", "bad_signatures", "--server", server.to_str().expect("a path")];
    let output = Command::new(env!("CARGO_BIN_EXE_loadtest")).args(fixed).output().expect("the load tester runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for limit in ["lost_max", "duplicated_max", "reordered_max", "wrong_recipient_max", "wrong_step_max"] {
        assert!(said.contains(&format!("{limit} is ")), "{limit}: {said}");
    }
    assert!(said.contains("forged_taken_max is ") && said.contains("odd_refused_max is "), "{said}");
}

#[test]
fn a_broken_limit_is_named_and_ends_with_1_and_what_cannot_be_run_with_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("deaf.toml");
    let transcript = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/transcripts/33-keyword-menu.txt");
    // Nobody is served who cannot send: Graph is away until long after his patience has ended.
    let text = format!(
        "about = \"Graph is away\"\nseed = 1\narrivals = {{ kind = \"burst\", citizens = 3, within_s = 1 }}\n\
         citizens = {{ think = {{ kind = \"fixed\", ms = 0 }}, patience_s = 1 }}\n\
         paths = [{{ transcript = {transcript:?}, weight = 1, turns = 1 }}]\n\
         whatsapp = {{ numbers = 1, messages_per_s = 1000, latency_ms = 0, status_delay_ms = 0 }}\n\
         troubles = [{{ at_s = 0, for_s = 1, what = \"token_revoked\" }}]\nlimits = {{}}\n"
    );
    std::fs::write(&scenario, text).expect("written");
    let server = server();
    let loadtest = || Command::new(env!("CARGO_BIN_EXE_loadtest"));
    let broken = loadtest().arg("run").arg(&scenario).arg("--server").arg(&server).output().expect("a run");
    assert_eq!(broken.status.code(), Some(1), "{}", String::from_utf8_lossy(&broken.stdout));
    let said = String::from_utf8_lossy(&broken.stderr);
    assert!(said.contains("broken: failed_percent_max is 100.00, the limit is 0.00"), "{said}");
    let odd = loadtest().args(["run", "no_such_scenario"]).output().expect("a run");
    assert_eq!(odd.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&odd.stderr).contains("no scenario `no_such_scenario`"));
}

#[test]
fn a_peer_that_cannot_run_is_named_and_ends_with_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let peer = folder.path().join("broken");
    std::fs::create_dir(&peer).expect("a folder");
    let told = "about = \"x 1.0\"\ncommand = [\"sh\", \"-c\", \"echo no such module >&2; exit 3\"]\nprocesses = [1]\n";
    std::fs::write(peer.join("peer.toml"), told).expect("written");
    let loadtest = || Command::new(env!("CARGO_BIN_EXE_loadtest"));
    let run = loadtest().arg("peers").arg(folder.path()).arg("--server").arg(server()).output().expect("a run");
    assert_eq!(run.status.code(), Some(2), "{}", String::from_utf8_lossy(&run.stdout));
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.contains("peer `broken` cannot run") && said.contains("no such module"), "{said}");
}
