//! A webhook that writes down what it is sent and answers what it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::Value;
use tokio::sync::mpsc;

/// One POST as it came.
pub(crate) struct Received {
    pub(crate) signature: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// `value` of the only change.
    pub(crate) fn value(&self) -> Value {
        self.json()["entry"][0]["changes"][0]["value"].take()
    }
}

struct Shared {
    answers: Mutex<VecDeque<u16>>,
    received: mpsc::UnboundedSender<Received>,
}

/// A running webhook.
pub(crate) struct Hook {
    pub(crate) url: String,
    pub(crate) received: mpsc::UnboundedReceiver<Received>,
}

impl Hook {
    /// Answers these statuses one after the other, and 200 from then on.
    pub(crate) fn start(answers: &[u16]) -> Self {
        let (sender, received) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { answers: Mutex::new(answers.iter().copied().collect()), received: sender });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/webhook", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let data = web::Data::from(shared);
            let app = move || App::new().app_data(data.clone()).route("/webhook", web::post().to(take));
            let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
            actix_web::rt::System::new().block_on(server).unwrap();
        });
        Self { url, received }
    }

    pub(crate) async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(std::time::Duration::from_secs(10), self.received.recv());
        next.await.expect("a POST within 10 s").unwrap()
    }
}

async fn take(shared: web::Data<Shared>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let signature = request.headers().get("x-hub-signature-256").map(|value| value.to_str().unwrap().to_owned());
    shared.received.send(Received { signature, bytes: body.to_vec() }).ok();
    let status = shared.answers.lock().unwrap().pop_front().unwrap_or(200);
    HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap()).finish()
}
