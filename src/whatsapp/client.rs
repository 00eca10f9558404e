//! Messages, certificates and read receipts over HTTP.
//!
//! A certificate's PDF is made here, at the last moment, and lives in memory only. Everything before the request
//! to `/messages` can be repeated freely, so no failure up to there is ambiguous.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use secrecy::ExposeSecret;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::domain::certificate::Certificate;
use crate::domain::contact::{BusinessNumber, Recipient};
use crate::domain::message::{MessageId, Outbound};
use crate::http_neighbour::{self, Unfit};
use crate::ports::{Channel, OutgoingCode, OutgoingMessage, SendError};
use crate::wire::outbound::{self, Answer, limits};

use super::form;
use super::transport::{Failure, Reply, Transport};
use super::{Options, OptionsError, Render, Unmade};

/// The Graph API. Make one for each shard: its connections live on the thread that first used them.
pub struct GraphClient {
    transport: Transport,
    host: HeaderValue,
    /// What every request's path begins with.
    path: String,
    /// Marked as sensitive, so that nobody prints it.
    bearer: HeaderValue,
    slots: Semaphore,
    slot_wait: Duration,
    send_to_bsuid: bool,
    render: Render,
}

impl GraphClient {
    /// Connects to nothing yet. A proxy named by the environment is used, except for this machine itself.
    pub fn new(options: &Options, render: Render) -> Result<Self, OptionsError> {
        let base = base_url(options)?;
        if options.connections_max == 0 {
            return Err(OptionsError::NoConnections);
        }
        let proxies = (!http_neighbour::is_this_machine(&base)).then(Matcher::from_env);
        let transport = Transport::new(&base, proxies.as_ref(), options.connect_timeout, options.request_timeout)?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", options.token.expose_secret()))
            .map_err(|_| OptionsError::Token)?;
        bearer.set_sensitive(true);
        let port = base.port().map_or_else(String::new, |port| format!(":{port}"));
        let host = HeaderValue::try_from(format!("{}{port}", base.host_str().unwrap_or_default()))
            .map_err(|_| OptionsError::Url(options.base_url.clone()))?;
        Ok(Self {
            transport,
            host,
            path: base.path().to_owned(),
            bearer,
            slots: Semaphore::new(options.connections_max),
            slot_wait: options.connect_timeout,
            send_to_bsuid: options.send_to_bsuid,
            render,
        })
    }

    async fn send_one(&self, outgoing: OutgoingMessage) -> Result<MessageId, SendError> {
        limits::check(&outgoing.message).map_err(|broken| unsendable(broken.to_string()))?;
        if matches!(outgoing.to, Recipient::Bsuid(_)) && !self.send_to_bsuid {
            return Err(unsendable("its recipient has no phone, and sending to a bsuid is switched off".into()));
        }
        let _slot = self.slot().await?;
        let media = match &*outgoing.message {
            Outbound::Certificate { .. } => Some(Box::pin(self.upload(&outgoing)).await?),
            Outbound::Text { .. } | Outbound::Buttons { .. } | Outbound::List { .. } | Outbound::Template { .. } => {
                None
            }
        };
        let body = outbound::message(&outgoing.to, &outgoing.message, &outgoing.tag.0, media.as_deref())
            .ok_or_else(|| unsendable("a certificate has no uploaded file".into()))?;
        self.post_message(&outgoing.number, body).await
    }

    async fn send_one_code(&self, outgoing: OutgoingCode) -> Result<MessageId, SendError> {
        let OutgoingCode { number, to, template, code } = outgoing;
        let _slot = self.slot().await?;
        self.post_message(&number, outbound::otp_template(to, &template.name, &template.language, code, NO_ROW)).await
    }

    async fn post_message(&self, number: &BusinessNumber, body: Vec<u8>) -> Result<MessageId, SendError> {
        let reply = self.post(number, "messages", JSON, body.into()).await.map_err(after_sending)?;
        match outbound::read(&reply.body) {
            Answer::Accepted(id) => Ok(id),
            Answer::Refused { code } => Err(SendError::Refused { code, http: reply.http }),
            Answer::Done | Answer::Unreadable => Err(SendError::Unreadable { http: reply.http }),
        }
    }

    async fn mark_one(&self, number: BusinessNumber, message: MessageId, typing: bool) -> Result<(), SendError> {
        let _slot = self.slot().await?;
        let body = outbound::mark_read(&message, typing);
        let reply = self.post(&number, "messages", JSON, body.into()).await.map_err(after_sending)?;
        match outbound::read(&reply.body) {
            Answer::Done | Answer::Accepted(_) => Ok(()),
            Answer::Refused { code } => Err(SendError::Refused { code, http: reply.http }),
            Answer::Unreadable => Err(SendError::Unreadable { http: reply.http }),
        }
    }

