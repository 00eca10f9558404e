//! The adapters behind the ports, opened from the options.

use std::sync::Arc;

use futures_util::FutureExt as _;

use super::{
    AppError, AppOptions, CertificateOptions, CodeSender, Directory, FailingRegistry, Records, StoreChoice, World,
};
use crate::actors::hand::Forgetful;
use crate::actors::switchboard::Switchboard;
use crate::actors::{Lines, Way};
use crate::certificate::Typesetter;
use crate::certificate::hcert::Vaccines;
use crate::emulator::{self, Emulator};
use crate::issuer::{IssueError, Issuer, Register};
use crate::otp::smpp::Smpp;
use crate::otp::sms_http::{self, SmsHttp};
use crate::ports::{AccountDirectory, Channel, Hands, ImmunizationRegistry, Store};
use crate::registry::directory::HttpDirectory;
use crate::registry::embedded::{EmbeddedRegistry, population};
use crate::registry::satusehat::Satusehat;
use crate::store::Journal;
use crate::{store, whatsapp};

/// The emulator's answer about a phone that receives no SMS.
const EMULATOR_UNDELIVERED: u16 = 410;

/// The store, and the same as the journal that it is, unless it was given.
pub(super) type Opened = (Arc<dyn Store>, Option<Arc<Journal>>);

/// A recovery takes as long as it takes: on a thread of its own, so that the operator's pages answer meanwhile.
pub(super) async fn open_store(options: &AppOptions) -> Result<Opened, AppError> {
    match &options.store {
        StoreChoice::Given(store) => Ok((Arc::clone(store), None)),
        StoreChoice::Journal(at) => {
            let (at, keys, clock) = (at.clone(), Arc::clone(&options.keys), Arc::clone(&options.clock));
            let opening = tokio::task::spawn_blocking(move || store::open(&at, &keys, clock));
            let journal = opening.await.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))?;
            Ok((Arc::clone(&journal) as Arc<dyn Store>, Some(journal)))
        }
    }
}

pub(super) fn switchboard(options: &AppOptions, store: &Arc<dyn Store>) -> Switchboard {
    Switchboard::new(Arc::clone(store), Arc::clone(&options.keys), Arc::clone(&options.random))
}

/// What the process before this one had in hand is kept beside its store.
pub(super) fn open_hands(options: &AppOptions) -> Result<Arc<dyn Hands>, AppError> {
    match (&options.hands, &options.store) {
        (Some(given), _) => Ok(Arc::clone(given)),
        (None, StoreChoice::Journal(at)) => Ok(store::open_hands(&at.path).map_err(store::OpenError::Disk)?),
        (None, StoreChoice::Given(_)) => Ok(Arc::new(Forgetful)),
    }
}

pub(super) async fn start_emulator(options: &AppOptions, webhook_url: String) -> Result<Option<Emulator>, AppError> {
    let World::Emulator(world) = &options.world else { return Ok(None) };
    let Some(app_secret) = options.server.app_secrets.first() else {
        return Err(AppError::Options("at least one app secret is needed"));
    };
    let world = emulator::Options {
        webhook_url,
        app_secret: app_secret.clone(),
        access_token: options.graph.access_token.clone(),
        numbers: options.numbers.clone(),
        clock: Arc::clone(&options.clock),
        sms: options.senders.iter().any(|sender| matches!(sender, CodeSender::Emulator)),
        ..world.as_ref().clone()
    };
    Ok(Some(emulator::start(world).await?))
}

/// Who stands under a phone, and what is recorded of them.
#[derive(Clone)]
pub(super) struct Registries {
    pub(super) embedded: Arc<EmbeddedRegistry>,
    pub(super) directory: Arc<dyn AccountDirectory>,
    pub(super) records: Arc<dyn ImmunizationRegistry>,
}

pub(super) async fn open_registries(options: &AppOptions, store: &Arc<dyn Store>) -> Result<Registries, AppError> {
    let today = options.clock.now().day_wib();
    // Nobody invented stands beside real people and their real records.
    let invented = matches!(options.directory, Directory::Embedded) || matches!(options.records, Records::Embedded);
    let count = if invented { options.registry.citizens } else { 0 };
    let citizens = population(options.registry.seed, count, today);
    let embedded = EmbeddedRegistry::open(citizens, Arc::clone(store), Arc::clone(&options.clock)).await?;
    let embedded = Arc::new(embedded);
    let own: Registries =
        Registries { directory: embedded.clone(), records: embedded.clone(), embedded: Arc::clone(&embedded) };
    if let Some(FailingRegistry { directory, records }) = options.failing.clone() {
        return Ok(Registries { directory, records, ..own });
    }
    let records: Arc<dyn ImmunizationRegistry> = match &options.records {
        Records::Embedded => embedded,
        Records::Satusehat(at) => Arc::new(Satusehat::new(at, Arc::clone(&options.clock))?),
    };
    let directory: Arc<dyn AccountDirectory> = match &options.directory {
        Directory::Embedded => own.directory.clone(),
        Directory::Http(at) => Arc::new(HttpDirectory::new(at, Arc::clone(&options.clock))?),
    };
    Ok(Registries { directory, records, ..own })
}

