//! What all parts of the emulator share: its options, its clock, its books.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, watch};

use super::error::EmulatorError;
use super::event::Happening;
use super::faults::Faults;
use super::history::History;
use super::media::Media;
use super::options::{Number, Options};
use super::referee::Referee;
use super::statuses::Gathered;
use crate::domain::contact::Recipient;
use crate::domain::time::Timestamp;

/// The emulated world. One for each emulator, shared by its threads.
pub(super) struct World {
    pub(super) options: Options,
    pub(super) address: SocketAddr,
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) client: reqwest::Client,
    pub(super) connections: Semaphore,
    pub(super) referee: Referee,
    pub(super) history: History,
    pub(super) media: Media,
    pub(super) faults: Faults,
    pub(super) gathered: Gathered,
    open_posts: AtomicUsize,
    closing: watch::Sender<bool>,
}

/// A place among the POSTs and statuses on their way; given back when dropped.
pub(super) struct OpenPost(Arc<World>);

impl World {
    /// Must be called within a tokio runtime: webhooks are posted on it.
    pub(super) fn new(options: Options, address: SocketAddr) -> Result<Arc<Self>, EmulatorError> {
        let bounds = &options.bounds;
        let rates: Vec<u32> = options.numbers.iter().map(|number| number.messages_per_s).collect();
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(bounds.connections_max)
            .build()
            .map_err(EmulatorError::Client)?;
        Ok(Arc::new(Self {
            address,
            runtime: tokio::runtime::Handle::current(),
            client,
            connections: Semaphore::new(bounds.connections_max.max(1)),
            referee: Referee::new(options.rules.clone(), &rates, bounds.contacts_max, bounds.message_ids_max),
            history: History::new(bounds),
            media: Media::new(bounds.media_bytes_max),
            faults: Faults::new(&options.faults, options.latency_ms),
            gathered: Gathered::default(),
            open_posts: AtomicUsize::new(0),
            closing: watch::Sender::new(false),
            options,
        }))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    pub(super) fn publish(&self, chat: Option<&Recipient>, what: Happening) {
        self.history.publish(chat, self.now(), what);
    }

    /// The business number with this `phone_number_id`, and its place.
    pub(super) fn number(&self, id: &str) -> Option<(usize, &Number)> {
        self.options.numbers.iter().enumerate().find(|(_, number)| number.id == id)
    }

    /// A place for one more POST or status on its way; `None`: all are taken.
    pub(super) fn open_post(self: &Arc<Self>) -> Option<OpenPost> {
        let before = self.open_posts.fetch_add(1, Ordering::Relaxed);
        let place = OpenPost(Arc::clone(self));
        (before < self.options.bounds.open_posts_max).then_some(place)
    }

    pub(super) fn open_posts(&self) -> usize {
        self.open_posts.load(Ordering::Relaxed)
    }

    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }

    pub(super) fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// Resolves when the emulator is stopped.
    pub(super) async fn closed(&self) {
        let mut closing = self.closing.subscribe();
        // The sender lives as long as this world, so an error cannot come before the value.
        drop(closing.wait_for(|closing| *closing).await);
    }
}

impl Drop for OpenPost {
    fn drop(&mut self) {
        self.0.open_posts.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Locks, also after another thread panicked: these books are never left half written.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
