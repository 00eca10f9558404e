//! A whole server in this process, on ports of its own, with a clock that the test owns.
//!
//! The server lives on a thread of its own with an actix system, as in the binary; tests talk to it over HTTP and
//! look at what a recording channel (or the emulator) got. Nothing here waits for a fixed time: [`eventually`]
//! polls with a deadline that only a broken server reaches.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the finding")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::oneshot;

use siaga::actors::session::Script;
use siaga::actors::shard::view::ShardView;
use siaga::actors::{Figures, SystemRandom};
use siaga::app::{
    Addresses, App, AppOptions, CertificateOptions, CodeSender, DeskChoice, Directory, Ended, GraphOptions, Records,
    RegistryOptions, ServerOptions, StoreChoice, World,
};
use siaga::certificate::hcert::SigningKeys;
use siaga::clock::ManualClock;
use siaga::conversation::text::Texts;
use siaga::conversation::{Context, Effect, Event, Reply, Rules, State, Step};
use siaga::domain::call::Answer;
use siaga::domain::certificate::Language;
use siaga::domain::contact::BusinessNumber;
use siaga::domain::keys::ServerKeys;
use siaga::domain::message::{Content, MessageId, Outbound, ReplyKind, Text};
use siaga::domain::time::Timestamp;
use siaga::emulator;
use siaga::ports::{Channel, Clock, OutgoingCode, OutgoingMessage, SendError};
use siaga::store::Memory;

pub(crate) const APP_SECRET: &str = "test-app-secret";
pub(crate) const VERIFY_TOKEN: &str = "test-verify-token";
pub(crate) const NUMBER: &str = "100000000000567";
/// Monday 23 November 2026, 13.50 WIB.
pub(crate) const START: Timestamp = Timestamp(1_795_416_600_000);

const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is true; fails with `what` when it never is.
pub(crate) async fn eventually(what: &str, ready: impl FnMut() -> bool) {
    eventually_within(PATIENCE, what, ready).await;
}

/// The same with a patience of its own.
pub(crate) async fn eventually_within(patience: Duration, what: &str, mut ready: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !ready() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A channel that keeps what it is given, or fails as told.
#[derive(Default)]
pub(crate) struct Recording {
    sent: Mutex<Vec<OutgoingMessage>>,
    /// Errors for the next sends, the last first.
    failures: Mutex<Vec<SendError>>,
    /// Sends that never get an answer, while this is above zero.
    pub(crate) hang: AtomicUsize,
    /// Sends that were tried.
    pub(crate) tried: AtomicUsize,
    /// What statuses of those sends bring back.
    tags: Mutex<Vec<String>>,
    /// Messages marked as read.
    pub(crate) receipts: AtomicUsize,
    /// Codes that left by a template, and errors for the next of them.
    pub(crate) codes: Mutex<Vec<OutgoingCode>>,
    pub(crate) code_failures: Mutex<Vec<SendError>>,
}

impl Recording {
    pub(crate) fn fail_next(&self, errors: impl IntoIterator<Item = SendError>) {
        self.failures.lock().unwrap().extend(errors);
    }

    pub(crate) fn sent(&self) -> Vec<OutgoingMessage> {
        self.sent.lock().unwrap().clone()
    }

    pub(crate) fn tags(&self) -> Vec<String> {
        self.tags.lock().unwrap().clone()
    }

    /// What each recipient got, in order, as text.
    pub(crate) fn texts(&self) -> HashMap<String, Vec<String>> {
        let mut texts: HashMap<String, Vec<String>> = HashMap::new();
        for outgoing in self.sent() {
            let to = match &outgoing.to {
                siaga::domain::contact::Recipient::Phone(phone) => phone.to_e164(),
                siaga::domain::contact::Recipient::Bsuid(bsuid) => bsuid.0.clone(),
            };
            let Outbound::Text { body } = outgoing.message.as_ref() else { panic!("a parrot says texts only") };
            texts.entry(to).or_default().push(body.0.clone());
        }
        texts
    }

    pub(crate) fn texts_to(&self, phone: &str) -> Vec<String> {
        self.texts().remove(phone).unwrap_or_default()
    }
}

impl Channel for Recording {
    fn send(&self, outgoing: OutgoingMessage) -> BoxFuture<'_, Result<MessageId, SendError>> {
        self.tags.lock().unwrap().push(outgoing.tag.0.clone());
        self.tried.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            if self.hang.load(Ordering::SeqCst) > 0 {
                std::future::pending::<()>().await;
            }
            if let Some(error) = self.failures.lock().unwrap().pop() {
                return Err(error);
            }
            let mut sent = self.sent.lock().unwrap();
            sent.push(outgoing);
            Ok(MessageId(format!("wamid.out.{}", sent.len())))
        })
    }

    fn mark_read(&self, _: BusinessNumber, _: MessageId, _: bool) -> BoxFuture<'_, Result<(), SendError>> {
        self.receipts.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }

    fn send_code(&self, code: OutgoingCode) -> BoxFuture<'_, Result<MessageId, SendError>> {
        Box::pin(async {
            if let Some(error) = self.code_failures.lock().unwrap().pop() {
                return Err(error);
            }
            self.codes.lock().unwrap().push(code);
            Ok(MessageId("wamid.code".into()))
        })
    }
}

