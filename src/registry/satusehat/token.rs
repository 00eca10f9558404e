//! The access token: one login at a time, renewed before its end, and no storm of logins after one that failed.
//!
//! A login is not its caller's: whoever waits for it may go, it goes on. While a token is good it is used, also when
//! its renewal fails; without one, everybody gets the failure of the last login until the next may be tried. The
//! server allows one login a minute after a failed one; what did not even answer is tried again sooner, and then
//! ever later; a pause that it asks for is kept.

use std::sync::Arc;

use parking_lot::Mutex;
use reqwest::{Client, Url, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use super::super::http::Reply;
use super::super::told::Hidden;
use super::{VOICE, down, misconfigured};
use crate::domain::time::{DAY_MS, MINUTE_MS, SECOND_MS, Timestamp};
use crate::ports::{Clock, NeighbourError};

/// After a login that was refused.
const REFUSED_MS: i64 = MINUTE_MS;
/// After one that was not answered, doubling up to a minute.
const UNANSWERED_MS: i64 = 5 * SECOND_MS;
/// A token is good for this long if it does not say.
const LIFE_MS: i64 = 5 * MINUTE_MS;
/// A refused token that is younger than this is not replaced at once: the next would be refused as well.
const YOUNG_MS: i64 = MINUTE_MS;

/// The token of one client.
pub(super) struct Tokens {
    http: Client,
    url: Url,
    client_id: String,
    client_secret: SecretString,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Held by whoever logs in.
    login: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// No login before then, and what the last one ended with.
    held_back: Option<(Timestamp, NeighbourError)>,
    failures: u32,
}

/// A token as it is used.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) secret: Arc<SecretString>,
    since: Timestamp,
    renew_at: Timestamp,
    ends_at: Timestamp,
}

impl Tokens {
    pub(super) fn new(
        http: Client,
        url: Url,
        client_id: String,
        client_secret: SecretString,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let (state, login) = (Mutex::default(), Arc::default());
        Arc::new(Self { http, url, client_id, client_secret, clock, state, login })
    }

    /// A token that is good now.
    pub(super) async fn get(self: &Arc<Self>) -> Result<Token, NeighbourError> {
        if let Some(token) = self.good() {
            if self.clock.now() >= token.renew_at
                && let Ok(alone) = Arc::clone(&self.login).try_lock_owned()
            {
                // Nobody waits for it: the old one is good still.
                drop(self.log_in(alone));
            }
            return Ok(token);
        }
        let alone = Arc::clone(&self.login).lock_owned().await;
        // Another has logged in meanwhile, or tried to.
        if let Some(token) = self.good() {
            return Ok(token);
        }
        self.log_in(alone).await.unwrap_or_else(|_| Err(down("a login ended before it was done")))
    }

    /// A token was refused: the next request logs in anew, unless a new one would fare no better.
    pub(super) fn refused(&self, refused: &Token) {
        let now = self.clock.now();
        let mut state = self.state.lock();
        if state.token.as_ref().is_none_or(|token| token.since != refused.since) {
            return;
        }
        let young_ms = YOUNG_MS.min(refused.ends_at.since_ms(refused.since) / 2);
        if now.since_ms(refused.since) < young_ms {
            let fault = misconfigured("it refuses the token that it has just given (http 401)");
            state.held_back = Some((now.plus_ms(REFUSED_MS), fault));
        }
        state.token = None;
    }

    fn good(&self) -> Option<Token> {
        let now = self.clock.now();
        self.state.lock().token.clone().filter(|token| now < token.ends_at && token.since <= now)
    }

    /// Logs in on a task of its own, unless that must wait.
    fn log_in(self: &Arc<Self>, alone: OwnedMutexGuard<()>) -> tokio::task::JoinHandle<Result<Token, NeighbourError>> {
        let own = Arc::clone(self);
        tokio::spawn(async move {
            let _alone = alone;
            let held_back = own.state.lock().held_back.clone();
            if let Some((_, fault)) = held_back.filter(|(until, _)| own.clock.now() < *until) {
                return Err(fault);
            }
            let (end, pause_s) = own.ask().await;
            own.remember(end, pause_s)
        })
    }

    /// `pause_s`: what the server asked for.
    fn remember(&self, end: Result<Token, NeighbourError>, pause_s: Option<i64>) -> Result<Token, NeighbourError> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        match end {
            Ok(token) => {
                *state = State { token: Some(token.clone()), ..State::default() };
                Ok(token)
            }
            Err(fault) => {
                let doubled = UNANSWERED_MS << state.failures.min(8);
                let refused = matches!(fault, NeighbourError::Misconfigured { .. });
                let pause = if refused { REFUSED_MS } else { doubled.min(MINUTE_MS) };
                let pause = pause.max(pause_s.unwrap_or_default() * SECOND_MS);
                state.failures += 1;
                state.held_back = Some((now.plus_ms(pause), fault.clone()));
                tracing::warn!(error = %fault, pause_ms = pause, "a login failed");
                Err(fault)
            }
        }
    }

    /// Asks for a token; and how long the server wants to be left alone, if it says so.
    async fn ask(&self) -> (Result<Token, NeighbourError>, Option<i64>) {
        let asked_at = self.clock.now();
        let form = [("client_id", self.client_id.as_str()), ("client_secret", self.client_secret.expose_secret())];
        let request = self.http.post(self.url.clone()).header(header::ACCEPT, "application/json").form(&form);
        match VOICE.answer(request).await {
            Ok(reply) => (given(asked_at, &reply), reply.pause_s()),
            Err(fault) => (Err(fault), None),
        }
    }
}

/// The token of a login's answer.
fn given(asked_at: Timestamp, reply: &Reply) -> Result<Token, NeighbourError> {
    let Reply { status, body, .. } = reply;
    if *status != 200 {
        return Err(refusal(*status, &Hidden::nothing().told(body)));
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| down("its login page answers with no json"))?;
    let secret = body.get("access_token").and_then(Value::as_str).filter(|secret| !secret.is_empty());
    let secret = secret.ok_or_else(|| misconfigured("its login answers without a token"))?;
    if header::HeaderValue::from_str(secret).is_err() {
        return Err(misconfigured("its token cannot stand in a header"));
    }
    let life = body.get("expires_in").and_then(seconds).map_or(LIFE_MS, |life| life.saturating_mul(SECOND_MS));
    let life = life.clamp(SECOND_MS, DAY_MS);
    Ok(Token {
        secret: Arc::new(secret.to_owned().into()),
        since: asked_at,
        renew_at: asked_at.plus_ms(life / 6 * 5),
        // Clocks differ, and a request takes its time.
        ends_at: asked_at.plus_ms(life - (life / 10).min(30 * SECOND_MS)),
    })
}

/// Refused for good, or only for the moment: a limit is said in words, under whatever status.
fn refusal(status: u16, told: &str) -> NeighbourError {
    let limited = status == 429 || told.to_lowercase().contains("rate limit");
    match VOICE.failed(status, told) {
        NeighbourError::Misconfigured { .. } if limited => down(format!("login limited (http {status}): {told}")),
        fault @ NeighbourError::Down { .. } => fault,
        NeighbourError::Misconfigured { .. } | NeighbourError::NotFound { .. } | NeighbourError::Conflict { .. } => {
            misconfigured(format!("login refused (http {status}): {told}"))
        }
    }
}

/// A number, or one in quotes.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
