//! The alarms of `config/alerts.yml` name metrics that exist, and each says why it matters.

use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of the repository")
}

/// The names of metrics in a text, without what Prometheus puts behind a histogram's.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !(letter.is_ascii_lowercase() || letter == '_'));
    let words = words.filter(|word| word.starts_with("siaga_"));
    let whole = |word: &str| {
        let end = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| word.strip_suffix(end));
        end.unwrap_or(word).to_owned()
    };
    words.map(whole).collect()
}

#[test]
fn every_metric_of_the_alarms_exists() {
    let ours = names(&[read("src/metrics.rs"), read("src/metrics/store.rs")].concat());
    let alarms = names(&read("config/alerts.yml"));
    assert!(alarms.len() >= 10, "{alarms:?}");
    let unknown: Vec<_> = alarms.difference(&ours).collect();
    assert!(unknown.is_empty(), "not in `metrics`: {unknown:?}");
}

#[test]
fn every_alarm_says_why() {
    let text = read("config/alerts.yml");
    let (alarms, whys) = (text.matches("- alert: ").count(), text.matches("\n          why: ").count());
    assert!(alarms >= 10 && alarms == whys, "{alarms} alarms, {whys} reasons");
}

#[actix_web::test]
async fn a_running_store_tells_how_it_stands() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = std::sync::Arc::new(siaga::clock::ManualClock::at(super::support::START));
    let mut options = super::support::options(clock);
    let store = siaga::store::Options { reserve_bytes: 0, ..siaga::store::Options::new(directory.path()) };
    options.store = siaga::app::StoreChoice::Journal(store);
    let app = super::support::TestApp::start(options);
    let from = "6281200000042";
    let post = super::support::envelope(&[super::support::text("wamid.metrics", from, "hai")]);
    assert_eq!(app.post(&post).await, 200);
    app.at_rest().await;
    let mut page = String::new();
    for _ in 0..600 {
        page = app.ops("/metrics").await.1;
        if page.contains("siaga_store_segments 1") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let missing: Vec<_> =
        names(&read("src/metrics/store.rs")).into_iter().filter(|name| !page.contains(name)).collect();
    assert!(missing.is_empty(), "not on the page: {missing:?}");
    assert!(page.contains("siaga_store_parts_total{kind=\"open inbox\"}"), "{page}");
    assert!(!page.contains(from) && !page.contains("wamid.metrics"), "no personal data");
}
