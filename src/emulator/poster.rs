//! Brings POSTs to the webhook, and brings them again until they are taken (cloud-api.md 1.2).
//!
//! Every POST goes its own way, so two may overtake each other, as with Meta.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use secrecy::ExposeSecret as _;
use tokio::sync::oneshot;

use super::contacts::millis;
use super::error::SayError;
use super::event::Happening;
use super::webhook::{self, Update};
use super::world::{OpenPost, World};
use crate::domain::contact::Recipient;

/// A POST on its way. Dropping it changes nothing.
#[derive(Debug)]
pub struct Posting {
    /// The ids of what was said, in order.
    pub ids: Vec<String>,
    /// Resolves when the webhook has taken it; to an error when it was given up.
    pub stored: oneshot::Receiver<Stored>,
}

/// A POST that was answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stored {
    /// 200, or for a raw POST whatever it was.
    pub http: u16,
    /// From the start of the last attempt to its answer.
    pub ms: f64,
    /// 1 for the first.
    pub attempt: u32,
}

/// How a raw POST is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    Right,
    Wrong,
    Missing,
}

struct Post {
    body: Bytes,
    signature: Option<String>,
    said: Vec<(Recipient, String)>,
    /// The server's messages whose statuses are among the updates.
    tells_of: Vec<String>,
    /// Holds the place among the open posts until the POST is over.
    place: OpenPost,
}

/// Posts updates; `said` names the citizens' messages among them.
pub(super) fn post(world: &Arc<World>, place: OpenPost, updates: &[Update], said: Vec<(Recipient, String)>) -> Posting {
    let body = Bytes::from(webhook::compose(&world.options, updates));
    let signature = Some(webhook::signature(world.options.app_secret.expose_secret(), &body));
    let ids = said.iter().map(|(_, id)| id.clone()).collect();
    let (answered, stored) = oneshot::channel();
    let tells_of = updates.iter().filter_map(Update::tells_of).map(str::to_owned).collect();
    let post = Post { body, signature, said, tells_of, place };
    let bringing = Arc::clone(world);
    world.runtime.spawn(async move {
        tokio::select! {
            () = bringing.closed() => {}
            taken = bring(&bringing, &post) => {
                // Nobody has to wait for the answer.
                let _unheard = taken.map(|taken| answered.send(taken));
            }
        }
        drop(post.place);
    });
    Posting { ids, stored }
}

/// Posts bytes once, whatever the answer.
pub(super) fn post_raw(world: &Arc<World>, body: Vec<u8>, signing: Signing) -> Result<Posting, SayError> {
    let place = world.open_post().ok_or(SayError::Full)?;
    let body = Bytes::from(body);
    let signature = match signing {
        Signing::Right => Some(webhook::signature(world.options.app_secret.expose_secret(), &body)),
        Signing::Wrong => Some(webhook::signature("another secret", &body)),
        Signing::Missing => None,
    };
    let (answered, stored) = oneshot::channel();
    let post = Post { body, signature, said: Vec::new(), tells_of: Vec::new(), place };
    let bringing = Arc::clone(world);
    world.runtime.spawn(async move {
        let (http, ms) = attempt(&bringing, &post).await;
        let _unheard = http.map(|http| answered.send(Stored { http, ms, attempt: 1 }));
        drop(post.place);
    });
    Ok(Posting { ids: Vec::new(), stored })
}

/// Tries until it is taken; `None`: given up.
async fn bring(world: &World, post: &Post) -> Option<Stored> {
    let redelivery = &world.options.redelivery;
    let mut waited_ms = 0;
    let mut gap_ms = 0;
    for number in 1_u32.. {
        let (http, ms) = attempt(world, post).await;
        if http == Some(200) {
            let stored = Stored { http: 200, ms, attempt: number };
            tell(world, post, |id| Happening::Stored { id, ms, attempt: number });
            post.tells_of.iter().for_each(|id| world.publish(None, Happening::StatusStored { id: id.clone() }));
            return Some(stored);
        }
        let retry_in_ms = (waited_ms + gap_ms <= redelivery.until_ms).then_some(gap_ms);
        tell(world, post, |id| Happening::NotStored { id, http, attempt: number, retry_in_ms });
        tokio::time::sleep(Duration::from_millis(retry_in_ms?)).await;
        waited_ms += gap_ms;
        gap_ms = if gap_ms == 0 { redelivery.gap_first_ms.max(1) } else { gap_ms * 2 };
        gap_ms = gap_ms.min(redelivery.gap_max_ms.max(1));
    }
    None
}

/// One request: the HTTP status, if an answer came, and how long it took.
async fn attempt(world: &World, post: &Post) -> (Option<u16>, f64) {
    // Waiting for a free connection counts: the POST was due, and a slow webhook is what keeps the others busy.
    let started = Instant::now();
    // The semaphore is never closed.
    let _connection = world.connections.acquire().await;
    let mut request = world
        .client
        .post(&world.options.webhook_url)
        .timeout(Duration::from_millis(world.options.redelivery.timeout_ms))
        .header("content-type", "application/json")
        .header("user-agent", "siaga-emulator");
    if let Some(signature) = &post.signature {
        request = request.header("x-hub-signature-256", signature);
    }
    let http = request.body(post.body.clone()).send().await.ok().map(|answer| answer.status().as_u16());
    (http, millis(started))
}

fn tell(world: &World, post: &Post, what: impl Fn(String) -> Happening) {
    for (chat, id) in &post.said {
        world.publish(Some(chat), what(id.clone()));
    }
}