/// A conversation that says back all it hears in one turn, joined with commas, and what is quoted, if it is known.
/// `poison` makes its step panic.
#[derive(Default)]
pub(crate) struct Parrot {
    /// So many more times it panics where nobody expects it: outside the step, after the turn is durable.
    pub(crate) faints: AtomicUsize,
    /// It has been mended: poison is a word like any other.
    pub(crate) mended: AtomicBool,
}

fn say(text: &str) -> Reply {
    let message = Outbound::Text { body: Text(text.to_owned()) };
    Reply { kind: ReplyKind::Answer, message, epoch: None }
}

impl Script for Parrot {
    fn step(&self, state: State, events: Vec<Event>, context: &Context<'_>) -> Step {
        let heard: Vec<String> = events
            .into_iter()
            .map(|event| match event {
                Event::Message(message) | Event::Late(message) => {
                    let quoted = message.quotes.as_ref().and_then(context.quoted);
                    let Content::Text(Text(text)) = message.content else { return "other".to_owned() };
                    if let Some(Outbound::Text { body }) = quoted.as_deref() {
                        format!("{text} about {}", body.0)
                    } else {
                        text
                    }
                }
                Event::Notice(_) => "notice".to_owned(),
                Event::Answer { answer: Answer::Down, .. } => "down".to_owned(),
                Event::Answer { .. } => "answer".to_owned(),
                Event::Wake => "wake".to_owned(),
            })
            .collect();
        let mended = self.mended.load(Ordering::SeqCst);
        assert!(mended || heard.iter().all(|text| text != "poison"), "as the test wants");
        let effects = vec![Effect::Say(say(&heard.join(",")))];
        Step { state, effects, wake_at: None }
    }

    fn resume(&self, _: &State, _: &Context<'_>) -> Vec<Effect> {
        Vec::new()
    }

    fn apology(&self, _: &State, _: &Texts) -> Reply {
        say("sorry")
    }

    fn language(&self, _: &State) -> Language {
        let faints = self.faints.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        assert!(faints.is_err(), "as the test wants");
        Language::Indonesian
    }
}

/// Options of a server that a parrot speaks for, over a recording channel.
pub(crate) fn parrot_options(
    store: Arc<dyn siaga::ports::Store>,
    clock: Arc<dyn Clock>,
    channel: Arc<dyn Channel>,
    script: Arc<dyn Script>,
) -> AppOptions {
    AppOptions {
        world: World::Cloud,
        senders: vec![CodeSender::Http(siaga::otp::sms_http::Options {
            timeout: Duration::from_secs(1),
            connections_max: 1,
            ..siaga::otp::sms_http::Options::plain("http://127.0.0.1:9/sms".to_owned())
        })],
        store: StoreChoice::Given(store),
        channel: Some(channel),
        script,
        ..options(clock)
    }
}

