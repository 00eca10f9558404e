//! The emulated SMS gateway: `POST /sms` with `{"to": "+62…", "text": "…"}` puts a text on a phone.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::event::Happening;
use super::world::World;
use crate::domain::message::Text;
use crate::domain::phone::Phone;

/// The longest text a gateway takes, in characters: ten parts.
const TEXT_CHARS_MAX: usize = 1_530;

/// The answer about a phone that cannot be reached.
const UNDELIVERED: StatusCode = StatusCode::GONE;

#[derive(Deserialize)]
struct Sms {
    to: String,
    text: Text,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/sms", web::post().to(receive));
}

async fn receive(world: web::Data<World>, body: web::Bytes) -> HttpResponse {
    let Ok(sms) = serde_json::from_slice::<Sms>(&body) else {
        return refuse("a JSON object with `to` and `text` is expected");
    };
    let Some(phone) = Phone::from_wa_id(&sms.to).filter(|_| sms.to.starts_with('+')) else {
        return refuse("`to` must be a phone number in international form with a plus");
    };
    if sms.text.0.is_empty() || sms.text.0.chars().count() > TEXT_CHARS_MAX {
        return refuse("`text` must have 1 to 1530 characters");
    }
    let latency_ms = world.faults.sms_latency_ms();
    if latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(latency_ms)).await;
    }
    if world.faults.sms_down() {
        return HttpResponse::ServiceUnavailable().json(json!({ "error": "the gateway is down" }));
    }
    if world.faults.sms_undelivered() {
        return HttpResponse::build(UNDELIVERED).json(json!({ "error": "the phone receives no SMS" }));
    }
    if world.history.receive_sms(phone, &sms.text).is_err() {
        return HttpResponse::ServiceUnavailable().json(json!({ "error": "as many phones as there may be" }));
    }
    world.publish(None, Happening::Sms { to: phone.to_e164(), text: sms.text });
    HttpResponse::Ok().json(json!({ "status": "delivered" }))
}

fn refuse(reason: &str) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({ "error": reason }))
}
