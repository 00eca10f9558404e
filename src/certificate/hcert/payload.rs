//! What the code says of one vaccination: the EU-DCC payload, schema 1.3.
//!
//! Indonesian names have no family name. As in Indonesia's passports the last word stands as one; who has a
//! single word has it there, and no given name. Titles behind a comma are no part of a name.

use time::Date;

use super::mrz;
use super::vaccines::{Codes, Vaccines};
use crate::domain::certificate::Certificate;
use crate::domain::name::Name;
use crate::domain::redacted;
use crate::domain::uvci::Uvci;

/// Who issues: country, and who is responsible in it.
pub const COUNTRY: &str = "ID";
/// COVID-19 in SNOMED CT.
const DISEASE: &str = "840539006";

/// The content of a code. Personal data: its name is redacted in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    pub family: String,
    /// In the letters of ICAO Doc 9303.
    pub family_plain: String,
    pub given: Option<String>,
    pub given_plain: Option<String>,
    pub birth_date: Date,
    pub vaccination: Vaccination,
}

redacted!(Payload);

/// One vaccination, in codes of the EU's value sets.
#[derive(Clone, PartialEq, Eq)]
pub struct Vaccination {
    pub disease: String,
    pub prophylaxis: String,
    pub product: String,
    /// Maker or holder of the authorisation.
    pub holder: String,
    /// 1, 2, 3 …
    pub dose: u8,
    /// Of how many that are planned; a booster is its own number of as many.
    pub doses: u8,
    pub date: Date,
    pub country: String,
    pub issuer: String,
    pub id: String,
}

redacted!(Vaccination);

impl Payload {
    /// What the code of a certificate says; nothing when its vaccine is in no value set, since no checker would
    /// know what it reads.
    pub fn of(certificate: &Certificate, id: &Uvci, issuer: &str, vaccines: &Vaccines) -> Option<Self> {
        let Codes { prophylaxis, product, holder, doses } = vaccines.codes(&certificate.vaccine)?;
        let (given, family) = parted(&certificate.name);
        let given_plain = given.as_deref().map(mrz::plain).filter(|plain| !plain.is_empty());
        Some(Self {
            family_plain: mrz::plain(&family),
            family,
            given: given.filter(|_| given_plain.is_some()),
            given_plain,
            birth_date: certificate.birth_date,
            vaccination: Vaccination {
                disease: DISEASE.to_owned(),
                prophylaxis: prophylaxis.clone(),
                product: product.clone(),
                holder: holder.clone(),
                dose: certificate.dose,
                doses: certificate.dose.max(*doses),
                date: certificate.date,
                country: COUNTRY.to_owned(),
                issuer: issuer.to_owned(),
                id: id.as_str().to_owned(),
            },
        })
    }
}

/// The words before the last one, and the last one.
fn parted(name: &Name) -> (Option<String>, String) {
    let has_letter = |text: &str| text.chars().any(char::is_alphabetic);
    let whole = name.as_str();
    let before = whole.split(',').find(|part| has_letter(part)).unwrap_or(whole);
    let mut words: Vec<&str> = before.split_whitespace().filter(|word| has_letter(word)).collect();
    let family = words.pop().unwrap_or(whole).to_owned();
    ((!words.is_empty()).then(|| words.join(" ")), family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_is_the_family_name_and_a_single_one_too() {
        for (name, given, family) in [
            ("Siti Rahmawati", Some("Siti"), "Rahmawati"),
            ("Sukarno", None, "Sukarno"),
            ("Tubagus Wahyu Avianto", Some("Tubagus Wahyu"), "Avianto"),
            ("Budi Santoso, S.Kom", Some("Budi"), "Santoso"),
            ("Suharti - ", None, "Suharti"),
        ] {
            let name = Name::parse(name).expect("a name");
            assert_eq!(parted(&name), (given.map(str::to_owned), family.to_owned()));
        }
    }
}
