//! The runner finds what does not fit, says where, and survives any transcript.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::transcript::tests::what;

static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::embedded().unwrap());

const SITI: &str = "# @wa 0812-0000-0042\n# @citizen phone=0812-0000-0042 nik=0001014708900003 name=\"Siti Rahmawati\" doses=1:2021-09-03:CoronaVac\n";

fn run_text(text: &str) -> Report {
    run("test.txt", &Transcript::parse("test.txt", text).unwrap(), &TEXTS)
}

fn found(text: &str) -> Vec<(usize, String, String)> {
    let mismatches = run_text(&format!("{SITI}{text}")).mismatches;
    mismatches.into_iter().map(|found| (found.line, found.expected, found.actual)).collect()
}

#[test]
fn what_fits_is_no_mismatch() {
    let report =
        run_text(&format!("{SITI}> hai\n< Selamat datang … [Setuju, nomor ini] [Setuju, nomor lain] [Tidak setuju]\n"));
    assert_eq!(report, Report { file: String::from("test.txt"), turns: 1, mismatches: Vec::new() });
}

#[test]
fn another_text_or_button_and_silence_are_found_with_their_line() {
    let [(line, expected, actual)] = &found("> hai\n< Selamat pagi … [Setuju]\n")[..] else { panic!() };
    assert_eq!((*line, expected.as_str()), (4, "< Selamat pagi … [Setuju]"));
    assert!(actual.starts_with("< Selamat datang") && actual.ends_with("[Tidak setuju]"), "{actual}");
    let silent = found("> hai\n< (diam)\n");
    assert!(matches!(&silent[..], [(4, nothing, said)] if nothing == "< (diam)" && said.contains("Selamat datang")));
    let unread = found("> hai\n");
    assert_eq!(unread.len(), 1, "said and not expected");
    let too_many = found("# @> hai\n< Selamat datang …\n");
    assert_eq!(too_many, [(4, String::from("< Selamat datang …"), String::from("< (diam)"))]);
}

#[test]
fn codes_that_nobody_made_and_sms_that_nobody_sent_are_found() {
    let faults = found("# @otp 123456\n# @undo 8841-0276\n# @number 4821-0937\n");
    assert_eq!(
        faults.iter().map(|(_, expected, _)| expected.as_str()).collect::<Vec<_>>(),
        ["code 123456", "undo code 8841-0276", "report 4821-0937"]
    );
    let faults = found("# @> hai\n# @> [Setuju, nomor ini]\n# SMS to 0812-0000-0042: 123457 salah …\n# @sms none\n");
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].2.contains("123457 kode OTP"), "the SMS shows what was sent: {faults:?}");
}

#[test]
fn a_title_that_was_not_offered_and_a_clock_that_goes_back_are_found() {
    let faults = found("# @> hai\n> [Menu]\n# @clock 2020-01-01 09.00 WIB\n");
    assert_eq!(faults[0].2, "no message offered [Menu] to this chat");
    assert_eq!(faults.last().map(|(line, expected, _)| (*line, expected.as_str())), Some((5, "a clock that moves on")));
    assert_eq!(run_text("> hai\n").mismatches.len(), 1, "nobody writes");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_transcript_runs_to_its_end(whats in prop::collection::vec(what(), 0..20)) {
        let steps = (1..).zip(whats).map(|(line, what)| Step { line, what }).collect();
        let report = run("any.txt", &Transcript { steps }, &TEXTS);
        for mismatch in &report.mismatches {
            prop_assert!(mismatch.expected != "effects that come to an end", "{}", report);
        }
    }
}
