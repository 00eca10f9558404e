//! What a turn's messages say together: all messages of a turn are read as one (conversation.md 4).
//!
//! Later words win over earlier ones, except that every code counts and every person is kept. What a tap, a
//! typed title, a number or a plain yes means is settled here, so that the journeys see one [`Choice`].

use super::Context;
use super::choice::Choice;
use super::input::{self, Greeting, Keyword, NumberChoice, PersonFault, PhoneReading, Reading, YesNo};
use super::state::{Said, Session, State};
use crate::domain::call::Claim;
use crate::domain::message::{Button, Content, MessageId, Outbound};
use crate::domain::otp::Otp;
use crate::domain::phone::Mobile;

/// Bytes of a turn that are kept as prose (a report's detail): it rests in the contact's record while it is filed.
const PROSE_BYTES_MAX: usize = 700;
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
    pub(super) fn read(messages: &[Said], state: &State, context: &Context<'_>) -> Self {
        let mut heard = Self::default();
        heard.reading.filler = true;
        let mut people = Vec::new();
        for message in settled(messages, state.session.as_deref()) {
            let offers = offers(&message, state, context);
            heard.take(&message, state, &offers, &mut people);
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
        message: &Settled<'_>,
        state: &State,
        offers: &Offers,
        people: &mut Vec<Result<Claim, PersonFault>>,
    ) {
        match message.content {
            Content::Text(text) => self.take_text(&text.0, offers, people),
            Content::Choice { id, title } => match Choice::from_id(id) {
                Some((epoch, choice)) if epoch == state.epoch => self.choose(choice),
                Some(_) => self.stale = true,
                None => self.take_text(&title.0, offers, people),
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
        self.last = Some(fingerprint(message.id));
    }

    fn add_prose(&mut self, text: &str) {
        if !self.prose.is_empty() {
            self.prose.push('\n');
        }
        for c in text.chars().filter(|c| !c.is_control() || c.is_whitespace()) {
            if self.prose.len() + c.len_utf8() > PROSE_BYTES_MAX {
                break;
            }
            self.prose.push(c);
        }
    }

    fn choose(&mut self, choice: Choice) {
        self.choice = Some(choice);
        self.reading.keyword = None;
    }

    fn take_text(&mut self, text: &str, offers: &Offers, people: &mut Vec<Result<Claim, PersonFault>>) {
        let new = input::read(text);
        if !new.filler {
            self.add_prose(text);
        }
        if let Some(choice) = offers.meant(text, &new) {
            self.choose(choice);
        } else if offers.are_old && new.choice.is_some() {
            self.stale = true;
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
        all.digits = all.digits.max(new.digits);
        all.code_missing |= new.code_missing;
        all.filler &= new.filler;
        all.thanks |= new.thanks;
        all.english |= new.english;
    }
}

/// A message as it stands after edits.
struct Settled<'a> {
    id: &'a MessageId,
    quotes: Option<&'a MessageId>,
    content: &'a Content,
}

/// The messages as they stand after edits: an edit of a message of this turn replaces it; one of the last
/// answer counts as a message while the same question is asked; any other says nothing.
fn settled<'a>(messages: &'a [Said], session: Option<&Session>) -> Vec<Settled<'a>> {
    let mut settled: Vec<Settled<'_>> = Vec::with_capacity(messages.len());
    for Said { id, quotes, content } in messages {
        let quotes = quotes.as_ref();
        let Content::Edit { original, content } = content else {
            settled.push(Settled { id, quotes, content });
            continue;
        };
        let answered = session.and_then(|session| session.answered.filter(|it| it.question == session.question));
        if let Some(place) = settled.iter_mut().find(|place| place.id == original) {
            place.content = content;
        } else if answered.is_some_and(|answered| answered.message == fingerprint(original)) {
            settled.push(Settled { id: original, quotes, content });
        }
    }
    settled
}

/// A short stand-in for a message's id (FNV-1a): to know an answer again, never to deduplicate.
fn fingerprint(id: &MessageId) -> u64 {
    id.0.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The ways on that a text can mean: those of the message it quotes, or those on the screen.
struct Offers {
    choices: Vec<Choice>,
    /// What stands on each.
    titles: Vec<String>,
    /// At the choice of a dose a number is the dose.
    numbers_are_doses: bool,
    takes_prose: bool,
    /// The quoted message is of an earlier session.
    are_old: bool,
}

fn offers(message: &Settled<'_>, state: &State, context: &Context<'_>) -> Offers {
    let session = state.session.as_deref();
    let title = |choice: &Choice| context.texts.unsaid(&choice.title(), state.language);
    let quoted = message.quotes.and_then(context.quoted);
    let buttons: &[Button] = match quoted.as_deref() {
        Some(Outbound::Buttons { buttons, .. } | Outbound::List { rows: buttons, .. }) => buttons,
        Some(Outbound::Text { .. } | Outbound::Certificate { .. } | Outbound::Template { .. }) | None => &[],
    };
    let ids: Vec<_> = buttons.iter().filter_map(|button| Choice::from_id(&button.id)).collect();
    let are_old = ids.iter().any(|(epoch, _)| *epoch != state.epoch);
    let choices: Vec<Choice> = if are_old {
        Vec::new()
    } else if ids.is_empty() {
        session.map(|session| session.offered.clone()).unwrap_or_default()
    } else {
        ids.into_iter().map(|(_, choice)| choice).collect()
    };
    Offers {
        titles: choices.iter().map(title).collect(),
        numbers_are_doses: choices.iter().any(|choice| matches!(choice, Choice::Dose(_))),
        takes_prose: session.is_some_and(|session| session.question.takes_prose()),
        choices,
        are_old,
    }
}

impl Offers {
    /// The choice a text means: by its title, its number, a yes or a no.
    fn meant(&self, text: &str, reading: &Reading) -> Option<Choice> {
        let typed = folded(text);
        if typed.is_empty() {
            return None;
        }
        if let Some(place) = input::echoed(text, &self.titles) {
            return self.choices.get(place).copied();
        }
        if self.takes_prose {
            return None;
        }
        if let Some(number) = reading.choice {
            let place = usize::from(number).checked_sub(1)?;
            return if self.numbers_are_doses { None } else { self.choices.get(place).copied() };
        }
        let find = |is: fn(Choice) -> bool| self.choices.iter().copied().find(|choice| is(*choice));
        let says = |words: &[&str]| typed.split(' ').any(|typed| words.contains(&typed));
        let agrees = says(&["setuju", "agree"]);
        if says(&["tidak", "not"]) && agrees || reading.yes_no == Some(YesNo::No) {
            return find(Choice::is_no);
        }
        let other = || find(|choice| matches!(choice, Choice::AgreeOther | Choice::OtherNumber));
        let number = match reading.number_choice {
            Some(NumberChoice::This) => find(|choice| choice == Choice::AgreeThis),
            Some(NumberChoice::Other) => other(),
            None if agrees && says(&["lain", "other"]) => other(),
            None => None,
        };
        if number.is_some() {
            return number;
        }
        // "mau donlod ya" asks; it agrees to nothing.
        let yes = reading.yes_no == Some(YesNo::Yes) && reading.wish.is_none();
        if agrees || yes { find(Choice::is_yes) } else { None }
    }
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
