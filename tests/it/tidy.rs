//! The house rules that a compiler does not check (design.md 3).
//!
//! Each test lists every breach at once, with file and line, so that one run is enough to mend them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A file past this has two reasons to change. Tests beside the code do not count.
const FILE_LINES_MAX: usize = 300;
/// A function past this has two reasons to change.
const FUNCTION_LINES_MAX: usize = 70;

/// Module -> floor. A module may import from its own floor (except adapters) and from below.
const FLOORS: [(&str, u8); 28] = [
    ("domain", 0),
    ("conversation", 0),
    ("account", 0),
    ("wire", 0),
    ("certificate", 0),
    ("transcript", 0),
    ("codec", 0),
    ("ports", 1),
    ("limits", 1),
    ("metrics", 1),
    ("errands", 1),
    ("http_neighbour", 1),
    ("clock", 2),
    ("store", 2),
    ("whatsapp", 2),
    ("registry", 2),
    ("otp", 2),
    ("desk", 2),
    ("issuer", 2),
    ("actors", 3),
    ("web", 4),
    ("control", 4),
    ("emulator", 4),
    ("config", 5),
    ("telemetry", 5),
    ("app", 6),
    ("cli", 7),
    ("main", 8),
];
const ADAPTERS: u8 = 2;
/// `config` reads the parts' rules, `app` wires all: nobody below may know them.
const PURE_CRATES_BANNED: [&str; 8] =
    ["tokio::", "actix", "sled::", "reqwest::", "std::fs", "std::net", "std::thread", "std::time::Instant"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    collect(&root().join("src"), &mut found);
    collect(&root().join("loadtest/src"), &mut found);
    assert!(found.len() > 30, "the sources were not found");
    found
}

fn collect(directory: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(directory).expect("a directory of sources").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            collect(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&entry).expect("a source file");
            found.insert(entry.strip_prefix(root()).expect("below the root").to_owned(), text);
        }
    }
}

/// The top module a file belongs to: `src/store/journal.rs` -> `store`.
fn module(path: &Path) -> Option<String> {
    let below = path.strip_prefix("src").ok()?;
    let first = below.components().next()?.as_os_str().to_str()?;
    Some(first.trim_end_matches(".rs").to_owned())
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|row| row.0 == module).map(|row| row.1)
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests.rs" | "tests")))
}

/// The file without its `#[cfg(test)]` tail.
fn code(text: &str) -> &str {
    text.find("\n#[cfg(test)]\nmod tests {").map_or(text, |start| &text[..start])
}

fn assert_none(breaches: &[String], rule: &str) {
    assert!(breaches.is_empty(), "{rule}:\n  {}", breaches.join("\n  "));
}

#[test]
fn imports_only_go_down() {
    let mut breaches = Vec::new();
    for (path, text) in sources() {
        let Some(from) = module(&path) else { continue };
        if from == "lib" || is_test(&path) {
            continue;
        }
        let Some(from_floor) = floor(&from) else {
            breaches.push(format!("{}: module `{from}` has no floor in tests/it/tidy.rs", path.display()));
            continue;
        };
        for (number, line) in code(&text).lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for (_, to) in line.match_indices("crate::").filter_map(|(at, _)| {
                let rest = &line[at + "crate::".len()..];
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                floor(&name).map(|_| (at, name))
            }) {
                let to_floor = floor(&to).unwrap_or_default();
                let sideways = to_floor == ADAPTERS && from_floor == ADAPTERS && to != from;
                let names_adapter =
                    to_floor == ADAPTERS && from_floor > ADAPTERS && !matches!(from.as_str(), "app" | "cli");
                if to_floor > from_floor || sideways || names_adapter {
                    breaches.push(format!("{}:{}: `{from}` imports `{to}`", path.display(), number + 1));
                }
            }
        }
    }
    assert_none(&breaches, "imports go down a floor, and only `app` names adapters");
}

#[test]
fn the_pure_floor_knows_no_world() {
    let mut breaches = Vec::new();
    for (path, text) in sources() {
        if module(&path).and_then(|module| floor(&module)) != Some(0) || is_test(&path) {
            continue;
        }
        for (number, line) in code(&text).lines().enumerate() {
            if let Some(banned) = PURE_CRATES_BANNED.iter().find(|banned| line.contains(**banned))
                && !line.trim_start().starts_with("//")
            {
                breaches.push(format!("{}:{}: `{banned}`", path.display(), number + 1));
            }
        }
    }
    assert_none(&breaches, "floor 0 has no runtime, clock, disk or network");
}

