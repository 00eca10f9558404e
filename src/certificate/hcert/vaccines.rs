//! Which codes a vaccine has in the EU's value sets: `config/vaccines.toml`, built in.

use serde::Deserialize;

/// The table as it is written.
const TABLE: &str = include_str!("../../../config/vaccines.toml");

/// Codes of one vaccine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codes {
    /// `vp`
    pub prophylaxis: String,
    /// `mp`
    pub product: String,
    /// `ma`
    pub holder: String,
    /// Doses of a first series.
    pub doses: u8,
}

/// All vaccines that a code can name.
#[derive(Clone, Debug)]
pub struct Vaccines {
    /// Folded name, codes.
    by_name: Vec<(String, Codes)>,
}

/// The table is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("config/vaccines.toml: {0}")]
pub struct VaccinesFault(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    vaccine: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    names: Vec<String>,
    vp: String,
    mp: String,
    ma: String,
    doses: u8,
}

impl Vaccines {
    /// Those that are built in.
    pub fn embedded() -> Result<Self, VaccinesFault> {
        Self::read(TABLE)
    }

    /// Reads a table: each name once, whatever its capitals, spaces and dashes.
    pub fn read(toml: &str) -> Result<Self, VaccinesFault> {
        let table: Table = toml::from_str(toml).map_err(|fault| VaccinesFault(fault.message().to_owned()))?;
        let mut by_name: Vec<(String, Codes)> = Vec::new();
        for Row { names, vp, mp, ma, doses } in table.vaccine {
            let codes = Codes { prophylaxis: vp, product: mp, holder: ma, doses };
            for name in names {
                let folded = folded(&name);
                if by_name.iter().any(|(known, _)| *known == folded) {
                    return Err(VaccinesFault(format!("`{name}` stands twice")));
                }
                by_name.push((folded, codes.clone()));
            }
        }
        Ok(Self { by_name })
    }

    /// The codes of a vaccine as a registry names it.
    pub fn codes(&self, name: &str) -> Option<&Codes> {
        let folded = folded(name);
        self.by_name.iter().find(|(known, _)| *known == folded).map(|(_, codes)| codes)
    }
}

fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_knows_what_was_given_in_indonesia() {
        let vaccines = Vaccines::embedded().expect("a table");
        for (name, product, doses) in [
            ("CoronaVac", "CoronaVac", 2),
            ("Sinovac", "CoronaVac", 2),
            ("COVID-19 Bio Farma", "CoronaVac", 2),
            ("comirnaty", "EU/1/20/1528", 2),
            ("Spikevax", "EU/1/20/1507", 2),
            ("Astra Zeneca", "EU/1/21/1529", 2),
            ("Janssen", "EU/1/20/1525", 1),
            ("Sinopharm", "BBIBP-CorV", 2),
            ("Convidecia", "Convidecia", 1),
        ] {
            let codes = vaccines.codes(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!((codes.product.as_str(), codes.doses), (product, doses));
        }
        assert_eq!(vaccines.codes("Air zamzam"), None);
    }

    #[test]
    fn a_name_that_stands_twice_is_refused() {
        let row = "[[vaccine]]\nnames = [\"A\", \"a\"]\nvp = \"1\"\nmp = \"2\"\nma = \"3\"\ndoses = 2\n";
        assert_eq!(Vaccines::read(row).map(|_| ()), Err(VaccinesFault("`a` stands twice".into())));
    }
}
