//! The README's table of bounds against the settings and the sources: what it names exists, and no setting that is
//! a bound is missing from it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of the table.
fn table() -> Vec<String> {
    let readme = read("README.md");
    let section = readme.split("\n## What is bounded").nth(1).expect("the section on bounds");
    let section = section.split("\n## ").next().unwrap_or_default();
    section.lines().filter(|line| line.starts_with('|')).map(str::to_owned).collect()
}

/// What stands between backticks, each with the words that follow it.
fn quoted(line: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = line.split('`').collect();
    parts.chunks(2).zip(parts.chunks(2).skip(1)).map(|(own, next)| (own[1], next[0])).collect()
}

fn settings() -> BTreeSet<String> {
    let table: toml::Table = read("config/default.toml").parse().expect("toml");
    let of_section = |(section, keys): (&String, &toml::Value)| -> Vec<String> {
        let keys = keys.as_table().into_iter().flat_map(toml::Table::keys);
        keys.map(|key| format!("{section}.{key}")).collect()
    };
    table.iter().flat_map(of_section).collect()
}

fn is_constant(name: &str) -> bool {
    name.contains('_') && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

#[test]
fn every_setting_it_names_exists_and_every_bound_is_named() {
    let settings = settings();
    let table = table();
    assert!(table.len() > 40, "the table was not found");
    let named: BTreeSet<String> = table
        .iter()
        .flat_map(|line| quoted(line))
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.contains('.') && !name.contains('/'))
        .collect();
    let unknown: Vec<&String> = named.difference(&settings).collect();
    assert!(unknown.is_empty(), "no such settings: {unknown:?}");
    let is_bound = |key: &&String| key.ends_with("_max") || key.contains("_max_");
    let missing: Vec<&String> = settings.iter().filter(is_bound).filter(|key| !named.contains(*key)).collect();
    assert!(missing.is_empty(), "bounds that the README's table does not have: {missing:?}");
}

#[test]
fn every_constant_it_names_is_in_the_file_it_names_with_that_value() {
    let mut constants = 0;
    for line in table() {
        let quoted = quoted(&line);
        for (at, (name, after)) in quoted.iter().enumerate().filter(|(_, (name, _))| is_constant(name)) {
            let file = quoted[at..].iter().find(|(file, _)| file.starts_with("src/"));
            let (file, _) = file.unwrap_or_else(|| panic!("`{name}` names no file: {line}"));
            let source = read(file);
            let declared = source.split(&format!("const {name}: ")).nth(1);
            let declared = declared.unwrap_or_else(|| panic!("{file} has no `{name}`"));
            let declared = declared.split(';').next().unwrap_or_default().replace('_', "");
            let value: String = after.trim_start().chars().take_while(char::is_ascii_digit).collect();
            assert!(declared.contains(&format!("= {value}")), "`{name}` in {file} is `{declared}`, not {value}");
            constants += 1;
        }
    }
    assert!(constants > 20, "{constants} constants");
}
