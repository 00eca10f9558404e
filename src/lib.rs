//! siaga ("on standby"): a conversation server for WhatsApp.
//!
//! # The map
//! Imports only go down a floor (`tests/it/tidy.rs` checks it).
//!
//! | floor | modules | what lives there |
//! |---|---|---|
//! | 4 edges | [`web`], [`control`], [`emulator`] | HTTP in: webhook, ops pages; operators' commands; the emulated WhatsApp |
//! | 3 actors | [`actors`] | sessions, accounts, outbox, their supervision |
//! | 2 adapters | [`clock`], [`store`], [`whatsapp`], [`registry`], [`otp`], [`desk`], [`issuer`] | what implements a port; they do not know each other |
//! | 1 contracts | [`ports`], [`limits`], [`metrics`], [`errands`], [`http_neighbour`] | traits and their errors, pacing, names of all metrics, threads and HTTP clients for neighbours |
//! | 0 pure | [`domain`], [`conversation`], [`account`], [`wire`], [`certificate`], [`transcript`], [`codec`] | no clock, no network, no disk, no runtime |
//!
//! Beside them stand [`app`] (the only module that names adapters), [`config`], [`telemetry`] and [`cli`].
//!
//! # The way of a message
//! `web::webhook` (signature, decode) → `actors::switchboard` (who is it) → `store` (one fdatasync) →
//! 200 to Meta → `actors::session` (one turn: [`conversation::step`]) → `store` (the turn is one record) →
//! `actors::outbox` → `whatsapp` → Graph API. What a session must ask of others goes to
//! `actors::account` and comes back as the session's next event.

pub mod account;
pub mod actors;
pub mod app;
pub mod certificate;
pub mod cli;
pub mod clock;
pub mod codec;
pub mod config;
pub mod control;
pub mod conversation;
pub mod desk;
pub mod domain;
pub mod emulator;
pub mod errands;
pub mod http_neighbour;
pub mod issuer;
pub mod limits;
pub mod metrics;
pub mod otp;
pub mod ports;
pub mod registry;
pub mod store;
pub mod telemetry;
pub mod transcript;
pub mod web;
pub mod whatsapp;
pub mod wire;
