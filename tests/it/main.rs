//! One binary for all tests that look at more than one module; a file a subject.

mod emulator;
mod tidy;
