//! Who plays what: each citizen once, on a number of his own, the same in every run.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use siaga::registry::embedded::Citizen;

use crate::scenario::Scenario;
use crate::script::{Role, Script, Who};

/// A cast of so many.
pub(crate) fn cast(
    scenario: &Scenario,
    scripts: &[Arc<Script>],
    population: &[Citizen],
    count: usize,
) -> anyhow::Result<Vec<(Arc<Script>, Role)>> {
    let registered: HashSet<_> = population.iter().map(|citizen| Some(citizen.phone.phone())).collect();
    let mut taken = HashSet::new();
    let mut cast = Vec::with_capacity(count);
    let mut from = vec![0; scripts.len()];
    let mut others: HashMap<Who, usize> = HashMap::new();
    for n in 0..count {
        let path = scenario.path_of(n);
        let script = &scripts[path];
        let other = others.entry(script.who).or_default();
        let role = match script.who {
            Who::Registered => {
                // Each script goes through the population once, whatever the others take.
                let found = population[from[path]..].iter().position(|c| script.suits(c) && !taken.contains(&c.phone));
                let Some(found) = found else {
                    bail!("the population has too few citizens for {} more after {n} of `{}`", count - n, script.name)
                };
                let citizen = &population[from[path] + found];
                from[path] += found + 1;
                taken.insert(citizen.phone);
                Role::of(citizen)
            }
            Who::Stranger => {
                let role = Role::stranger(*other).filter(|role| !registered.contains(&role.sender.phone));
                role.context("no more numbers are registered to nobody")?
            }
            Who::Username => Role::username(*other),
        };
        *other += 1;
        cast.push((Arc::clone(script), role));
    }
    Ok(cast)
}
