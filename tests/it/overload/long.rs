//! The long run: a server process of its own is offered ten times what it may take, for minutes.
//!
//! `.ci/long overload` runs it; what is offered is set by `OVERLOAD_OFFERED` (messages a second, 5000),
//! `OVERLOAD_TURNS` (what the server takes, 500) and `OVERLOAD_SECONDS` (300), how much may wait by
//! `OVERLOAD_OPEN_MIB` (16, some tens of thousands of citizens), and the server by `SIAGA_BINARY`.
//! Each citizen says "hai" once. What is refused with 503 comes again as from Meta, a hundred times faster.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::{APP_SECRET, sign};

const NUMBERS: usize = 10;
const A_POST: usize = 10;
/// Meta waits a minute at first and an hour at most; here a hundredth of that.
const GAP_FIRST_MS: u64 = 600;
const GAP_MAX_MS: u64 = 36_000;
/// What the table takes of memory for each contact it has come to know (reliability.md 0a).
const CONTACT_KB: u64 = 1;
/// By then as many sessions are awake as ever will be: `actors.passivate_after_s`, after which each leaves.
const SETTLED: Duration = Duration::from_secs(60);

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |value| value.parse().expect("a number"))
}

fn id_of(number: usize) -> String {
    format!("{}", 100_000_000_000_001 + number)
}

/// What arrived at the Graph API.
#[derive(Default)]
struct Graph {
    /// By citizen: how often he was greeted.
    greeted: Mutex<BTreeMap<usize, u32>>,
    told: AtomicU64,
    turned_away: AtomicU64,
    ids: AtomicU64,
}

async fn messages(graph: web::Data<Graph>, body: web::Bytes) -> HttpResponse {
    let body: Value = serde_json::from_slice(&body).expect("json");
    let to = body["recipient"].as_str().and_then(|to| to.strip_prefix("ID.load")).and_then(|n| n.parse().ok());
    if let Some(person) = to {
        let said = body["text"]["body"].as_str().or(body["interactive"]["body"]["text"].as_str()).unwrap_or_default();
        if said.starts_with("Layanan sedang ramai") {
            graph.told.fetch_add(1, Ordering::Relaxed);
        } else if said.starts_with("Layanan sedang sangat ramai") {
            graph.turned_away.fetch_add(1, Ordering::Relaxed);
        } else {
            *graph.greeted.lock().expect("the counts").entry(person).or_default() += 1;
        }
    }
    let id = graph.ids.fetch_add(1, Ordering::Relaxed);
    HttpResponse::Ok().json(json!({"messaging_product": "whatsapp", "messages": [{"id": format!("wamid.out.{id}")}]}))
}

/// A Graph API that takes everything.
fn listen(graph: web::Data<Graph>) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                actix_web::App::new()
                    .app_data(graph.clone())
                    .route("/{version}/{number}/messages", web::post().to(messages))
            };
            let server = actix_web::HttpServer::new(app).workers(1).disable_signals();
            server.listen(listener).expect("it listens").run().await.expect("it serves");
        });
    });
    url
}

struct Server {
    child: Child,
    webhook: String,
    ops: String,
    _folder: tempfile::TempDir,
}

