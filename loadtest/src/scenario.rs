//! What a load scenario says: a TOML file under `loadtest/scenarios`, checked before anything starts.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

/// A scenario. Every key is required, so that a file says all that was tried.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) about: String,
    pub(crate) citizens: usize,
    pub(crate) citizens_per_s: f64,
    pub(crate) think_ms: u64,
    pub(crate) reply_timeout_s: u64,
    pub(crate) paths: Vec<PathShare>,
    pub(crate) whatsapp: WhatsApp,
    pub(crate) limits: Limits,
    /// The file's name without its ending; not in the file.
    #[serde(skip)]
    pub(crate) name: String,
}

/// One conversation of the mix.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PathShare {
    /// Beside the scenario's file.
    pub(crate) transcript: PathBuf,
    pub(crate) weight: usize,
}

/// The emulated WhatsApp.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhatsApp {
    pub(crate) numbers: usize,
    pub(crate) messages_per_s: u32,
    pub(crate) latency_ms: u64,
    pub(crate) status_delay_ms: u64,
}

impl WhatsApp {
    /// One that answers at once and tells nothing of what became of a message.
    pub(crate) fn instant(numbers: usize, messages_per_s: u32) -> Self {
        Self { numbers, messages_per_s, latency_ms: 0, status_delay_ms: 0 }
    }
}

/// What must hold. Milliseconds and per cent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) ack_p50_ms: f64,
    pub(crate) ack_p99_ms: f64,
    pub(crate) reply_p50_ms: f64,
    pub(crate) reply_p99_ms: f64,
    pub(crate) failed_percent_max: f64,
    pub(crate) redelivered_percent_max: f64,
}

impl Scenario {
    /// Reads a scenario by name (`smoke`) or by path (`my/own.toml`).
    pub(crate) fn load(name: &str) -> anyhow::Result<Self> {
        let path = find(name)?;
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut scenario: Self =
            toml::from_str(&text).with_context(|| format!("{} is not a scenario", path.display()))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for share in &mut scenario.paths {
            share.transcript = folder.join(&share.transcript);
        }
        scenario.name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        scenario.check().with_context(|| format!("{} cannot be played", path.display()))?;
        Ok(scenario)
    }

    /// Which path the n-th citizen plays: spread evenly by weight.
    pub(crate) fn path_of(&self, citizen: usize) -> usize {
        let total: usize = self.paths.iter().map(|share| share.weight).sum();
        let mut place = citizen % total;
        for (index, share) in self.paths.iter().enumerate() {
            if place < share.weight {
                return index;
            }
            place -= share.weight;
        }
        0
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!((1..=10_000).contains(&self.citizens), "`citizens` is {}, 1 to 10,000 are there", self.citizens);
        ensure!(
            self.citizens_per_s.is_finite() && self.citizens_per_s > 0.0,
            "`citizens_per_s` is {}, it must be above 0",
            self.citizens_per_s
        );
        ensure!((1..=600).contains(&self.reply_timeout_s), "`reply_timeout_s` must be 1 to 600");
        ensure!(self.paths.iter().any(|share| share.weight > 0), "no path has a weight above 0");
        ensure!((1..=100).contains(&self.whatsapp.numbers), "`whatsapp.numbers` must be 1 to 100");
        ensure!((1..=1_000).contains(&self.whatsapp.messages_per_s), "`whatsapp.messages_per_s` must be 1 to 1000");
        Ok(())
    }
}

fn find(name: &str) -> anyhow::Result<PathBuf> {
    if Path::new(name).extension().is_some_and(|ending| ending == "toml") {
        return Ok(PathBuf::from(name));
    }
    let file = format!("{name}.toml");
    let folders = [PathBuf::from("loadtest/scenarios"), Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")];
    let found = folders.iter().map(|folder| folder.join(&file)).find(|path| path.is_file());
    let Some(path) = found else { bail!("no scenario `{name}` in loadtest/scenarios") };
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_in_the_folder_can_be_played() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let names: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned())
            .collect();
        assert!(names.contains(&"smoke".to_owned()));
        for name in names {
            for share in Scenario::load(&name).expect("a scenario").paths {
                crate::script::Script::load(&share.transcript).expect("a playable transcript");
            }
        }
    }

    #[test]
    fn the_mix_follows_the_weights() {
        let scenario = Scenario::load("smoke").expect("a scenario");
        let played = (0..scenario.citizens).map(|n| scenario.path_of(n));
        let counts = played.fold(vec![0; scenario.paths.len()], |mut counts, path| {
            counts[path] += 1;
            counts
        });
        assert_eq!(counts, [210, 60, 30]);
    }

    #[test]
    fn a_key_that_nobody_reads_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("odd.toml");
        let smoke = include_str!("../scenarios/smoke.toml");
        std::fs::write(&path, format!("citizen = 3\n{smoke}")).expect("written");
        let error = format!("{:#}", Scenario::load(&path.to_string_lossy()).expect_err("refused"));
        assert!(error.contains("unknown field `citizen`"), "{error}");
    }
}
