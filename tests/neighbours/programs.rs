//! Programs of strangers, as `.ci/neighbours` installed them: where they are, and how one is run.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What `.ci/neighbours` installed, below the target directory that this program was built in.
pub(crate) fn installed(part: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a program of its own");
    let places = own.ancestors().map(|above| above.join("neighbours").join(part));
    let found = places.into_iter().find(|path| path.exists());
    found.unwrap_or_else(|| panic!("neighbours/{part} is not above {}; install it with .ci/neighbours", own.display()))
}

/// Runs a program; its standard output.
pub(crate) fn run(command: &mut Command) -> Vec<u8> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("`{program}`: {error}; install it with .ci/neighbours"));
    let said = String::from_utf8_lossy(&output.stderr);
    let end: String = said.chars().rev().take(1_000).collect::<Vec<_>>().into_iter().rev().collect();
    assert!(output.status.success(), "`{program}` failed: {end}");
    output.stdout
}

/// What is written here and runs there.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/neighbours").join(name)
}
