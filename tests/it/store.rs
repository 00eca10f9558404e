//! The store: what it promises, held against a model, a damaged disk and a lost power supply.

#![allow(clippy::unwrap_used)] // helpers of tests are tests: there a panic is the finding

mod archive;
mod damage;
mod dead;
mod disk;
mod inspect;
mod model;
mod power;
mod read_back;
mod refusal;
mod space;
mod starts;
mod state_files;
mod table;
mod tree;
mod trim;
mod versions;
mod world;
