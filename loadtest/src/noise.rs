//! POSTs that no citizen sent: forged, odd, huge, or of one contact who writes without end. Each has its due answer.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use siaga::domain::phone::Phone;
use siaga::emulator::{Content, Posting, Saying, Sender, Signing};
use tokio::time::{Instant, sleep_until};

use crate::crowd::Stage;
use crate::scenario::{Noise, NoiseKind};

/// Whose number noise is under: nobody in the registry, nobody in the crowd.
const NOBODY: &str = "6281200009999";
/// What Meta's largest body may have.
const HUGE_BYTES: usize = 3_000_000;

/// Makes one kind of noise from `begun` until `until`.
pub(crate) async fn make(stage: Arc<Stage>, noise: Noise, begun: Instant, until: Instant) {
    let Some(phone) = Phone::from_wa_id(NOBODY) else { return };
    if noise.what == NoiseKind::HotContact {
        stage.expect_noise(siaga::domain::contact::Recipient::Phone(phone));
    }
    for n in 0_u32.. {
        let due = begun + Duration::from_secs_f64(f64::from(n) / noise.per_s);
        if due >= until {
            return;
        }
        sleep_until(due).await;
        let posting = if noise.what == NoiseKind::HotContact {
            let saying = Saying::new(Sender::phone(phone), Content::text(&format!("halo {n}")));
            let id = Some(format!("{}.hot.{n}", stage.run));
            stage.emulator.post(vec![Saying { id, to: Some(stage.numbers[0].clone()), ..saying }])
        } else {
            let (signing, body) = body(&stage, noise.what, n);
            stage.emulator.post_raw(body, signing)
        };
        let Ok(posting) = posting else {
            stage.with(|figures| figures.lost(1));
            continue;
        };
        tokio::spawn(answered(Arc::clone(&stage), noise.what, posting));
    }
}

/// Counts what became of one.
async fn answered(stage: Arc<Stage>, what: NoiseKind, posting: Posting) {
    let count = &mut |act: &dyn Fn(&mut crate::figures::NoiseCount)| stage.with(|figures| act(&mut figures.noise));
    let forged = matches!(what, NoiseKind::WrongSignature | NoiseKind::NoSignature);
    let hot = what == NoiseKind::HotContact;
    count(&|noise| {
        noise.forged += u64::from(forged);
        noise.hot += u64::from(hot);
        noise.odd += u64::from(!forged && !hot);
    });
    let http = posting.stored.await.ok().map(|stored| stored.http);
    let good = http.is_some_and(|http| (200..300).contains(&http));
    count(&|noise| {
        noise.forged_taken += u64::from(forged && good);
        noise.hot_taken += u64::from(hot && good);
        noise.odd_refused += u64::from(!forged && !hot && !good);
    });
}

fn body(stage: &Stage, what: NoiseKind, n: u32) -> (Signing, Vec<u8>) {
    let field = match what {
        NoiseKind::UnknownField | NoiseKind::Huge => "message_moods",
        NoiseKind::WrongSignature
        | NoiseKind::NoSignature
        | NoiseKind::NotJson
        | NoiseKind::NotAWebhook
        | NoiseKind::HotContact => "messages",
    };
    let padding = if what == NoiseKind::Huge { "x".repeat(HUGE_BYTES) } else { String::new() };
    let webhook = json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "100000000000119", "changes": [{ "field": field, "value": {
            "messaging_product": "whatsapp",
            "metadata": { "display_phone_number": "628110001000", "phone_number_id": stage.numbers[0] },
            "contacts": [{ "wa_id": NOBODY, "profile": { "name": "Uji" } }],
            "messages": [{
                "from": NOBODY, "id": format!("{}.noise.{n}", stage.run), "timestamp": "1763900000", "type": "text",
                "text": { "body": "hai" },
            }],
            "padding": padding,
        }}]}],
    });
    match what {
        NoiseKind::WrongSignature => (Signing::Wrong, webhook.to_string().into_bytes()),
        NoiseKind::NoSignature => (Signing::Missing, webhook.to_string().into_bytes()),
        NoiseKind::NotJson => (Signing::Right, b"\xff{ this is no json".to_vec()),
        NoiseKind::NotAWebhook => (Signing::Right, br#"{"hello":[1,2,3]}"#.to_vec()),
        NoiseKind::UnknownField | NoiseKind::Huge | NoiseKind::HotContact => {
            (Signing::Right, webhook.to_string().into_bytes())
        }
    }
}
