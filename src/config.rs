//! Settings: one commented default, overlays, environment.
