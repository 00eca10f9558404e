//! The conversation that serves citizens, with words that harm it: for tests of the real binary.

use super::{Ours, Script};
use crate::actors::fault::harm;
use crate::conversation::text::Texts;
use crate::conversation::{Context, Effect, Event, Reply, State, Step};
use crate::domain::certificate::Language;
use crate::domain::message::Content;

/// [`Ours`], harmed by the words of [`harm`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Harmful;

impl Script for Harmful {
    fn step(&self, state: State, events: Vec<Event>, context: &Context<'_>) -> Step {
        for event in &events {
            if let Event::Message(message) = event
                && let Content::Text(text) = &message.content
            {
                harm(&text.0);
            }
        }
        Ours.step(state, events, context)
    }

    fn resume(&self, state: &State, context: &Context<'_>) -> Vec<Effect> {
        Ours.resume(state, context)
    }

    fn apology(&self, state: &State, texts: &Texts) -> Reply {
        Ours.apology(state, texts)
    }

    fn language(&self, state: &State) -> Language {
        Ours.language(state)
    }
}
