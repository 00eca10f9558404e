//! Where a conversation stands: what is kept between two messages of a citizen.

use serde::{Deserialize, Serialize};

/// A conversation's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State;
