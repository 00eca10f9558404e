//! How long one certificate takes, on one core, and how large it is.
#![expect(clippy::print_stdout, reason = "the command line speaks to a person")]

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use siaga::certificate::Typesetter;
use siaga::clock::SystemClock;
use siaga::domain::certificate::{Certificate, Language};
use siaga::ports::Clock as _;
use siaga::registry::embedded::{Citizen, population};

/// Sets `count` certificates of different citizens; writes one of them when asked to.
pub(crate) fn measure(count: u32, write: Option<&Path>) -> anyhow::Result<()> {
    ensure!(count > 0, "`--count` must be above 0");
    let begun = Instant::now();
    let setter = Typesetter::new()?;
    println!("fonts prepared in {:.1} ms", begun.elapsed().as_secs_f64() * 1_000.0);
    let begun = Instant::now();
    let people = population(20_211_110, 10_000, SystemClock::default().now().day_wib());
    println!("10,000 citizens made in {:.1} ms", begun.elapsed().as_secs_f64() * 1_000.0);
    let certificates: Vec<Certificate> = people.iter().filter_map(certificate).take(1_000).collect();
    let first = certificates.first().context("nobody has a certificate")?;
    if let Some(path) = write {
        std::fs::write(path, setter.render(first)?).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let begun = Instant::now();
    let mut bytes = 0;
    for certificate in certificates.iter().cycle().take(usize::try_from(count)?) {
        bytes += setter.render(certificate)?.len();
    }
    let each = begun.elapsed() / count;
    println!(
        "a certificate takes {:.3} ms and {} bytes, over {count}",
        each.as_secs_f64() * 1_000.0,
        bytes / usize::try_from(count)?
    );
    Ok(())
}

fn certificate(citizen: &Citizen) -> Option<Certificate> {
    let dose = citizen.record.issued().next()?;
    Some(Certificate {
        id: dose.certificate.clone()?,
        name: citizen.person.name.clone(),
        nik: citizen.person.nik,
        birth_date: citizen.record.birth_date,
        dose: dose.number,
        date: dose.date,
        vaccine: dose.vaccine.clone(),
        batch: dose.batch.clone(),
        language: Language::Indonesian,
    })
}
