//! All that a server is built from, as plain values: the command line makes them from settings, tests by hand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::account::AccountRules;
use crate::actors::fault::Faults;
use crate::actors::session::Script;
use crate::actors::{Figures, Random};
use crate::certificate::hcert::{PublicKeys, Signer, SigningKeys};
use crate::conversation::Rules;
use crate::conversation::text::Texts;
use crate::desk::ministry;
use crate::domain::keys::ServerKeys;
use crate::limits::admission::Pace;
use crate::ports::{AccountDirectory, Channel, Clock, Hands, ImmunizationRegistry, Store};
use crate::registry::{directory, satusehat};
use crate::telemetry::Recorder;
use crate::{emulator, issuer, otp, store};

/// All that can be set.
pub struct AppOptions {
    pub server: ServerOptions,
    pub numbers: Vec<emulator::Number>,
    pub graph: GraphOptions,
    pub world: World,
    /// How codes leave, in this order.
    pub senders: Vec<CodeSender>,
    pub store: StoreChoice,
    /// The embedded registry's seed and size.
    pub registry: RegistryOptions,
    /// Where vaccinations are recorded.
    pub records: Records,
    /// Who stands under a phone.
    pub directory: Directory,
    /// Where reports are worked on.
    pub desk: DeskChoice,
    pub certificates: CertificateOptions,
    pub keys: Arc<ServerKeys>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub texts: Arc<Texts>,
    pub rules: Rules,
    pub codes: crate::limits::codes::CodeRules,
    pub account_rules: AccountRules,
    pub script: Arc<dyn Script>,
    pub figures: Figures,
    /// How fast new conversations are let in; `None`: everyone at once. Its numbers are the server's.
    pub admission: Option<Pace>,
    pub recorder: Recorder,
    /// In place of the Graph API: for tests of what a channel does.
    pub channel: Option<Arc<dyn Channel>>,
    /// In place of the embedded registry: for tests of what one does that fails.
    pub failing: Option<FailingRegistry>,
    /// In place of the file beside the store: for tests of what a process leaves behind.
    pub hands: Option<Arc<dyn Hands>>,
    /// Where actors are made to fail; nothing without the feature `fault-points`.
    pub faults: Faults,
}

/// Both ports of a registry.
#[derive(Clone)]
pub struct FailingRegistry {
    pub directory: Arc<dyn AccountDirectory>,
    pub records: Arc<dyn ImmunizationRegistry>,
}

/// The two listeners.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Port 0 takes a free one.
    pub bind: SocketAddr,
    pub ops_bind: SocketAddr,
    pub web_workers: usize,
    pub app_secrets: Vec<SecretString>,
    pub verify_token: SecretString,
    pub body_bytes_max: usize,
    pub body_read_s: u64,
    /// A POST that is not durable by then is answered 503.
    pub durable_within_s: u64,
    /// Connections to the webhook; further ones wait.
    pub connections_max: usize,
    /// How long a drain may take.
    pub drain: Duration,
}

/// How sends leave.
#[derive(Clone, Debug)]
pub struct GraphOptions {
    /// In emulator mode the emulator's own address is taken instead.
    pub url: String,
    pub version: String,
    pub access_token: SecretString,
    pub connections_max: usize,
    pub connect_timeout: Duration,
    pub request_timeout: Duration,
    pub send_to_bsuid: bool,
}

/// Who is at the other end.
pub enum World {
    /// The emulator; its webhook address, secrets, numbers and clock are the server's.
    Emulator(Box<emulator::Options>),
    Cloud,
}

/// A way of codes.
pub enum CodeSender {
    /// To the emulator's SMS pane.
    Emulator,
    Http(otp::sms_http::Options),
    Smpp(otp::smpp::Options),
    /// By the template of the figures (`code_template`).
    Template,
}

impl CodeSender {
    /// As figures and `/readyz` name it, beside directory, registry and desk: its name in `otp.senders`, and whose it is.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Emulator => "otp.emulator",
            Self::Http(_) => "otp.http",
            Self::Smpp(_) => "otp.smpp",
            Self::Template => "otp.template",
        }
    }
}

/// Where what is accepted is kept.
pub enum StoreChoice {
    Journal(store::Options),
    /// A store that is open already: for tests.
    Given(Arc<dyn Store>),
}

/// How certificates are issued.
#[derive(Clone)]
pub struct CertificateOptions {
    pub signer: Arc<dyn Signer>,
    /// All keys that verify what was ever issued: shown to everyone.
    pub public: PublicKeys,
    pub issuer: issuer::Options,
}

impl CertificateOptions {
    /// With a ring of keys in this process.
    pub fn new(keys: SigningKeys, issuer: String, valid_days: u32, sign_again_after_days: u32, at_once: usize) -> Self {
        let seconds = |days: u32| i64::from(days) * 86_400;
        let (valid_s, sign_again_after_s) = (seconds(valid_days), seconds(sign_again_after_days));
        let issuer = issuer::Options { issuer, valid_s, sign_again_after_s, at_once };
        Self { public: keys.public().clone(), signer: Arc::new(keys), issuer }
    }
}

/// Who knows who stands under a phone.
#[derive(Clone, Debug)]
pub enum Directory {
    /// The embedded registry.
    Embedded,
    Http(directory::Options),
}

/// Where reports are worked on.
#[derive(Clone, Debug)]
pub enum DeskChoice {
    /// By `siaga tickets` alone.
    Here,
    /// At a ministry's own desk too, which is told and orders.
    Http(ministry::Options),
}

/// Who knows what is recorded.
#[derive(Clone, Debug)]
pub enum Records {
    /// The embedded registry.
    Embedded,
    Satusehat(satusehat::Options),
}

/// The embedded registry.
#[derive(Clone, Copy, Debug)]
pub struct RegistryOptions {
    pub seed: u64,
    pub citizens: usize,
}
