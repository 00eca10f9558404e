//! Webhook bodies that nobody here wrote, signed and posted to a running server.
//!
//! They stand beside the project (`../shared/wac/webhook`) and are not part of it: where the folder is absent,
//! the project's own bodies of `tests/payloads` go the same way, and they always do.

use std::fs;
use std::path::{Path, PathBuf};

use siaga::ports::Store as _;

use crate::support::{APP_SECRET, ParrotHouse, sign};

fn bodies(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut bodies: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| (path.clone(), fs::read(&path).expect("a body")))
        .collect();
    bodies.sort();
    bodies
}

#[tokio::test]
async fn whatever_meta_sends_is_taken_and_the_server_goes_on() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let own = bodies(&root.join("tests/payloads"));
    assert!(own.len() > 60, "the project's own bodies were not found");
    let recorded = root.join("../shared/wac/webhook");
    let foreign = bodies(&recorded);
    assert!(!recorded.exists() || foreign.len() == 95, "{} recorded bodies", foreign.len());
    let house = ParrotHouse::new();
    let app = house.open();
    for (path, body) in own.into_iter().chain(foreign) {
        let signature = sign(APP_SECRET, &body);
        let answer = app.post_raw(body, Some(&signature)).await;
        assert_eq!(answer.status().as_u16(), 200, "{}", path.display());
    }
    app.at_rest().await;
    // None of them is written to our number: all that has a sender is kept for an operator, nobody is answered.
    assert!(house.channel.sent().is_empty());
    assert!(!house.store.dead_letters().await.expect("read").is_empty());
    assert_eq!(app.ops("/readyz").await.0, 200);
}
