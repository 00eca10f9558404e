//! A text as words and groups of digits, each with its place, and the runs that groups of digits form.
//!
//! Works on the normalised text. A group may hold O, o, I or l among digits; a letter next to digits otherwise
//! ends the group ("NIK0001…", "2nd"). Linear; at most `TOKENS_MAX` tokens are looked at.

use super::senses as is;
use super::words::{Sense, sense};
use crate::domain::digits::{group_digits, joins_digits};

const TOKENS_MAX: usize = 512;
/// In longer texts a slip of the finger is not forgiven: it costs a comparison with each word worth it.
const WORDS_WITH_SLIPS_MAX: usize = 24;
/// No word of the vocabulary is longer.
const WORD_BYTES_MAX: usize = 32;
/// The longest gap within a number: ") (" and the like.
const GAP_BYTES_MAX: usize = 3;

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) line: usize,
    pub(super) digits: bool,
    pub(super) sense: Sense,
}

impl Token {
    pub(super) fn any(&self, bits: u64) -> bool {
        self.sense.any(bits)
    }
}

/// Groups of digits that joiners hold together: tokens `first..=last`.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) first: usize,
    pub(super) last: usize,
    /// A plus stands before it.
    pub(super) plus: bool,
    pub(super) groups: Vec<String>,
}

pub(super) struct Tokens<'t> {
    pub(super) text: &'t str,
    pub(super) all: Vec<Token>,
    pub(super) runs: Vec<Run>,
    /// The senses of all words together.
    pub(super) bits: u64,
    /// How many tokens are words.
    pub(super) words: usize,
}

impl<'t> Tokens<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut tokens = Self { text, all: Vec::with_capacity(16), runs: Vec::new(), bits: 0, words: 0 };
        tokens.split();
        tokens.take_zeros();
        tokens.find_senses();
        tokens.find_runs();
        tokens
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &Token> {
        self.all.iter().filter(|token| !token.digits)
    }

    pub(super) fn str(&self, token: &Token) -> &'t str {
        &self.text[token.start..token.end]
    }

    /// Whether some word has one of these senses.
    pub(super) fn any(&self, bits: u64) -> bool {
        self.bits & bits != 0
    }

    /// Whether every word has one of these senses; also true without words.
    pub(super) fn only(&self, bits: u64) -> bool {
        self.words().all(|token| token.any(bits))
    }

    fn split(&mut self) {
        let (mut start, mut line) = (None, 0);
        for (at, c) in self.text.char_indices() {
            let inside = c.is_alphanumeric()
                || (start.is_some() && (c == '\'' || unicode_normalization::char::is_combining_mark(c)));
            match start {
                None if inside => start = Some(at),
                Some(from) if !inside => {
                    self.push(from, at, line);
                    start = None;
                }
                _ => {}
            }
            line += usize::from(c == '\n');
            if self.all.len() >= TOKENS_MAX {
                return;
            }
        }
        if let Some(from) = start {
            self.push(from, self.text.len(), line);
        }
    }

    fn push(&mut self, start: usize, end: usize, line: usize) {
        let chunk = self.text[start..end].trim_end_matches('\'');
        let mut token = |from: usize, to: usize, digits: bool| {
            self.all.push(Token { start: start + from, end: start + to, line, digits, sense: Sense::default() });
        };
        if group_digits(chunk, false).is_some() {
            token(0, chunk.len(), true);
            return;
        }
        let mut from = 0;
        for (at, c) in chunk.char_indices() {
            let before = chunk[..at].chars().next_back();
            if before.is_some_and(|before| before.is_ascii_digit() != c.is_ascii_digit()) {
                token(from, at, before.is_some_and(|c| c.is_ascii_digit()));
                from = at;
            }
        }
        token(from, chunk.len(), chunk.ends_with(|c: char| c.is_ascii_digit()));
    }

    /// "OOO" among digits is zeros.
    fn take_zeros(&mut self) {
        for at in 0..self.all.len() {
            let among = (at > 0 && self.all[at - 1].digits && self.joined(at - 1, at))
                || (self.all.get(at + 1).is_some_and(|next| next.digits) && self.joined(at, at + 1));
            if !self.all[at].digits && among && group_digits(self.str(&self.all[at]), true).is_some() {
                self.all[at].digits = true;
            }
        }
    }

    fn find_senses(&mut self) {
        self.words = self.words().count();
        let slips = self.words <= WORDS_WITH_SLIPS_MAX;
        let mut word = String::with_capacity(WORD_BYTES_MAX);
        for token in self.all.iter_mut().filter(|token| !token.digits && token.end - token.start <= WORD_BYTES_MAX) {
            word.clear();
            let letters = self.text[token.start..token.end].chars().filter(|c| *c != '\'');
            word.extend(letters.flat_map(char::to_lowercase));
            token.sense = sense(&word, slips);
        }
        for at in 0..self.all.len() {
            self.resolve(at);
        }
        self.bits = self.words().fold(0, |bits, token| bits | token.sense.bits);
    }

    /// Words that mean something else beside their neighbour.
    fn resolve(&mut self, at: usize) {
        let next = self.all.get(at + 1).copied();
        let word = self.str(&self.all[at]);
        // "terima" is "receive" until "kasih" follows.
        if word.eq_ignore_ascii_case("terima")
            && next.is_some_and(|next| self.str(&next).to_lowercase().starts_with("kasi"))
        {
            self.all[at].sense.bits = is::THANKS | is::ID;
            self.all[at + 1].sense.bits = is::THANKS | is::ID;
        }
        if word.eq_ignore_ascii_case("no") {
            let numbered = is::PHONE | is::OLD | is::NIK | is::SIM | is::ME | is::THIS | is::OTHER | is::LOST | is::NEW;
            let number = next.is_some_and(|next| next.digits || next.any(numbered | is::DEAD));
            self.all[at].sense.bits = if number { is::NUMBER } else { is::NO };
        }
    }

    fn find_runs(&mut self) {
        let mut runs: Vec<Run> = Vec::new();
        for (at, token) in self.all.iter().enumerate().filter(|(_, token)| token.digits) {
            let Some(digits) = group_digits(self.str(token), true) else { continue };
            match runs.last_mut() {
                Some(run) if run.last + 1 == at && self.joined(run.last, at) && !self.opens(run, at) => {
                    run.last = at;
                    run.groups.push(digits);
                }
                _ => {
                    let plus = self.text[..token.start].trim_end_matches([' ', '(']).ends_with('+');
                    runs.push(Run { first: at, last: at, plus, groups: vec![digits] });
                }
            }
        }
        self.runs = runs;
    }

    /// Whether a bracket opens before a group and it is not the area code's, "+62 (812) …": "5207-7391 (72 jam)".
    fn opens(&self, run: &Run, at: usize) -> bool {
        let country_code = run.groups.len() == 1 && run.groups[0].len() <= 4;
        !country_code && self.text[self.all[run.last].end..self.all[at].start].contains('(')
    }

    /// Whether only joiners stand between two neighbours.
    fn joined(&self, left: usize, right: usize) -> bool {
        let gap = &self.text[self.all[left].end..self.all[right].start];
        gap.len() <= GAP_BYTES_MAX && gap.chars().all(joins_digits)
    }
}
