//! The actors: sessions, accounts, outbox, and what keeps them alive.
