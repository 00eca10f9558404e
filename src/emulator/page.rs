//! The chat page: its files, and the small API behind them.
//!
//! A page opens a chat and is given a token; what it says goes through [`say::post`], what happens comes back
//! as Server-Sent Events. A page that connects again names the last event it saw and is sent what it missed,
//! as far as the history reaches (`Bounds::history_max`). No phone number is ever part of an address.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::broadcast;

use super::event::{Event, Happening};
use super::options::DemoCard;
use super::say::{self, Content, Saying, Sender};
use super::world::World;
use crate::domain::contact::Recipient;
use crate::domain::message::Text;
use crate::domain::phone::Phone;

/// Only our own files, nothing inline, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const SCRIPT: &str = "text/javascript; charset=utf-8";
/// A comment this often keeps proxies from closing a silent stream.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The longest text that a citizen can send.
const TEXT_CHARS_MAX: usize = 4_096;

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(|| async { asset("text/html; charset=utf-8", include_str!("page/index.html")) }))
        .route("/page/{file}.{kind:css|js|svg}", web::get().to(part))
        .route("/page/setup", web::get().to(setup))
        .route("/page/chats", web::post().to(open))
        .route("/page/chats/{chat}/events", web::get().to(events))
        .route("/page/chats/{chat}/messages", web::post().to(speak))
        .route("/page/chats/{chat}/messages", web::delete().to(clear))
        .route("/page/files/{media}/{name}", web::get().to(file));
}

fn guarded(mut response: HttpResponseBuilder) -> HttpResponseBuilder {
    response
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((HeaderName::from_static("x-content-type-options"), "nosniff"))
        .insert_header((HeaderName::from_static("referrer-policy"), "no-referrer"));
    response
}

fn asset(content_type: &'static str, text: &'static str) -> HttpResponse {
    let mut response = guarded(HttpResponse::Ok());
    response.insert_header((CONTENT_SECURITY_POLICY, POLICY)).content_type(content_type).body(text)
}

fn refuse(reason: &str) -> HttpResponse {
    guarded(HttpResponse::BadRequest()).json(json!({ "error": reason }))
}

fn unknown_chat() -> HttpResponse {
    guarded(HttpResponse::NotFound()).json(json!({ "error": "no such chat" }))
}

/// The page's own files.
async fn part(path: web::Path<(String, String)>) -> HttpResponse {
    match (path.0.as_str(), path.1.as_str()) {
        ("layout", "css") => asset("text/css; charset=utf-8", include_str!("page/layout.css")),
        ("chat", "css") => asset("text/css; charset=utf-8", include_str!("page/chat.css")),
        ("chat", "js") => asset(SCRIPT, include_str!("page/chat.js")),
        ("bubbles", "js") => asset(SCRIPT, include_str!("page/bubbles.js")),
        ("menu", "js") => asset(SCRIPT, include_str!("page/menu.js")),
        ("panes", "js") => asset(SCRIPT, include_str!("page/panes.js")),
        ("icon", "svg") => asset("image/svg+xml", include_str!("page/icon.svg")),
        _ => guarded(HttpResponse::NotFound()).finish(),
    }
}

/// What the page needs to know before anyone speaks.
async fn setup(world: web::Data<World>) -> HttpResponse {
    let number = world.options.numbers.first().map(|number| number.display.clone());
    let cards: Vec<_> = world.options.cards.iter().map(card).collect();
    guarded(HttpResponse::Ok()).json(json!({ "number": number, "cards": cards, "sms": world.options.sms }))
}

