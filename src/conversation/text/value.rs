//! What a sentence may hold: each kind of argument, how it is written, and the longest it can be.
//!
//! What a person typed is cleaned here and nowhere else: no control, direction or zero-width characters, none
//! of WhatsApp's formatting marks, no long run of digits, and cut to a bound.

use time::Date;

use super::table;
use crate::domain::otp::{Otp, UndoCode};
use crate::domain::phone::Ending;
use crate::domain::ticket::TicketNumber;
use crate::domain::time::{Timestamp, Zone};

/// A key of the text files with its arguments, in no language yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Phrase {
    pub(super) name: &'static str,
    pub(super) values: Vec<(&'static str, Value)>,
}

/// An argument, ready to be written in either language.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Value {
    Number(u32),
    Written(String),
    Date(Date),
    /// Day of the week and date in western Indonesia.
    Day(Timestamp),
    Clock(Timestamp, Zone),
    Part(Box<Phrase>),
    Lines(Vec<Phrase>),
}

/// Which values an argument can take; decides its longest form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Number,
    Date,
    Day,
    Clock,
    /// So many characters of text.
    Written(usize),
    /// A phrase of the table whose name starts so.
    Part(&'static str),
    /// So many lines, each a phrase of the table whose name starts so.
    Lines(&'static str, usize),
}

/// A Rust type that may stand in a sentence.
pub(super) trait Argument {
    const SORT: Sort;
    fn value(self) -> Value;
}

/// A plain number.
#[derive(Clone, Copy, Debug)]
pub struct Count(pub u32);
/// Text of the service's own.
pub struct Written(pub String);
/// The first word of a name, as the citizen typed it.
pub struct Word(pub String);
/// A whole name, as the citizen typed it.
pub struct WholeName(pub String);
/// The first letter of a name.
pub struct Initial(pub char);
/// A vaccine's name as the registry has it.
pub struct Vaccine(pub String);
/// What an officer wrote to the citizen.
pub struct Words(pub String);
/// The service's own number, as an SMS says it.
pub struct Service(pub String);
/// A weekday and a date.
#[derive(Clone, Copy)]
pub struct Day(pub Timestamp);
/// The time of day in a zone.
#[derive(Clone, Copy)]
pub struct Clock(pub Timestamp, pub Zone);
/// What is asked for, within another sentence.
pub struct Want(pub Phrase);
/// One line a dose.
pub struct StatusLines(pub Vec<Phrase>);
/// One line a certificate.
pub struct DoseLines(pub Vec<Phrase>);
/// One line a person.
pub struct PeopleLines(pub Vec<Phrase>);
/// The numbers of other reports.
pub struct OtherTickets(pub Vec<TicketNumber>);

/// Lines of a status at most: a record with more doses is cut to the latest.
pub const STATUS_LINES_MAX: usize = 6;
/// Certificates to choose from at most: what a list can hold beside the way back.
pub const DOSE_LINES_MAX: usize = 9;
/// People in one answer at most.
pub const PEOPLE_LINES_MAX: usize = 6;
/// Other reports named at most.
pub const OTHER_TICKETS_MAX: usize = 5;

const WORD_MAX: usize = 60;
const VACCINE_MAX: usize = 40;
/// Characters of an officer's words to a citizen: with what stands around them they are one message.
pub const WORDS_MAX: usize = 600;
const SERVICE_MAX: usize = 17;
/// Digits of one number at most: a longer one may be a phone number or a NIK. A report's number has eight.
const DIGITS_MAX: usize = 8;

impl Phrase {
    pub(super) fn new(name: &'static str, values: Vec<(&'static str, Value)>) -> Self {
        Self { name, values }
    }

    /// Gives every key that this phrase says, those of its arguments too.
    pub(super) fn keys(&self, give: &mut impl FnMut(&'static str)) {
        give(self.name);
        for (_, value) in &self.values {
            match value {
                Value::Part(part) => part.keys(give),
                Value::Lines(lines) => lines.iter().for_each(|line| line.keys(give)),
                Value::Date(_) => ["date", "month"].into_iter().for_each(&mut *give),
                Value::Day(_) => ["weekday_date", "weekday", "date", "month"].into_iter().for_each(&mut *give),
                Value::Number(_) | Value::Written(_) | Value::Clock(..) => {}
            }
        }
    }
}

impl std::fmt::Debug for Phrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Phrase({})", self.name)
    }
}

