//! Names of people, as typed and as recorded, and how they are compared (conversation.md 6).

use serde::{Deserialize, Serialize};

use super::redacted;

/// A person's name: letters, spaces, apostrophe, dot, comma, dash; 1 to 60 characters; one word is a name.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Name(String);

redacted!(Name);

impl Name {
    /// The name as written. Personal data: for the certificate, the registry and the sealed store.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
