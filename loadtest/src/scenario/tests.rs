//! The files in the folder can be played, and what cannot be meant is refused with what can.

use super::*;
use crate::server::setting;

const SMOKE: &str = include_str!("../../scenarios/smoke.toml");

fn refused(text: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("odd.toml");
    std::fs::write(&path, text).expect("written");
    let error = format!("{:#}", Scenario::load(&path.to_string_lossy()).expect_err("refused"));
    assert!(error.contains("odd.toml"), "the file is named: {error}");
    error
}

#[test]
fn every_scenario_in_the_folder_can_be_played_and_those_that_are_asked_for_are_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    for name in [
        "bad_signatures",
        "duplicates",
        "graph_outage",
        "hot_contact",
        "kill_restart",
        "million_contacts",
        "national_peak",
        "otp_storm",
        "rush",
        "slow_registry",
        "smoke",
        "soak",
        "steady",
    ] {
        assert!(names.iter().any(|there| there == name), "{name}");
    }
    let people = siaga::registry::embedded::population(20_211_110, 10_000, time::macros::date!(2026 - 11 - 24));
    for name in names {
        let scenario = Scenario::load(&name).expect("a scenario");
        let scripts: Vec<_> = scenario
            .paths
            .iter()
            .map(|share| {
                crate::script::Script::load(&share.transcript, share.turns).expect("a playable transcript").into()
            })
            .collect();
        // A million of them are planned in a moment that a debug build does not have.
        if name != "million_contacts" {
            crate::crowd::plan(&scenario, &scripts, &people).expect("enough citizens for all who come");
        }
    }
}

#[test]
fn what_a_scenario_sets_is_what_the_server_takes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        let scenario = Scenario::load(&path.to_string_lossy()).expect("a scenario");
        let variables = scenario.server.settings.iter().map(|(key, value)| (setting(key), value.clone()));
        let taken = siaga::config::Config::load_for_commands(&[], variables);
        assert!(taken.is_ok(), "{}: {:?}", path.display(), taken.err());
    }
}

#[test]
fn the_mix_follows_the_weights() {
    let scenario = Scenario::load("smoke").expect("a scenario");
    let played = (0..300).map(|n| scenario.path_of(n));
    let counts = played.fold(vec![0; scenario.paths.len()], |mut counts, path| {
        counts[path] += 1;
        counts
    });
    assert_eq!(counts, [210, 60, 30]);
}

#[test]
fn a_key_that_nobody_reads_is_an_error_that_says_which_are_read() {
    for (odd, says) in [
        ("citizen = 3\n".to_owned() + SMOKE, "unknown field `citizen`"),
        (SMOKE.replace("kind = \"even\"", "kind = \"evenly\""), "expected one of `even`, `poisson`"),
        (SMOKE.replace("per_s = 10.0", "per_s = 10.0, per_m = 1"), "unknown field `per_m`"),
        (SMOKE.to_owned() + "\n[[troubles]]\nat_s = 1\nfor_s = 1\nwhat = \"flood\"\n", "expected one of `graph_down`"),
        (SMOKE.replace("ack_p50_ms", "ack_p51_ms"), "unknown field `ack_p51_ms`, expected one of"),
    ] {
        let error = refused(&odd);
        assert!(error.contains(says), "{says}: {error}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_can() {
    let with = |more: &str| format!("{SMOKE}\n{more}\n");
    for (odd, says) in [
        (SMOKE.replace("per_s = 10.0", "per_s = -1.0"), "must not be negative"),
        (SMOKE.replace("per_s = 10.0", "per_s = 0.0"), "1 to 2,000,000"),
        (with("[[troubles]]\nat_s = 1\nfor_s = 1\nwhat = \"graph_slow\""), "`ms` belongs to what is slow"),
        (with("[[troubles]]\nat_s = 1\nfor_s = 1\nwhat = \"graph_code\""), "`code` belongs to graph_code"),
        (with("[[troubles]]\nat_s = 1\nfor_s = 1\nwhat = \"directory_down\""), "needs `server.directory_ms`"),
        (with("[[troubles]]\nat_s = 1\nfor_s = 1\nwhat = \"disk_full\""), "needs `server.disk_mib`"),
        (with("[[noise]]\nwhat = \"huge\"\nper_s = 0"), "must be above 0"),
        (SMOKE.replace("ack_p50_ms = ", "ack_p50_ms = -"), "`limits.ack_p50_ms` must not be negative"),
    ] {
        let error = refused(&odd);
        assert!(error.contains(says), "{says}: {error}");
    }
}

#[test]
fn a_shorter_story_brings_its_troubles_earlier() {
    let mut scenario = Scenario::load("kill_restart").expect("a scenario");
    let (at, seconds) = (scenario.troubles[0].at_s, scenario.arrivals.seconds());
    scenario.last(seconds / 2.0).expect("shorter");
    assert!((scenario.troubles[0].at_s - at / 2.0).abs() < 1e-9);
    assert!((scenario.arrivals.seconds() - seconds / 2.0).abs() < 1e-9);
}

#[test]
fn think_times_keep_their_bounds_and_repeat() {
    let think = Think::LogNormal { median_ms: 1_000, sigma: 1.0, max_ms: 5_000 };
    let draw = |seed| {
        let mut dice = StdRng::seed_from_u64(seed);
        (0..1_000).map(|_| think.ms(&mut dice)).collect::<Vec<_>>()
    };
    let mut times = draw(1);
    assert_eq!(times, draw(1));
    times.sort_unstable();
    assert!((800..1_250).contains(&times[500]) && times[999] <= 5_000, "{} {}", times[500], times[999]);
}

#[test]
fn as_many_are_registered_as_a_rate_takes_and_as_the_server_allows() {
    let mut scenario = Scenario::load("capacity").expect("a scenario");
    assert_eq!(scenario.registered().expect("a number"), 10_000);
    for (per_s, people) in [(20.0, 10_000), (640.0, 19_200), (4_000.0, 100_000)] {
        scenario.arrive(per_s, 10.0).expect("arrivals");
        assert_eq!(scenario.registered().expect("a number"), people);
        let set = [("SIAGA__REGISTRY__CITIZENS".to_owned(), people.to_string())];
        siaga::config::Config::load(&[], set).expect("within the server's bounds");
    }
    scenario.server.settings.insert("registry.citizens".into(), "viele".into());
    assert!(scenario.registered().is_err());
}
