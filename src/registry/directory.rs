//! Who stands under a phone, and changes of name and phone, over a ministry's own HTTP interface.
//!
//! `config/ministry.openapi.yaml` describes it; what is sent and understood here is that document's. Invariants: a
//! change carries the turn's key, so made again it changes nothing; it also carries the version of the person as the
//! account saw him (`If-Match`), so what somebody else changed meanwhile is never written over. Nothing personal
//! stands in an address, except the ministry's own opaque id of a person.
//!
//! What does not belong here: who may change what (`account`), vaccinations (`satusehat`).

mod seen;
mod shape;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use reqwest::{Method, RequestBuilder, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::http::{Http, OptionsError, Reply, below};
use super::told::Hidden;
use crate::domain::citizen::{Person, PersonId};
use crate::domain::name::Name;
use crate::domain::phone::Mobile;
use crate::errands::Errands;
use crate::ports::{AccountDirectory, Clock, IdempotencyKey, NeighbourError};

use seen::Seen;

const NEIGHBOUR: &str = "directory";
const KEY_HEADER: &str = "idempotency-key";

/// Settings of the directory.
#[derive(Clone, Debug)]
pub struct Options {
    /// Everything below it, `v1/persons/…`; plain http only to this machine.
    pub url: String,
    /// The whole value of the `Authorization` header, "Bearer …".
    pub authorization: SecretString,
    /// One request from start to end of answer; as long is waited for a free connection first.
    pub timeout: Duration,
    /// Requests under way at once.
    pub connections_max: usize,
}

/// The adapter. Shared by all shards.
pub struct HttpDirectory {
    directory: Arc<Directory>,
    errands: Errands,
}

struct Directory {
    http: Http,
    authorization: header::HeaderValue,
    seen: Seen,
}

impl HttpDirectory {
    /// Connects to nothing yet.
    pub fn new(options: &Options, clock: Arc<dyn Clock>) -> Result<Self, OptionsError> {
        let http = Http::new(NEIGHBOUR, &options.url, options.timeout, options.connections_max)?;
        let mut authorization = header::HeaderValue::from_str(options.authorization.expose_secret())
            .map_err(|_| OptionsError::Authorization)?;
        authorization.set_sensitive(true);
        let directory = Arc::new(Directory { http, authorization, seen: Seen::new(clock) });
        Ok(Self { directory, errands: Errands::start(NEIGHBOUR)? })
    }

    /// Does it on the directory's own thread.
    fn run<T, F>(&self, work: impl FnOnce(Arc<Directory>) -> F) -> BoxFuture<'_, Result<T, NeighbourError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, NeighbourError>> + Send + 'static,
    {
        let work = work(Arc::clone(&self.directory));
        async move {
            let done = self.errands.run(work).await;
            done.unwrap_or_else(|_| Err(self.directory.http.voice.down("its work ended before it was done")))
        }
        .boxed()
    }
}

impl AccountDirectory for HttpDirectory {
    fn persons(&self, phone: Mobile) -> BoxFuture<'_, Result<Vec<Person>, NeighbourError>> {
        self.run(|directory| async move { directory.persons(phone).await })
    }

    fn change_name(
        &self,
        key: IdempotencyKey,
        person: PersonId,
        name: Name,
    ) -> BoxFuture<'_, Result<(), NeighbourError>> {
        let body = json!({ "name": name.as_str() });
        self.run(move |directory| async move { directory.change(key, &person, "name", body).await })
    }

    fn change_phone(
        &self,
        key: IdempotencyKey,
        person: PersonId,
        from: Mobile,
        to: Mobile,
    ) -> BoxFuture<'_, Result<(), NeighbourError>> {
        let body = json!({ "from": from.phone().to_e164(), "to": to.phone().to_e164() });
        self.run(move |directory| async move { directory.change(key, &person, "phone", body).await })
    }
}

impl Directory {
    async fn persons(&self, phone: Mobile) -> Result<Vec<Person>, NeighbourError> {
        let request = self.request(Method::POST, &["v1", "persons", "search"]);
        let reply = self.exchange(request.json(&json!({ "phone": phone.phone().to_e164() }))).await?;
        let voice = self.http.voice;
        if reply.status != 200 {
            return Err(voice.failed(reply.status, &Hidden::nothing().told(&reply.body)));
        }
        let body: Value = serde_json::from_slice(&reply.body).map_err(|_| voice.down("http 200 and no json"))?;
        let found = shape::persons(&body).map_err(|wrong| voice.misconfigured(wrong))?;
        Ok(found
            .into_iter()
            .map(|(person, version)| {
                self.seen.note(&person.id, version);
                person
            })
            .collect())
    }

    async fn change(&self, key: IdempotencyKey, id: &PersonId, what: &str, body: Value) -> Result<(), NeighbourError> {
        let version = match self.seen.version(id) {
            Some(version) => version,
            None => self.version(id).await?,
        };
        let key = format!("{:016x}-{}", key.contact.0, key.call.0);
        let request = self.request(Method::PUT, &["v1", "persons", &id.0, what]);
        let request = request.header(KEY_HEADER, key).header(header::IF_MATCH, version).json(&body);
        let reply = self.exchange(request).await;
        // Whatever became of it, what was seen before is the past.
        self.seen.forget(id);
        let reply = reply?;
        match reply.status {
            204 => Ok(()),
            // A page of something in between: whether it was made is not known.
            200 => Err(self.http.voice.down("http 200 where a change that is made is answered 204")),
            404 | 410 => Err(NeighbourError::NotFound { neighbour: NEIGHBOUR }),
            409 | 412 => Err(NeighbourError::Conflict { neighbour: NEIGHBOUR, reason: shape::conflict(&reply.body) }),
            status => Err(self.http.voice.failed(status, &Hidden::nothing().told(&reply.body))),
        }
    }

    /// The version of a person whom no lookup has shown lately: an undo, or a change made again after a restart.
    async fn version(&self, id: &PersonId) -> Result<header::HeaderValue, NeighbourError> {
        let reply = self.exchange(self.request(Method::GET, &["v1", "persons", &id.0])).await?;
        match reply.status {
            200 => {
                let version = reply.headers.get(header::ETAG).cloned();
                version.ok_or_else(|| self.http.voice.misconfigured("it tells a person without an ETag"))
            }
            404 | 410 => Err(NeighbourError::NotFound { neighbour: NEIGHBOUR }),
            status => Err(self.http.voice.failed(status, &Hidden::nothing().told(&reply.body))),
        }
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let request = self.http.client.request(method, below(&self.http.base, path));
        request.header(header::AUTHORIZATION, self.authorization.clone()).header(header::ACCEPT, "application/json")
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<Reply, NeighbourError> {
        let _slot = self.http.slot().await?;
        self.http.voice.answer(request).await
    }
}
