//! A ministry's directory for a server that asks one (config/ministry.openapi.yaml): who is registered under a phone,
//! from the same population, as slowly and as badly as a scenario wants. It changes nobody.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use siaga::domain::citizen::Standing;
use siaga::domain::name::Name;
use siaga::registry::embedded::Citizen;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// Connections served at once; more wait.
const CONNECTIONS_MAX: usize = 1_024;
/// A search is a short body.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// A directory that runs as long as this lives.
pub(crate) struct Directory {
    pub(crate) address: SocketAddr,
    moods: Arc<Moods>,
    task: tokio::task::JoinHandle<()>,
}

struct Moods {
    latency_ms: AtomicU64,
    down: AtomicBool,
}

impl Directory {
    /// Starts one on a free port of loopback.
    pub(crate) async fn start(population: &[Citizen], latency_ms: u64) -> anyhow::Result<Self> {
        let mut people: HashMap<String, Vec<Value>> = HashMap::new();
        for citizen in population {
            people.entry(citizen.phone.phone().to_e164()).or_default().push(written(citizen));
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for the directory")?;
        let address = listener.local_addr()?;
        let moods = Arc::new(Moods { latency_ms: AtomicU64::new(latency_ms), down: AtomicBool::new(false) });
        let task = tokio::spawn(serve(listener, Arc::new(people), Arc::clone(&moods)));
        Ok(Self { address, moods, task })
    }

    pub(crate) fn set_latency_ms(&self, latency_ms: u64) {
        self.moods.latency_ms.store(latency_ms, Ordering::Relaxed);
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.moods.down.store(down, Ordering::Relaxed);
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn written(citizen: &Citizen) -> Value {
    let person = &citizen.person;
    let standing = match person.standing {
        Standing::Open => "open",
        Standing::Protected => "protected",
        Standing::Deceased => "deceased",
    };
    json!({
        "id": person.id.0, "version": "\"1\"", "nik": person.nik.digits(), "name": person.name.as_str(),
        "verified_name": person.verified_name.as_str(), "civil_name": person.civil_name.as_ref().map(Name::as_str),
        "standing": standing,
    })
}

async fn serve(listener: TcpListener, people: Arc<HashMap<String, Vec<Value>>>, moods: Arc<Moods>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (people, moods) = (Arc::clone(&people), Arc::clone(&moods));
        tokio::spawn(async move {
            // A caller that breaks off is not answered.
            let _broken = converse(stream, &people, &moods).await;
            drop(place);
        });
    }
}

/// Answers one connection's requests until it closes.
async fn converse(stream: TcpStream, people: &HashMap<String, Vec<Value>>, moods: &Moods) -> anyhow::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut line, mut head) = (String::new(), String::new());
        stream.read_line(&mut head).await?;
        let mut length = 0;
        while stream.read_line(&mut line).await? > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            line.clear();
        }
        anyhow::ensure!(!head.is_empty() && length <= BODY_BYTES_MAX, "no request");
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        sleep(Duration::from_millis(moods.latency_ms.load(Ordering::Relaxed))).await;
        let (status, answer) = if moods.down.load(Ordering::Relaxed) {
            ("503 Down", json!({ "error": "down" }))
        } else if head.starts_with("POST ") && head.contains("/v1/persons/search") {
            let wanted: Value = serde_json::from_slice(&body)?;
            let found = wanted["phone"].as_str().and_then(|phone| people.get(phone));
            ("200 OK", json!({ "persons": found.cloned().unwrap_or_default() }))
        } else {
            ("404 Unknown", json!({}))
        };
        let answer = answer.to_string();
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", answer.len());
        stream.write_all(format!("{head}{answer}").as_bytes()).await?;
    }
}
