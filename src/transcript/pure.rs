//! Runs a transcript against the pure conversation and the pure accounts: no clock, no store, no network.
//!
//! The world around them ([`world`]) is a few maps: whoever a `# @citizen` names stands in the registry, an SMS
//! is a line in a list, the clock moves when the transcript says so. Nothing here panics: what does not fit is
//! a [`Mismatch`] with its line, and the run goes on. So the same code is a test and a benchmark.

mod codes;
mod desk;
mod names;
mod people;
mod route;
mod world;

#[cfg(test)]
#[allow(clippy::wildcard_enum_match_arm, reason = "all other inputs are typed")]
mod safety;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod timing;

use std::fmt;

use super::{Directive, ExpectedSms, Said, Step, Transcript, Turn, What, written};
use crate::conversation::text::Texts;
use crate::domain::contact::{ContactId, Identity};
use crate::domain::message::{Content, Text};
use world::World;

/// How a run went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub file: String,
    /// Turns of citizens that were run.
    pub turns: usize,
    pub mismatches: Vec<Mismatch>,
}

/// Where what happened is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub line: usize,
    pub expected: String,
    pub actual: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Mismatch { line, expected, actual } in &self.mismatches {
            writeln!(f, "{}:{line}\n  expected: {expected}\n  actual:   {actual}", self.file)?;
        }
        Ok(())
    }
}

/// Runs a transcript from an empty world. `file` is its name in the report.
pub fn run(file: &str, transcript: &Transcript, texts: &Texts) -> Report {
    let mut runner = Runner { world: World::new(texts), wa: None, who: None, report: Report::default() };
    file.clone_into(&mut runner.report.file);
    for (at, step) in transcript.steps.iter().enumerate() {
        runner.step(step, &transcript.steps[at + 1..]);
    }
    runner.end(transcript.steps.last().map_or(1, |step| step.line));
    runner.report
}

struct Runner<'t> {
    world: World<'t>,
    /// Whose WhatsApp it is: as Meta shows it, and the chat that it is to the service, if it knows one.
    wa: Option<Identity>,
    who: Option<ContactId>,
    report: Report,
}

const NOTHING: &str = "< (diam)";

