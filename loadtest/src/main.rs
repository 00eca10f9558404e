//! The load tester: scenarios against this server or any other that speaks the Cloud API.

fn main() {}