macro_rules! arguments {
    ($($kind:ty, $sort:expr, $self:ident => $value:expr;)+) => {$(
        impl Argument for $kind {
            const SORT: Sort = $sort;
            fn value($self) -> Value {
                $value
            }
        }
    )+};
}

arguments! {
    Count, Sort::Number, self => Value::Number(self.0);
    Written, Sort::Written(18), self => Value::Written(self.0);
    Word, Sort::Written(WORD_MAX), self => Value::Written(clean_line(&self.0, WORD_MAX));
    WholeName, Sort::Written(WORD_MAX), self => Value::Written(clean_line(&self.0, WORD_MAX));
    Initial, Sort::Written(1), self => Value::Written(clean_line(&self.0.to_string(), 1));
    Vaccine, Sort::Written(VACCINE_MAX), self => Value::Written(clean_line(&self.0, VACCINE_MAX));
    Words, Sort::Written(WORDS_MAX), self => Value::Written(clean_line(&self.0, WORDS_MAX));
    Service, Sort::Written(SERVICE_MAX), self => Value::Written(self.0.chars().take(SERVICE_MAX).collect());
    Ending, Sort::Written(4), self => Value::Written(self.to_string());
    TicketNumber, Sort::Written(9), self => Value::Written(self.to_string());
    Otp, Sort::Written(6), self => Value::Written(self.digits());
    UndoCode, Sort::Written(9), self => Value::Written(self.digits());
    Date, Sort::Date, self => Value::Date(self);
    Day, Sort::Day, self => Value::Day(self.0);
    Clock, Sort::Clock, self => Value::Clock(self.0, self.1);
    Want, Sort::Part("want_"), self => Value::Part(Box::new(self.0));
    StatusLines, Sort::Lines("status_", STATUS_LINES_MAX), self => Value::Lines(last(self.0, STATUS_LINES_MAX));
    DoseLines, Sort::Lines("dose_line", DOSE_LINES_MAX), self => Value::Lines(first(self.0, DOSE_LINES_MAX));
    PeopleLines, Sort::Lines("family_", PEOPLE_LINES_MAX), self => Value::Lines(first(self.0, PEOPLE_LINES_MAX));
    OtherTickets, Sort::Written(OTHER_TICKETS_MAX * 11), self => Value::Written(
        self.0.iter().take(OTHER_TICKETS_MAX).map(ToString::to_string).collect::<Vec<_>>().join(", ")
    );
}

fn first(mut lines: Vec<Phrase>, max: usize) -> Vec<Phrase> {
    lines.truncate(max);
    lines
}

fn last(mut lines: Vec<Phrase>, max: usize) -> Vec<Phrase> {
    lines.drain(..lines.len().saturating_sub(max));
    lines
}

/// Text of a person, on one line, safe to say back.
pub fn clean_line(text: &str, chars_max: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(chars_max * 4));
    let (mut count, mut gap, mut digits) = (0, false, Digits::default());
    for c in text.chars().filter(|c| !is_unsafe(*c) || c.is_whitespace()) {
        if digits.are_too_many(c) {
            continue;
        }
        if c.is_whitespace() {
            gap = count > 0;
            continue;
        }
        if count + usize::from(gap) >= chars_max {
            break;
        }
        if gap {
            clean.push(' ');
            count += 1;
        }
        gap = false;
        clean.push(c);
        count += 1;
    }
    clean
}

/// Counts the digits of a number, however they are grouped.
#[derive(Default)]
struct Digits {
    count: usize,
    after_separator: bool,
}

impl Digits {
    /// Whether `c` is a digit of a number that is too long to be said.
    fn are_too_many(&mut self, c: char) -> bool {
        if c.is_numeric() {
            self.count += 1;
            self.after_separator = false;
        } else if self.count > 0 && !self.after_separator && !c.is_alphabetic() {
            self.after_separator = true;
        } else {
            *self = Self::default();
        }
        self.count > DIGITS_MAX && c.is_numeric()
    }
}

/// Characters that would change how a message is shown rather than what it says.
fn is_unsafe(c: char) -> bool {
    matches!(c, '*' | '_' | '~' | '`')
        || c.is_control()
        || matches!(c, '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// The table's entries whose name starts so.
pub(super) fn entries(prefix: &'static str) -> impl Iterator<Item = &'static table::Entry> {
    // "status_" names the lines; the sentences round them are bodies.
    table::TABLE.iter().filter(move |entry| entry.shape == table::Shape::Part && entry.name.starts_with(prefix))
}
