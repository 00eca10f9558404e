//! How long one certificate takes, signed and with its code, on one core, and how large it is.
#![expect(clippy::print_stdout, reason = "the command line speaks to a person")]

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use siaga::certificate::hcert::{self, Claims, Payload, SigningKeys, Vaccines};
use siaga::certificate::{Code, Typesetter};
use siaga::clock::SystemClock;
use siaga::domain::certificate::{Certificate, Language};
use siaga::domain::time::Timestamp;
use siaga::domain::uvci::Uvci;
use siaga::ports::Clock as _;
use siaga::registry::embedded::{Citizen, population};

const YEAR_S: i64 = 365 * 86_400;

/// Everything that a certificate passes through once its id is registered.
struct Press {
    keys: SigningKeys,
    vaccines: Vaccines,
    setter: Typesetter,
    now_s: i64,
}

impl Press {
    fn code(&self, certificate: &Certificate) -> anyhow::Result<Code> {
        let id = Uvci::of((u128::from(certificate.nik.number()) << 64).to_be_bytes());
        let payload = Payload::of(certificate, &id, "Ministry of Health of the Republic of Indonesia", &self.vaccines);
        let payload = payload.context("a vaccine has no codes")?;
        let claims = Claims { issued_at_s: self.now_s, expires_at_s: self.now_s + YEAR_S, payload };
        let good_until = Timestamp::from_unix_s(claims.expires_at_s).day_wib();
        Ok(Code { text: hcert::sign(&claims, &self.keys)?, id, good_until })
    }

    fn print(&self, certificate: &Certificate) -> anyhow::Result<Vec<u8>> {
        Ok(self.setter.render(certificate, Some(&self.code(certificate)?))?)
    }
}

/// Sets `count` certificates of different citizens; writes one of them when asked to.
pub(crate) fn measure(count: u32, write: Option<&Path>) -> anyhow::Result<()> {
    ensure!(count > 0, "`--count` must be above 0");
    let begun = Instant::now();
    let pem = SigningKeys::make(&[7; 32]).context("no key")?;
    let press = Press {
        keys: SigningKeys::read(&pem)?,
        vaccines: Vaccines::embedded()?,
        setter: Typesetter::new()?,
        now_s: SystemClock::default().now().0.div_euclid(1_000),
    };
    println!("key and fonts prepared in {:.1} ms", begun.elapsed().as_secs_f64() * 1_000.0);
    let begun = Instant::now();
    let people = population(20_211_110, 10_000, SystemClock::default().now().day_wib());
    println!("10,000 citizens made in {:.1} ms", begun.elapsed().as_secs_f64() * 1_000.0);
    let certificates: Vec<Certificate> = people.iter().filter_map(certificate).take(1_000).collect();
    let first = certificates.first().context("nobody has a certificate")?;
    if let Some(path) = write {
        std::fs::write(path, press.print(first)?).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let asked = || certificates.iter().cycle().take(usize::try_from(count).unwrap_or_default());
    let begun = Instant::now();
    let letters = asked().map(|certificate| Ok(press.code(certificate)?.text.len())).sum::<anyhow::Result<usize>>()?;
    let signed = begun.elapsed() / count;
    let begun = Instant::now();
    let bytes = asked().map(|certificate| Ok(press.print(certificate)?.len())).sum::<anyhow::Result<usize>>()?;
    let each = begun.elapsed() / count;
    let many = usize::try_from(count)?;
    println!("a code takes {:.3} ms and {} letters, over {count}", signed.as_secs_f64() * 1_000.0, letters / many);
    println!("a certificate takes {:.3} ms and {} bytes, over {count}", each.as_secs_f64() * 1_000.0, bytes / many);
    Ok(())
}

fn certificate(citizen: &Citizen) -> Option<Certificate> {
    let dose = citizen.record.issued().next()?;
    Some(Certificate {
        id: dose.certificate.clone()?,
        person: citizen.person.id.clone(),
        asked_at: Timestamp(0),
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