impl Server {
    async fn start(graph: &str, turns_per_s: u64) -> Self {
        let binary = std::env::var("SIAGA_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_siaga").to_owned());
        let folder = tempfile::tempdir().expect("a folder");
        let signing = folder.path().join("signing.pem");
        siaga::config::signing_file::load_or_make(&signing).expect("a ring");
        let key = folder.path().join("siaga.key");
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&key).expect("a file");
        std::io::Write::write_all(&mut file, &[7; 32]).expect("written");
        let free =
            || std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").to_string();
        let (webhook, ops) = (free(), free());
        let number = |n| format!("{{ id = {:?}, display = \"0811-0000-0119\", messages_per_s = 1000 }}", id_of(n));
        let numbers: Vec<String> = (0..NUMBERS).map(number).collect();
        let child = Command::new(binary)
            .arg("serve")
            .env_clear()
            .env("SIAGA__SERVER__BIND", &webhook)
            .env("SIAGA__SERVER__OPS_BIND", &ops)
            .env("SIAGA__WHATSAPP__MODE", "cloud")
            .env("SIAGA__WHATSAPP__GRAPH_URL", graph)
            .env("SIAGA__WHATSAPP__APP_SECRETS", format!("[{:?}]", format!("{APP_SECRET}-of-a-process")))
            .env("SIAGA__WHATSAPP__VERIFY_TOKEN", "a-token-of-the-long-run")
            .env("SIAGA__WHATSAPP__ACCESS_TOKEN", "another-token-of-the-long-run")
            .env("SIAGA__WHATSAPP__PHONE_NUMBERS", format!("[{}]", numbers.join(", ")))
            .env("SIAGA__STORE__PATH", folder.path().join("store"))
            .env("SIAGA__STORE__KEY_FILE", &key)
            .env("SIAGA__CERTIFICATE__KEY_FILE", &signing)
            // Room for some tens of thousands of citizens who wait; past it, 503.
            .env("SIAGA__STORE__OPEN_BYTES_MAX", (setting("OVERLOAD_OPEN_MIB", 16) << 20).to_string())
            .env("SIAGA__STORE__RESERVE_BYTES", "0")
            // The store is full first, so that what is refused is refused before it is accepted.
            .env("SIAGA__ADMISSION__WAITING_MAX", "1000000")
            .env("SIAGA__ADMISSION__TURNS_PER_S", turns_per_s.to_string())
            .env("SIAGA__OTP__SENDERS", "[\"http\"]")
            .env("SIAGA__OTP__URL", format!("{graph}/sms"))
            .env("SIAGA__TELEMETRY__LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts");
        let server =
            Self { child, webhook: format!("http://{webhook}/webhook"), ops: format!("http://{ops}"), _folder: folder };
        let http = reqwest::Client::new();
        let until = Instant::now() + Duration::from_secs(60);
        while !http.get(format!("{}/readyz", server.ops)).send().await.is_ok_and(|answer| answer.status() == 200) {
            assert!(Instant::now() < until, "the server is not ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        server
    }

    fn rss_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse().expect("kilobytes")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is asked of it any more.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The citizens of one POST, all of one business number.
fn post_of(post: usize) -> Vec<u8> {
    let now = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs().to_string();
    let message = |n: usize| {
        let person = post * A_POST + n;
        json!({"id": format!("wamid.load.{person}"), "timestamp": now, "type": "text",
            "from_user_id": format!("ID.load{person}"), "text": {"body": "hai"}})
    };
    let messages: Vec<Value> = (0..A_POST).map(message).collect();
    let metadata = json!({"display_phone_number": "6281100000119", "phone_number_id": id_of(post % NUMBERS)});
    let value = json!({"messaging_product": "whatsapp", "metadata": metadata, "messages": messages});
    let body = json!({"object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]});
    serde_json::to_vec(&body).expect("json")
}

/// Posts, and what became of them.
struct Meta {
    http: reqwest::Client,
    url: String,
    connections: Semaphore,
    /// When, which, how often before.
    again: Mutex<BinaryHeap<Reverse<(Instant, usize, u32)>>>,
    taken: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

impl Meta {
    async fn bring(self: Arc<Self>, post: usize, before: u32) {
        let _connection = self.connections.acquire().await;
        let body = post_of(post);
        let signature = sign(&format!("{APP_SECRET}-of-a-process"), &body);
        let request = self.http.post(&self.url).header("x-hub-signature-256", signature).body(body);
        let status = request.send().await.map(|answer| answer.status().as_u16());
        if status.as_ref().is_ok_and(|status| *status == 200) {
            self.taken.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let counter = if status.is_ok_and(|status| status == 503) { &self.refused } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        let gap = Duration::from_millis((GAP_FIRST_MS << before.min(10)).min(GAP_MAX_MS));
        self.again.lock().expect("the heap").push(Reverse((Instant::now() + gap, post, before + 1)));
    }

    fn due(&self) -> Option<(usize, u32)> {
        let mut again = self.again.lock().expect("the heap");
        let due = again.peek().is_some_and(|Reverse((at, ..))| *at <= Instant::now());
        due.then(|| again.pop()).flatten().map(|Reverse((_, post, before))| (post, before))
    }
}

#[tokio::test]
#[ignore = "minutes of load: .ci/long overload"]
#[expect(clippy::print_stdout, reason = "a long run says how it goes")]
async fn minutes_of_ten_times_too_much_lose_nothing_and_take_no_more_memory() {
    let (offered, turns) = (setting("OVERLOAD_OFFERED", 5_000), setting("OVERLOAD_TURNS", 500));
    let seconds = setting("OVERLOAD_SECONDS", 300);
    let graph = web::Data::new(Graph::default());
    let server = Server::start(&listen(graph.clone()), turns).await;
    let meta = Arc::new(Meta {
        http: reqwest::Client::builder().no_proxy().build().expect("a client"),
        url: server.webhook.clone(),
        connections: Semaphore::new(64),
        again: Mutex::default(),
        taken: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        failed: AtomicU64::new(0),
    });
    let posts = usize::try_from(offered * seconds).expect("a count") / A_POST;
    let started = Instant::now();
    let load = Duration::from_secs(seconds);
    let patience = load * u32::try_from(offered / turns + 2).expect("a factor") * 2 + Duration::from_secs(120);
    let (mut next, mut said, mut judged) = (0, 0, false);
    // The most memory, and the citizens known, in a tenth of the load once all is settled, and in the last tenth.
    let settled = SETTLED.min(load / 3);
    let (mut first, mut last) = ((0, 0), (0, 0));
    loop {
        let passed = started.elapsed();
        let due = if passed >= load { posts } else { posts * passed.as_millis() as usize / load.as_millis() as usize };
        while next < due {
            tokio::spawn(Arc::clone(&meta).bring(next, 0));
            next += 1;
        }
        while let Some((post, before)) = meta.due() {
            tokio::spawn(Arc::clone(&meta).bring(post, before));
        }
        let served = graph.greeted.lock().expect("the counts").len();
        let state = (server.rss_kb(), served as u64);
        if (settled..settled + load / 10).contains(&passed) {
            assert!(meta.refused.load(Ordering::Relaxed) > 0, "it was too little for the store");
            first = (state.0.max(first.0), state.1);
        }
        if (load * 9 / 10..load).contains(&passed) {
            last = (state.0.max(last.0), state.1);
        }
        if passed.as_secs() >= said {
            said = passed.as_secs() + 10;
            println!(
                "{:>5} s: offered {}, taken {}, refused {}, greeted {served}, told {}, rss {} MiB",
                passed.as_secs(),
                next * A_POST,
                meta.taken.load(Ordering::Relaxed) * A_POST as u64,
                meta.refused.load(Ordering::Relaxed) * A_POST as u64,
                graph.told.load(Ordering::Relaxed),
                state.0 / 1_024,
            );
        }
        if passed > load && !judged {
            judged = true;
            let known_kb = (last.1 - first.1) * CONTACT_KB;
            println!(
                "rss {} MiB once settled, {} MiB at the end of the load, of it {} MiB for {} more citizens known",
                first.0 / 1_024,
                last.0 / 1_024,
                known_kb / 1_024,
                last.1 - first.1,
            );
            assert!(last.0 <= first.0 * 11 / 10 + known_kb, "memory grew: {} kB from {} kB", last.0, first.0);
        }
        if served == posts * A_POST {
            break;
        }
        assert!(passed < patience, "{served} of {} were served", posts * A_POST);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let greeted = graph.greeted.lock().expect("the counts");
    let twice = greeted.values().filter(|times| **times > 1).count();
    println!(
        "greeted {} of {}, {twice} twice; {} posts refused, {} failed, {} turned away; {} s in all",
        greeted.len(),
        posts * A_POST,
        meta.refused.load(Ordering::Relaxed),
        meta.failed.load(Ordering::Relaxed),
        graph.turned_away.load(Ordering::Relaxed),
        started.elapsed().as_secs(),
    );
    assert_eq!(twice, 0, "nobody is served twice");
}
