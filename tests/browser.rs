//! The chat page in a real browser: a citizen's whole way, and the page by keyboard on a small screen.
#![allow(clippy::unwrap_used)] // helpers of tests: a panic is the finding

#[path = "browser/driver.rs"]
mod driver;
#[path = "browser/server.rs"]
#[allow(dead_code, reason = "tests/neighbours uses the rest of it")]
mod server;

use std::sync::Arc;

use driver::Browser;
use fantoccini::Locator;
use serde_json::Value;
use siaga::domain::phone::Phone;
use siaga::domain::time::Timestamp;
use siaga::emulator::{Content, DemoCard, DemoPerson, Emulator, Options, Sender};
use siaga::ports::Clock;

/// WebDriver's codes of keys without a character.
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const DOWN: &str = "\u{e015}";

/// The largest certificate there may be.
const PDF_BYTES_MAX: usize = 30 * 1024;

#[tokio::test]
async fn from_hai_to_an_opened_certificate_with_one_mistake_on_the_way() {
    let server = server::Server::start().await;
    let browser = Browser::start(1280, 800).await;
    browser.goto(&server.page_url).await.unwrap();
    browser.appears("#cards button[data-key='smooth']").await.click().await.unwrap();
    let input = browser.appears("#compose-text").await;

    input.send_keys(&format!("hai{ENTER}")).await.unwrap();
    browser.tap("Setuju, nomor ini").await;
    browser.hears("Kode OTP 6 angka kami kirim lewat SMS").await;
    let use_code = browser.appears("#texts li button").await;

    // The mistake: the last digit of the code is another one.
    let code = browser.reads("#texts li button b").await;
    let last = if code.ends_with('7') { '1' } else { '7' };
    input.send_keys(&format!("{}{last}{ENTER}", &code[..5])).await.unwrap();
    browser.hears("Kode belum sesuai. Sisa 4 kesempatan.").await;

    use_code.click().await.unwrap();
    assert_eq!(input.prop("value").await.unwrap(), Some(code));
    browser.types(ENTER).await;
    browser.hears("Verifikasi berhasil.").await;
    browser.tap("Download Sertifikat").await;
    browser.hears("16 angka NIK").await;
    browser.appears("#chips button").await.click().await.unwrap();
    browser.types(ENTER).await;

    let link = browser.appears("#log a.file").await;
    let name = browser.reads("#log a.file b").await;
    assert!(name.starts_with("Sertifikat-Vaksinasi-Dosis-"), "{name}");
    let address = link.prop("href").await.unwrap().unwrap();
    opens_a_pdf(&address).await;
    link.click().await.unwrap();
    browser.holds("document.querySelectorAll('#work .times .answered').length >= 5").await;
    browser.has_windows(2).await;
    asks_nobody_else(&browser, &server.page_url).await;
}

async fn opens_a_pdf(address: &str) {
    let answer = reqwest::Client::builder().no_proxy().build().unwrap().get(address).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/pdf");
    let bytes = answer.bytes().await.unwrap();
    assert!(bytes.starts_with(b"%PDF-") && bytes.len() <= PDF_BYTES_MAX, "{} bytes", bytes.len());
}

async fn asks_nobody_else(browser: &Browser, page_url: &str) {
    let asked = browser.script("return performance.getEntriesByType('resource').map((entry) => entry.name)").await;
    for name in asked.as_array().unwrap() {
        assert!(name.as_str().unwrap().starts_with(page_url), "{name}");
    }
}

struct PresentClock;

impl Clock for PresentClock {
    fn now(&self) -> Timestamp {
        // Any moment will do, as long as the page takes what happens for new.
        Timestamp(1_795_000_000_000)
    }
}

/// The page alone: an emulator whose webhook nobody answers, with two citizens to choose from.
async fn page_alone() -> Emulator {
    let mut options = Options::new("http://127.0.0.1:9/webhook", "secret", "token", Arc::new(PresentClock));
    let card = |key: &str, phone: &str, name: &str| DemoCard {
        key: key.into(),
        title: name.into(),
        title_en: name.into(),
        about: "Orang rekaan.".into(),
        about_en: "An invented person.".into(),
        phone: Phone::from_wa_id(phone),
        bsuid_only: None,
        username: None,
        registered: None,
        people: vec![DemoPerson { name: name.into(), nik: "0001014708900003".into() }],
    };
    options.cards = vec![card("a", "6281200000042", "Siti"), card("b", "6281200000051", "Agus")];
    siaga::emulator::start(options).await.unwrap()
}

