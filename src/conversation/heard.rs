//! What a turn's messages say together: all messages of a turn are read as one (conversation.md 4).
//!
//! Later words win over earlier ones, except that every code counts and every person is kept. What a tap, a
//! typed title, a number or a plain yes means is settled here, so that the journeys see one [`Choice`].

use super::choice::Choice;
use super::input::{self, Greeting, Keyword, PersonFault, PhoneReading, Reading, YesNo};
use super::state::{Question, Session, State};
use super::text::Texts;
use crate::domain::call::Claim;
use crate::domain::message::{Content, Inbound, MessageId};
use crate::domain::otp::Otp;
use crate::domain::phone::Mobile;

/// Characters of a turn that are kept as prose (a report's detail).
const PROSE_MAX: usize = 1_000;
/// Codes of one turn that are tried: more than an account ever allows.
const CODES_MAX: usize = 10;
/// Lines of several people that are read.
const PEOPLE_MAX: usize = 20;

/// A turn, read.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The facets of all messages together. `choice`, `yes_no`, `code` are settled into the fields below.
    pub reading: Reading,
    pub codes: Vec<Otp>,
    pub choice: Option<Choice>,
    /// A button of an earlier session was tapped.
    pub stale: bool,
    /// The words of the turn, for a question that takes any.
    pub prose: String,
    pub media: Option<Media>,
    /// There is something to answer: not only stickers, reactions and messages taken back.
    pub speaks: bool,
    /// The last message that said something.
    pub last: Option<u64>,
}

/// What cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Voice,
    Photo,
    Other,
}

impl Heard {
    /// Reads a turn's messages. Taken-back messages are gone already.
    pub(super) fn read(messages: &[Inbound], state: &State, texts: &Texts) -> Self {
        let mut heard = Self::default();
        heard.reading.filler = true;
        let mut people = Vec::new();
        for message in settled(messages, state.session.as_deref()) {
            heard.take(message.1, message.0, state, texts, &mut people);
        }
        if people.len() > 1 {
            heard.reading.people = people;
        }
        heard.reading.filler &= heard.speaks && heard.media.is_none() && heard.choice.is_none() && !heard.stale;
        heard.reading.thanks &= heard.reading.filler;
        heard
    }

    /// How many words the turn has.
    pub(super) fn words(&self) -> usize {
        self.prose.split_whitespace().count()
    }

    fn take(
        &mut self,
        content: &Content,
        id: &MessageId,
        state: &State,
        texts: &Texts,
        people: &mut Vec<Result<Claim, PersonFault>>,
    ) {
        match content {
            Content::Text(text) => self.take_text(&text.0, state, texts, people),
            Content::Choice { id, title } => match Choice::from_id(id) {
                Some((epoch, choice)) if epoch == state.epoch => self.choose(choice),
                Some(_) => self.stale = true,
                None => self.take_text(&title.0, state, texts, people),
            },
            Content::Voice => self.media = Some(Media::Voice),
            Content::Photo | Content::File => self.media = Some(Media::Photo),
            Content::Location | Content::Unsupported => self.media = Some(Media::Other),
            Content::Contacts(phones) => {
                let mobile = phones.iter().find_map(|phone| Mobile::from_phone(*phone));
                self.reading.phone = Some(mobile.map_or(PhoneReading::Bad, PhoneReading::Mobile));
                self.reading.filler = false;
            }
            Content::Welcome => self.reading.greeting = self.reading.greeting.or(Some(Greeting::Plain)),
            // Nothing is said to these.
            Content::Sticker | Content::Reaction | Content::Edit { .. } | Content::Revoke { .. } => return,
        }
        self.speaks = true;
        self.last = Some(fingerprint(id));
    }

    fn choose(&mut self, choice: Choice) {
        self.choice = Some(choice);
        self.reading.keyword = None;
    }

