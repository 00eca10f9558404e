//! Ways for one-time codes and notices to a phone: the `OtpSender` port.

pub mod smpp;
pub mod sms_http;
