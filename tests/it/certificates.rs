//! Certificates beyond the chat: the public list of revoked ones, and the command line.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Data;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::Value;
use siaga::app::StoreChoice;
use siaga::certificate::hcert::{self, PublicKeys, SigningKeys};
use siaga::config::key_file;
use siaga::domain::certificate::{Certificate, Revocation, RevocationReason};
use siaga::domain::keys::ServerKeys;
use siaga::domain::message::Outbound;
use siaga::domain::time::Timestamp;
use siaga::domain::uvci::Uvci;
use siaga::ports::{REVOCATIONS_A_PAGE, RevocationList, StoreError};
use siaga::store::Options;
use siaga::web::certificates::{Notices, routes};

use crate::graph_client::certificate_message;
use crate::support::{ParrotHouse, TestApp};

/// A list that grows when told, and counts how often it is read.
#[derive(Default)]
struct List {
    count: AtomicU64,
    reads: AtomicUsize,
}

fn id(number: u64) -> Uvci {
    Uvci::of((u128::from(number) << 64).to_be_bytes())
}

impl RevocationList for List {
    fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    fn page(&self, number: u32) -> BoxFuture<'_, Result<Vec<Revocation>, StoreError>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let first = u64::from(number) * REVOCATIONS_A_PAGE;
        let last = (first + REVOCATIONS_A_PAGE).min(self.count());
        let revocation = |number| Revocation {
            id: id(number),
            at: Timestamp(1_795_416_600_999),
            reason: RevocationReason::NameChanged,
            expires_at_s: 1_826_952_600,
        };
        std::future::ready(Ok((first..last).map(revocation).collect())).boxed()
    }
}

fn ring() -> SigningKeys {
    SigningKeys::read(&SigningKeys::make(&[7; 32]).expect("a key")).expect("a ring")
}

struct Answer {
    status: StatusCode,
    tag: String,
    body: Value,
}

