//! The Graph API over HTTP: the real channel to citizens.
