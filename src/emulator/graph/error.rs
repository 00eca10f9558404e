//! Errors in Meta's envelope, with the codes of cloud-api.md 5.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

use crate::emulator::ids;

/// A code of Meta's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(pub(super) u32);

impl Code {
    pub(super) const NUMBER: Code = Code(33);
    pub(super) const PARAMETER: Code = Code(100);
    pub(super) const TOKEN: Code = Code(190);
    pub(super) const UNKNOWN_PATH: Code = Code(2_500);
    pub(super) const THROUGHPUT: Code = Code(130_429);
    pub(super) const MISSING: Code = Code(131_008);
    pub(super) const VALUE: Code = Code(131_009);
    pub(super) const TO_ITSELF: Code = Code(131_021);
    pub(super) const WINDOW: Code = Code(131_047);
    pub(super) const KIND: Code = Code(131_051);
    pub(super) const MEDIA: Code = Code(131_053);
    pub(super) const PAIR: Code = Code(131_056);
    pub(super) const MAINTENANCE: Code = Code(131_057);
    pub(super) const BSUID: Code = Code(131_062);
    pub(super) const TEMPLATE_PARAMETERS: Code = Code(132_000);
    pub(super) const TEMPLATE: Code = Code(132_001);
    pub(super) const TEMPLATE_LENGTH: Code = Code(132_005);
}

/// A call that is refused. `details` names places and limits, never what was sent.
#[derive(Debug, thiserror::Error)]
#[error("(#{}) {}: {details}", .code.0, title(.code.0))]
pub(super) struct GraphError {
    pub(super) code: Code,
    pub(super) details: String,
}

impl GraphError {
    pub(super) fn new(code: Code, details: impl Into<String>) -> Self {
        Self { code, details: details.into() }
    }
}

impl ResponseError for GraphError {
    fn status_code(&self) -> StatusCode {
        match self.code.0 {
            0 | 190 => StatusCode::UNAUTHORIZED,
            10 | 200..=299 | 368 | 131_005 | 131_031 => StatusCode::FORBIDDEN,
            2 => StatusCode::SERVICE_UNAVAILABLE,
            3 | 131_000 | 131_016 | 131_057 => StatusCode::INTERNAL_SERVER_ERROR,
            2_500 => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let code = self.code.0;
        let transient = matches!(code, 1 | 2 | 4 | 80_007 | 130_429 | 131_000 | 131_016 | 131_056 | 131_057);
        HttpResponse::build(self.status_code()).json(json!({ "error": {
            "message": format!("(#{code}) {}", title(code)),
            "type": "OAuthException",
            "code": code,
            "error_data": { "messaging_product": "whatsapp", "details": self.details },
            "is_transient": transient,
            "fbtrace_id": ids::trace_id(),
        } }))
    }
}

/// What a code is called.
pub(in crate::emulator) fn title(code: u32) -> &'static str {
    match code {
        0 | 190 => "Invalid access token",
        1 => "Unknown API error",
        2 => "Service temporarily unavailable",
        4 | 80_007 => "Too many calls",
        33 => "Unknown business number",
        100 => "Invalid parameter",
        368 | 131_031 => "Account restricted",
        2_500 => "Unknown path components",
        130_429 => "Rate limit hit",
        131_000 => "Something went wrong",
        131_008 => "Required parameter is missing",
        131_009 => "Parameter value is not valid",
        131_016 => "Service unavailable",
        131_021 => "Recipient cannot be sender",
        131_026 => "Message undeliverable",
        131_042 => "Payment problem",
        131_047 => "Re-engagement message",
        131_048 => "Spam rate limit hit",
        131_049 => "Not delivered, to maintain healthy engagement",
        131_051 => "Unsupported message type",
        131_052 => "Media download error",
        131_053 => "Media upload error",
        131_056 => "Pair rate limit hit",
        131_057 => "Number in maintenance mode",
        131_062 => "Recipient not allowed for this message",
        132_000 => "Number of template parameters does not match",
        132_001 => "Template does not exist",
        132_005 => "Template text too long",
        133_010 => "Number not registered",
        _ => "Error",
    }
}
