//! One synthetic citizen: the phone he stands under, who he is, and what is recorded of him.

use time::{Date, Duration};

use super::dice::mix;
use crate::domain::citizen::{Dose, Person, PersonId, Standing, VaccinationRecord};
use crate::domain::name::Name;
use crate::domain::nik::Nik;
use crate::domain::phone::Mobile;

/// A citizen as the embedded registry knows him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citizen {
    pub phone: Mobile,
    pub person: Person,
    pub record: VaccinationRecord,
}

/// Letters and digits of certificate ids: none that are taken for one another.
const ID_LETTERS: [u8; 32] = *b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Citizen {
    /// A citizen without vaccinations whose name is as the population register has it.
    pub fn new(phone: Mobile, nik: Nik, name: Name, birth_date: Date) -> Self {
        let person = Person {
            id: person_id(phone, nik),
            nik,
            name: name.clone(),
            verified_name: name.clone(),
            civil_name: Some(name),
            standing: Standing::Open,
            name_changed_at: None,
        };
        Self { phone, person, record: VaccinationRecord { birth_date, doses: Vec::new() } }
    }

    /// The name as the population register has it, when the record's differs.
    #[must_use]
    pub fn with_civil_name(mut self, name: Option<Name>) -> Self {
        self.person.civil_name = name;
        self
    }

    #[must_use]
    pub fn with_standing(mut self, standing: Standing) -> Self {
        self.person.standing = standing;
        self
    }

    /// A dose, given in ascending order of number. `issued`: its certificate is out.
    #[must_use]
    pub fn with_dose(mut self, number: u8, date: Date, vaccine: &str, issued: bool) -> Self {
        let person = mix(mix(self.person.nik.number()) ^ self.phone.phone().digits());
        let unique = mix(person.wrapping_add(u64::from(number)));
        self.record.doses.push(Dose {
            number,
            date,
            vaccine: vaccine.to_owned(),
            batch: batch(vaccine, date, unique),
            certificate: issued.then(|| certificate_id(unique)),
        });
        self
    }

    /// Served without a hitch: may be opened, and has certificates for all that is recorded.
    pub fn is_smooth(&self) -> bool {
        let named = self.person.civil_name.as_ref().is_none_or(|name| *name == self.person.name);
        let issued = self.record.issued().count();
        self.person.standing == Standing::Open && named && issued > 0 && issued == self.record.doses.len()
    }
}

/// Opaque, and the same after every start whatever the order of people.
fn person_id(phone: Mobile, nik: Nik) -> PersonId {
    PersonId(format!("{:016x}", mix(mix(nik.number()) ^ phone.phone().digits())))
}

/// Twelve letters and digits in groups of four.
fn certificate_id(unique: u64) -> String {
    let letter =
        |at: u32| char::from(ID_LETTERS[usize::from(u8::try_from(unique >> (5 * at) & 31).unwrap_or_default())]);
    let groups: Vec<String> = (0..3).map(|group| (0..4).map(|at| letter(4 * group + at)).collect()).collect();
    groups.join("-")
}

/// A batch number that looks like its maker's.
fn batch(vaccine: &str, date: Date, unique: u64) -> String {
    let number = unique % 1_000;
    let filled = date - Duration::days(60);
    match vaccine {
        "CoronaVac" => format!("{}{:02}{number:03}H", filled.year(), u8::from(filled.month())),
        "Comirnaty" => format!("FK{:04}", number * 7),
        "Spikevax" => format!("0{:05}A", 21_000 + number),
        "Vaxzevria" => format!("CTMAV{number:03}"),
        _ => format!("B{number:03}{:02}", filled.year() % 100),
    }
}
