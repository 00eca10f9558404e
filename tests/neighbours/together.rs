//! All neighbours at once: Kannel with its operator, Medplum's FHIR server, and a ministry's directory, which know the
//! same invented citizens as the chat page's cards; and the settings of a server that talks to them.
//!
//! One way to start them, for the test (`chat.rs`) and for a person (`start.rs`).

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use siaga::clock::SystemClock;
use siaga::ports::Clock as _;
use siaga::registry::embedded::{Citizen, population};

use super::fhir::{self, patient, vaccination};
use super::kannel::{self, Kannel};
use super::ministry::Ministry;
use super::tiny_server::TinyServer;

/// CVX's code of CoronaVac, the only vaccine that these citizens were given.
const CORONAVAC: &str = "511";
/// How long a token of the FHIR server is good.
const TOKEN_LIFE_S: u32 = 3_599;

/// The running neighbours; they end with this.
pub(crate) struct Together {
    pub(crate) kannel: Kannel,
    pub(crate) fhir: fhir::Server,
    pub(crate) ministry: Arc<Ministry>,
    directory_url: String,
    files: tempfile::TempDir,
}

impl Together {
    pub(crate) fn start() -> Self {
        // No more people than those who have a name in the examples.
        let citizens = population(0, 0, SystemClock::default().now().day_wib());
        let mut kannel = Kannel::start();
        kannel.connect_operator();
        let fhir = fhir::Server::start(&records(&citizens), TOKEN_LIFE_S);
        let ministry = Arc::<Ministry>::default();
        for citizen in &citizens {
            ministry.enter(citizen);
        }
        let directory_url = directory(Arc::clone(&ministry));
        Self { kannel, fhir, ministry, directory_url, files: tempfile::tempdir().unwrap() }
    }

    /// A file for `siaga serve --config`: nothing of the embedded registry and nothing of the page's SMS.
    pub(crate) fn settings(&self) -> PathBuf {
        let (fhir, directory, sms, body) = (&self.fhir.url, &self.directory_url, self.kannel.url(), kannel::BODY);
        let files = self.files.path().display();
        let settings = format!(
            r#"
registry = {{ kind = "satusehat", url = "{fhir}", client_id = "klien-1", client_secret = "rahasia" }}
directory = {{ kind = "http", url = "{directory}", authorization = "Bearer kunci" }}
otp = {{ senders = ["http"], url = "{sms}", format = "query", body = "{body}", secret = "rahasia" }}
store = {{ path = "{files}/store", key_file = "{files}/siaga.key" }}
certificate = {{ key_file = "{files}/signing.pem" }}
"#
        );
        let path = self.files.path().join("siaga.toml");
        std::fs::write(&path, settings).unwrap();
        path
    }
}

/// What is recorded of them, each NIK once.
fn records(citizens: &[Citizen]) -> Vec<Value> {
    let mut known = HashSet::new();
    let mut all = Vec::new();
    for citizen in citizens.iter().filter(|citizen| known.insert(citizen.person.nik)) {
        let (id, nik) = (&citizen.person.id.0, citizen.person.nik.digits());
        let born = citizen.record.birth_date.to_string();
        all.push(patient(id, &nik, citizen.person.name.as_str(), Some(&born)));
        for dose in &citizen.record.doses {
            let given = format!("{}T08:00:00+07:00", dose.date);
            let mut one = vaccination(&format!("{id}-{}", dose.number), id, CORONAVAC, dose.number, &given);
            // Without a batch it is recorded, and not issued.
            match dose.certificate {
                Some(_) => one["lotNumber"] = json!(dose.batch),
                None => drop(one.as_object_mut().unwrap().remove("lotNumber")),
            }
            all.push(one);
        }
    }
    all
}

/// The directory on a thread of its own, so that it answers whatever its user waits for; its address.
fn directory(ministry: Arc<Ministry>) -> String {
    let (tell, hear) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = TinyServer::start(move |_, seen| ministry.answer(seen)).await;
            tell.send(server.url.clone()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    hear.recv().expect("the directory starts")
}
