//! Codes by SMPP through an SMSC that nobody here wrote: npm's `smpp`, whose moods are in `servers/smsc.js`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use siaga::actors::session::Ours;
use siaga::app::CodeSender;
use siaga::domain::call::CallId;
use siaga::domain::contact::ContactId;
use siaga::domain::message::{Outbound, Text};
use siaga::domain::name::Name;
use siaga::domain::nik::Nik;
use siaga::domain::phone::{Mobile, Phone};
use siaga::otp::smpp::{Options, OptionsError, Smpp};
use siaga::ports::{Fate, IdempotencyKey, OtpSender as _, OutgoingSms, Receipt, Receipts, Unsent};
use siaga::registry::embedded::Citizen;

use super::support::{ParrotHouse, TestApp, envelope, eventually, text};
use super::{installed, script};

const PATIENCE: Duration = Duration::from_secs(60);
const WA_ID: &str = "6281200000042";

/// The running SMSC; ends with this.
struct Smsc {
    process: Child,
    orders: ChildStdin,
    port: u16,
    happens: Receiver<Value>,
    /// What has happened and nobody has waited for.
    before: Vec<Value>,
}

impl Smsc {
    fn start() -> Self {
        let mut process = Command::new("node")
            .current_dir(installed("servers/node_modules").parent().unwrap())
            .arg(script("servers/smsc.js"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node; install it with .ci/neighbours");
        let orders = process.stdin.take().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        let mut port = String::new();
        said.read_line(&mut port).unwrap();
        let port = port.trim().parse().expect("the smsc did not start; its error is above");
        let (tell, happens) = mpsc::channel();
        std::thread::spawn(move || {
            let lines = said.lines().map_while(Result::ok);
            lines.map(|line| serde_json::from_str(&line).unwrap()).try_for_each(|event| tell.send(event))
        });
        Self { process, orders, port, happens, before: Vec::new() }
    }

    fn options(&self) -> Options {
        Options {
            timeout: PATIENCE,
            reconnect_first: Duration::from_millis(20),
            reconnect_max: Duration::from_millis(200),
            ..Options::local(&format!("127.0.0.1:{}", self.port), "siaga", "rahasia")
        }
    }

    /// Puts it in a mood.
    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
        self.sees(order, |event| event["did"] == order);
    }

    /// Waits until something happens, each thing once.
    fn sees(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.before.iter().position(&is) {
            return self.before.remove(place);
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let event = self.happens.recv_timeout(left).unwrap_or_else(|_| panic!("never happened: {what}"));
            if is(&event) {
                return event;
            }
            self.before.push(event);
        }
    }

    /// What has happened of a kind until now and nobody has waited for.
    fn seen(&mut self, key: &str) -> usize {
        // What it says comes in order.
        self.order("nothing");
        self.before.iter().filter(|event| event.get(key).is_some()).count()
    }
}

impl Drop for Smsc {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Keeps what is told.
#[derive(Default)]
struct Told(Mutex<Vec<Receipt>>);

impl Receipts for Told {
    fn heard(&self, receipt: Receipt) {
        self.0.lock().unwrap().push(receipt);
    }
}

impl Told {
    fn fates(&self) -> Vec<(u64, Fate)> {
        self.0.lock().unwrap().iter().map(|receipt| (receipt.sms.key.call.0, receipt.fate)).collect()
    }
}

fn mobile() -> Mobile {
    Phone::from_wa_id(WA_ID).and_then(Mobile::from_phone).expect("a mobile")
}

async fn send(sender: &Smpp, call: u64, words: &str) -> Result<(), Unsent> {
    let key = IdempotencyKey { contact: ContactId(255), call: CallId(call) };
    sender.send(OutgoingSms { key, to: mobile(), text: Text(words.to_owned()) }).await
}

/// Sends until it is taken: while there is no link, it is not.
async fn sent(sender: &Smpp, call: u64, words: &str) {
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = send(sender, call, words).await {
        assert!(matches!(error, Unsent::NotNow { .. }), "{error:?}");
        assert!(Instant::now() < deadline, "never taken: {error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_code_goes_to_the_smsc_and_what_became_of_it_comes_back() {
    let mut smsc = Smsc::start();
    let (sender, told) = (Smpp::start(&smsc.options()).expect("a session"), Arc::new(Told::default()));
    sender.tell(told.clone());
    let bind = smsc.sees("a bind", |event| event.get("bind").is_some());
    assert_eq!((&bind["right"], &bind["interface_version"]), (&json!(true), &json!(0x34)));
    let words = "483920 kode OTP Kemenkes utk WhatsApp berakhiran 0042, berlaku 5 menit. Bukan Anda? Abaikan. \
        Jangan beri tahu siapa pun, termasuk petugas. @$_";
    for (call, (mood, fate)) in
        (1..).zip([("words", Fate::Delivered), ("fields", Fate::Delivered), ("undeliverable", Fate::Undeliverable)])
    {
        smsc.order(&format!("receipts {mood}"));
        sent(&sender, call, words).await;
        let text = smsc.sees("the text", |event| event.get("text").is_some());
        let expected = json!({
            "text": words, "source_addr": "KEMENKES", "source_addr_ton": 5, "dest_addr_ton": 1, "dest_addr_npi": 1,
            "destination_addr": WA_ID, "data_coding": 0, "registered_delivery": 1, "esm_class": 0,
        });
        assert_eq!(text, expected);
        eventually("its receipt is told", || told.fates().last() == Some(&(call, fate))).await;
        let answer = smsc.sees("its receipt is acknowledged", |event| event.get("acknowledged").is_some());
        assert_eq!(answer["status"], 0);
    }
    assert_eq!(told.fates().len(), 3, "each once");
    let unfit = send(&sender, 9, "kode “483920”").await;
    assert!(matches!(unfit, Err(Unsent::Refused { .. })), "{unfit:?}");
    assert_eq!(smsc.seen("text"), 0, "what is no gsm never leaves");
}

#[tokio::test]
async fn a_link_that_is_killed_comes_back_by_itself() {
    let mut smsc = Smsc::start();
    let sender = Smpp::start(&smsc.options()).expect("a session");
    sent(&sender, 1, "111111 kode OTP").await;
    smsc.sees("a bind", |event| event.get("bind").is_some());
    // What was given to it and not answered may have been taken.
    smsc.order("hold");
    let killing = tokio::task::spawn_blocking(move || {
        smsc.sees("the text", |event| event["text"] == "222222 kode OTP");
        smsc.order("drop");
        smsc.sees("another bind", |event| event.get("bind").is_some());
        smsc.order("release");
        smsc
    });
    let ended = send(&sender, 2, "222222 kode OTP").await;
    assert!(matches!(ended, Err(Unsent::Unknown { .. })), "{ended:?}");
    let _smsc = killing.await.expect("the smsc's side");
    sent(&sender, 2, "222222 kode OTP").await;
}

#[tokio::test]
async fn a_throttled_session_sends_nothing_for_a_while() {
    let mut smsc = Smsc::start();
    let options = Options { throttle_pause: Duration::from_secs(3_600), ..smsc.options() };
    let sender = Smpp::start(&options).expect("a session");
    sent(&sender, 1, "111111 kode OTP").await;
    smsc.order("throttle 1");
    for call in [2, 3] {
        let throttled = send(&sender, call, "222222 kode OTP").await;
        assert!(matches!(throttled, Err(Unsent::NotNow { .. })), "{throttled:?}");
    }
    assert_eq!(smsc.seen("text"), 2, "the third was not sent at all");
    let quick =
        Smpp::start(&Options { throttle_pause: Duration::from_millis(1), ..smsc.options() }).expect("a session");
    sent(&quick, 1, "111111 kode OTP").await;
    smsc.order("throttle 1");
    sent(&quick, 2, "222222 kode OTP").await;
}

#[tokio::test]
async fn a_bind_that_is_refused_is_for_an_operator_to_mend() {
    let mut smsc = Smsc::start();
    let options = Options { password: "salah".to_owned().into(), ..smsc.options() };
    let sender = Smpp::start(&options).expect("a session");
    let deadline = Instant::now() + PATIENCE;
    loop {
        match send(&sender, 1, "111111 kode OTP").await {
            Err(Unsent::Refused { reason }) if reason.contains("0xe") => break,
            Err(Unsent::NotNow { .. }) if Instant::now() < deadline => {}
            other => panic!("{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for _ in 0..2 {
        let bind = smsc.sees("it is tried again", |event| event.get("bind").is_some());
        assert_eq!(bind["right"], false);
    }
    assert_eq!(smsc.seen("text"), 0);
}

#[tokio::test]
async fn an_smsc_that_does_not_answer_may_have_taken_it() {
    let mut smsc = Smsc::start();
    let sender = Smpp::start(&smsc.options()).expect("a session");
    sent(&sender, 1, "111111 kode OTP").await;
    let hasty = Smpp::start(&Options { timeout: Duration::from_millis(500), ..smsc.options() }).expect("a session");
    sent(&hasty, 2, "222222 kode OTP").await;
    smsc.order("silent 1");
    let silent = send(&hasty, 3, "333333 kode OTP").await;
    assert!(matches!(silent, Err(Unsent::Unknown { .. })), "{silent:?}");
    sent(&sender, 3, "333333 kode OTP").await;
}

#[tokio::test]
async fn no_more_texts_are_under_way_than_the_window_holds() {
    let mut smsc = Smsc::start();
    let sender = Smpp::start(&Options { window_max: 2, ..smsc.options() }).expect("a session");
    sent(&sender, 1, "111111 kode OTP").await;
    smsc.sees("the text", |event| event.get("text").is_some());
    smsc.order("hold");
    let sender = Arc::new(sender);
    let sends: Vec<_> = (2..7)
        .map(|call| {
            let sender = Arc::clone(&sender);
            tokio::spawn(async move { send(&sender, call, "222222 kode OTP").await })
        })
        .collect();
    let mut smsc = tokio::task::spawn_blocking(move || {
        for _ in 0..2 {
            smsc.sees("the text", |event| event.get("text").is_some());
        }
        // Asked and answered behind the two: a third would have been seen by now.
        smsc.order("enquire");
        smsc.sees("an answer", |event| event.get("alive").is_some());
        assert_eq!(smsc.seen("text"), 0, "a third left");
        smsc.order("release");
        smsc
    })
    .await
    .expect("the smsc's side");
    for send in sends {
        assert_eq!(send.await.expect("not a panic"), Ok(()));
    }
    assert_eq!(smsc.seen("text"), 3);
}

#[tokio::test]
async fn a_quiet_link_is_asked_whether_it_stands() {
    let mut smsc = Smsc::start();
    let options = Options { enquire_after: Duration::from_millis(50), ..smsc.options() };
    let _sender = Smpp::start(&options).expect("a session");
    for _ in 0..3 {
        smsc.sees("it is asked", |event| event.get("enquired").is_some());
    }
    assert_eq!(smsc.seen("bind"), 1, "and stands");
}

#[test]
fn an_smsc_on_another_machine_is_refused_with_what_to_do() {
    for (address, tells) in [("10.0.0.7:2775", "put a tunnel on this machine"), ("smsc.example:2775", "ip address")] {
        let Err(error) = Smpp::start(&Options::local(address, "siaga", "rahasia")) else { panic!("{address}") };
        assert!(matches!(error, OptionsError::Unencrypted | OptionsError::Address));
        assert!(error.to_string().contains(tells), "{error}");
    }
}

/// A citizen, the whole server and the SMSC.
struct Town {
    house: ParrotHouse,
    app: TestApp,
}

impl Town {
    fn open(smsc: &Smsc) -> Self {
        let house = ParrotHouse::new();
        let mut options = house.options();
        options.script = Arc::new(Ours);
        options.senders = vec![CodeSender::Smpp(smsc.options())];
        let app = TestApp::start(options);
        let nik = Nik::parse("0001014708900003").expect("a nik");
        let born = nik.birth_dates().next().expect("a birth date");
        let siti = Citizen::new(mobile(), nik, Name::parse("Siti Rahmawati").expect("a name"), born);
        app.handles.registry.put(siti.with_dose(1, time::macros::date!(2021 - 09 - 03), "CoronaVac", true));
        Self { house, app }
    }

    fn heard(&self) -> String {
        let sent = self.house.channel.sent();
        sent.last().map_or_else(String::new, |sent| match sent.message.as_ref() {
            Outbound::Text { body } | Outbound::Buttons { body, .. } | Outbound::List { body, .. } => body.0.clone(),
            Outbound::Certificate { caption, .. } => caption.0.clone(),
            Outbound::Template { name, .. } => name.clone(),
        })
    }

    async fn hears(&self, words: &str) {
        eventually(words, || self.heard().contains(words)).await;
    }

    async fn says(&self, words: &str) {
        let message = text(&format!("w-{:016x}", rand::random::<u64>()), WA_ID, words);
        assert_eq!(self.app.post(&envelope(&[message])).await, 200);
    }

    async fn taps(&self, title: &str) {
        let sent = self.house.channel.sent();
        let offered = sent.iter().rev().find_map(|sent| {
            let Outbound::Buttons { buttons, .. } = sent.message.as_ref() else { return None };
            buttons.iter().find(|button| button.title.0 == title).cloned()
        });
        let id = offered.unwrap_or_else(|| panic!("nobody offered [{title}]: {}", self.heard())).id;
        let mut message = text(&format!("w-{:016x}", rand::random::<u64>()), WA_ID, "");
        message["type"] = json!("interactive");
        message["interactive"] = json!({"type": "button_reply", "button_reply": {"id": id, "title": title}});
        assert_eq!(self.app.post(&envelope(&[message])).await, 200);
    }

    async fn asks_for_a_code(&self) {
        self.says("status").await;
        self.hears("Selamat datang").await;
        self.taps("Setuju, nomor ini").await;
        self.hears("Kode OTP 6 angka").await;
    }

    async fn waits_for_receipts(&self, fate: &str) {
        let deadline = Instant::now() + PATIENCE;
        let counted = format!("siaga_sms_receipts_total{{fate=\"{fate}\"}}");
        while !self.app.ops("/metrics").await.1.contains(&counted) {
            assert!(Instant::now() < deadline, "no receipt was counted");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.app.settled().await;
    }
}

#[tokio::test]
async fn a_citizen_logs_in_with_a_code_that_came_through_the_smsc() {
    let mut smsc = Smsc::start();
    let town = Town::open(&smsc);
    town.asks_for_a_code().await;
    let sms = smsc.sees("the code", |event| event.get("text").is_some());
    assert_eq!(sms["destination_addr"], WA_ID);
    town.waits_for_receipts("delivered").await;
    // The phone has it: he is told so once, instead of being sent another.
    town.says("kirim ulang").await;
    town.hears("sudah diterima ponsel dengan nomor berakhiran 0042").await;
    assert_eq!(smsc.seen("text"), 0);
    // From its receipt on it opens for five minutes, here sent at the same moment.
    town.house.clock.advance(4 * 60_000);
    town.says(&sms["text"].as_str().unwrap()[..6]).await;
    town.hears("tulis nama lengkap").await;
    town.says("Siti Rahmawati 0001014708900003").await;
    town.hears("Status vaksinasi a.n.").await;
}

#[tokio::test]
async fn one_session_serves_all_shards() {
    let mut smsc = Smsc::start();
    let town = Town::open(&smsc);
    town.asks_for_a_code().await;
    smsc.sees("the code", |event| event.get("text").is_some());
    assert_eq!(smsc.seen("bind"), 1, "operators count them");
}