/// Options of a server with the emulator, the embedded registry without citizens, and the real conversation.
pub(crate) fn options(clock: Arc<dyn Clock>) -> AppOptions {
    let loopback = "127.0.0.1:0".parse().unwrap();
    AppOptions {
        server: ServerOptions {
            bind: loopback,
            ops_bind: loopback,
            web_workers: 2,
            app_secrets: vec!["older-secret".into(), APP_SECRET.into()],
            verify_token: VERIFY_TOKEN.into(),
            body_bytes_max: 4 * 1024 * 1024,
            body_read_s: 5,
            durable_within_s: 20,
            connections_max: 256,
            drain: Duration::from_secs(20),
        },
        numbers: vec![emulator::Number {
            id: NUMBER.into(),
            display: "+62 811-0000-0119".into(),
            messages_per_s: 1_000,
        }],
        graph: GraphOptions {
            url: "http://127.0.0.1:9".into(),
            version: "v23.0".into(),
            access_token: "test-access-token".into(),
            connections_max: 16,
            connect_timeout: Duration::from_secs(3),
            request_timeout: Duration::from_secs(10),
            send_to_bsuid: true,
        },
        world: World::Emulator(Box::new(emulator::Options::new("http://127.0.0.1:9/", "-", "-", Arc::clone(&clock)))),
        senders: vec![CodeSender::Emulator],
        store: StoreChoice::Given(Arc::new(Memory::new())),
        registry: RegistryOptions { seed: 1, citizens: 0 },
        records: Records::Embedded,
        directory: Directory::Embedded,
        desk: DeskChoice::Here,
        certificates: certificates(),
        keys: Arc::new(ServerKeys::derive(&[42; 32])),
        clock,
        random: Arc::new(SystemRandom),
        texts: Arc::new(Texts::embedded().expect("the texts are good")),
        // Tests write faster than people do.
        rules: Rules { messages_per_minute: 10_000, ..Rules::default() },
        codes: siaga::limits::codes::CodeRules::default(),
        account_rules: siaga::account::AccountRules::default(),
        script: Arc::new(siaga::actors::session::Ours),
        admission: None,
        figures: Figures { shards: 2, ..Figures::default() },
        recorder: siaga::telemetry::recorder().expect("a recorder"),
        channel: None,
        failing: None,
        hands: None,
        faults: siaga::actors::fault::Faults::default(),
    }
}

/// A key of every test's, and the settings of `config/default.toml`.
pub(crate) fn certificates() -> CertificateOptions {
    let pem = SigningKeys::make(&[7; 32]).expect("a key");
    CertificateOptions::new(SigningKeys::read(&pem).expect("a ring"), "Siaga Test".into(), 365, 30, 2)
}

enum Stop {
    Drain,
    Kill,
}

/// What runs on the server's thread and may be used from the test's.
#[derive(Clone)]
pub(crate) struct Handles {
    pub(crate) addresses: Addresses,
    pub(crate) emulator: Option<emulator::Emulator>,
    pub(crate) registry: Arc<siaga::registry::embedded::EmbeddedRegistry>,
    pub(crate) desk: Arc<siaga::desk::Desk>,
    app: Arc<App>,
}

/// A server under test. Dropped without a word, it is drained, and a row left open fails the test.
pub(crate) struct TestApp {
    pub(crate) handles: Handles,
    stop: Option<oneshot::Sender<Stop>>,
    thread: Option<JoinHandle<Option<Ended>>>,
    pub(crate) http: reqwest::Client,
}

