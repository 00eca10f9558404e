//! What a load scenario says: a TOML file under `loadtest/scenarios`, checked before anything starts.
//!
//! A file says what is tried: who comes when (`arrivals`), who they are (`citizens`, `paths`), how Meta behaves
//! (`whatsapp`), what goes wrong (`troubles`, `noise`), and what must hold (`limits`). What it leaves out is off.
//! How each part is written stands in `loadtest/README.md`. Nobody here knows how anything is done.

mod arrivals;
mod limits;
mod troubles;
mod whatsapp;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Deserialize;

pub(crate) use arrivals::Arrivals;
pub(crate) use limits::Limits;
pub(crate) use troubles::{Noise, NoiseKind, Trouble, What};
pub(crate) use whatsapp::WhatsApp;

/// How long a citizen waits for a machine that is busy with other things.
const PATIENCE_S: u64 = 180;
/// The setting that says how many people the server's registry knows, its default and its bound.
const REGISTERED_KEY: &str = "registry.citizens";
const REGISTERED: usize = 10_000;
const REGISTERED_MAX: usize = 100_000;
/// So many for each citizen who comes: two in five have a number of their own and a certificate.
const REGISTERED_EACH: f64 = 3.0;

/// A scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) about: String,
    /// All that is left to chance repeats from it.
    pub(crate) seed: u64,
    pub(crate) arrivals: Arrivals,
    pub(crate) citizens: Citizens,
    pub(crate) paths: Vec<PathShare>,
    pub(crate) whatsapp: WhatsApp,
    #[serde(default)]
    pub(crate) server: ServerSettings,
    #[serde(default)]
    pub(crate) troubles: Vec<Trouble>,
    #[serde(default)]
    pub(crate) noise: Vec<Noise>,
    pub(crate) limits: Limits,
    /// The file's name without its ending; not in the file.
    #[serde(skip)]
    pub(crate) name: String,
}

/// How citizens behave.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Citizens {
    /// Between a reply and the citizen's next message.
    pub(crate) think: Think,
    /// A citizen whose reply is not there by then gives up, and was not served.
    pub(crate) patience_s: u64,
    /// So many first type the code wrong; so many first write something that is no code.
    #[serde(default)]
    pub(crate) wrong_code_percent: u32,
    #[serde(default)]
    pub(crate) nonsense_percent: u32,
    /// Replies in which one of these words stands are news beside the conversation ("giliran Anda sekitar"): counted,
    /// and not taken for an answer.
    #[serde(default)]
    pub(crate) courtesies: Vec<String>,
}

/// A time that differs from citizen to citizen, in milliseconds.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Think {
    Fixed {
        ms: u64,
    },
    Uniform {
        from_ms: u64,
        to_ms: u64,
    },
    /// Half are below the median; `sigma` 0.5 is a mild spread, 1 a wide one.
    LogNormal {
        median_ms: u64,
        sigma: f64,
        max_ms: u64,
    },
}

/// One conversation of the mix.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PathShare {
    /// Beside the scenario's file.
    pub(crate) transcript: PathBuf,
    pub(crate) weight: usize,
    /// Only the first so many turns of it.
    #[serde(default)]
    pub(crate) turns: Option<usize>,
}

/// The server under load, where it differs from `config/default.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerSettings {
    /// A disk of its own with so much room, in memory.
    pub(crate) disk_mib: Option<u64>,
    /// Who is registered is asked of a directory over HTTP that takes this long, not of the server's own.
    pub(crate) directory_ms: Option<u64>,
    /// Settings by name: `"whatsapp.reconcile_s" = "5"`.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, String>,
}

impl Think {
    /// One time.
    pub(crate) fn ms(&self, dice: &mut StdRng) -> u64 {
        match self {
            Self::Fixed { ms } => *ms,
            Self::Uniform { from_ms, to_ms } => dice.random_range(*from_ms..=*to_ms),
            Self::LogNormal { median_ms, sigma, max_ms } => {
                // Box and Muller's way from two even numbers to a normal one.
                let (a, b): (f64, f64) = (1.0 - dice.random::<f64>(), dice.random());
                let normal = (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos();
                #[expect(clippy::cast_precision_loss, reason = "hours in milliseconds fit")]
                let ms = *median_ms as f64 * (sigma * normal).exp();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "positive, and bounded next"
                )]
                let whole = ms as u64;
                whole.min(*max_ms)
            }
        }
    }

    fn check(&self) -> bool {
        match self {
            Self::Fixed { .. } => true,
            Self::Uniform { from_ms, to_ms } => from_ms <= to_ms,
            Self::LogNormal { sigma, .. } => (0.0..=3.0).contains(sigma),
        }
    }
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

    /// Chance for one purpose; the same in every run.
    pub(crate) fn dice(&self, purpose: u64) -> StdRng {
        StdRng::seed_from_u64(self.seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// So many times the citizens.
    pub(crate) fn scale(&mut self, factor: f64) -> anyhow::Result<()> {
        ensure!(factor.is_finite() && factor > 0.0 && factor <= 1_000.0, "the scale must be above 0, at most 1000");
        self.arrivals.scale(factor);
        Ok(())
    }

    /// The same story told in so many seconds: troubles come earlier and pass sooner in proportion.
    pub(crate) fn last(&mut self, seconds: f64) -> anyhow::Result<()> {
        ensure!(seconds.is_finite() && seconds > 0.0, "the seconds must be above 0");
        let factor = seconds / self.arrivals.seconds();
        self.arrivals.stretch(factor);
        for trouble in &mut self.troubles {
            trouble.at_s *= factor;
            trouble.for_s *= factor;
        }
        Ok(())
    }

    /// So many citizens a second for so long, in place of the file's arrivals; and as many registered as that takes.
    pub(crate) fn arrive(&mut self, per_s: f64, for_s: f64) -> anyhow::Result<()> {
        self.arrivals = Arrivals::Poisson { per_s, for_s };
        self.arrivals.check()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded just above")]
        let people = (per_s * for_s * REGISTERED_EACH).ceil() as usize;
        let people = people.clamp(REGISTERED, REGISTERED_MAX).to_string();
        self.server.settings.insert(REGISTERED_KEY.into(), people);
        Ok(())
    }

    /// How many people the server's registry knows.
    pub(crate) fn registered(&self) -> anyhow::Result<usize> {
        let set = self.server.settings.get(REGISTERED_KEY);
        set.map_or(Ok(REGISTERED), |set| set.parse().with_context(|| format!("`{REGISTERED_KEY}` = `{set}`")))
    }

    /// Leaves only what may never happen, however slow the machine is.
    pub(crate) fn forget_times(&mut self) {
        self.limits.forget_times();
        self.citizens.patience_s = self.citizens.patience_s.max(PATIENCE_S);
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
        self.arrivals.check()?;
        ensure!(self.citizens.think.check(), "`citizens.think`: `from_ms` is at most `to_ms`, `sigma` 0 to 3");
        ensure!((1..=600).contains(&self.citizens.patience_s), "`citizens.patience_s` must be 1 to 600");
        let slips = self.citizens.wrong_code_percent + self.citizens.nonsense_percent;
        ensure!(slips <= 100, "`citizens`: wrong codes and nonsense are {slips} %, at most 100 together");
        ensure!(self.paths.iter().any(|share| share.weight > 0), "no path has a weight above 0");
        self.whatsapp.check()?;
        for trouble in &self.troubles {
            trouble.check(&self.server)?;
        }
        for noise in &self.noise {
            noise.check()?;
        }
        self.limits.check()
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
