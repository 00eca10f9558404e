//! What an emulator is told at its start. Plain values: `app` makes them from the settings, tests by hand.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::error::EmulatorError;
use super::faults::Fault;
use crate::domain::phone::Phone;
use crate::ports::Clock;

/// All that can be set.
#[derive(Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Threads that answer HTTP.
    pub workers: usize,
    /// Where webhooks are posted to, such as `http://127.0.0.1:8080/webhook`.
    pub webhook_url: String,
    /// Signs the webhooks.
    pub app_secret: SecretString,
    /// What the server has to show as its Bearer token.
    pub access_token: SecretString,
    /// `entry[].id` of every webhook.
    pub waba_id: String,
    /// The business numbers; a citizen writes to the first unless told otherwise.
    pub numbers: Vec<Number>,
    pub clock: Arc<dyn Clock>,
    pub rules: Rules,
    pub statuses: StatusDelays,
    pub redelivery: Redelivery,
    /// Added to every answer of `/messages`.
    pub latency_ms: u64,
    /// Goes wrong from the start: how often, and how.
    pub faults: Vec<(usize, Fault)>,
    pub bounds: Bounds,
    /// Citizens to try, shown beside the chat.
    pub cards: Vec<DemoCard>,
    /// Whether SMS come to the page; else its pane says that they leave by a gateway.
    pub sms: bool,
}

/// One of the business numbers.
#[derive(Clone, Debug)]
pub struct Number {
    /// Meta's `phone_number_id`.
    pub id: String,
    /// As people read it, such as `+62 811-0000-0119`; with a leading zero it is an Indonesian one.
    pub display: String,
    /// Both directions together (cloud-api.md 6).
    pub messages_per_s: u32,
}

/// Which of Meta's rules are kept. What a request may look like is always checked.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // independent switches, each named after its rule
pub struct Rules {
    /// 131047 for free-form messages more than 24 h after the citizen's last one.
    pub window: bool,
    /// The window's refusal comes as a `failed` status instead of an answer.
    pub window_by_status: bool,
    /// 131056: 45 at once, one more each 6 s, per citizen.
    pub pair: bool,
    /// 130429 above `Number::messages_per_s`.
    pub throughput: bool,
    /// Templates that exist; `None`: every name does.
    pub templates: Option<Vec<Template>>,
}

/// An approved template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub name: String,
    pub language: String,
    /// How many parameters its body takes.
    pub body_parameters: usize,
}

/// When the statuses of an accepted message are posted, counted from its acceptance.
#[derive(Clone, Debug)]
pub struct StatusDelays {
    pub sent_ms: u64,
    pub delivered_ms: u64,
    /// `None`: the citizen has read receipts off.
    pub read_ms: Option<u64>,
    /// Posts them in any order, as concurrent deliveries do.
    pub shuffled: bool,
    /// How many may travel in one POST; more than one are gathered for `gather_ms`.
    pub batch_max: usize,
    pub gather_ms: u64,
}

/// How a POST that was not answered with 200 is repeated: at once, then with doubling gaps.
#[derive(Clone, Debug)]
pub struct Redelivery {
    /// No answer after this long is a failure. Meta's figure is not published.
    pub timeout_ms: u64,
    pub gap_first_ms: u64,
    pub gap_max_ms: u64,
    /// Dropped after this long; Meta's is 7 days.
    pub until_ms: u64,
}

/// How much is held at most, and what happens then.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Events a slow subscriber may be behind; then it loses the oldest.
    pub events_max: usize,
    /// Chats with a history; then the one longest unused is forgotten. 0: no history at all.
    pub chats_max: usize,
    /// Events kept of a chat; then the oldest goes.
    pub history_max: usize,
    /// Citizens known for windows, rates and SMS; then new ones are refused.
    pub contacts_max: usize,
    /// Inbound message ids that can be marked read; then the oldest goes.
    pub message_ids_max: usize,
    /// POSTs and statuses on their way; then a citizen is refused, a status dropped.
    pub open_posts_max: usize,
    /// Connections to the webhook; further POSTs wait.
    pub connections_max: usize,
    /// Bytes of all media; then the oldest file goes.
    pub media_bytes_max: usize,
}

/// A citizen to try, as a card beside the chat.
#[derive(Clone, Debug)]
pub struct DemoCard {
    /// Stable, for tests: `smooth`, `not_issued` ...
    pub key: String,
    pub title: String,
    pub title_en: String,
    /// What to do and to expect, in one or two sentences.
    pub about: String,
    pub about_en: String,
    /// The WhatsApp number; `None` with `bsuid_only` set.
    pub phone: Option<Phone>,
    /// Set: the citizen hides the number behind a username, known by this BSUID alone.
    pub bsuid_only: Option<String>,
    pub username: Option<String>,
    /// A phone to type when asked for the registered one, if it is not the WhatsApp number.
    pub registered: Option<Phone>,
    /// Whose name and NIK the card fills in; the first is the citizen.
    pub people: Vec<DemoPerson>,
}

/// An invented person.
#[derive(Clone, Debug)]
pub struct DemoPerson {
    pub name: String,
    pub nik: String,
}

impl Options {
    /// Realistic rules on a free loopback port, one number at Meta's default rate, no cards.
    pub fn new(webhook_url: &str, app_secret: &str, access_token: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            workers: 1,
            webhook_url: webhook_url.to_owned(),
            app_secret: app_secret.into(),
            access_token: access_token.into(),
            waba_id: "100000000000119".into(),
            numbers: vec![Number {
                id: "100000000000567".into(),
                display: "+62 811-0000-0119".into(),
                messages_per_s: 80,
            }],
            clock,
            rules: Rules::default(),
            statuses: StatusDelays::default(),
            redelivery: Redelivery::default(),
            latency_ms: 0,
            faults: Vec::new(),
            bounds: Bounds::default(),
            cards: Vec::new(),
            sms: true,
        }
    }

    pub(super) fn check(&self) -> Result<(), EmulatorError> {
        let problem = if self.numbers.is_empty() {
            "at least one business number is needed"
        } else if self.app_secret.expose_secret().is_empty() || self.access_token.expose_secret().is_empty() {
            "app secret and access token must not be empty"
        } else if reqwest::Url::parse(&self.webhook_url).is_err() {
            "the webhook's address is not a URL"
        } else {
            return Ok(());
        };
        Err(EmulatorError::Options(problem))
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self { window: true, window_by_status: false, pair: true, throughput: true, templates: None }
    }
}

impl Default for StatusDelays {
    fn default() -> Self {
        Self { sent_ms: 40, delivered_ms: 160, read_ms: Some(900), shuffled: false, batch_max: 1, gather_ms: 0 }
    }
}

impl Default for Redelivery {
    fn default() -> Self {
        Self { timeout_ms: 10_000, gap_first_ms: 1_000, gap_max_ms: 300_000, until_ms: 7 * 24 * 3_600_000 }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            events_max: 4_096,
            chats_max: 256,
            history_max: 500,
            contacts_max: 1_000_000,
            message_ids_max: 100_000,
            open_posts_max: 20_000,
            connections_max: 64,
            media_bytes_max: 128 * 1024 * 1024,
        }
    }
}
