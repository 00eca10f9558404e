//! `# @sms …`: what becomes of an SMS that is sent.

/// How the SMS gateway does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateway {
    Up,
    Down,
    /// It serves, and reports that no phone receives anything.
    Undelivered,
}

impl Gateway {
    pub(super) const ALL: [Self; 3] = [Self::Up, Self::Down, Self::Undelivered];

    /// As a directive says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Undelivered => "undelivered",
        }
    }
}
