//! The names of all metrics, as typed functions. No contact, phone or message id is ever a label.
