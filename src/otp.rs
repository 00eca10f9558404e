//! How SMS leave.
