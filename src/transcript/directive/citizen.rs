//! `# @citizen …`: somebody who stands in the registry.

use time::Date;

use super::{Directive, Fault, date, fields, mobile};
use crate::domain::citizen::Standing;
use crate::domain::name::Name;
use crate::domain::nik::{Nik, NikError};
use crate::domain::phone::Mobile;

const CITIZEN: &str = "`citizen phone=0812-0000-0042 nik=<16 digits> name=\"…\" [civil=\"…\"] \
     [standing=protected|deceased] [born=1990-08-07] [doses=1:2021-09-03:CoronaVac[:pending],…]`";

/// A person in the registry: `phone=… nik=… name="…" [civil="…"] [standing=protected|deceased]
/// [born=1990-08-07] [doses=1:2021-09-03:CoronaVac[:pending],…]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citizen {
    pub phone: Mobile,
    pub nik: Nik,
    pub name: Name,
    pub civil: Option<Name>,
    pub standing: Standing,
    pub born: Option<Date>,
    pub doses: Vec<DoseGiven>,
}

/// A vaccination: `number:date:vaccine`, with `:pending` when its certificate is not issued yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoseGiven {
    pub number: u8,
    pub date: Date,
    pub vaccine: String,
    pub issued: bool,
}

pub(super) fn citizen(text: &str) -> Result<Directive, Fault> {
    let fault = |what: &str| (format!("{what} in `citizen {text}`"), CITIZEN);
    let (mut phone, mut nik, mut name) = (None, None, None);
    let (mut civil, mut standing, mut born, mut doses) = (None, Standing::Open, None, Vec::new());
    for (key, value) in fields(text).ok_or_else(|| fault("a field that is not `key=value`"))? {
        let bad = || fault(&format!("`{value}` is no {key}"));
        match key {
            "phone" => phone = Some(mobile(value).ok_or_else(bad)?),
            "nik" => nik = Some(read_nik(value).ok_or_else(bad)?),
            "name" => name = Some(Name::parse(value).map_err(|_| bad())?),
            "civil" => civil = Some(Name::parse(value).map_err(|_| bad())?),
            "standing" => standing = read_standing(value).ok_or_else(bad)?,
            "born" => born = Some(date(value).ok_or_else(bad)?),
            "doses" => doses = value.split(',').map(dose).collect::<Option<_>>().ok_or_else(bad)?,
            _ => return Err(fault(&format!("an unknown field `{key}`"))),
        }
    }
    let phone = phone.ok_or_else(|| fault("no phone"))?;
    let nik = nik.ok_or_else(|| fault("no nik"))?;
    let name = name.ok_or_else(|| fault("no name"))?;
    Ok(Directive::Citizen(Box::new(Citizen { phone, nik, name, civil, standing, born, doses })))
}

/// A NIK with an impossible date may stand in the registry: it is not corrected even when it is wrong.
fn read_nik(text: &str) -> Option<Nik> {
    match Nik::parse(text) {
        Ok(nik) | Err(NikError::Form(nik)) => Some(nik),
        Err(_) => None,
    }
}

fn read_standing(text: &str) -> Option<Standing> {
    match text {
        "open" => Some(Standing::Open),
        "protected" => Some(Standing::Protected),
        "deceased" => Some(Standing::Deceased),
        _ => None,
    }
}

fn dose(text: &str) -> Option<DoseGiven> {
    let mut parts = text.split(':');
    let (number, date, vaccine) = (parts.next()?.parse().ok()?, date(parts.next()?)?, parts.next()?.to_owned());
    let issued = match parts.next() {
        None => true,
        Some("pending") => false,
        Some(_) => return None,
    };
    (parts.next().is_none() && !vaccine.is_empty()).then_some(DoseGiven { number, date, vaccine, issued })
}
