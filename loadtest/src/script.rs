//! A transcript made ready to be played by anyone: the person in it is replaced by the one who plays.
//!
//! A transcript names one citizen: phone, name, NIK, code. Wherever the text of a line has these, in whatever
//! grouping of digits, the player's own stand instead. What the service says is checked in shape: the document's
//! name, buttons and rows. (Word for word is what the project's tests do.)
//!
//! Playable is what starts from nothing, has at most one citizen and needs no clock but the real one; of a longer
//! transcript, its first turns. Who plays is told by the transcript: a citizen on the registered number, somebody on a
//! number that is registered to nobody, or somebody who hides his number behind a username.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use siaga::domain::name::Name;
use siaga::domain::nik::Nik;
use siaga::domain::phone::{Mobile, Phone};
use siaga::emulator::Sender;
use siaga::registry::embedded::Citizen;
use siaga::transcript::{Directive, Expected, Said, Transcript, What};

/// A transcript ready to be played.
#[derive(Debug)]
pub(crate) struct Script {
    /// The file's name, for reports.
    pub(crate) name: String,
    pub(crate) moves: Vec<Move>,
    pub(crate) who: Who,
    /// How many issued certificates its citizen has.
    doses: usize,
    person: Option<Person>,
    /// Codes as the transcript writes them.
    codes: BTreeSet<String>,
}

/// One move.
#[derive(Debug)]
pub(crate) enum Move {
    /// The citizen says this at once.
    Say { line: usize, said: Vec<Said> },
    /// The service says something of this shape.
    Expect { line: usize, expected: Expected },
}

/// Who can play it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// A citizen of the embedded registry, on his registered number.
    Registered,
    /// A number that is registered to nobody.
    Stranger,
    /// No number at all.
    Username,
}

/// The citizen of a transcript, or of the registry.
#[derive(Clone, Debug)]
struct Person {
    phone: Phone,
    name: Name,
    nik: Nik,
}

/// Who plays.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) sender: Sender,
    person: Option<Person>,
}

impl Role {
    pub(crate) fn of(citizen: &Citizen) -> Self {
        let phone = citizen.phone.phone();
        let person = Person { phone, name: citizen.person.name.clone(), nik: citizen.person.nik };
        Self { sender: Sender::phone(phone), person: Some(person) }
    }

    /// The n-th number that a population has for its last.
    pub(crate) fn stranger(n: usize) -> Option<Self> {
        let last = STRANGERS.rev().nth(n)?;
        let phone = Phone::from_wa_id(&format!("628120000{last:05}"))?;
        Some(Self { sender: Sender::phone(phone), person: None })
    }

    /// The n-th citizen without a number.
    pub(crate) fn username(n: usize) -> Self {
        Self { sender: Sender::bsuid(&format!("ID.load{n:08}")), person: None }
    }

    /// Whom replies to him may name, as [`named_in`] reads them.
    pub(crate) fn names(&self) -> Vec<String> {
        let phone = self.sender.phone.map(|phone| phone.digits().to_string());
        let ending = phone.and_then(|digits| digits.get(digits.len().saturating_sub(4)..).map(str::to_owned));
        let name = self.person.as_ref().map(|person| person.name.as_str().to_lowercase()).unwrap_or_default();
        ending.into_iter().chain(name.split_whitespace().map(bare).map(str::to_owned)).collect()
    }
}

/// Numbers 0812-0000-xxxxx of five digits. A population begins with those of four, and goes on from the first of these.
const STRANGERS: std::ops::Range<u32> = 10_000..100_000;

/// Whom a reply names: the last digits of a number, the name on a certificate.
pub(crate) fn named_in(text: &str) -> Vec<String> {
    let after =
        |mark: &str| text.split(mark).skip(1).filter_map(|rest| rest.split_whitespace().next()).collect::<Vec<_>>();
    let names = ["berakhiran ", "ending in ", "a.n. "].into_iter().flat_map(after);
    names.map(|name| bare(name).to_lowercase()).collect()
}

fn bare(word: &str) -> &str {
    word.trim_matches(|letter: char| !letter.is_alphanumeric())
}

impl Person {
    /// The phone as people write it, 0812…
    fn local(&self) -> String {
        self.phone.to_e164().replacen("+62", "0", 1)
    }
}

