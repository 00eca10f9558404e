//! Whether a citizen got what he was owed, told from both ends of the wire: what was sent and taken, and what came.
//!
//! Pure. A server owes its replies in the order in which it took the messages: the order of the 200s of one contact,
//! not that of timestamps. Whoever is answered was taken by then: a 200 that a kill has lost comes with the next try,
//! maybe after that of what the citizen said next. A message that Meta brings twice is owed one answer. What is
//! compared is a reply's shape (document, buttons, rows) and whom it speaks of; the words are the tests' business.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

/// A reply as it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) document: Option<String>,
    pub(crate) buttons: Vec<String>,
    pub(crate) rows: Vec<String>,
}

/// One reply that is owed.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The transcript's line.
    pub(crate) line: usize,
    /// `None`: whatever is said to nonsense.
    pub(crate) shape: Option<Shape>,
}

/// What was said at once, and what is owed for it.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) line: usize,
    /// The place of its 200 among all 200s; `None`: there was none.
    pub(crate) taken: Option<u64>,
    /// The place of the first reply that came when it was owed one and had no 200 yet.
    pub(crate) answered: Option<u64>,
    pub(crate) wanted: Vec<Wanted>,
}

/// A reply that came.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    /// The sender's own id of it (`biz_opaque_callback_data`), the same when it is sent again.
    pub(crate) id: Option<String>,
    /// The business number it came from.
    pub(crate) from: String,
    /// Whom the words name: last digits of a phone, first names.
    pub(crate) names: Vec<String>,
    pub(crate) shape: Shape,
}

/// Both ends of one chat.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// The business number that was written to.
    pub(crate) to: String,
    /// Whom replies may name: himself.
    pub(crate) own: Vec<String>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) replies: Vec<Got>,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A message that was never taken, or a reply that never came.
    Lost,
    /// A reply that came twice.
    Duplicated,
    /// A reply that came after a later one.
    Reordered,
    /// A reply that was somebody else's.
    WrongRecipient,
    /// A reply of another shape than the transcript's, or one that nobody asked for.
    WrongStep,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mistake {
    pub(crate) kind: Kind,
    /// The transcript's line; 0: no line of it.
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Duplicated => "duplicated",
            Self::Reordered => "reordered",
            Self::WrongRecipient => "wrong recipient",
            Self::WrongStep => "wrong step",
        }
    }
}

impl Exchange {
    /// By when it had been taken.
    fn taken_by(&self) -> Option<u64> {
        self.answered.into_iter().chain(self.taken).min()
    }
}

impl History {
    /// A reply came, at this place among all 200s and replies.
    pub(crate) fn came(&mut self, place: u64, reply: Got) {
        let mut owed = self.exchanges.iter_mut().filter(|exchange| !exchange.wanted.is_empty());
        if let Some(exchange) = owed.find(|exchange| exchange.taken_by().is_none()) {
            exchange.answered = Some(place);
        }
        self.replies.push(reply);
    }
}

impl Wanted {
    fn fits(&self, shape: &Shape) -> bool {
        self.shape.as_ref().is_none_or(|wanted| wanted == shape)
    }
}

impl Shape {
    /// As a transcript would write it, without the words.
    pub(crate) fn told(&self) -> String {
        let document = self.document.as_ref().map_or_else(|| "text".into(), |name| format!("PDF {name}"));
        let titles = |titles: &[String]| if titles.is_empty() { String::new() } else { format!(" {titles:?}") };
        format!("{document}{}{}", titles(&self.buttons), titles(&self.rows))
    }
}

/// Everything that is wrong with one chat.
pub(crate) fn check(history: &History) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut exchanges: Vec<&Exchange> = history.exchanges.iter().collect();
    for exchange in exchanges.iter().filter(|exchange| exchange.taken.is_none()) {
        mistakes.push(Mistake { kind: Kind::Lost, line: exchange.line, what: "the message was never taken".into() });
    }
    // What was never taken is owed nothing before what was.
    exchanges.sort_by_key(|exchange| exchange.taken_by().unwrap_or(u64::MAX));
    let untaken: HashSet<usize> =
        exchanges.iter().filter(|exchange| exchange.taken.is_none()).map(|exchange| exchange.line).collect();
    let wanted: Vec<(usize, &Wanted)> =
        exchanges.iter().flat_map(|exchange| exchange.wanted.iter().map(|wanted| (exchange.line, wanted))).collect();
    let own = own_replies(history, &mut mistakes);
    let filled = align(&wanted, &own, &mut mistakes);
    let missing = wanted.iter().zip(filled).filter(|((asked, _), filled)| !filled && !untaken.contains(asked));
    mistakes.extend(missing.map(|((_, wanted), _)| Mistake {
        kind: Kind::Lost,
        line: wanted.line,
        what: "the reply never came".into(),
    }));
    mistakes
}

/// The replies that are this citizen's, each once.
fn own_replies<'a>(history: &'a History, mistakes: &mut Vec<Mistake>) -> Vec<&'a Got> {
    let mut ids = HashSet::new();
    let mut own = Vec::with_capacity(history.replies.len());
    for reply in &history.replies {
        let stranger = reply.names.iter().find(|name| !history.own.contains(name));
        if let Some(id) = &reply.id
            && !ids.insert(id)
        {
            let what = format!("{} was sent twice", reply.shape.told());
            mistakes.push(Mistake { kind: Kind::Duplicated, line: 0, what });
        } else if reply.from != history.to {
            let what = format!("{} came from another business number", reply.shape.told());
            mistakes.push(Mistake { kind: Kind::WrongRecipient, line: 0, what });
        } else if stranger.is_some() {
            let what = format!("{} speaks of somebody else", reply.shape.told());
            mistakes.push(Mistake { kind: Kind::WrongRecipient, line: 0, what });
        } else {
            own.push(reply);
        }
    }
    own
}

/// Brings replies to what was wanted; gives which of it was met.
fn align(wanted: &[(usize, &Wanted)], replies: &[&Got], mistakes: &mut Vec<Mistake>) -> Vec<bool> {
    let mut filled = vec![false; wanted.len()];
    for reply in replies {
        let shape = &reply.shape;
        let first = filled.iter().position(|filled| !filled);
        let fitting = (0..wanted.len()).find(|at| !filled[*at] && wanted[*at].1.fits(shape));
        match (first, fitting) {
            (_, Some(at)) => {
                if filled[at..].contains(&true) {
                    let what = format!("{} came after a later one", shape.told());
                    mistakes.push(Mistake { kind: Kind::Reordered, line: wanted[at].1.line, what });
                }
                filled[at] = true;
            }
            (_, None) if (0..wanted.len()).any(|at| filled[at] && wanted[at].1.shape.as_ref() == Some(shape)) => {
                let what = format!("{} came once more", shape.told());
                mistakes.push(Mistake { kind: Kind::Duplicated, line: 0, what });
            }
            (Some(at), None) => {
                let expected = wanted[at].1.shape.as_ref().map(Shape::told).unwrap_or_default();
                let what = format!("expected {expected}, got {}", shape.told());
                mistakes.push(Mistake { kind: Kind::WrongStep, line: wanted[at].1.line, what });
                filled[at] = true;
            }
            (None, None) => {
                let what = format!("{} came, and nobody had asked", shape.told());
                mistakes.push(Mistake { kind: Kind::WrongStep, line: 0, what });
            }
        }
    }
    filled
}
