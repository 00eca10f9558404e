//! HTTP to the Graph API: connections that are kept, and what came back or how it failed.
//!
//! The one question that matters about a failure is whether the bytes may have left; a wrong "no" would send a
//! message twice. Errors are told in fixed words: those of the HTTP library may hold URLs.

use std::collections::VecDeque;
use std::error::Error;
use std::time::Duration;

use hyper::Request;
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use parking_lot::Mutex;
use reqwest::Url;
use tokio::time::{Instant, timeout, timeout_at};
use tower_service::Service as _;

use super::OptionsError;
use super::line::{Body, Line, Sent, Stream};

/// Shorter than what servers keep an idle connection for: one that closes under a request leaves an ambiguous send.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// An answer as far as HTTP goes.
pub(super) struct Reply {
    pub(super) http: u16,
    pub(super) body: Bytes,
}

/// No whole answer.
#[derive(Clone, Copy)]
pub(super) enum Failure {
    /// Nothing has left.
    NotSent(&'static str),
    /// It may have been acted on.
    NoAnswer(&'static str),
    /// Answered with an error of which only the status is known.
    Cut { http: u16 },
}

/// The way to one server, and the lines that rest.
pub(super) struct Transport {
    to: hyper::Uri,
    way: Way,
    /// As many as there are requests at once, at the most: each was under one. Those used last are at the back.
    idle: Mutex<VecDeque<Line>>,
    idle_max: Duration,
    connect_timeout: Duration,
    request_timeout: Duration,
}

enum Way {
    Direct(HttpsConnector<HttpConnector>),
    Proxied(HttpsConnector<Tunnel<HttpConnector>>),
}

impl Transport {
    /// Connects to nothing yet.
    pub(super) fn new(
        to: &Url,
        proxies: Option<&Matcher>,
        connect_timeout: Duration,
        request_timeout: Duration,
    ) -> Result<Self, OptionsError> {
        let to: hyper::Uri = to.as_str().parse().map_err(|_| OptionsError::Url(to.to_string()))?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .map_err(|error| OptionsError::Client(error.to_string()))?
            .https_or_http()
            .enable_http1();
        let proxy = proxies.and_then(|proxies| proxies.intercept(&to));
        let way = match proxy {
            None => Way::Direct(tls.wrap_connector(tcp)),
            Some(proxy) => {
                let tunnel = Tunnel::new(proxy.uri().clone(), tcp);
                let login = proxy.basic_auth().cloned();
                Way::Proxied(tls.wrap_connector(match login {
                    Some(login) => tunnel.with_auth(login),
                    None => tunnel,
                }))
            }
        };
        Ok(Self { to, way, idle: Mutex::default(), idle_max: IDLE_MAX, connect_timeout, request_timeout })
    }

    /// Sends a request and reads its answer whole.
    pub(super) async fn exchange(&self, mut request: Request<Body>) -> Result<Reply, Failure> {
        let until = Instant::now() + self.request_timeout;
        loop {
            let rested = self.rested();
            let is_new = rested.is_none();
            let mut line = match rested {
                Some(line) => line,
                // In a box: what is seldom done would triple the memory of every send.
                None => Box::pin(self.connect(until)).await?,
            };
            let Ok(sent) = timeout_at(until, line.exchange(request)).await else {
                return Err(Failure::NoAnswer("no answer in time"));
            };
            match sent {
                Sent::Answered(reply) => {
                    self.rest(line);
                    return Ok(reply);
                }
                Sent::Failed(failure) => return Err(failure),
                Sent::Unsent(_) if is_new => return Err(Failure::NotSent("the connection closed at once")),
                // Its far end had closed it while it rested.
                Sent::Unsent(unsent) => request = *unsent,
            }
        }
    }

    fn rested(&self) -> Option<Line> {
        loop {
            // The one that was used last: what is not needed grows old.
            let mut line = self.idle.lock().pop_back()?;
            if line.is_usable(self.idle_max) {
                return Some(line);
            }
        }
    }

    fn rest(&self, mut line: Line) {
        if !line.is_usable(self.idle_max) {
            return;
        }
        let mut idle = self.idle.lock();
        idle.push_back(line);
        // After a rush most are not needed any more. One each time is enough: this is no place to wait.
        if idle.front().is_some_and(|oldest| !oldest.is_young(self.idle_max)) {
            idle.pop_front();
        }
    }

    async fn connect(&self, until: Instant) -> Result<Line, Failure> {
        let left = until.saturating_duration_since(Instant::now());
        match timeout(left.min(self.connect_timeout), self.open()).await {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(_)) => Err(Failure::NotSent("no connection: refused, name not found, or tls failed")),
            Err(_) => Err(Failure::NotSent("connecting took too long")),
        }
    }

    async fn open(&self) -> Result<Line, Box<dyn Error + Send + Sync>> {
        let stream: Stream = match &self.way {
            Way::Direct(connector) => connector.clone().call(self.to.clone()).await?,
            Way::Proxied(connector) => connector.clone().call(self.to.clone()).await?,
        };
        Ok(Line::over(stream).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::sync::Barrier;

    use super::*;

    #[tokio::test]
    async fn a_proxy_is_asked_for_a_tunnel_with_its_login_and_without_one_nothing_is_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxies = Matcher::builder().all(format!("http://siti:uji@{address}")).build();
        let to = Url::parse("https://graph.example.org/v23.0").unwrap();
        let second = Duration::from_secs(10);
        let transport = Transport::new(&to, Some(&proxies), second, second).unwrap();
        let request = Request::post("/v23.0/1/messages").body(Body::default()).unwrap();
        let refuses = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                assert!(stream.read_buf(&mut head).await.unwrap() > 0);
            }
            stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await.unwrap();
            String::from_utf8(head).unwrap()
        };
        let (head, sent) = tokio::join!(refuses, transport.exchange(request));
        assert!(head.starts_with("CONNECT graph.example.org:443 HTTP/1.1\r\n"), "{head}");
        assert!(head.to_ascii_lowercase().contains("\r\nproxy-authorization: basic "), "{head}");
        assert!(matches!(sent, Err(Failure::NotSent(_))));
    }