/// The issuer over a store's register, which it opens.
pub(super) async fn open_issuer(options: &AppOptions, store: &Arc<dyn Store>) -> Result<Arc<Issuer>, AppError> {
    let CertificateOptions { signer, issuer, .. } = options.certificates.clone();
    let (typesetter, vaccines) = (Typesetter::new()?, Vaccines::embedded()?);
    let (store, clock, keys) = (Arc::clone(store), Arc::clone(&options.clock), Arc::clone(&options.keys));
    let register = Register::open(store, clock, keys).await?;
    Ok(Arc::new(Issuer::new(register, signer, typesetter, vaccines, issuer)))
}

/// Each shard's own connections: a client shared by several threads would hang with the one that opened it. An SMPP
/// session is the process's, on a thread of its own: operators count them.
pub(super) fn lines(
    options: &AppOptions,
    emulator: Option<&Emulator>,
    issuer: &Arc<Issuer>,
) -> Result<Vec<Lines>, AppError> {
    let issuer = Arc::clone(issuer);
    let render: whatsapp::Render = Arc::new(move |certificate| {
        let issued = Arc::clone(&issuer).issue(certificate);
        async move {
            let unmade = |error: IssueError| {
                let reason = error.to_string();
                if error.may_pass() { whatsapp::Unmade::NotNow(reason) } else { whatsapp::Unmade::Never(reason) }
            };
            Ok(issued.await.map_err(unmade)?.pdf)
        }
        .boxed()
    });
    let gateways: Vec<Gateway> =
        options.senders.iter().map(|sender| gateway(sender, options, emulator)).collect::<Result<_, _>>()?;
    (0..options.figures.shards.max(1))
        .map(|_| {
            let channel: Arc<dyn Channel> = match &options.channel {
                Some(given) => Arc::clone(given),
                None => Arc::new(whatsapp::GraphClient::new(&graph(options, emulator), Arc::clone(&render))?),
            };
            let ways = gateways.iter().map(Gateway::way).collect::<Result<_, _>>()?;
            Ok(Lines { channel, ways })
        })
        .collect()
}

fn graph(options: &AppOptions, emulator: Option<&Emulator>) -> whatsapp::Options {
    let graph = &options.graph;
    whatsapp::Options {
        base_url: emulator.map_or_else(|| graph.url.clone(), Emulator::url),
        version: graph.version.clone(),
        token: graph.access_token.clone(),
        connections_max: graph.connections_max,
        connect_timeout: graph.connect_timeout,
        request_timeout: graph.request_timeout,
        send_to_bsuid: graph.send_to_bsuid,
    }
}

/// A way of codes, before the shards have theirs.
enum Gateway {
    /// One for all of them.
    Shared(Way),
    /// Each has connections of its own.
    Http(sms_http::Options),
}

impl Gateway {
    fn way(&self) -> Result<Way, AppError> {
        match self {
            Self::Shared(way) => Ok(way.clone()),
            Self::Http(http) => Ok(Way::Sms(Arc::new(SmsHttp::new(http)?))),
        }
    }
}

fn gateway(sender: &CodeSender, options: &AppOptions, emulator: Option<&Emulator>) -> Result<Gateway, AppError> {
    match (sender, emulator) {
        (CodeSender::Template, _) => Ok(Gateway::Shared(Way::Template)),
        (CodeSender::Smpp(smpp), _) => Ok(Gateway::Shared(Way::Sms(Arc::new(Smpp::start(smpp)?)))),
        (CodeSender::Http(http), _) => Ok(Gateway::Http(http.clone())),
        (CodeSender::Emulator, Some(emulator)) => Ok(Gateway::Http(sms_http::Options {
            timeout: options.graph.request_timeout,
            connections_max: options.graph.connections_max,
            readings: vec![sms_http::Reading {
                status: Some(EMULATOR_UNDELIVERED),
                says: String::new(),
                means: sms_http::Meaning::Undelivered,
            }],
            ..sms_http::Options::plain(format!("{}/sms", emulator.url()))
        })),
        (CodeSender::Emulator, None) => Err(AppError::Options("sms to the emulator need the emulator")),
    }
}
