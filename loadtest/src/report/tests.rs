//! Limits that no short run can break: memory and disk over time.

use super::*;
use crate::samples::ServerSample;

/// A quarter of an hour, whose memory and disk grow by so many MiB a second on 100 and 1,000.
fn grown(scenario: &str, memory_per_s: f64, disk_per_s: f64, peak_memory_mib: f64) -> Vec<String> {
    let scenario = Scenario::load(scenario).expect("a scenario");
    let look = |second: u32| {
        let at_s = f64::from(second);
        let server = ServerSample {
            memory_mib: 100.0 + memory_per_s * at_s,
            disk_mib: 1_000.0 + disk_per_s * at_s,
            ..ServerSample::default()
        };
        Sample { at_s, server: Some(server), ..Sample::default() }
    };
    let samples = (0..900).map(look).collect();
    let server = Some(Usage { cpu_s: 1.0, peak_memory_mib, memory_mib: 100.0 });
    let figures = Figures::new().expect("figures");
    let report = Report::of(&scenario, &figures, Ends { samples, server, ..Ends::default() });
    report.broken().iter().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
}

#[test]
fn what_grows_breaks_its_limit_and_what_is_flat_does_not() {
    assert_eq!(grown("soak", 0.0, 0.0, 100.0), Vec::<String>::new());
    assert_eq!(grown("soak", 0.05, 0.0, 100.0), ["memory_growth_percent_max"]);
    assert_eq!(grown("soak", 0.0, 1.0, 100.0), ["disk_growth_percent_max"]);
}

#[test]
fn more_memory_than_allowed_breaks_its_limit() {
    assert_eq!(grown("million_contacts", 0.0, 0.0, 4_000.0), Vec::<String>::new());
    assert_eq!(grown("million_contacts", 0.0, 0.0, 4_200.0), ["memory_mib_max"]);
}

#[test]
fn an_account_that_does_not_add_up_for_one_second_is_told() {
    let scenario = Scenario::load("smoke").expect("a scenario");
    let told = |drift: f64| {
        let server = |drift| Some(ServerSample { drift: Some(drift), ..ServerSample::default() });
        let samples = [0.0, drift, 0.0].map(|drift| Sample { server: server(drift), ..Sample::default() }).to_vec();
        Report::of(&scenario, &Figures::new().expect("figures"), Ends { samples, ..Ends::default() }).broken()
    };
    assert!(!told(0.0).iter().any(|line| line.contains("account")), "{:?}", told(0.0));
    assert!(told(-2.0).contains(&"the server cannot account for 2 of the messages that it took".to_owned()));
}
