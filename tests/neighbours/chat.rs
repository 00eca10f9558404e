//! A citizen's whole way in a real browser while every neighbour is a real one (`together.rs`): his phone is found in a
//! ministry's directory, his code comes through Kannel, his record from Medplum's FHIR server, and what he downloads is
//! believed by a program of strangers that was given nothing but the server's public keys.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::driver::Browser;
use super::programs::{installed, run, script};
use super::server::Server;
use super::together::Together;

/// WebDriver's code of the key.
const ENTER: &str = "\u{e007}";
const SITI: &str = "+6281200000042";

/// What the browser gets when it follows the newest file's link.
const DOWNLOAD: &str = "const done = arguments[0], links = document.querySelectorAll('#log a.file');
    fetch(links[links.length - 1].href).then((answer) => answer.arrayBuffer())
        .then((file) => done(btoa(String.fromCharCode(...new Uint8Array(file))))).catch((error) => done(String(error)))";

#[tokio::test]
async fn a_citizen_gets_a_certificate_that_strangers_believe_while_every_neighbour_is_a_real_one() {
    let neighbours = Together::start();
    let server = Server::with(&[&neighbours.settings()]).await;
    let browser = Browser::start(1280, 800).await;
    browser.goto(&server.page_url).await.unwrap();
    browser.appears("#cards button[data-key='smooth']").await.click().await.unwrap();
    let input = browser.appears("#compose-text").await;

    input.send_keys(&format!("hai{ENTER}")).await.unwrap();
    browser.tap("Setuju, nomor ini").await;
    browser.hears("Kode OTP 6 angka kami kirim lewat SMS").await;
    let sms = neighbours.kannel.operator_gets(&format!("KEMENKES {SITI} text "));
    let code = sms.split_once(" text ").and_then(|(_, text)| text.get(..6)).expect("a code");
    assert!(browser.reads("#pane-sms").await.contains("SMS keluar lewat gateway"), "it came by no other way");
    input.send_keys(&format!("{code}{ENTER}")).await.unwrap();
    browser.hears("Verifikasi berhasil.").await;
    browser.tap("Download Sertifikat").await;
    browser.hears("16 angka NIK").await;
    input.send_keys(&format!("Siti Rahmawati 0001014708900003{ENTER}")).await.unwrap();
    browser.appears("#log a.file").await;

    let file = browser.execute_async(DOWNLOAD, Vec::new()).await.unwrap();
    let pdf = STANDARD.decode(file.as_str().unwrap()).unwrap_or_else(|_| panic!("no file: {file}"));
    let said = believed(&pdf, &server.public_url).await;
    assert_eq!(said["payload"]["nam"], json!({ "fn": "Rahmawati", "fnt": "RAHMAWATI", "gn": "Siti", "gnt": "SITI" }));
    assert_eq!(said["payload"]["dob"], "1990-08-07");
    let dose = &said["payload"]["v"][0];
    assert_eq!((&dose["dn"], &dose["dt"], &dose["co"]), (&json!(1), &json!("2021-09-03"), &json!("ID")));
    assert_eq!(neighbours.fhir.logins().await, "1");
    let searched = |exchange: &Value| exchange["path"] == "/v1/persons/search" && exchange["status"] == 200;
    assert!(neighbours.ministry.exchanges().iter().any(searched));
}

/// What cwt says of the code on a page, by the keys that the server shows to everyone.
async fn believed(pdf: &[u8], public_url: &str) -> Value {
    let files = tempfile::tempdir().unwrap();
    let at = |name: &str| files.path().join(name);
    std::fs::write(at("page.pdf"), pdf).unwrap();
    run(Command::new("pdftoppm").args(["-singlefile", "-png", "-r", "200"]).arg(at("page.pdf")).arg(at("page")));
    let read = run(Command::new("zbarimg").args(["--quiet", "--raw"]).arg(at("page.png")));
    let code = String::from_utf8(read).unwrap();
    std::fs::write(at("codes.json"), json!([code.trim_end()]).to_string()).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let keys = http.get(format!("{public_url}/certificates/keys")).send().await.unwrap();
    std::fs::write(at("keys.json"), keys.error_for_status().unwrap().bytes().await.unwrap()).unwrap();
    let mut python = Command::new(installed("python/bin/python3"));
    run(python.arg(script("python/verify.py")).args([at("keys.json"), at("codes.json"), at("results.json")]));
    let verdicts: Vec<Value> = serde_json::from_slice(&std::fs::read(at("results.json")).unwrap()).unwrap();
    let [said] = &verdicts[..] else { panic!("one code: {verdicts:?}") };
    assert!(!said.is_null(), "cwt does not believe it");
    said.clone()
}