    fn take_text(&mut self, text: &str, state: &State, texts: &Texts, people: &mut Vec<Result<Claim, PersonFault>>) {
        let new = input::read(text);
        if !new.filler {
            let room = PROSE_MAX.saturating_sub(self.prose.chars().count());
            let words = text.chars().filter(|c| !c.is_control() || c.is_whitespace()).take(room);
            if !self.prose.is_empty() {
                self.prose.push('\n');
            }
            self.prose.extend(words);
        }
        if let Some(choice) = state.session.as_deref().and_then(|session| meant(text, &new, session, state, texts)) {
            self.choose(choice);
        } else if new.keyword.is_some() {
            self.reading.keyword = new.keyword;
            self.choice = None;
        }
        let all = &mut self.reading;
        if let Some(wish) = new.wish {
            all.wish = Some(wish);
            if matches!(all.keyword, Some(Keyword::Menu | Keyword::Cancel | Keyword::Help)) && new.keyword.is_none() {
                all.keyword = None;
            }
        }
        let alone = match (&new.name, new.nik) {
            (Some(name), Some(Ok(nik))) => Some(Ok(Claim { name: name.clone(), nik })),
            (Some(name), Some(Err(nik))) => Some(Err(PersonFault { name: Some(name.clone()), nik: Some(nik) })),
            (_, _) => None,
        };
        let room = PEOPLE_MAX.saturating_sub(people.len());
        let is_alone = new.people.is_empty();
        people.extend(new.people.into_iter().chain(alone.filter(|_| is_alone)).take(room));
        // Every short text of letters can be a name; a greeting, a wish or a keyword is not one.
        let plain = new.wish.is_none() && new.keyword.is_none() && !new.filler;
        if plain || new.nik.is_some() {
            all.name = new.name.or(all.name.take());
        }
        if let Some(code) = new.code
            && self.codes.len() < CODES_MAX
        {
            self.codes.push(code);
        }
        all.greeting = match (all.greeting, new.greeting) {
            (None | Some(Greeting::Plain), Some(greeting)) => Some(greeting),
            (before, _) => before,
        };
        all.dose = new.dose.or(all.dose);
        all.all |= new.all;
        all.choice = new.choice.or(all.choice);
        all.yes_no = new.yes_no.or(all.yes_no);
        all.phone = new.phone.or(all.phone);
        all.nik = new.nik.or(all.nik);
        all.undo = new.undo.or(all.undo);
        all.ticket = new.ticket.or(all.ticket);
        all.month = new.month.or(all.month);
        all.filler &= new.filler;
        all.thanks |= new.thanks;
        all.english |= new.english;
    }
}

/// The messages as they stand after edits: an edit of a message of this turn replaces it; one of the last
/// answer counts as a message while the same question is asked; any other says nothing.
fn settled<'a>(messages: &'a [Inbound], session: Option<&Session>) -> Vec<(&'a MessageId, &'a Content)> {
    let mut settled: Vec<(&MessageId, &Content)> = Vec::with_capacity(messages.len());
    for message in messages {
        let Content::Edit { original, content } = &message.content else {
            settled.push((&message.id, &message.content));
            continue;
        };
        if let Some(place) = settled.iter_mut().find(|(id, _)| *id == original) {
            place.1 = content;
        } else if session.is_some_and(|session| {
            session.answered.is_some_and(|answered| {
                answered.message == fingerprint(original) && answered.question == session.question
            })
        }) {
            settled.push((original, content));
        }
    }
    settled
}

/// A short stand-in for a message's id (FNV-1a): to know an answer again, never to deduplicate.
fn fingerprint(id: &MessageId) -> u64 {
    id.0.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Which of the choices on the screen a text means: by its title, its number, a yes or a no.
fn meant(text: &str, reading: &Reading, session: &Session, state: &State, texts: &Texts) -> Option<Choice> {
    let offered = &session.offered;
    let typed = folded(text);
    if typed.is_empty() {
        return None;
    }
    let titled = |choice: &&Choice| folded(&texts.unsaid(&choice.title(), state.language)) == typed;
    if let Some(choice) = offered.iter().find(titled) {
        return Some(*choice);
    }
    if session.question.takes_prose() {
        return None;
    }
    if let Some(number) = reading.choice {
        // At the choice of a dose a number is the dose.
        let place = usize::from(number).checked_sub(1)?;
        return if session.question == Question::Dose { None } else { offered.get(place).copied() };
    }
    let has = |choice| offered.contains(&choice).then_some(choice);
    let says = |words: &[&str]| typed.split(' ').any(|typed| words.contains(&typed));
    let agrees = says(&["setuju", "agree"]);
    if says(&["tidak", "not"]) && agrees || reading.yes_no == Some(YesNo::No) {
        return offered.iter().copied().find(|choice| choice.is_no());
    }
    let short = typed.split(' ').count() <= 2;
    if says(&["lain", "other"]) && (short || agrees || says(&["nomor", "nomer", "number"])) {
        let other = has(Choice::AgreeOther).or(has(Choice::OtherNumber));
        if other.is_some() {
            return other;
        }
    }
    // "mau donlod ya" asks; it agrees to nothing.
    let yes = reading.yes_no == Some(YesNo::Yes) && reading.wish.is_none();
    if agrees || yes { offered.iter().copied().find(|choice| choice.is_yes()) } else { None }
}

/// Letters and digits in lower case, one blank between words.
fn folded(text: &str) -> String {
    let mut folded = String::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(8) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().take(40).flat_map(char::to_lowercase));
    }
    folded
}
