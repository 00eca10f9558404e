//! One binary for all tests that look at more than one module; a file a subject.

mod alerts;
mod app;
mod attacks;
mod bounds;
mod certificates;
mod commands;
mod control;
mod conversation;
mod desk;
mod directory;
mod emulator;
mod emulator_and_wire;
mod flood;
mod graph_client;
mod hazards;
mod housekeeping;
#[path = "../neighbours/ministry.rs"]
mod ministry;
#[path = "../neighbours/desk.rs"]
#[allow(dead_code, reason = "tests/neighbours.rs uses the rest of it")]
mod ministry_desk;
mod neighbours;
mod outbound;
mod overload;
mod payloads;
mod recorded_webhooks;
mod rush;
mod satusehat;
mod senders;
mod sms_http;
mod standing;
mod starting;
mod store;
mod supervision;
mod support;
mod tickets;
mod tidy;
mod tiny_server;
mod transcripts;
mod transcripts_server;
mod upstreams;
