//! Whether two names are the same person's, and whether one is a small correction of the other.
//!
//! Tokens are assigned to each other in any order, each once. A token fits another that it equals, that it
//! begins ("R" of "RAHMAWATI"), or that is one edit away, two when both have eight letters. Beyond
//! conversation.md 6 stand two limits, without which EKO PRASETYO would be EKA PRASETYA: a token under three
//! letters takes no edit, and one of three takes one only when all others fit without any.

use super::Name;
use super::fold::tokens;

/// More tokens than this (initials, mostly) are compared as wholes: the work doubles with each.
const TOKENS_MAX: usize = 10;

/// At most so many edits make a change a correction.
const SMALL_CHANGE_EDITS: usize = 2;

/// Whether a typed name is a record's, with what people leave out, shorten and mistype.
pub fn matches_record(typed: &Name, record: &Name) -> bool {
    least_edits(&tokens(typed), &tokens(record), Purpose::Recognise).is_some()
}

/// Whether a new name is a correction of the old (the first or verified) one: it matches as above with at most
/// two edits in all, and letters left out are edits too. Titles, order and spelling variants are none.
pub fn is_small_change(old: &Name, new: &Name) -> bool {
    least_edits(&tokens(new), &tokens(old), Purpose::Correct).is_some_and(|edits| edits <= SMALL_CHANGE_EDITS)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// What is left out costs nothing.
    Recognise,
    /// Every letter left out is an edit.
    Correct,
}

/// How a typed token fits a record's.
#[derive(Clone, Copy)]
struct Fit {
    edits: usize,
    /// Three letters or more, exact or one edit away: at least one such is wanted.
    anchor: bool,
    /// An edit in a token of three letters: allowed only as the only edit.
    fragile: bool,
}

fn fit(typed: &str, record: &str, purpose: Purpose) -> Option<Fit> {
    let (typed_len, record_len) = (typed.chars().count(), record.chars().count());
    let shorter = typed_len.min(record_len);
    let none = Fit { edits: 0, anchor: typed_len >= 3, fragile: false };
    if typed == record {
        return Some(none);
    }
    if record.starts_with(typed) {
        let missing = record_len - typed_len;
        let edits = if purpose == Purpose::Correct { missing } else { 0 };
        return Some(Fit { edits, anchor: typed_len >= 3 && missing == 1, fragile: false });
    }
    let edits = strsim::osa_distance(typed, record);
    let allowed = match shorter {
        0..=2 => 0,
        3..=7 => 1,
        _ => 2,
    };
    (edits <= allowed).then_some(Fit { edits, anchor: edits == 1, fragile: shorter == 3 })
}

/// The fewest edits with which every typed token fits a record token of its own; `None`: it cannot.
fn least_edits(typed: &[String], record: &[String], purpose: Purpose) -> Option<usize> {
    if typed.len() > record.len() {
        return None;
    }
    if record.len() > TOKENS_MAX {
        let sorted = |tokens: &[String]| {
            let mut tokens = tokens.to_vec();
            tokens.sort_unstable();
            tokens
        };
        return (sorted(typed) == sorted(record)).then_some(0);
    }
    // best[used record tokens][anchored + 2 * fragile] = fewest edits after the typed tokens so far.
    let mut best = vec![[None::<usize>; 4]; 1 << record.len()];
    best[0][0] = Some(0);
    for token in typed {
        let fits: Vec<Option<Fit>> = record.iter().map(|other| fit(token, other, purpose)).collect();
        let mut next = vec![[None::<usize>; 4]; 1 << record.len()];
        for (used, states) in best.iter().enumerate() {
            for (state, edits) in states.iter().enumerate() {
                let Some(edits) = edits else { continue };
                for (at, fit) in fits.iter().enumerate() {
                    let Some(fit) = fit.filter(|_| used & (1 << at) == 0) else { continue };
                    let state = state | usize::from(fit.anchor) | (usize::from(fit.fragile) << 1);
                    let cell = &mut next[used | (1 << at)][state];
                    let total = edits + fit.edits;
                    *cell = Some(cell.map_or(total, |least| least.min(total)));
                }
            }
        }
        best = next;
    }
    let left_out = |used: usize| -> usize {
        let unused = record.iter().enumerate().filter(|(at, _)| used & (1 << at) == 0);
        if purpose == Purpose::Correct { unused.map(|(_, token)| token.chars().count()).sum() } else { 0 }
    };
    let ends = best.iter().enumerate().flat_map(|(used, states)| {
        let anchored = states[1].map(|edits| edits + left_out(used));
        let fragile = states[3].filter(|edits| *edits <= 1).map(|edits| edits + left_out(used));
        [anchored, fragile]
    });
    ends.flatten().min()
}
