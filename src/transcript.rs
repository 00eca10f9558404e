//! Conversations written down: the format of conversation.md 9, for tests, demos and load.
