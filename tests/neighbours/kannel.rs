//! Codes through Debian's Kannel: its bearerbox and smsbox, and its own stand-in for an operator (`fakesmsc`), which
//! prints what it was given to deliver.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use siaga::domain::call::CallId;
use siaga::domain::contact::ContactId;
use siaga::domain::message::Text;
use siaga::domain::phone::{Mobile, Phone};
use siaga::otp::sms_http::{Format, Options, SmsHttp};
use siaga::ports::{IdempotencyKey, OtpSender as _, OutgoingSms, Unsent};

/// A slow machine's patience.
const PATIENCE: Duration = Duration::from_secs(90);
const FAKESMSC: &str = "/usr/lib/kannel/test/fakesmsc";
/// What its `sendsms` takes.
pub(crate) const BODY: &str = "username=siaga&password={secret}&from=KEMENKES&to={to}&text={text}";

/// The gateway with its operator; ends with this.
pub(crate) struct Kannel {
    directory: tempfile::TempDir,
    ports: [u16; 4],
    boxes: Vec<Child>,
    /// What the operator got, line by line, once he is there.
    pub(crate) delivered: Option<Receiver<String>>,
}

impl Kannel {
    fn new() -> Self {
        // Held together until all are known, so that no port is given twice.
        let free: Vec<_> = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports = std::array::from_fn(|at| free[at].local_addr().unwrap().port());
        let directory = tempfile::tempdir().unwrap();
        let [admin, smsbox, smsc, send] = ports;
        let settings = format!(
            "group = core\nadmin-port = {admin}\nadmin-password = admin\nadmin-allow-ip = \"127.0.0.1\"\n\
             smsbox-port = {smsbox}\nbox-allow-ip = \"127.0.0.1\"\nsms-resend-freq = 1\n\n\
             group = smsc\nsmsc = fake\nsmsc-id = operator\nport = {smsc}\nconnect-allow-ip = 127.0.0.1\n\n\
             group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = {send}\n\n\
             group = sendsms-user\nusername = siaga\npassword = rahasia\nmax-messages = 1\n\n\
             group = sms-service\nkeyword = default\nmax-messages = 0\ntext = \"\"\n"
        );
        std::fs::write(directory.path().join("kannel.conf"), settings).unwrap();
        Self { directory, ports, boxes: Vec::new(), delivered: None }
    }

    fn run(&mut self, program: &str) {
        let child = Command::new(program)
            .arg("kannel.conf")
            .current_dir(self.directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("`{program}`: {error}; install it with .ci/neighbours"));
        self.boxes.push(child);
    }

    /// The operator's network: what it is given comes out line by line.
    pub(crate) fn connect_operator(&mut self) {
        let mut operator = Command::new(FAKESMSC)
            .args(["-H", "127.0.0.1", "-r", &self.ports[2].to_string(), "-m", "0", "1 2 text none"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("`{FAKESMSC}`: {error}; install it with .ci/neighbours"));
        let (lines, delivered) = mpsc::channel();
        let said = BufReader::new(operator.stderr.take().unwrap());
        std::thread::spawn(move || said.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        self.boxes.push(operator);
        self.delivered = Some(delivered);
    }

    fn open(port: u16) -> bool {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    }

    fn until(what: &str, ready: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !ready() {
            assert!(Instant::now() < deadline, "never happened: {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn start() -> Self {
        assert!(Path::new(FAKESMSC).exists(), "{FAKESMSC} is not there; install it with .ci/neighbours");
        let mut kannel = Self::new();
        kannel.run("/usr/sbin/bearerbox");
        let [_, smsbox, smsc, send] = kannel.ports;
        Self::until("bearerbox listens", || Self::open(smsbox) && Self::open(smsc));
        kannel.run("/usr/sbin/smsbox");
        Self::until("smsbox listens", || Self::open(send));
        kannel
    }

    /// Where it takes codes.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/cgi-bin/sendsms", self.ports[3])
    }

    fn sender(&self, password: &str) -> SmsHttp {
        let options = Options {
            format: Format::Query,
            body: BODY.into(),
            secret: password.to_owned().into(),
            timeout: Duration::from_secs(60),
            ..Options::plain(self.url())
        };
        SmsHttp::new(&options).expect("options that are right")
    }

    /// Waits for what the operator gets with this in it.
    pub(crate) fn operator_gets(&self, part: &str) -> String {
        let delivered = self.delivered.as_ref().expect("an operator");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = delivered.recv_timeout(left).unwrap_or_else(|_| panic!("`{part}` was never delivered"));
            if line.contains(part) {
                return line;
            }
        }
    }

    fn assert_delivered(&self, text: &str) {
        self.operator_gets(text);
    }
}

impl Drop for Kannel {
    fn drop(&mut self) {
        for child in self.boxes.iter_mut().rev() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

async fn send(sender: &SmsHttp, call: u64, text: &str) -> Result<(), Unsent> {
    let to = Phone::from_wa_id("6281200000042").and_then(Mobile::from_phone).expect("a mobile");
    let key = IdempotencyKey { contact: ContactId(255), call: CallId(call) };
    sender.send(OutgoingSms { key, to, text: Text(text.to_owned()) }).await
}

#[tokio::test]
async fn a_code_goes_through_kannel_to_the_operator() {
    let mut kannel = Kannel::start();
    let sender = kannel.sender("rahasia");
    // The operator is away: the gateway takes it over all the same, and delivers when he is back.
    assert_eq!(send(&sender, 1, "111111 kode OTP").await, Ok(()));
    kannel.connect_operator();
    kannel.assert_delivered("KEMENKES +6281200000042 text 111111 kode OTP");
    let text = "483920 kode OTP Kemenkes utk WhatsApp berakhiran 0042, berlaku 5 menit. Bukan Anda? Abaikan. \
        Jangan beri tahu siapa pun, termasuk petugas. 100% & lain+lain";
    assert_eq!(send(&sender, 2, text).await, Ok(()));
    kannel.assert_delivered(&format!("KEMENKES +6281200000042 text {text}"));
    let refused = send(&kannel.sender("salah"), 3, "222222 kode OTP").await;
    assert!(matches!(refused, Err(Unsent::Refused { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_gateway_that_dies_is_down_and_serves_when_it_is_back() {
    let mut kannel = Kannel::start();
    let sender = kannel.sender("rahasia");
    kannel.connect_operator();
    assert_eq!(send(&sender, 1, "111111 kode OTP").await, Ok(()));
    kannel.assert_delivered("111111 kode OTP");
    // The smsbox: what takes codes from us.
    let mut smsbox = kannel.boxes.remove(1);
    smsbox.kill().unwrap();
    smsbox.wait().unwrap();
    // On the connection that was kept nobody knows whether it was taken; the next finds nobody there.
    let broken = send(&sender, 2, "222222 kode OTP").await;
    assert!(matches!(broken, Err(Unsent::Unknown { .. } | Unsent::NotNow { .. })), "{broken:?}");
    let down = send(&sender, 2, "222222 kode OTP").await;
    assert!(matches!(down, Err(Unsent::NotNow { .. })), "{down:?}");
    kannel.run("/usr/sbin/smsbox");
    let port = kannel.ports[3];
    Kannel::until("smsbox listens again", || Kannel::open(port));
    assert_eq!(send(&sender, 2, "222222 kode OTP").await, Ok(()));
    kannel.assert_delivered("222222 kode OTP");
}
