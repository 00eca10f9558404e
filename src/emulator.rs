//! An emulated WhatsApp for newcomers, tests and load: plays Meta over real HTTP, with a chat page.
