//! The conversation that serves citizens.

use super::Script;
use crate::conversation::text::Texts;
use crate::conversation::{self, Context, Effect, Event, Reply, State, Step};
use crate::domain::certificate::Language;

/// `conversation`, as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ours;

impl Script for Ours {
    fn step(&self, state: State, events: Vec<Event>, context: &Context<'_>) -> Step {
        conversation::step(state, events, context)
    }

    fn resume(&self, state: &State, context: &Context<'_>) -> Vec<Effect> {
        conversation::resume(state, context)
    }

    fn apology(&self, state: &State, texts: &Texts) -> Reply {
        conversation::apology(state, texts)
    }

    fn language(&self, state: &State) -> Language {
        state.language()
    }
}