    /// Answers each request, those of the first connections when `at_once` of them are there.
    async fn serve(listener: TcpListener, at_once: usize) {
        let all = Arc::new(Barrier::new(at_once));
        let mut first = at_once;
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut all = (first > 0).then(|| Arc::clone(&all));
            first = first.saturating_sub(1);
            tokio::spawn(async move {
                let mut request = Vec::new();
                while stream.read_buf(&mut request).await.unwrap() > 0 {
                    if request.ends_with(b"\r\n\r\n") {
                        request.clear();
                        if let Some(all) = all.take() {
                            all.wait().await;
                        }
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
                    }
                }
            });
        }
    }

    #[tokio::test]
    async fn lines_that_are_not_needed_any_more_are_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = Url::parse(&format!("http://{}/v23.0", listener.local_addr().unwrap())).unwrap();
        let second = Duration::from_secs(10);
        let mut transport = Transport::new(&to, None, second, second).unwrap();
        transport.idle_max = Duration::from_millis(100);
        let serving = tokio::spawn(serve(listener, 2));
        let request = || Request::get("/v23.0/1").header("host", "graph").body(Body::default()).unwrap();
        let (one, other) = tokio::join!(transport.exchange(request()), transport.exchange(request()));
        assert!(one.is_ok() && other.is_ok());
        assert_eq!(transport.idle.lock().len(), 2);
        // One of them is used on and stays young; the other grows old.
        for _ in 0..15 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if transport.idle.lock().len() == 2 {
                assert!(transport.exchange(request()).await.is_ok());
            }
        }
        assert_eq!(transport.idle.lock().len(), 1);
        serving.abort();
    }
}
