//! The conversations written down in `tests/transcripts` are what the service does, word for word.
//!
//! All files are run, and all that does not fit is listed with file and line. Nothing rewrites them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use siaga::conversation::text::Texts;
use siaga::transcript::{Transcript, pure};

/// The twelve that were given, in their order.
const GIVEN: usize = 12;
/// These, and one for every other state, keyword and error.
const FILES_MIN: usize = 60;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Name and text of every transcript, in order of number.
fn transcripts() -> Vec<(String, String)> {
    let folder = root().join("tests/transcripts");
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder).expect("tests/transcripts").map(|entry| entry.expect("an entry").path()).collect();
    files.sort_by_key(|path| number(path));
    files
        .into_iter()
        .map(|path| {
            assert_eq!(path.extension().and_then(|ext| ext.to_str()), Some("txt"), "{}", path.display());
            let text = fs::read_to_string(&path).expect("a transcript");
            let name = path.strip_prefix(root()).expect("below the crate").display().to_string();
            (name, text)
        })
        .collect()
}

/// `NN` of `NN-what.txt`.
fn number(path: &Path) -> Option<u32> {
    path.file_stem()?.to_str()?.split_once('-')?.0.parse().ok()
}

/// Runs them all; gives what does not fit, as one text.
fn faults(texts: &Texts) -> String {
    let mut faults = String::new();
    for (name, text) in transcripts() {
        match Transcript::parse(&name, &text) {
            Ok(transcript) => faults.push_str(&pure::run(&name, &transcript, texts).to_string()),
            Err(error) => {
                faults.push_str(&error.to_string());
                faults.push('\n');
            }
        }
    }
    faults
}

#[test]
fn the_pure_conversation_does_what_is_written() {
    let texts = Texts::embedded().expect("the texts");
    let faults = faults(&texts);
    assert!(faults.is_empty(), "\n{faults}");
}

/// Directives are ours; what stands beside them is as it was given.
#[test]
fn the_twelve_are_word_for_word() {
    let given = root().join("../shared/transcripts.md");
    if !given.exists() {
        return;
    }
    let given = fs::read_to_string(given).expect("the given transcripts");
    let given: Vec<&str> = given.split("\n## ").skip(1).map(str::trim_end).collect();
    let own = transcripts();
    assert_eq!(given.len(), GIVEN);
    for (place, given) in given.into_iter().enumerate() {
        let (name, text) = &own[place];
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("# @")).collect();
        assert_eq!(lines.join("\n").trim_end(), format!("## {given}"), "{name}");
    }
}

/// What no transcript can bring about: `busy`, `room_full`, `messages_fence` and `trouble` are the session actor's,
/// `you` stands where a name is missing that is always known, `otp_delivered` takes an operator who tells of receipts
/// (`tests/neighbours/smpp.rs`).
const SAID_ELSEWHERE: [&str; 6] = ["busy", "room_full", "messages_fence", "trouble", "you", "otp_delivered"];

#[test]
fn every_sentence_is_said_in_a_transcript() {
    let said = Arc::new(Mutex::new(BTreeSet::new()));
    let heard = Arc::clone(&said);
    let texts = Texts::embedded().expect("the texts").with_observer(Arc::new(move |key, _| {
        heard.lock().expect("the set").insert(key);
    }));
    let _ = faults(&texts);
    let said = said.lock().expect("the set");
    let silent: Vec<&str> = Texts::keys().filter(|key| !said.contains(key) && !SAID_ELSEWHERE.contains(key)).collect();
    assert!(silent.is_empty(), "{} keys are said in no transcript: {}", silent.len(), silent.join(", "));
}

/// The same file name is what a demo or a load test asks for.
#[test]
fn files_are_many_numbered_and_named() {
    let mut numbers = BTreeSet::new();
    for (name, _) in transcripts() {
        assert!(
            number(Path::new(&name)).is_some_and(|number| numbers.insert(number)),
            "{name}: `NN-what.txt`, each number once"
        );
    }
    assert!(numbers.len() >= FILES_MIN, "{} transcripts, {FILES_MIN} at least", numbers.len());
}