/// What the service says, as the server would.
async fn reply(emulator: &Emulator, body: Value) {
    let url = format!("{}/v23.0/100000000000567/messages", emulator.url());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.post(url).bearer_auth("token").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn on_a_small_screen_everything_is_reached_by_keyboard() {
    let emulator = page_alone().await;
    let browser = Browser::start(360, 740).await;
    browser.goto(&emulator.url()).await.unwrap();
    browser.holds("document.getElementById('presence').textContent === 'online'").await;
    browser.appears("#compose-text").await.click().await.unwrap();
    browser.types(&format!("baris satu{ENTER}")).await;
    browser.appears(".message.ours").await;

    // The menu of attachments: arrows move, Escape gives the focus back, Enter sends.
    browser.script("document.getElementById('attach').focus()").await;
    browser.types(ENTER).await;
    browser.holds("document.activeElement.dataset.choice === 'sticker'").await;
    browser.types(DOWN).await;
    browser.holds("document.activeElement.dataset.choice === 'voice'").await;
    browser.types(ESCAPE).await;
    browser.holds("document.activeElement.id === 'attach'").await;
    browser.types(ENTER).await;
    browser.types(ENTER).await;
    browser.appears(".bubble.is-sticker").await;
    let said = emulator.chat(&Sender::phone(Phone::from_wa_id("6281200000042").unwrap()).chat().unwrap());
    let sticker = |event: &&Arc<siaga::emulator::Event>| {
        matches!(&event.what, siaga::emulator::Happening::Said { content: Content::Sticker, .. })
    };
    assert_eq!(said.iter().filter(sticker).count(), 1);

    // A message of one's own is written anew.
    browser.script("document.querySelector('.ours .more').focus()").await;
    browser.types(ENTER).await;
    browser.holds("document.activeElement.dataset.choice === 'edit'").await;
    browser.types(ENTER).await;
    browser.holds("document.activeElement.value === 'baris satu'").await;
    browser.types(&format!(" lagi{ENTER}")).await;
    browser.holds("document.querySelector('.ours .body').textContent === 'baris satu lagi'").await;

    // A list opens as a sheet, and Escape closes it.
    let rows = [serde_json::json!({ "id": "1:a", "title": "Sertifikat belum ada" })];
    let action = serde_json::json!({ "button": "Pilih", "sections": [{ "rows": rows }] });
    reply(
        &emulator,
        serde_json::json!({
            "messaging_product": "whatsapp", "to": "+6281200000042", "type": "interactive",
            "interactive": { "type": "list", "body": { "text": "Jenis laporan:\nsatu" }, "action": action }
        }),
    )
    .await;
    browser.appears(".theirs .options button").await.send_keys(ENTER).await.unwrap();
    browser.holds("document.getElementById('sheet').open").await;
    browser.types(ESCAPE).await;
    browser.holds("!document.getElementById('sheet').open").await;
    browser.tap("Pilih").await;
    browser.appears("#sheet .pick").await.send_keys(ENTER).await.unwrap();
    browser
        .holds("document.querySelector('#log article:last-of-type .body').textContent === 'Sertifikat belum ada'")
        .await;

    // The panes are tabs, nothing is wider than the screen, and another citizen is another chat.
    for pane in ["sms", "server", "people"] {
        browser.appears(&format!(".tabs [data-pane='{pane}']")).await.send_keys(ENTER).await.unwrap();
        let pane = format!("#pane-{pane}");
        assert!(browser.find(Locator::Css(&pane)).await.unwrap().is_displayed().await.unwrap(), "{pane}");
        assert_eq!(browser.script("return document.documentElement.scrollWidth").await, 360, "{pane}");
    }
    browser.appears("#cards [data-key='b']").await.send_keys(ENTER).await.unwrap();
    browser.holds("document.getElementById('self').textContent === '0812-0000-0051'").await;
    assert!(browser.find(Locator::Css("#log .hint")).await.unwrap().is_displayed().await.unwrap());
    emulator.stop().await;
}

#[tokio::test]
async fn a_page_loaded_again_shows_the_chat_and_says_who_is_who() {
    let emulator = page_alone().await;
    let citizen = Sender::phone(Phone::from_wa_id("6281200000042").unwrap());
    emulator.say(&citizen, Content::text("hai <b>tebal</b>")).unwrap();
    let browser = Browser::start(1280, 800).await;
    for _ in 0..2 {
        browser.goto(&emulator.url()).await.unwrap();
        let said = browser.reads(".message.ours .body").await;
        assert_eq!(said, "hai <b>tebal</b>", "what people write is never markup");
    }
    let log = browser.appears("#log").await;
    assert_eq!(log.attr("role").await.unwrap().as_deref(), Some("log"));
    let nameless = "return [...document.querySelectorAll('button, input, textarea, a')].filter((element) => \
        !(element.textContent.trim() || element.ariaLabel || element.labels?.length)).map((element) => element.outerHTML)";
    assert_eq!(browser.script(nameless).await, serde_json::json!([]), "every control has a name");
    for pane in ["pane-people", "pane-chat", "pane-sms", "pane-server"] {
        let pane = browser.find(Locator::Id(pane)).await.unwrap();
        assert!(pane.is_displayed().await.unwrap(), "on a wide screen all panes are seen at once");
    }
    asks_nobody_else(&browser, &format!("{}/", emulator.url())).await;
    emulator.stop().await;
}
