//! Names that look like Meta's: message ids, media ids, trace ids. Random, so that none can be guessed.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// A message id: `wamid.` and 32 characters of base64.
pub(super) fn message_id() -> String {
    format!("wamid.{}", STANDARD.encode(rand::random::<[u8; 24]>()))
}

/// A media id: 16 digits, as Meta's are.
pub(super) fn media_id() -> String {
    format!("{}", rand::random_range(1_000_000_000_000_000_u64..10_000_000_000_000_000))
}

/// A name for a URL that says nothing: 22 characters.
pub(super) fn token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}

/// `fbtrace_id` of an error.
pub(super) fn trace_id() -> String {
    format!("A{}", URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>()))
}
