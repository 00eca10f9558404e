//! A transcript made ready to be played by anyone: the person in it is replaced by the one who plays.
//!
//! A transcript names one citizen: phone, name, NIK, code. Wherever the text of a line has these, in whatever
//! grouping of digits, the player's own stand instead. What the service says is checked in shape: the document's
//! name, buttons and rows. (Word for word is what the project's tests do.)
//!
//! Playable is what starts from nothing, has one citizen and needs no clock but the real one.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use siaga::domain::name::Name;
use siaga::domain::nik::Nik;
use siaga::domain::phone::{Mobile, Phone};
use siaga::registry::embedded::Citizen;
use siaga::transcript::{Directive, Expected, Said, Transcript, What};

/// A transcript ready to be played.
#[derive(Debug)]
pub(crate) struct Script {
    /// The file's name, for reports.
    pub(crate) name: String,
    pub(crate) moves: Vec<Move>,
    /// How many issued certificates its citizen has.
    doses: usize,
    person: Role,
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

/// Who is meant: in the transcript, or who plays.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) phone: Phone,
    name: Name,
    nik: Nik,
}

impl Role {
    pub(crate) fn of(citizen: &Citizen) -> Self {
        Self { phone: citizen.phone.phone(), name: citizen.person.name.clone(), nik: citizen.person.nik }
    }

    /// The phone as people write it, 0812…
    fn local(&self) -> String {
        self.phone.to_e164().replacen("+62", "0", 1)
    }
}

impl Script {
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let transcript = Transcript::parse(&name, &text)?;
        Self::of(&name, transcript).with_context(|| format!("{name} cannot be played under load"))
    }

    fn of(name: &str, transcript: Transcript) -> anyhow::Result<Self> {
        let mut moves = Vec::new();
        let mut codes = BTreeSet::new();
        let mut person = None;
        let mut whatsapp = None;
        for step in transcript.steps {
            let line = step.line;
            match step.what {
                What::Note(_) | What::Silence => {}
                What::Turn(turn) => {
                    ensure!(turn.checked, "line {line}: it starts in the middle (`# @>`)");
                    moves.push(Move::Say { line, said: turn.said });
                }
                What::Reply(expected) => moves.push(Move::Expect { line, expected }),
                What::Sms(sms) => codes.extend(sms.code().map(siaga::domain::otp::Otp::digits)),
                What::Directive(Directive::Otp(code)) => {
                    codes.insert(code.digits());
                }
                What::Directive(Directive::Wa(wa)) if whatsapp.is_none() => whatsapp = wa.phone,
                What::Directive(Directive::Citizen(citizen)) if person.is_none() => {
                    let issued = citizen.doses.iter().filter(|dose| dose.issued).count();
                    let role = Role { phone: citizen.phone.phone(), name: citizen.name, nik: citizen.nik };
                    person = Some((role, issued));
                }
                What::Directive(Directive::Clock(_)) if moves.is_empty() => {}
                What::Directive(_) => bail!("line {line}: a second citizen or chat, a moved clock, or a fault"),
            }
        }
        let Some((person, doses)) = person else { bail!("it has no `# @citizen`") };
        ensure!(whatsapp == Some(person.phone), "it is not written from the registered number");
        Ok(Self { name: name.to_owned(), moves, doses, person, codes })
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
        let mut spoken = text.to_owned();
        for (at, digits) in runs(text) {
            let own = if digits == self.person.nik.digits() {
                player.nik.digits()
            } else if digits == self.person.local() {
                player.local()
            } else if digits == self.person.phone.digits().to_string() {
                player.phone.digits().to_string()
            } else if self.codes.contains(&digits) {
                code.to_owned()
            } else {
                continue;
            };
            spoken = regrouped(&spoken, at, &own);
        }
        replaced(&spoken, self.person.name.as_str(), player.name.as_str())
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

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSCRIPT: &str = "# @wa 0812-0000-0042\n\
        # @citizen phone=0812-0000-0042 nik=0001014708900003 name=\"Siti Rahmawati\" doses=1:2021-09-03:CoronaVac\n\
        # @otp 483920\n> hai\n< Selamat datang … [Setuju, nomor ini] [Setuju, nomor lain] [Tidak setuju]\n";

    fn script(text: &str) -> anyhow::Result<Script> {
        Script::of("test", Transcript::parse("test", text)?)
    }

    fn player() -> Role {
        Role {
            phone: Phone::from_wa_id("6281200000817").expect("a phone"),
            name: Name::parse("Ma'ruf Hakim").expect("a name"),
            nik: Nik::parse("0001021203770005").expect("a nik"),
        }
    }

    #[test]
    fn the_player_says_his_own_data_in_the_transcripts_grouping() {
        let script = script(TRANSCRIPT).expect("playable");
        let say = |text| script.spoken(text, &player(), "990011");
        assert_eq!(say("Siti Rahmawati 0001014708900003"), "Ma'ruf Hakim 0001021203770005");
        assert_eq!(
            say("Nama: siti rahmawati\nNIK: 0001 0147 0890 0003"),
            "Nama: Ma'ruf Hakim\nNIK: 0001 0212 0377 0005"
        );
        assert_eq!(say("62 812-0000-0042"), "62 812-0000-0817");
        assert_eq!(say("kodenya 48 39 20"), "kodenya 99 00 11");
        assert_eq!(say("pak mau donlod dosis 2"), "pak mau donlod dosis 2");
        assert!(script.needs_code("483 920") && !script.needs_code("483921"));
    }

    #[test]
    fn what_cannot_be_played_says_which_line() {
        for (more, fault) in [
            ("# @wait 16m\n", "line 6"),
            ("# @> hai\n", "line 6"),
            ("# @registry down\n", "line 6"),
            ("# @wa 0812-0000-0043\n", "line 6"),
        ] {
            let error = script(&format!("{TRANSCRIPT}{more}")).expect_err("not playable");
            assert!(error.to_string().contains(fault), "{more}: {error}");
        }
        assert!(script("> hai\n").is_err());
    }
}
