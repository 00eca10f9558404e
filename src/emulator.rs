//! An emulated WhatsApp for newcomers, tests and load: plays Meta over real HTTP, with a chat page.
//!
//! [`start`] opens one port that is three things: the Graph API (`/v23.0/{id}/messages`, `/media`), an SMS
//! gateway (`POST /sms`) and the chat page (`/`). Citizens speak through [`Emulator::say`] or the page; what
//! they say reaches the server as signed webhook POSTs, and what reaches their chats is broadcast as
//! [`Event`]s ([`Emulator::subscribe`]).
//!
//! Invariants: nothing of `wire` is imported, so a mistake of ours in reading the Cloud API is not mirrored
//! here; every list has a bound (`options::Bounds`); it asks nothing of any host but the webhook's.
//!
//! What does not belong here: anything the real service needs. Take this module away and production is whole.

mod contacts;
mod error;
mod event;
mod faults;
mod graph;
mod history;
mod ids;
mod media;
mod options;
mod page;
mod poster;
mod rate;
mod referee;
mod say;
mod sms;
mod statuses;
mod webhook;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use tokio::sync::{broadcast, oneshot};

use crate::domain::contact::Recipient;
use crate::domain::message::Text;
use crate::domain::phone::Phone;

pub use error::{EmulatorError, SayError};
pub use event::{Answer, Choice, DeliveryStep, Event, Form, Happening, Reply, Row};
pub use faults::Fault;
pub use media::File;
pub use options::{Bounds, DemoCard, DemoPerson, Number, Options, Redelivery, Rules, StatusDelays, Template};
pub use poster::{Posting, Signing, Stored};
pub use referee::Referee;
pub use say::{Card, Content, Saying, Sender};
use world::World;

/// Largest body of the Graph API but for media; Meta's is smaller, ours only has to have a bound.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Longer than clients rest a connection, as Meta's: one that closes under a send leaves it ambiguous.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// A running emulator. Clones drive the same one.
#[derive(Clone)]
pub struct Emulator {
    world: Arc<World>,
    address: SocketAddr,
    server: ServerHandle,
}

/// Starts an emulator on a thread of its own; callable from any runtime.
///
/// # Errors
/// The options are not usable, or the port cannot be bound.
pub async fn start(options: Options) -> Result<Emulator, EmulatorError> {
    options.check()?;
    let (ready, started) = oneshot::channel();
    std::thread::Builder::new()
        .name("emulator".into())
        .spawn(move || actix_web::rt::System::new().block_on(serve(options, ready)))
        .map_err(EmulatorError::Thread)?;
    started.await.map_err(|_| EmulatorError::Died)?
}

async fn serve(options: Options, ready: oneshot::Sender<Result<Emulator, EmulatorError>>) {
    match open(options) {
        Ok((server, emulator)) => {
            // A caller that no longer waits has nobody to stop this server for it.
            if ready.send(Ok(emulator)).is_ok() && server.await.is_err() {
                tracing::error!("the emulator's server ended with an error");
            }
        }
        Err(error) => drop(ready.send(Err(error))),
    }
}

fn open(options: Options) -> Result<(actix_web::dev::Server, Emulator), EmulatorError> {
    let bind = options.bind;
    let workers = options.workers.max(1);
    let listener = std::net::TcpListener::bind(bind).map_err(|source| EmulatorError::Bind { bind, source })?;
    let address = listener.local_addr().map_err(|source| EmulatorError::Bind { bind, source })?;
    let world = World::new(options, address)?;
    let data = web::Data::from(Arc::clone(&world));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
            .configure(page::routes)
            .configure(sms::routes)
            .configure(graph::routes)
    })
    .workers(workers)
    .keep_alive(KEEP_ALIVE)
    .disable_signals()
    .shutdown_timeout(2)
    .listen(listener)
    .map_err(|source| EmulatorError::Bind { bind, source })?
    .run();
    let handle = server.handle();
    Ok((server, Emulator { world, address, server: handle }))
}