#[test]
fn files_and_functions_have_one_reason_to_change() {
    let mut breaches = Vec::new();
    for (path, text) in sources() {
        if is_test(&path) {
            continue;
        }
        let lines: Vec<&str> = code(&text).lines().collect();
        if lines.len() > FILE_LINES_MAX {
            breaches.push(format!("{}: {} lines", path.display(), lines.len()));
        }
        for (start, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let opens = [
                "fn ",
                "pub fn ",
                "pub(crate) fn ",
                "pub(super) fn ",
                "async fn ",
                "pub async fn ",
                "pub(super) async fn ",
            ];
            let signature = lines[start..].iter().find(|line| line.ends_with(['{', ';', '}']));
            let has_body = signature.is_some_and(|line| line.ends_with('{'));
            if !opens.iter().any(|open| line.trim_start().starts_with(open)) || !has_body {
                continue;
            }
            let close = format!("{}}}", " ".repeat(indent));
            let length = lines[start..].iter().position(|line| *line == close).map_or(0, |end| end + 1);
            if length > FUNCTION_LINES_MAX {
                breaches.push(format!("{}:{}: a function of {length} lines", path.display(), start + 1));
            }
        }
    }
    assert_none(&breaches, "files end by 300 lines and functions by 70");
}

#[test]
fn every_file_says_why_it_exists() {
    let breaches: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert_none(&breaches, "a file starts with `//!` and why it exists");
}

#[test]
fn modules_are_files_beside_their_folder() {
    let breaches: Vec<String> =
        sources().keys().filter(|path| path.ends_with("mod.rs")).map(|path| path.display().to_string()).collect();
    assert_none(&breaches, "modules are `x.rs` beside `x/`, never `mod.rs`");
}

#[test]
fn words_that_hide_a_meaning_are_not_used() {
    let banned = ["do_send(", "todo!(", "unimplemented!(", "Manager", "Helper", "unbounded_channel", "unbounded()"];
    let mut breaches = Vec::new();
    for (path, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            for word in banned.iter().filter(|word| line.contains(**word)) {
                breaches.push(format!("{}:{}: `{word}`", path.display(), number + 1));
            }
        }
    }
    assert_none(
        &breaches,
        "no mailbox bound is ignored, no queue is endless, nothing is left undone, names mean something",
    );
}

#[test]
fn log_lines_are_lowercase_without_a_full_stop() {
    let levels = ["tracing::error!(", "tracing::warn!(", "tracing::info!(", "tracing::debug!("];
    let mut breaches = Vec::new();
    for (path, text) in sources() {
        for (at, _) in levels.iter().flat_map(|level| text.match_indices(level)) {
            let call = &text[at..text[at..].find(");").map_or(text.len(), |end| at + end)];
            let Some(message) = call.rsplit('"').nth(1) else { continue };
            let capital = message.chars().next().is_some_and(char::is_uppercase);
            if capital || message.ends_with('.') {
                let line = text[..at].lines().count();
                breaches.push(format!("{}:{line}: \"{message}\"", path.display()));
            }
        }
    }
    assert_none(&breaches, "a log line reads as a lowercase sentence without a full stop");
}

#[test]
fn a_panic_is_never_an_abort() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest");
    let table: toml::Table = manifest.parse().expect("toml");
    for (name, profile) in table["profile"].as_table().expect("profiles") {
        assert_ne!(profile.get("panic").and_then(toml::Value::as_str), Some("abort"), "profile `{name}`");
    }
}

#[test]
fn the_top_level_holds_only_what_the_frame_names() {
    let allowed = ["Cargo.toml", "Cargo.lock", "README.md", "config", "src", "loadtest", "tests", "target", "data"];
    let breaches: Vec<String> = fs::read_dir(root())
        .expect("the root")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !allowed.contains(&name.as_str()))
        .collect();
    assert_none(&breaches, "the top level holds only what design.md 3 names");
}
