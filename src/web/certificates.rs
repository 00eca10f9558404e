//! What everyone who checks a certificate may fetch, on the webhook's listener: the keys that verify and the ids
//! that are revoked.
//!
//! `GET /certificates/keys` is a JWK set. `GET /certificates/revoked?page=N` is JSON, a thousand ids a page, oldest
//! first; a full page with a `next` never changes again. Both carry an ETag and answer `If-None-Match` with 304.
//! No personal data: an id is opaque. Pages are kept ready, so a crowd of checkers costs the store one read a
//! change.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::header::{self, ETag, EntityTag, Header as _, IfNoneMatch};
use actix_web::web::{Data, Query, ServiceConfig, get};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use crate::certificate::hcert::PublicKeys;
use crate::domain::certificate::Revocation;
use crate::ports::{REVOCATIONS_A_PAGE, RevocationList, StoreError};

const REVOKED: &str = "/certificates/revoked";
const KEYS: &str = "/certificates/keys";
/// Pages kept ready; the one asked for longest ago goes.
const READY_MAX: usize = 16;
/// How long a checker may use what it has before it asks again.
const MAX_AGE: &str = "public, max-age=300";

/// What the routes show.
pub struct Notices {
    list: Arc<dyn RevocationList>,
    keys: Document,
    ready: Mutex<Vec<(u32, Held, Document)>>,
}

/// How many revocations a page holds, and whether there is another behind it: what makes it out of date.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Held {
    count: u64,
    has_next: bool,
}

/// A body and its tag.
#[derive(Clone)]
struct Document {
    body: Arc<str>,
    tag: String,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    page: u32,
}

impl Notices {
    pub fn new(list: Arc<dyn RevocationList>, keys: &PublicKeys) -> Self {
        Self { list, keys: Document::new(&keys.to_jwks()), ready: Mutex::default() }
    }

    /// The document of a page; nothing beyond the last.
    async fn page(&self, number: u32) -> Result<Option<Document>, StoreError> {
        let first = u64::from(number) * REVOCATIONS_A_PAGE;
        let all = self.list.count();
        // The first page is there before anything is revoked.
        if number > 0 && first >= all {
            return Ok(None);
        }
        let held = Held {
            count: all.saturating_sub(first).min(REVOCATIONS_A_PAGE),
            has_next: all > first + REVOCATIONS_A_PAGE,
        };
        if let Some(document) = self.kept(number, held) {
            return Ok(Some(document));
        }
        let revocations = self.list.page(number).await?;
        let shown = usize::try_from(held.count).unwrap_or(usize::MAX).min(revocations.len());
        let document = Document::new(&page(number, held, &revocations[..shown]));
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.retain(|(kept, ..)| *kept != number);
        if ready.len() >= READY_MAX {
            ready.remove(0);
        }
        ready.push((number, held, document.clone()));
        Ok(Some(document))
    }

    fn kept(&self, number: u32, held: Held) -> Option<Document> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let place = ready.iter().position(|(page, at, _)| (*page, *at) == (number, held))?;
        let kept = ready.remove(place);
        let document = kept.2.clone();
        ready.push(kept);
        Some(document)
    }
}

impl Document {
    fn new(value: &Value) -> Self {
        let body = value.to_string();
        let hash: [u8; 32] = Sha256::digest(body.as_bytes()).into();
        Self { body: body.into(), tag: URL_SAFE_NO_PAD.encode(&hash[..12]) }
    }

    fn answer(&self, known: &IfNoneMatch) -> HttpResponse {
        let tag = EntityTag::new_strong(self.tag.clone());
        let same = match known {
            IfNoneMatch::Any => true,
            IfNoneMatch::Items(tags) => tags.iter().any(|known| known.weak_eq(&tag)),
        };
        let mut response = if same { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response
            .insert_header(ETag(tag))
            .insert_header((header::CACHE_CONTROL, MAX_AGE))
            .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
        if same {
            return response.finish();
        }
        response.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff")).content_type("application/json");
        response.body(self.body.to_string())
    }
}

/// Routes beside the webhook's.
pub fn routes(config: &mut ServiceConfig) {
    config.route(REVOKED, get().to(revoked)).route(KEYS, get().to(keys));
}

async fn keys(notices: Data<Notices>, request: HttpRequest) -> HttpResponse {
    notices.keys.answer(&known(&request))
}

async fn revoked(notices: Data<Notices>, query: Query<Page>, request: HttpRequest) -> HttpResponse {
    match notices.page(query.page).await {
        Ok(Some(document)) => document.answer(&known(&request)),
        Ok(None) => HttpResponse::NotFound().finish(),
        Err(error) => {
            tracing::warn!(%error, "the list of revocations cannot be read");
            HttpResponse::ServiceUnavailable().finish()
        }
    }
}

/// What the checker has. An unreadable header is none.
fn known(request: &HttpRequest) -> IfNoneMatch {
    IfNoneMatch::parse(request).unwrap_or(IfNoneMatch::Items(Vec::new()))
}

fn page(number: u32, held: Held, revocations: &[Revocation]) -> Value {
    let row = |revocation: &Revocation| {
        let Revocation { id, at, reason, expires_at_s } = revocation;
        let (revoked_at, expires_at) = (moment(at.0.div_euclid(1_000)), moment(*expires_at_s));
        json!({ "id": id.as_str(), "revoked_at": revoked_at, "reason": reason.name(), "expires_at": expires_at })
    };
    let mut page = json!({ "page": number, "revoked": revocations.iter().map(row).collect::<Vec<_>>() });
    if held.has_next {
        page["next"] = json!(format!("{REVOKED}?page={}", u64::from(number) + 1));
    }
    page
}

/// `2026-11-23T06:50:00Z`
fn moment(at_s: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(at_s).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!("{}T{:02}:{:02}:{:02}Z", at.date(), at.hour(), at.minute(), at.second())
}
