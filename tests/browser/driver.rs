//! A headless Chromium of our own: started for one test, gone with it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::ops::Deref;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

/// How long the page may take for anything. Passing tests never wait for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

const MISSING: &str =
    "the chat page's test needs a browser: install Debian's packages `chromium` and `chromium-driver`";

/// A browser with one window.
pub(crate) struct Browser {
    client: Client,
    // In this order: the driver ends the browser, then its profile can go.
    _driver: Driver,
    _profile: tempfile::TempDir,
}

struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    fn start() -> Self {
        let mut process = Command::new("/usr/bin/chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{MISSING} ({error})"));
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        // Its first line repeats the port that it was given, 0; a later one tells the port that it took.
        let port = lines
            .map_while(Result::ok)
            .filter_map(|line| line.rsplit_once("on port ")?.1.trim_end_matches('.').parse().ok())
            .find(|port| *port != 0)
            .unwrap_or_else(|| panic!("{MISSING} (chromedriver did not say its port)"));
        Self { process, port }
    }
}

impl Drop for Driver {
    /// Asks the driver to end, which ends the browser too; a driver that is killed would leave it behind.
    fn drop(&mut self) {
        let asked = TcpStream::connect(("127.0.0.1", self.port)).and_then(|mut stream| {
            stream.write_all(b"GET /shutdown HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")?;
            stream.read(&mut [0; 64])
        });
        if asked.is_err() {
            self.process.kill().ok();
        }
        self.process.wait().ok();
    }
}

impl Browser {
    /// Starts driver and browser; `width` and `height` are those of the page.
    pub(crate) async fn start(width: u32, height: u32) -> Self {
        let driver = Driver::start();
        let profile = tempfile::tempdir().unwrap();
        let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let options = json!({ "args": flags, "mobileEmulation": {
            "deviceMetrics": { "width": width, "height": height, "pixelRatio": 1, "touch": false, "mobile": false }
        } });
        let capabilities = [("goog:chromeOptions".to_owned(), options)].into_iter().collect();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{}", driver.port))
            .await
            .unwrap_or_else(|error| panic!("{MISSING} ({error})"));
        Self { client, _driver: driver, _profile: profile }
    }

    /// Waits until something is there.
    pub(crate) async fn appears(&self, css: &str) -> fantoccini::elements::Element {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("`{css}` did not appear ({error}); the chat says: {}", self.chat().await),
        }
    }

    /// Waits until something is there with words to read, and reads them: what has just come into the page is not
    /// drawn yet, and what is not drawn has no words.
    pub(crate) async fn reads(&self, css: &str) -> String {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let words = self.appears(css).await.text().await.unwrap();
            if !words.is_empty() {
                return words;
            }
            assert!(tokio::time::Instant::now() < deadline, "`{css}` stays without words");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for a button of the chat's newest message by its title, and taps it.
    pub(crate) async fn tap(&self, title: &str) {
        let path = format!("//div[@id='log']/article[last()]//button[normalize-space()='{title}']");
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&path)).await;
        match found {
            Ok(button) => button.click().await.unwrap(),
            Err(error) => panic!("no button `{title}` ({error}); the chat says: {}", self.chat().await),
        }
    }

    /// Waits until the service's newest message holds these words.
    pub(crate) async fn hears(&self, words: &str) {
        let path = format!("//div[@id='log']/article[last()][contains(@class,'theirs')][contains(.,'{words}')]");
        if let Err(error) = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&path)).await {
            panic!("nobody said `{words}` ({error}); the chat says: {}", self.chat().await);
        }
    }

    /// Types into whatever has the focus.
    pub(crate) async fn types(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// What a script returns.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Waits until a script returns true.
    pub(crate) async fn holds(&self, condition: &str) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.script(&format!("return {condition}")).await != Value::Bool(true) {
            assert!(tokio::time::Instant::now() < deadline, "never true: {condition}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until this many windows are open: one opened by a tap comes a moment after it.
    pub(crate) async fn has_windows(&self, count: usize) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.client.windows().await.unwrap().len() != count {
            assert!(tokio::time::Instant::now() < deadline, "there are never {count} windows");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn chat(&self) -> String {
        self.script("return document.getElementById('log')?.innerText ?? document.title").await.to_string()
    }
}

impl Deref for Browser {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
