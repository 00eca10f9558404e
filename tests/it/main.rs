//! One binary for all tests that look at more than one module; a file a subject.

mod alerts;
mod app;
mod attacks;
mod bounds;
mod commands;
mod control;
mod conversation;
mod emulator;
mod emulator_and_wire;
mod graph_client;
mod hazards;
mod housekeeping;
mod neighbours;
mod outbound;
mod overload;
mod payloads;
mod recorded_webhooks;
mod sms_http;
mod starting;
mod store;
mod support;
mod tidy;
mod tiny_server;
mod transcripts;
mod transcripts_server;