fn card(card: &DemoCard) -> Value {
    let people: Vec<_> = card.people.iter().map(|person| json!({ "name": person.name, "nik": person.nik })).collect();
    json!({
        "key": card.key,
        "title": card.title,
        "title_en": card.title_en,
        "about": card.about,
        "about_en": card.about_en,
        "phone": card.phone.map(local_form),
        "bsuid": card.bsuid_only,
        "username": card.username,
        "registered": card.registered.map(local_form),
        "people": people,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    phone: Option<String>,
    username: Option<String>,
    bsuid: Option<String>,
    name: Option<Text>,
}

/// Opens the chat of a phone, or of a username whose phone is hidden.
async fn open(world: web::Data<World>, opening: web::Json<Opening>) -> HttpResponse {
    let Opening { phone, username, bsuid, name } = opening.into_inner();
    let sender = match (phone.as_deref().map(str::trim), username) {
        (Some(typed), _) if !typed.is_empty() => match typed_phone(typed) {
            Some(phone) => Sender { name, ..Sender::phone(phone) },
            None => return refuse("phone"),
        },
        (_, Some(username)) if may_be_username(&username) => {
            let bsuid = bsuid.unwrap_or_else(|| bsuid_of(&username));
            Sender { name, username: Some(Text(username)), ..Sender::bsuid(&bsuid) }
        }
        _ => return refuse("phone or username"),
    };
    let Some(chat) = sender.chat() else { return refuse("phone or username") };
    let Some(token) = world.history.open(&chat, &sender) else { return refuse("this emulator keeps no chats") };
    let phone = sender.phone.map(local_form);
    let e164 = sender.phone.map(Phone::to_e164);
    guarded(HttpResponse::Ok()).json(json!({
        "chat": token, "phone": phone, "e164": e164, "username": sender.username,
    }))
}

#[derive(Deserialize)]
struct Speaking {
    content: Content,
    quotes: Option<String>,
}

async fn speak(world: web::Data<World>, chat: web::Path<String>, speaking: web::Json<Speaking>) -> HttpResponse {
    let Some((_, sender)) = world.history.by_token(&chat) else { return unknown_chat() };
    let Speaking { content, quotes } = speaking.into_inner();
    if let Content::Text { text } = &content
        && !(1..=TEXT_CHARS_MAX).contains(&text.0.chars().count())
    {
        return refuse("text");
    }
    let saying = Saying { quotes, ..Saying::new(sender, content) };
    match say::post(&world.into_inner(), vec![saying]) {
        Ok(posting) => guarded(HttpResponse::Ok()).json(json!({ "ids": posting.ids })),
        Err(error) => guarded(HttpResponse::ServiceUnavailable()).json(json!({ "error": error.to_string() })),
    }
}

async fn clear(world: web::Data<World>, chat: web::Path<String>) -> HttpResponse {
    let Some((chat, _)) = world.history.by_token(&chat) else { return unknown_chat() };
    world.history.clear(&chat);
    guarded(HttpResponse::NoContent()).finish()
}

/// A document that the server sent, to be opened in the browser.
async fn file(world: web::Data<World>, path: web::Path<(String, String)>) -> HttpResponse {
    match world.media.file(&path.0) {
        Some(file) => guarded(HttpResponse::Ok()).content_type(file.mime_type).body(file.bytes),
        None => guarded(HttpResponse::NotFound()).finish(),
    }
}

/// What one page still has to be told.
struct Feed {
    world: Arc<World>,
    chat: Recipient,
    missed: VecDeque<Arc<Event>>,
    live: broadcast::Receiver<Arc<Event>>,
    seen: u64,
}

async fn events(world: web::Data<World>, http: HttpRequest, token: web::Path<String>) -> HttpResponse {
    let Some((chat, _)) = world.history.by_token(&token) else { return unknown_chat() };
    let seen = http.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or(0);
    // Subscribed before the history is read: nothing falls between.
    let live = world.history.subscribe();
    let missed = world.history.since(&chat, seen);
    let feed = Feed { world: world.into_inner(), chat, missed, live, seen };
    let stream = futures_util::stream::unfold(feed, |mut feed| async move {
        let chunk = feed.next().await?;
        Some((Ok::<_, std::convert::Infallible>(chunk), feed))
    });
    guarded(HttpResponse::Ok()).content_type("text/event-stream").streaming(Box::pin(stream))
}

impl Feed {
    /// The next piece of the stream; `None` ends it, and the page connects again.
    async fn next(&mut self) -> Option<web::Bytes> {
        loop {
            let event = if let Some(event) = self.missed.pop_front() {
                event
            } else {
                tokio::select! {
                    () = self.world.closed() => return None,
                    () = tokio::time::sleep(HEARTBEAT) => return Some(web::Bytes::from_static(b":\n\n")),
                    // One that lags behind is sent the history when it connects again.
                    live = self.live.recv() => live.ok()?,
                }
            };
            let ours =
                event.chat.as_ref().map_or(matches!(event.what, Happening::Sms { .. }), |chat| *chat == self.chat);
            if ours && event.seq > self.seen {
                self.seen = event.seq;
                let json = serde_json::to_string(&*event).ok()?;
                return Some(web::Bytes::from(format!("id: {}\ndata: {json}\n\n", event.seq)));
            }
        }
    }
}

/// A number as people type it: `0812-0000-0042`, `+62 812…`, `62812…`.
fn typed_phone(typed: &str) -> Option<Phone> {
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    if typed.chars().any(|c| !c.is_ascii_digit() && !" +-().".contains(c)) {
        return None;
    }
    let international = match digits.strip_prefix('0') {
        Some(national) if !typed.starts_with('+') => format!("62{national}"),
        _ => digits,
    };
    Phone::from_wa_id(&international).filter(|_| international.len() >= 8)
}

/// A number as Indonesians write it: `0812-0000-0042`; others with a plus.
fn local_form(phone: Phone) -> String {
    let digits = phone.digits().to_string();
    let Some(national) = digits.strip_prefix("62") else { return phone.to_e164() };
    let (prefix, rest) = national.split_at(national.len().min(3));
    let (middle, end) = rest.split_at(rest.len().min(4));
    if end.is_empty() { format!("0{prefix}-{middle}") } else { format!("0{prefix}-{middle}-{end}") }
}

/// Letters, digits, full stops and underscores; a sentence that was typed into the wrong box is none.
fn may_be_username(typed: &str) -> bool {
    (3..=35).contains(&typed.chars().count()) && typed.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_'))
}

/// The same username is the same person whenever it is typed.
fn bsuid_of(username: &str) -> String {
    let hash = Sha256::digest(username.to_lowercase().as_bytes());
    let number = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("ID.{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_understood_as_people_type_it_and_shown_as_they_write_it() {
        for typed in ["0812-0000-0042", "+62 812 0000 0042", "6281200000042", "0812.0000.0042"] {
            assert_eq!(typed_phone(typed).map(local_form).as_deref(), Some("0812-0000-0042"), "{typed}");
        }
        assert_eq!(typed_phone("+1 631 555 0100").map(local_form).as_deref(), Some("+16315550100"));
        for typed in ["", "siti", "0812", "0812-0000-0042x"] {
            assert_eq!(typed_phone(typed), None, "{typed}");
        }
    }
}
