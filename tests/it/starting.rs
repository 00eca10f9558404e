//! The operator's pages while the store is still being opened.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the finding")]

use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex};

use siaga::app::{AppOptions, StoreChoice};
use siaga::domain::time::Timestamp;
use siaga::ports::Clock;
use siaga::store::Options;

use super::support::{self, START, TestApp, eventually};

/// A clock that nobody can read before it is released: the store waits for it in the middle of its opening.
#[derive(Default)]
struct HeldClock {
    released: Mutex<bool>,
    bell: Condvar,
}

impl HeldClock {
    fn release(&self) {
        *self.released.lock().unwrap() = true;
        self.bell.notify_all();
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Timestamp {
        drop(self.bell.wait_while(self.released.lock().unwrap(), |released| !*released).unwrap());
        START
    }
}

#[actix_web::test]
async fn the_pages_answer_while_the_store_is_opened_and_say_what_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(HeldClock::default());
    let mut options: AppOptions = support::options(clock.clone());
    let store = Options { reserve_bytes: 0, ..Options::new(directory.path()) };
    options.store = StoreChoice::Journal(store);
    let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap();
    options.server.ops_bind = address;
    let starting = std::thread::spawn(move || TestApp::start(options));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = |name: &'static str| {
        let asked = http.get(format!("http://{address}{name}")).send();
        async move {
            let answer = asked.await.ok()?;
            Some((answer.status().as_u16(), answer.text().await.ok()?))
        }
    };
    let mut first = None;
    for _ in 0..6_000 {
        first = page("/readyz").await;
        if first.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(first, Some((503, "starting\n".to_owned())));
    assert_eq!(page("/livez").await.unwrap().0, 200);
    assert_eq!(page("/metrics").await.unwrap().0, 200);
    let (status, picture) = page("/actors").await.expect("a picture");
    assert!(status == 200 && picture.contains("\"shards\":[]"), "{picture}");
    clock.release();
    let mut app = None;
    let mut starting = Some(starting);
    eventually("the server is up", || {
        if starting.as_ref().is_some_and(std::thread::JoinHandle::is_finished) {
            app = starting.take().map(|starting| starting.join().unwrap());
        }
        app.is_some()
    })
    .await;
    let (status, ready) = page("/readyz").await.expect("a page");
    assert!(status == 200 && ready.starts_with("ready\n"), "{status}: {ready}");
}
