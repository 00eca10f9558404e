//! The store: a journal that keeps the promise, and what is read back from it.