    /// Makes the PDF and hands it to Meta (cloud-api.md 4.11); gives the media id.
    async fn upload(&self, outgoing: &OutgoingMessage) -> Result<String, SendError> {
        let Outbound::Certificate { file_name, certificate, .. } = &*outgoing.message else {
            return Err(unsendable("only a certificate has a file".into()));
        };
        let pdf = self.rendered(certificate).await?;
        let fields = [("messaging_product", "whatsapp"), ("type", PDF)];
        let (content_type, form) = form::with_file(&fields, file_name, PDF, &pdf);
        let content_type =
            HeaderValue::try_from(content_type).map_err(|_| unsendable("the form has no content type".into()))?;
        let reply = self.post(&outgoing.number, "media", content_type, form).await.map_err(before_sending)?;
        match (outbound::media_id(&reply.body), outbound::read(&reply.body)) {
            (_, Answer::Refused { code }) => Err(SendError::Refused { code, http: reply.http }),
            (Some(id), _) => Ok(id),
            (None, _) => Err(upload_unread(&reply)),
        }
    }

    async fn rendered(&self, certificate: &Certificate) -> Result<Vec<u8>, SendError> {
        let made = AssertUnwindSafe(async { (self.render)(certificate.clone()).await }).catch_unwind();
        match made.await {
            Ok(Ok(pdf)) => Ok(pdf),
            Ok(Err(Unmade::Never(reason))) => Err(unsendable(format!("its certificate cannot be made: {reason}"))),
            Ok(Err(Unmade::NotNow(reason))) => {
                Err(SendError::Unreachable { reason: format!("its certificate cannot be made now: {reason}") })
            }
            Err(_) => Err(unsendable("making its certificate panicked".into())),
        }
    }

    /// A free connection, or the news that none came free in time: nothing has left then.
    async fn slot(&self) -> Result<SemaphorePermit<'_>, SendError> {
        if let Ok(slot) = self.slots.try_acquire() {
            return Ok(slot);
        }
        match tokio::time::timeout(self.slot_wait, self.slots.acquire()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(SendError::Unreachable { reason: "no connection came free in time".into() }),
        }
    }

    async fn post(
        &self,
        number: &BusinessNumber,
        what: &str,
        content_type: HeaderValue,
        body: Bytes,
    ) -> Result<Reply, Failure> {
        let request = Request::post(format!("{}/{}/{what}", self.path, number.0))
            .header(header::HOST, self.host.clone())
            .header(header::AUTHORIZATION, self.bearer.clone())
            .header(header::CONTENT_TYPE, content_type)
            .body(body.into())
            .map_err(|_| Failure::NotSent("the request could not be built"))?;
        self.transport.exchange(request).await
    }
}

impl Channel for GraphClient {
    fn send(&self, outgoing: OutgoingMessage) -> BoxFuture<'_, Result<MessageId, SendError>> {
        self.send_one(outgoing).boxed()
    }

    fn mark_read(
        &self,
        number: BusinessNumber,
        message: MessageId,
        typing: bool,
    ) -> BoxFuture<'_, Result<(), SendError>> {
        self.mark_one(number, message, typing).boxed()
    }

    fn send_code(&self, code: OutgoingCode) -> BoxFuture<'_, Result<MessageId, SendError>> {
        self.send_one_code(code).boxed()
    }
}

const PDF: &str = "application/pdf";
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The tag of a message that no outbox row stands behind: its statuses are counted and settle nothing.
const NO_ROW: &str = "code";

fn base_url(options: &Options) -> Result<Url, OptionsError> {
    let not_a_url = || OptionsError::Url(options.base_url.clone());
    let mut base = http_neighbour::address(&options.base_url).map_err(|unfit| match unfit {
        Unfit::NoUrl => not_a_url(),
        Unfit::PlainHttp => OptionsError::PlainHttp(options.base_url.clone()),
    })?;
    base.path_segments_mut().map_err(|()| not_a_url())?.pop_if_empty().push(&options.version);
    Ok(base)
}

fn unsendable(reason: String) -> SendError {
    SendError::Unsendable { reason }
}

/// A failure of the request that sends.
fn after_sending(failure: Failure) -> SendError {
    match failure {
        Failure::NotSent(reason) => SendError::Unreachable { reason: reason.into() },
        Failure::NoAnswer(reason) => SendError::Ambiguous { reason: reason.into() },
        Failure::Cut { http } => SendError::Unreadable { http },
    }
}

/// A failure of the upload before it: whatever became of the file, nobody has got a message.
fn before_sending(failure: Failure) -> SendError {
    match failure {
        Failure::NotSent(reason) | Failure::NoAnswer(reason) => {
            SendError::Unreachable { reason: format!("upload: {reason}") }
        }
        Failure::Cut { http } => upload_unread(&Reply { http, body: Bytes::new() }),
    }
}

/// A 4xx says something about us that a repeat would not change; all else may pass.
fn upload_unread(reply: &Reply) -> SendError {
    match reply.http {
        400..=499 => SendError::Unreadable { http: reply.http },
        http => SendError::Unreachable { reason: format!("upload: http {http} without a readable body") },
    }
}
