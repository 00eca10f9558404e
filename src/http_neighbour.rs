//! A neighbour that is spoken to over HTTP: which addresses are taken, and the client to one.
//!
//! What is sent is meant for that address alone: plain http goes to this machine only, where nobody reads along, and
//! no redirect is followed. A proxy named by the environment is used, except for this machine itself.
//!
//! What does not belong here: what is asked and what an answer means (`registry`, `otp`, `desk`, `whatsapp`).

use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, Url, redirect};

/// Time to connect, within that of the whole request.
const CONNECT_MAX: Duration = Duration::from_secs(3);

/// Why an address is not taken; its setting's owner says which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// No http or https url.
    NoUrl,
    /// Plain http to another machine.
    PlainHttp,
}

/// An address as an operator wrote it.
pub fn address(text: &str) -> Result<Url, Unfit> {
    let url = Url::parse(text).map_err(|_| Unfit::NoUrl)?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_this_machine(&url) => Ok(url),
        "http" => Err(Unfit::PlainHttp),
        _ => Err(Unfit::NoUrl),
    }
}

/// A client to this address; `timeout`: of one request from start to end.
pub fn client(url: &Url, timeout: Duration, connections_max: usize) -> ClientBuilder {
    let client = Client::builder()
        .connect_timeout(CONNECT_MAX.min(timeout))
        .timeout(timeout)
        .pool_max_idle_per_host(connections_max)
        .redirect(redirect::Policy::none());
    if is_this_machine(url) { client.no_proxy() } else { client }
}

/// Whether nobody can read along.
pub fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        for fit in
            ["https://sms.example", "http://localhost:9/a", "http://127.0.0.1", "http://127.9.9.9:1", "http://[::1]:80"]
        {
            assert!(address(fit).is_ok(), "{fit}");
        }
        for (unfit, why) in [
            ("http://sms.example", Unfit::PlainHttp),
            ("http://10.0.0.1", Unfit::PlainHttp),
            ("http://localhost.example", Unfit::PlainHttp),
            ("http://127.0.0.1.example", Unfit::PlainHttp),
            ("ftp://127.0.0.1", Unfit::NoUrl),
            ("sms.example", Unfit::NoUrl),
            ("", Unfit::NoUrl),
        ] {
            assert_eq!(address(unfit), Err(why), "{unfit}");
        }
    }
}
