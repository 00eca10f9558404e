//! From steps to lines: what is parsed again is the same transcript.

use std::fmt::{Display, Formatter, Result};

use super::directive::{Citizen, DoseGiven, TicketNews, written_moment, written_span};
use super::{Directive, Expected, ExpectedSms, Said, Step, Transcript, Turn, Way, What};
use crate::domain::citizen::Standing;
use crate::domain::contact::Identity;
use crate::domain::phone::Phone;

impl Display for Transcript {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut spoke = false;
        for Step { what, .. } in &self.steps {
            // Two turns in a row stay two.
            if spoke && matches!(what, What::Turn(Turn { checked: true, .. })) {
                writeln!(f)?;
            }
            spoke = matches!(what, What::Turn(Turn { checked: true, .. }));
            writeln!(f, "{what}")?;
        }
        Ok(())
    }
}

impl Display for What {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            What::Note(note) => write!(f, "#{note}"),
            What::Directive(directive) => write!(f, "# @{directive}"),
            What::Turn(Turn { said, checked }) => {
                let mark = if *checked { ">" } else { "# @>" };
                let lines: Vec<String> = said.iter().map(|said| format!("{mark} {said}")).collect();
                f.write_str(&lines.join("\n"))
            }
            What::Reply(expected) => write!(f, "< {expected}"),
            What::Silence => f.write_str("< (diam)"),
            What::Sms(ExpectedSms { way, to, text }) => {
                let way = match way {
                    Way::Sms => "SMS",
                    Way::Template => "Template",
                };
                write!(f, "# {way} to {}: {}", number(to.phone()), broken(text.as_str()))
            }
        }
    }
}

impl Display for Said {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Said::Text(text) => f.write_str(&broken(text)),
            Said::Tap(title) => write!(f, "[{title}]"),
            Said::Sticker => f.write_str("(sticker)"),
            Said::Voice => f.write_str("(voice note)"),
            Said::Photo => f.write_str("(photo)"),
            Said::File => f.write_str("(file)"),
            Said::Location => f.write_str("(location)"),
            Said::Reaction => f.write_str("(reaction)"),
            Said::Contact(phone) => write!(f, "(contact {})", number(*phone)),
            Said::Edit(text) => write!(f, "(edit) {}", broken(text)),
            Said::Revoke => f.write_str("(revoke)"),
            Said::Welcome => f.write_str("(welcome)"),
            Said::Quote { nth, text } => write!(f, "(quote {nth}) {}", broken(text)),
        }
    }
}

impl Display for Expected {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut parts = Vec::new();
        parts.extend(self.document.iter().map(|name| format!("(PDF {name})")));
        parts.push(broken(self.text.as_str()));
        parts.extend(self.buttons.iter().map(|title| format!("[{title}]")));
        parts.extend(self.rows.iter().map(|title| format!("{{{title}}}")));
        parts.retain(|part| !part.is_empty());
        f.write_str(&parts.join(" "))
    }
}

impl Display for Directive {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let state = |up: bool| if up { "up" } else { "down" };
        match self {
            Directive::Wa(Identity { phone: None, bsuid }) => {
                write!(f, "wa no-phone bsuid={}", bsuid.as_ref().map_or("", |bsuid| &bsuid.0))
            }
            Directive::Wa(Identity { phone: Some(phone), bsuid: None }) => {
                write!(f, "wa {} no-bsuid", number(*phone))
            }
            Directive::Wa(both) => write!(f, "wa {}", names(both)),
            Directive::Meta { way, before, after } => {
                write!(f, "meta {} {} to {}", way.name(), names(before), names(after))
            }
            Directive::Clock(at) => write!(f, "clock {}", written_moment(*at)),
            Directive::Wait(ms) => write!(f, "wait {}", written_span(*ms)),
            Directive::Late(ms) => write!(f, "late {}", written_span(*ms)),
            Directive::Citizen(citizen) => write!(f, "citizen {citizen}"),
            Directive::Otp(code) => write!(f, "otp {}", code.digits()),
            Directive::Number(number) => write!(f, "number {number}"),
            Directive::Undo(code) => write!(f, "undo {}", code.digits()),
            Directive::Registry { up } => write!(f, "registry {}", state(*up)),
            Directive::Sms(gateway) => write!(f, "sms {}", gateway.name()),
            Directive::NoSms => f.write_str("sms none"),
            Directive::Ticket { number, news } => match news {
                TicketNews::InWork { since } => write!(f, "ticket {number} in-work {}", written_moment(*since)),
                TicketNews::Answered(words) => write!(f, "ticket {number} answered \"{words}\""),
                TicketNews::Closed => write!(f, "ticket {number} closed"),
                TicketNews::Ask(words) => write!(f, "ticket {number} ask \"{words}\""),
            },
        }
    }
}

impl Display for Citizen {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { phone, nik, name, civil, standing, born, doses } = self;
        write!(f, "phone={} nik={} name=\"{}\"", number(phone.phone()), nik.digits(), name.as_str())?;
        if let Some(civil) = civil {
            write!(f, " civil=\"{}\"", civil.as_str())?;
        }
        match standing {
            Standing::Open => {}
            Standing::Protected => f.write_str(" standing=protected")?,
            Standing::Deceased => f.write_str(" standing=deceased")?,
        }
        if let Some(born) = born {
            write!(f, " born={born}")?;
        }
        if !doses.is_empty() {
            let doses: Vec<String> = doses.iter().map(DoseGiven::to_string).collect();
            write!(f, " doses=\"{}\"", doses.join(","))?;
        }
        Ok(())
    }
}

impl Display for DoseGiven {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { number, date, vaccine, issued } = self;
        write!(f, "{number}:{date}:{vaccine}{}", if *issued { "" } else { ":pending" })
    }
}

/// Phone and BSUID, as far as they are there.
fn names(identity: &Identity) -> String {
    let phone = identity.phone.map(number);
    let bsuid = identity.bsuid.as_ref().map(|bsuid| format!("bsuid={}", bsuid.0));
    phone.into_iter().chain(bsuid).collect::<Vec<_>>().join(" ")
}

fn number(phone: Phone) -> String {
    format!("+{}", phone.digits())
}

fn broken(text: &str) -> String {
    text.replace('\n', "⏎")
}