impl Script {
    /// The transcript of a file, or its first so many turns.
    pub(crate) fn load(path: &Path, turns: Option<usize>) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let transcript = Transcript::parse(&name, &text)?;
        Self::of(&name, transcript, turns).with_context(|| format!("{name} cannot be played under load"))
    }

    fn of(name: &str, transcript: Transcript, turns: Option<usize>) -> anyhow::Result<Self> {
        let mut left = turns.unwrap_or(usize::MAX);
        let mut moves = Vec::new();
        let mut codes = BTreeSet::new();
        let mut person = None;
        let mut whatsapp = None;
        for step in transcript.steps {
            let line = step.line;
            match step.what {
                What::Note(_) | What::Silence => {}
                What::Turn(_) if left == 0 => break,
                What::Turn(turn) => {
                    left -= 1;
                    ensure!(turn.checked, "line {line}: it starts in the middle (`# @>`)");
                    moves.push(Move::Say { line, said: turn.said });
                }
                What::Reply(expected) => moves.push(Move::Expect { line, expected }),
                What::Sms(sms) => codes.extend(sms.code().map(siaga::domain::otp::Otp::digits)),
                What::Directive(Directive::Otp(code)) => {
                    codes.insert(code.digits());
                }
                What::Directive(Directive::Wa(wa)) if whatsapp.is_none() => whatsapp = Some(wa.phone),
                What::Directive(Directive::Citizen(citizen)) if person.is_none() => {
                    let issued = citizen.doses.iter().filter(|dose| dose.issued).count();
                    let phone = citizen.phone.phone();
                    person = Some((Person { phone, name: citizen.name, nik: citizen.nik }, issued));
                }
                What::Directive(Directive::Clock(_)) if moves.is_empty() => {}
                // After the last turn that is played.
                What::Directive(_) if left == 0 => {}
                What::Directive(_) => bail!("line {line}: a second citizen or chat, a moved clock, or a fault"),
            }
        }
        ensure!(moves.iter().any(|step| matches!(step, Move::Say { .. })), "nobody says anything");
        let (who, person, doses) = match (whatsapp, person) {
            (None, _) => bail!("it has no `# @wa`"),
            (Some(None), _) => (Who::Username, None, 0),
            (Some(Some(_)), None) => (Who::Stranger, None, 0),
            (Some(Some(phone)), Some((person, doses))) => {
                ensure!(phone == person.phone, "it is not written from the registered number");
                (Who::Registered, Some(person), doses)
            }
        };
        Ok(Self { name: name.to_owned(), moves, who, doses, person, codes })
    }

    /// Whether this citizen can play it.
    pub(crate) fn suits(&self, citizen: &Citizen) -> bool {
        citizen.is_smooth()
            && citizen.record.issued().count() == self.doses
            && Mobile::from_phone(citizen.phone.phone()).is_some()
    }

    /// Whether a text holds a code, which must have come by SMS before it can be said.
    pub(crate) fn needs_code(&self, text: &str) -> bool {
        runs(text).any(|(_, digits)| self.codes.contains(&digits))
    }

    /// A text of the transcript in the player's own words.
    pub(crate) fn spoken(&self, text: &str, player: &Role, code: &str) -> String {
        let (Some(person), Some(player)) = (&self.person, &player.person) else { return text.to_owned() };
        let mut spoken = text.to_owned();
        for (at, digits) in runs(text) {
            let own = if digits == person.nik.digits() {
                player.nik.digits()
            } else if digits == person.local() {
                player.local()
            } else if digits == person.phone.digits().to_string() {
                player.phone.digits().to_string()
            } else if self.codes.contains(&digits) {
                code.to_owned()
            } else {
                continue;
            };
            spoken = regrouped(&spoken, at, &own);
        }
        replaced(&spoken, person.name.as_str(), player.name.as_str())
    }
}

/// The runs of digits in a text, spaces, dots and dashes among them: where each starts, and its digits.
fn runs(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut joined = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '0'..='9' if joined => {
                if let Some((_, digits)) = found.last_mut() {
                    digits.push(letter);
                }
            }
            '0'..='9' => {
                found.push((at, letter.to_string()));
                joined = true;
            }
            ' ' | '.' | '-' => {}
            _ => joined = false,
        }
    }
    found.into_iter()
}

/// The text with the run of digits at `at` replaced digit by digit, its grouping kept.
fn regrouped(text: &str, at: usize, digits: &str) -> String {
    let mut own = digits.chars();
    let (before, after) = text.split_at(at);
    let replace = |letter: char| if letter.is_ascii_digit() { own.next().unwrap_or(letter) } else { letter };
    before.chars().chain(after.chars().map(replace)).collect()
}

/// The text with a name replaced, however it is written.
fn replaced(text: &str, name: &str, own: &str) -> String {
    let lower = text.to_lowercase();
    match lower.find(&name.to_lowercase()) {
        Some(at) if lower.len() == text.len() => format!("{}{own}{}", &text[..at], &text[at + name.len()..]),
        _ => text.to_owned(),
    }
}