impl TestApp {
    pub(crate) fn start(options: AppOptions) -> Self {
        let (tell, hear) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let system = actix_web::rt::System::new();
            let ended = system.block_on(async move {
                let app = Arc::new(App::build(options).await.expect("the server starts"));
                let handles = Handles {
                    addresses: app.addresses(),
                    emulator: app.emulator().cloned(),
                    registry: Arc::clone(app.registry()),
                    desk: Arc::clone(app.desk()),
                    app: Arc::clone(&app),
                };
                tell.send(handles).expect("the test waits");
                match stopped.await {
                    Ok(Stop::Drain) => Some(app.drain().await),
                    Ok(Stop::Kill) | Err(_) => None,
                }
            });
            actix_web::rt::System::current().stop();
            system.run().expect("the system ends");
            ended
        });
        let handles = hear.recv_timeout(PATIENCE).expect("the server starts");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { handles, stop: Some(stop), thread: Some(thread), http }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/webhook", self.handles.addresses.webhook)
    }

    /// One of the operator's pages: status and body.
    pub(crate) async fn ops(&self, page: &str) -> (u16, String) {
        let url = format!("http://{}{page}", self.handles.addresses.ops);
        let answer = self.http.get(url).send().await.expect("ops answers");
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Posts a signed body.
    pub(crate) async fn post(&self, body: &Value) -> u16 {
        let body = serde_json::to_vec(body).unwrap();
        let signature = sign(APP_SECRET, &body);
        self.post_raw(body, Some(&signature)).await.status().as_u16()
    }

    pub(crate) async fn post_raw(&self, body: Vec<u8>, signature: Option<&str>) -> reqwest::Response {
        let mut request = self.http.post(self.url()).header("content-type", "application/json").body(body);
        if let Some(signature) = signature {
            request = request.header("x-hub-signature-256", signature);
        }
        request.send().await.expect("the webhook answers")
    }

    /// The tree as it stands.
    pub(crate) fn tree(&self) -> siaga::actors::root::TreeView {
        self.handles.app.actors()
    }

    /// Whether the actors cannot be kept running: the process would exit 70.
    pub(crate) fn gave_up(&self) -> bool {
        self.handles.app.gave_up()
    }

    pub(crate) async fn at_rest(&self) {
        let app = Arc::clone(&self.handles.app);
        eventually("the server comes to rest", || app.at_rest()).await;
    }

    /// At rest, and nobody waits for a neighbour either. Looked at twice: an answer may be between two desks.
    pub(crate) async fn settled(&self) {
        let app = Arc::clone(&self.handles.app);
        let mut looks = 0;
        eventually("the server settles", || {
            let busy = |view: &ShardView| view.inbox.calls > 0 || view.accounts_busy > 0;
            let quiet = app.at_rest() && !app.actors().shards.iter().any(busy);
            looks = if quiet { looks + 1 } else { 0 };
            looks >= 3
        })
        .await;
    }

    /// Who makes its certificates.
    pub(crate) fn issuer(&self) -> Arc<siaga::issuer::Issuer> {
        Arc::clone(self.handles.app.issuer())
    }

    /// How often all that rests was looked at for what may go.
    pub(crate) fn sweeps(&self) -> u64 {
        self.handles.app.sweeps()
    }

    /// When something will happen by itself.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let tree = self.handles.app.actors();
        tree.shards.iter().flat_map(|view| [view.inbox.next_due, view.outbox.lanes.next_due]).flatten().min()
    }

    fn end(&mut self, how: Stop) -> Option<Ended> {
        let stop = self.stop.take()?;
        // The thread may have died of a panic; its join says so.
        let _told = stop.send(how);
        self.thread.take()?.join().expect("the server's thread did not panic")
    }

    /// As SIGTERM.
    pub(crate) fn drain(mut self) -> Ended {
        self.end(Stop::Drain).expect("it was drained")
    }

    /// As SIGKILL, as far as one process can: nothing is finished, nothing is said.
    pub(crate) fn kill(mut self) {
        self.end(Stop::Kill);
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if self.stop.is_some() {
            let ended = self.end(Stop::Drain);
            if !std::thread::panicking() {
                assert_eq!(ended, Some(Ended::Drained), "work was left open");
            }
        }
    }
}

/// `sha256=<hex>` of a body.
pub(crate) fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().fold("sha256=".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// A text message as Meta's JSON has it.
pub(crate) fn text(wamid: &str, from: &str, body: &str) -> Value {
    json!({"from": from, "id": wamid, "timestamp": "1795416600", "type": "text", "text": {"body": body}})
}

/// A webhook body with these messages.
pub(crate) fn envelope(messages: &[Value]) -> Value {
    envelope_to(NUMBER, messages)
}

/// The same, to a number of one's choice.
pub(crate) fn envelope_to(number: &str, messages: &[Value]) -> Value {
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "6281100000119", "phone_number_id": number},
        "messages": messages,
    });
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]})
}

/// A parrot's server over a memory store.
pub(crate) struct ParrotHouse {
    pub(crate) store: Arc<Memory>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) channel: Arc<Recording>,
    pub(crate) parrot: Arc<Parrot>,
}

impl ParrotHouse {
    pub(crate) fn new() -> Self {
        Self {
            store: Arc::new(Memory::new()),
            clock: Arc::new(ManualClock::at(START)),
            channel: Arc::new(Recording::default()),
            parrot: Arc::new(Parrot::default()),
        }
    }

    pub(crate) fn options(&self) -> AppOptions {
        parrot_options(self.store.clone(), self.clock.clone(), self.channel.clone(), self.parrot.clone())
    }

    pub(crate) fn open(&self) -> TestApp {
        TestApp::start(self.options())
    }

    /// What the next process finds; the running one can write nothing more, and what its threads may still send
    /// before they end goes to a channel of the past: `channel` is the next process's own.
    pub(crate) fn crash(&mut self, app: TestApp) {
        self.store = Arc::new(self.store.reopen());
        self.channel = Arc::new(Recording::default());
        app.kill();
    }
}
