//! SMS through an operator's SMSC, spoken to by SMPP 3.4: one session of the process, bound for both ways.
//!
//! Operators count binds, so all shards share this one; its session lives on a thread of its own (`errands`) and is
//! rebuilt, ever later, when it breaks. So many texts are under way at once (the window); the SMSC's answer to each is
//! the port's. Whose answer never came may have been taken: SMPP has no key by which an SMSC could tell that it has a
//! text already, so one that is asked for again may arrive twice, with the same code.
//!
//! Delivery receipts are asked for with every text and told on (`ports::Receipts`). Which text one is about is known in
//! memory only: what is still out when the process ends is never heard of, and harms nothing.
//!
//! SMPP has no encryption: whoever is on the way reads number and code. So the address is one of this machine, where a
//! tunnel to the operator ends (stunnel, ssh, a VPN's forwarder).

mod answers;
mod gsm;
mod link;
mod receipt;
mod sent;
mod session;
mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use secrecy::SecretString;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::errands::Errands;
use crate::ports::{OtpSender, OutgoingSms, Receipts, Unsent};

pub use wire::Unwritable;

/// Settings of the session.
#[derive(Clone, Debug)]
pub struct Options {
    /// Of this machine: SMPP is not encrypted.
    pub address: String,
    pub system_id: String,
    pub password: SecretString,
    pub system_type: String,
    pub service_type: String,
    /// Whom texts come from.
    pub source: String,
    pub source_ton: u8,
    pub source_npi: u8,
    pub dest_ton: u8,
    pub dest_npi: u8,
    /// As the SMSC wants GSM's default alphabet named.
    pub data_coding: u8,
    /// Texts under way at once.
    pub window_max: usize,
    /// A text in all, from waiting for a place to its answer; also a connection, a bind, and each answer of the link.
    pub timeout: Duration,
    /// A link that was silent for so long is asked whether it stands.
    pub enquire_after: Duration,
    /// From one try at a link to the next, doubling up to the last.
    pub reconnect_first: Duration,
    pub reconnect_max: Duration,
    /// Nothing is sent for so long when the SMSC asks for less.
    pub throttle_pause: Duration,
    /// Texts whose receipt is awaited, and for how long.
    pub receipts_max: usize,
    pub receipts_for: Duration,
}

impl Options {
    /// The defaults of `config/default.toml`.
    pub fn local(address: &str, system_id: &str, password: &str) -> Self {
        Self {
            address: address.to_owned(),
            system_id: system_id.to_owned(),
            password: password.to_owned().into(),
            system_type: String::new(),
            service_type: String::new(),
            source: "KEMENKES".to_owned(),
            source_ton: 5,
            source_npi: 0,
            dest_ton: 1,
            dest_npi: 1,
            data_coding: 0,
            window_max: 32,
            timeout: Duration::from_secs(3),
            enquire_after: Duration::from_secs(30),
            reconnect_first: Duration::from_millis(500),
            reconnect_max: Duration::from_secs(30),
            throttle_pause: Duration::from_secs(1),
            receipts_max: 65_536,
            receipts_for: Duration::from_secs(600),
        }
    }
}

/// Settings that no session can be made of.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error("the smsc's address is not an ip address with a port")]
    Address,
    #[error(
        "the smsc's address is another machine's, and smpp is not encrypted: put a tunnel on this machine (stunnel, ssh) \
         and name its end here"
    )]
    Unencrypted,
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    #[error("window_max is 0; at least 1 is needed")]
    NoWindow,
    #[error("the smsc's thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// A text on its way to the session.
struct Submit {
    sms: OutgoingSms,
    bytes: Vec<u8>,
    /// Whoever asked waits until then.
    until: Instant,
    answer: oneshot::Sender<Result<(), Unsent>>,
    /// Its place in the window, free again when this is dropped.
    _place: OwnedSemaphorePermit,
}

/// Sends SMS through the SMSC.
pub struct Smpp {
    submits: mpsc::Sender<Submit>,
    window: Arc<Semaphore>,
    timeout: Duration,
    receipts: Arc<OnceLock<Arc<dyn Receipts>>>,
    /// The session's thread, as long as there is anybody to send.
    _errands: Errands,
}

impl Smpp {
    /// Starts the session, which binds by itself; whoever sends before that hears "not now".
    pub fn start(options: &Options) -> Result<Self, OptionsError> {
        let address: SocketAddr = options.address.parse().map_err(|_| OptionsError::Address)?;
        if !address.ip().is_loopback() {
            return Err(OptionsError::Unencrypted);
        }
        if options.window_max == 0 {
            return Err(OptionsError::NoWindow);
        }
        let own = wire::Own::new(options)?;
        drop(wire::bind(options, 1)?);
        // Whoever has a place in the window has one in the channel.
        let (submits, waiting) = mpsc::channel(options.window_max);
        let receipts = Arc::new(OnceLock::new());
        let errands = Errands::start("smpp")?;
        errands.leave(session::keep(address, options.clone(), own, waiting, Arc::clone(&receipts)));
        let window = Arc::new(Semaphore::new(options.window_max));
        Ok(Self { submits, window, timeout: options.timeout, receipts, _errands: errands })
    }

    async fn send_one(&self, sms: OutgoingSms) -> Result<(), Unsent> {
        let bytes = gsm::encoded(&sms.text).map_err(|unfit| Unsent::Refused { reason: unfit.to_string() })?;
        let until = Instant::now() + self.timeout;
        let Ok(Ok(place)) = timeout_at(until, Arc::clone(&self.window).acquire_owned()).await else {
            return Err(not_now("no place in the window came free in time"));
        };
        let (answer, answered) = oneshot::channel();
        let submit = Submit { sms, bytes, until, answer, _place: place };
        if self.submits.try_send(submit).is_err() {
            return Err(not_now("the smsc's session does not take texts"));
        }
        answered.await.unwrap_or_else(|_| Err(unknown("the smsc's session ended")))
    }
}

impl OtpSender for Smpp {
    fn send(&self, sms: OutgoingSms) -> BoxFuture<'_, Result<(), Unsent>> {
        self.send_one(sms).boxed()
    }

    fn tell(&self, receipts: Arc<dyn Receipts>) {
        // Only the first is told: all shards share this way, and each would hear of every text.
        self.receipts.get_or_init(|| receipts);
    }
}

fn not_now(reason: &str) -> Unsent {
    Unsent::NotNow { reason: reason.to_owned() }
}

fn unknown(reason: &str) -> Unsent {
    Unsent::Unknown { reason: reason.to_owned() }
}