impl Emulator {
    /// The address that is really bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the server takes as `whatsapp.graph_url`; the chat page is under the same address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Speaks as a citizen, to the first business number: one signed webhook POST.
    ///
    /// # Errors
    /// Nobody speaks, or a bound is reached.
    pub fn say(&self, from: &Sender, content: Content) -> Result<Posting, SayError> {
        self.post(vec![Saying::new(from.clone(), content)])
    }

    /// Says all of it in one POST, in this order.
    ///
    /// # Errors
    /// As [`Emulator::say`]; then nothing was said.
    pub fn post(&self, sayings: Vec<Saying>) -> Result<Posting, SayError> {
        say::post(&self.world, sayings)
    }

    /// Posts bytes as they are, signed as wanted: for bodies that Meta would send on a bad day.
    ///
    /// # Errors
    /// A bound is reached.
    pub fn post_raw(&self, body: Vec<u8>, signing: Signing) -> Result<Posting, SayError> {
        poster::post_raw(&self.world, body, signing)
    }

    /// Everything that happens from here on, to every chat. A receiver that falls more than
    /// [`Bounds::events_max`] behind loses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.world.history.subscribe()
    }

    /// What happened in one chat, as far as it is kept (`Bounds::history_max`), oldest first.
    pub fn chat(&self, chat: &Recipient) -> Vec<Arc<Event>> {
        self.world.history.of_chat(chat)
    }

    /// The texts that a phone received by SMS, oldest first, at most the last eight.
    pub fn sms_inbox(&self, to: Phone) -> Vec<Text> {
        self.world.history.inbox(to)
    }

    /// An uploaded file, such as a certificate, by the media id of its message.
    pub fn file(&self, media_id: &str) -> Option<File> {
        self.world.media.file(media_id)
    }

    /// The next `times` calls of `/messages` go wrong this way.
    pub fn fail_next(&self, times: usize, fault: Fault) {
        self.world.faults.next(times, fault);
    }

    /// So many of a hundred calls of `/messages`, and uploads where the fault can meet them, go wrong this way from here
    /// on; 0 takes it back. What [`Emulator::fail_next`] planned comes first.
    pub fn fail_share(&self, percent: u32, fault: Fault) {
        self.world.faults.stand(percent, fault);
    }

    /// The next `times` uploads are refused with this code.
    pub fn fail_next_upload(&self, times: usize, code: u32) {
        self.world.faults.next_upload(times, code);
    }

    /// Every call of `/messages` is answered this much later from here on.
    pub fn set_latency_ms(&self, latency_ms: u64) {
        self.world.faults.set_latency_ms(latency_ms);
    }

    /// Whether the SMS gateway reports every text as undelivered from here on.
    pub fn lose_sms(&self, undelivered: bool) {
        self.world.faults.lose_sms(undelivered);
    }

    /// Whether the SMS gateway refuses every text with 503 from here on.
    pub fn fail_sms(&self, down: bool) {
        self.world.faults.fail_sms(down);
    }

    /// The SMS gateway takes this long from here on, to deliver and to answer.
    pub fn set_sms_latency_ms(&self, latency_ms: u64) {
        self.world.faults.set_sms_latency_ms(latency_ms);
    }

    /// Makes the access token invalid (190), or valid again.
    pub fn revoke_token(&self, revoked: bool) {
        self.world.faults.revoke_token(revoked);
    }

    /// Refuses messages with 131057 for a while, as Meta does while it upgrades a number.
    pub fn maintain_for_ms(&self, duration_ms: i64) {
        self.world.faults.maintain_until(self.world.now().plus_ms(duration_ms));
    }

    /// Posts that the server has not taken yet, and statuses still to come.
    pub fn open_posts(&self) -> usize {
        self.world.open_posts()
    }

    /// Ends it: no more webhooks, open pages are closed, requests in flight get 2 s.
    pub async fn stop(&self) {
        self.world.close();
        self.server.stop(true).await;
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Emulator({})", self.address)
    }
}
