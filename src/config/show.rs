//! `siaga config`: the settings in effect, in the form of the file, secrets hidden.
//!
//! Writing to a `String` cannot fail, so those results are dropped.

use std::fmt::Write;

use super::layers::{Layered, is_secret};

/// The settings in effect as TOML, each key with the layer that set it when that is not the default.
pub fn effective(layered: &Layered) -> String {
    let mut text = String::new();
    let mut section = "";
    for (key, leaf) in &layered.leaves {
        let (here, name) = key.split_once('.').unwrap_or(("", key));
        if here != section {
            section = here;
            if !text.is_empty() {
                text.push('\n');
            }
            let _ = writeln!(text, "[{section}]");
        }
        let value = if is_secret(key) { "\"(hidden)\"".to_owned() } else { leaf.value.to_string() };
        let _ = write!(text, "{name} = {value}");
        if leaf.origin != "default" {
            let _ = write!(text, "  # {}", leaf.origin);
        }
        text.push('\n');
    }
    text
}