/// Asks the routes over `list`, with what the checker has.
async fn ask(notices: &Data<Notices>, path: &str, known: Option<&str>) -> Answer {
    let app = init_service(actix_web::App::new().app_data(notices.clone()).configure(routes)).await;
    let request = TestRequest::get().uri(path);
    let request = known.into_iter().fold(request, |request, tag| request.insert_header((IF_NONE_MATCH, tag)));
    let response = call_service(&app, request.to_request()).await;
    let status = response.status();
    let header =
        |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    if status.is_success() {
        assert!(header(CACHE_CONTROL).starts_with("public"), "a proxy may keep it");
    }
    let tag = header(ETAG);
    let body = read_body(response).await;
    Answer { status, tag, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
}

#[actix_web::test]
async fn the_list_comes_in_pages_with_a_tag_and_304_for_who_has_it() {
    let list = Arc::new(List::default());
    let notices = Data::new(Notices::new(list.clone(), ring().public()));
    let empty = ask(&notices, "/certificates/revoked", None).await;
    assert_eq!((empty.status, empty.body["revoked"].as_array().map(Vec::len)), (StatusCode::OK, Some(0)));
    assert_eq!(ask(&notices, "/certificates/revoked?page=1", None).await.status, StatusCode::NOT_FOUND);

    list.count.store(2_003, Ordering::SeqCst);
    let first = ask(&notices, "/certificates/revoked", Some(&empty.tag)).await;
    assert_eq!(first.status, StatusCode::OK, "it is not what the checker has");
    assert_eq!(first.body["revoked"].as_array().map(Vec::len), Some(1_000));
    let row = serde_json::json!({
        "id": id(0).as_str(), "revoked_at": "2026-11-23T06:50:00Z", "reason": "name_changed",
        "expires_at": "2027-11-23T06:50:00Z",
    });
    assert_eq!(first.body["revoked"][0], row);
    let mut ids = Vec::new();
    let mut next = Some("/certificates/revoked".to_owned());
    while let Some(path) = next {
        let page = ask(&notices, &path, None).await.body;
        ids.extend(page["revoked"].as_array().expect("rows").iter().map(|row| row["id"].clone()));
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(ids, (0..2_003).map(|number| Value::from(id(number).as_str())).collect::<Vec<_>>());

    let last = ask(&notices, "/certificates/revoked?page=2", None).await;
    let reads = list.reads.load(Ordering::SeqCst);
    for _ in 0..3 {
        let again = ask(&notices, "/certificates/revoked?page=2", Some(&last.tag)).await;
        assert_eq!((again.status, again.tag.as_str()), (StatusCode::NOT_MODIFIED, last.tag.as_str()));
        assert_eq!(again.body, Value::Null);
    }
    assert_eq!(list.reads.load(Ordering::SeqCst), reads, "a crowd of checkers costs no reads");
    list.count.store(2_004, Ordering::SeqCst);
    assert_eq!(ask(&notices, "/certificates/revoked?page=2", Some(&last.tag)).await.status, StatusCode::OK);
    let full = ask(&notices, "/certificates/revoked", Some(&first.tag)).await;
    assert_eq!(full.status, StatusCode::NOT_MODIFIED, "a full page never changes again");
    assert_eq!(ask(&notices, "/certificates/revoked?page=x", None).await.status, StatusCode::BAD_REQUEST);
}

#[actix_web::test]
async fn the_keys_are_there_for_everyone_without_their_secret() {
    let notices = Data::new(Notices::new(Arc::new(List::default()), ring().public()));
    let keys = ask(&notices, "/certificates/keys", None).await;
    assert_eq!(keys.body, ring().public().to_jwks());
    assert!(keys.body["keys"][0].get("d").is_none() && keys.body["keys"][0]["alg"] == "ES256");
    assert_eq!(ask(&notices, "/certificates/keys", Some(&keys.tag)).await.status, StatusCode::NOT_MODIFIED);
}

/// `siaga certificate …` with everything of it in a directory.
fn siaga(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_siaga"))
        .arg("certificate")
        .args(arguments)
        .env("SIAGA__STORE__PATH", directory.join("store"))
        .env("SIAGA__STORE__KEY_FILE", directory.join("siaga.key"))
        .env("SIAGA__CERTIFICATE__KEY_FILE", directory.join("signing.pem"))
        .env("SIAGA__REGISTRY__CITIZENS", "100")
        .output()
        .expect("the binary runs")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn a_running_server_revokes_on_an_operators_word_and_says_so_to_everyone() {
    let directory = tempfile::tempdir().expect("a directory");
    let (key, store) = (directory.path().join("siaga.key"), directory.path().join("store"));
    let keys = ServerKeys::derive(&key_file::load_or_make(&key).expect("a key"));
    let mut options = ParrotHouse::new().options();
    options.keys = Arc::new(keys);
    options.store = StoreChoice::Journal(Options { crash_loop_starts: 0, ..Options::new(store) });
    let app = TestApp::start(options);
    let Outbound::Certificate { certificate, .. } = certificate_message() else { panic!("a certificate") };
    let certificate = Certificate { vaccine: "CoronaVac".into(), ..*certificate };
    let issue = || app.issuer().issue(certificate.clone());
    let id = issue().await.expect("issued").code.expect("a code").id;

    let list = app.url().replace("/webhook", "/certificates/revoked");
    let ask = |tag: &str| app.http.get(&list).header("if-none-match", tag).send();
    let before = ask("\"other\"").await.expect("an answer");
    let tag = before.headers()["etag"].to_str().expect("a tag").to_owned();
    assert_eq!(ask(&tag).await.expect("an answer").status(), 304);
    let said_of = |id: Uvci| {
        let directory = directory.path().to_owned();
        tokio::task::spawn_blocking(move || siaga(&directory, &["revoke", id.as_str()]))
    };
    assert_eq!(good(&said_of(id.clone()).await.expect("it ran")).trim(), format!("{id} is revoked"));
    let after = ask(&tag).await.expect("an answer");
    assert_eq!(after.status(), 200, "the checker hears that it changed");
    let page: Value = after.json().await.expect("json");
    let row = (page["revoked"][0]["id"].as_str(), page["revoked"][0]["reason"].as_str());
    assert_eq!(row, (Some(id.as_str()), Some("withdrawn")));
    let again = said_of(id.clone()).await.expect("it ran");
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("it is revoked already"), "{}", said(&again));
    assert_ne!(issue().await.expect("issued").code.expect("a code").id, id);
}

#[test]
fn an_operator_issues_checks_and_revokes_by_hand() {
    let directory = tempfile::tempdir().expect("a directory");
    let siaga = |arguments: &[&str]| siaga(directory.path(), arguments);
    let pdf = directory.path().join("siti.pdf").display().to_string();
    let order = ["issue", "--phone", "0812-0000-0042", "--nik", "0001014708900003", "--dose", "1", "--out", &pdf];
    let issued = good(&siaga(&order));
    let (id, text) = issued.trim().split_once('\n').expect("an id and a text");
    assert!(std::fs::read(&pdf).expect("a file").starts_with(b"%PDF"));
    assert_eq!(good(&siaga(&order)), issued, "asked again, nothing new is issued");

    let told = good(&siaga(&["verify", text]));
    for part in ["genuine", "Siti Rahmawati (SITI<RAHMAWATI)", "1990-08-07", "CoronaVac", id] {
        assert!(told.contains(part), "`{part}` is not in:\n{told}");
    }
    assert!(!told.contains("0001014708900003"));
    let ring = std::fs::read_to_string(directory.path().join("signing.pem")).expect("the ring");
    let claims = hcert::verify(text, &PublicKeys::read(&ring).expect("keys"), i64::from(i32::MAX));
    assert!(matches!(claims, Err(hcert::HcertError::Expired { .. })), "read by the library too: {claims:?}");

    // The public key alone is enough; another key is not.
    let public = directory.path().join("public.pem");
    std::fs::write(&public, good(&siaga(&["keys", "public", "--format", "pem"]))).expect("a file");
    good(&siaga(&["verify", text, "--keys", &public.display().to_string()]));
    std::fs::write(&public, SigningKeys::make(&[9; 32]).expect("a key").as_bytes()).expect("a file");
    let stranger = siaga(&["verify", text, "--keys", &public.display().to_string()]);
    assert_eq!(stranger.status.code(), Some(1), "{}", said(&stranger));
    assert!(said(&stranger).contains("not among the keys given"));
    let altered = text.replacen("HC1:6", "HC1:7", 1).replacen("HC1:N", "HC1:M", 1);
    assert_eq!(siaga(&["verify", &altered]).status.code(), Some(1));

    assert_eq!(good(&siaga(&["revoke", id])).trim(), format!("{id} is revoked"));
    let page = directory.path().join("page.json");
    std::fs::write(&page, serde_json::json!({ "revoked": [{ "id": id }] }).to_string()).expect("a file");
    let revoked = siaga(&["verify", text, "--revoked", &page.display().to_string()]);
    assert_eq!((revoked.status.code(), said(&revoked).contains("it is revoked")), (Some(1), true));
    let again = good(&siaga(&order));
    assert!(!again.contains(id), "what is revoked is not issued again");
}

#[test]
fn what_cannot_be_done_is_told_with_its_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    let siaga = |arguments: &[&str]| siaga(directory.path(), arguments);
    let order =
        |phone, nik, dose| siaga(&["issue", "--phone", phone, "--nik", nik, "--dose", dose, "--out", "/dev/null"]);
    for (output, code, reason) in [
        (order("0812-0000-0042", "123", "1"), 64, "a nik has 16 digits, 3 came"),
        (order("0812-0000-0043", "0001014708900003", "1"), 69, "nobody with that NIK is registered under that phone"),
        (order("0812-0000-0042", "0001014708900003", "3"), 69, "dose 3 is not recorded"),
        (siaga(&["revoke", "URN:UVCI:01:ID:X"]), 1, "an id of ours is"),
        (siaga(&["revoke", id(5).as_str()]), 1, "no certificate was issued under that id"),
        (siaga(&["verify", "HC1:"]), 1, "does not unpack"),
        (siaga(&["verify", "HC1:x", "--keys", "/nowhere"]), 64, "/nowhere: cannot be read"),
    ] {
        assert_eq!((output.status.code(), said(&output).contains(reason)), (Some(code), true), "{}", said(&output));
        assert!(!said(&output).contains("0001014708900003"), "no NIK is repeated");
    }
}

#[test]
fn keys_are_made_listed_and_renewed() {
    let directory = tempfile::tempdir().expect("a directory");
    let siaga = |arguments: &[&str]| siaga(directory.path(), arguments);
    let missing = siaga(&["keys", "list"]);
    assert_eq!(missing.status.code(), Some(69), "{}", said(&missing));
    let elsewhere = directory.path().join("elsewhere.pem").display().to_string();
    good(&siaga(&["keys", "make", "--file", &elsewhere]));
    assert_eq!(good(&siaga(&["keys", "list", "--file", &elsewhere])).lines().count(), 1);
    let made = good(&siaga(&["keys", "make"]));
    let first = made.split_whitespace().next().expect("an id").to_owned();
    let refused = siaga(&["keys", "make"]);
    assert!(refused.status.code() == Some(69) && said(&refused).contains("--ahead"), "{}", said(&refused));
    let second = good(&siaga(&["keys", "make", "--ahead"])).split_whitespace().next().expect("an id").to_owned();
    let listed = good(&siaga(&["keys", "list"]));
    let rows: Vec<&str> = listed.lines().collect();
    assert!(rows[0].starts_with(&format!("{second}  signs")) && rows[1].starts_with(&format!("{first}  verifies")));
    let jwks: Value = serde_json::from_str(&good(&siaga(&["keys", "public"]))).expect("json");
    assert_eq!(jwks["keys"].as_array().map(Vec::len), Some(2));
    assert!(!good(&siaga(&["keys", "public", "--format", "pem"])).contains("PRIVATE"));
}
