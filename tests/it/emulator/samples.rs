//! Requests from public documentation and other projects (the folder beside this repository, when it is there).

use std::path::Path;

use serde_json::{Value, json};
use siaga::emulator::Content;

use super::{Graph, StillClock, citizen, options};

/// What stands for an address of a file in the samples.
const LINK: &str = "https://files.example.org/file";

/// Bodies that are no message requests.
fn is_message(name: &str) -> bool {
    !name.starts_with("openapi_response_") && !name.starts_with("response_") && !name.starts_with("create_template_")
}

/// Fills in what the sample leaves open: numbers, uploaded media, addresses, a message to mark.
fn fill(value: &mut Value, key: &str, parent: &str, media: &dyn Fn(&str) -> String, message_id: &str) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                fill(field, name, key, media, message_id);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, key, parent, media, message_id)),
        Value::String(text) => match key {
            "to" if text.contains('{') => *text = "+6281200000042".into(),
            "id" if ["image", "audio", "video", "document", "sticker"].contains(&parent) => *text = media(parent),
            "link" => *text = LINK.into(),
            "message_id" => *text = message_id.into(),
            // A placeholder may be longer than what it stands for; what differs must stay different.
            _ if text.starts_with('<') => {
                let number = text.bytes().fold(7_u32, |number, byte| number.wrapping_mul(31).wrapping_add(byte.into()));
                *text = format!("p{number}");
            }
            _ => {}
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[tokio::test]
async fn every_public_sample_that_meta_would_take_is_taken() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/wac/outbound");
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut options = options("http://127.0.0.1:9/webhook", &StillClock::new());
    // The samples write to many strangers, at once.
    (options.rules.window, options.rules.pair, options.rules.throughput) = (false, false, false);
    let emulator = siaga::emulator::start(options).await.unwrap();
    let graph = Graph::of(&emulator);
    let message_id = emulator.say(&citizen(), Content::text("hai")).unwrap().ids.remove(0);
    let mut uploads = std::collections::HashMap::new();
    for (kind, mime_type) in [
        ("image", "image/png"),
        ("audio", "audio/ogg"),
        ("video", "video/mp4"),
        ("document", "application/pdf"),
        ("sticker", "image/webp"),
    ] {
        let (_, answer) = graph.upload(mime_type, b"invented").await;
        uploads.insert(kind, answer["id"].as_str().unwrap().to_owned());
    }
    let mut taken = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !is_message(&name) {
            continue;
        }
        let mut body: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        fill(&mut body, "", "", &|kind| uploads[kind].clone(), &message_id);
        let (status, answer) = graph.messages(&body).await;
        assert_eq!(status, 200, "{name}: {answer}");
        if body.get("status").is_some() {
            assert_eq!(answer, json!({ "success": true }), "{name}");
        } else {
            assert!(answer["messages"][0]["id"].is_string(), "{name}: {answer}");
        }
        taken += 1;
    }
    assert!(taken >= 45, "{taken} samples: is the folder whole?");
    emulator.stop().await;
}
