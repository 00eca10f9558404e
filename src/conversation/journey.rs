//! The journeys: one module a part of conversation.md 3.