impl Runner<'_> {
    fn step(&mut self, step: &Step, next: &[Step]) {
        let line = step.line;
        match &step.what {
            What::Note(_) => {}
            What::Directive(directive) => self.directive(line, directive),
            What::Turn(turn) => self.turn(line, turn, next),
            What::Reply(expected) => {
                let unread = self.who.and_then(|who| self.world.next_unread(who));
                if !unread.as_ref().is_some_and(|message| expected.fits(message)) {
                    let actual = unread.map_or(String::from(NOTHING), |message| format!("< {}", written(&message)));
                    self.mismatch(line, format!("< {expected}"), actual);
                }
            }
            What::Silence => self.expect_nothing(line),
            What::Sms(sms) => self.sms(line, sms),
        }
    }

    fn turn(&mut self, line: usize, turn: &Turn, next: &[Step]) {
        self.expect_nothing(line);
        self.world.sms.clear();
        // An SMS written after the turn says which code the citizen goes on with.
        let exchange = next.iter().take_while(|step| !matches!(step.what, What::Turn(_)));
        for sms in exchange.filter_map(|step| if let What::Sms(sms) = &step.what { Some(sms) } else { None }) {
            self.world.codes.get_mut().expect(sms.code(), sms.undo());
        }
        self.who = self.wa.as_ref().map(|wa| self.world.meet(wa));
        let Some(who) = self.who else {
            return self.mismatch(
                line,
                String::from("`# @wa` before the first message"),
                String::from("nobody writes"),
            );
        };
        let mut contents = Vec::with_capacity(turn.said.len());
        for said in &turn.said {
            match self.content(who, said) {
                Ok(content) => contents.push(content),
                Err(missing) => self.mismatch(line, format!("> {said}"), missing),
            }
        }
        self.report.turns += 1;
        self.world.hear(who, contents);
        self.at_rest(line);
        if !turn.checked {
            self.world.forget_unread();
        }
    }

    fn content(&self, who: ContactId, said: &Said) -> Result<world::Heard, String> {
        let plain = |content| Ok(world::Heard { content, quotes: None });
        let text = |text: &String| Content::Text(Text(text.clone()));
        match said {
            Said::Text(written) => plain(text(written)),
            Said::Tap(title) => {
                self.world.offer(who, title).ok_or_else(|| format!("no message offered [{title}] to this chat"))
            }
            Said::Sticker => plain(Content::Sticker),
            Said::Voice => plain(Content::Voice),
            Said::Photo => plain(Content::Photo),
            Said::File => plain(Content::File),
            Said::Location => plain(Content::Location),
            Said::Reaction => plain(Content::Reaction),
            Said::Welcome => plain(Content::Welcome),
            Said::Contact(phone) => plain(Content::Contacts(vec![*phone])),
            Said::Edit(written) => {
                let original = self.world.last_heard(who).ok_or("no message to edit")?;
                plain(Content::Edit { original, content: Box::new(text(written)) })
            }
            Said::Revoke => {
                let original = self.world.last_heard(who).ok_or("no message to take back")?;
                plain(Content::Revoke { original })
            }
            Said::Quote { nth, text: written } => {
                let quoted = self.world.said(who, *nth).ok_or("so many messages were not said")?;
                Ok(world::Heard { content: text(written), quotes: Some(quoted) })
            }
        }
    }

    fn directive(&mut self, line: usize, directive: &Directive) {
        match directive {
            Directive::Wa(wa) => {
                self.who = self.world.known(wa);
                self.wa = Some(wa.clone());
            }
            Directive::Meta { before, after, .. } => self.world.identity_changes(before, after),
            // The first one says when it all starts.
            Directive::Clock(at) if self.report.turns == 0 => self.world.now = *at,
            Directive::Clock(at) if *at < self.world.now => {
                self.mismatch(
                    line,
                    String::from("a clock that moves on"),
                    format!("it is {:?} already", self.world.now),
                );
            }
            Directive::Clock(at) => self.world.wait_until(*at),
            Directive::Wait(ms) => self.world.wait_until(self.world.now.plus_ms(*ms)),
            Directive::Late(ms) => self.world.late_ms = *ms,
            Directive::Citizen(citizen) => self.world.people.add(citizen),
            Directive::Otp(code) => self.world.codes.get_mut().expect(Some(*code), None),
            Directive::Undo(code) => self.world.codes.get_mut().expect(None, Some(*code)),
            Directive::Number(number) => self.world.desk.expect(*number),
            Directive::Registry { up } => self.world.people.up = *up,
            Directive::Sms(gateway) => self.world.gateway = *gateway,
            Directive::NoSms => {
                if let Some((.., text)) = self.world.sms.first() {
                    let text = text.clone();
                    self.mismatch(line, String::from("no SMS in this exchange"), text);
                }
            }
            Directive::Ticket { number, news } => {
                if !self.world.ticket_moves(*number, news) {
                    self.mismatch(line, format!("report {number}"), String::from("it was never filed"));
                }
            }
        }
        self.at_rest(line);
    }

    fn sms(&mut self, line: usize, expected: &ExpectedSms) {
        let sent = &mut self.world.sms;
        if let Some(place) = sent
            .iter()
            .position(|(way, to, text)| (*way, *to) == (expected.way, expected.to) && expected.text.fits(text))
        {
            sent.remove(place);
            return;
        }
        let sent: Vec<String> =
            sent.iter().map(|(way, to, text)| format!("{way:?} to …{}: {text}", to.ending())).collect();
        let actual = if sent.is_empty() { String::from("no SMS") } else { sent.join(" | ") };
        self.mismatch(
            line,
            format!("{:?} to …{}: {}", expected.way, expected.to.ending(), expected.text.as_str()),
            actual,
        );
    }

    fn expect_nothing(&mut self, line: usize) {
        while let Some(message) = self.world.any_unread() {
            self.mismatch(line, String::from(NOTHING), format!("< {}", written(&message)));
        }
    }

    fn at_rest(&mut self, line: usize) {
        if std::mem::take(&mut self.world.restless) {
            self.mismatch(line, String::from("effects that come to an end"), String::from("they do not"));
        }
    }

    fn end(&mut self, line: usize) {
        self.expect_nothing(line);
        for unused in self.world.codes.get_mut().unused().chain(self.world.desk.unused()) {
            self.report.mismatches.push(Mismatch {
                line,
                expected: unused,
                actual: String::from("nothing was made that takes it"),
            });
        }
    }

    fn mismatch(&mut self, line: usize, expected: String, actual: String) {
        self.report.mismatches.push(Mismatch { line, expected, actual });
    }
}
