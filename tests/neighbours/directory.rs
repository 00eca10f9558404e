//! The directory's adapter held to `config/ministry.openapi.yaml` by programs that nobody here wrote: the document is a
//! valid OpenAPI 3.1 description, and all that the adapter says, and understands, is in it.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use siaga::clock::SystemClock;
use siaga::domain::call::CallId;
use siaga::domain::citizen::PersonId;
use siaga::domain::contact::ContactId;
use siaga::domain::name::Name;
use siaga::domain::phone::{Mobile, Phone};
use siaga::ports::{AccountDirectory as _, IdempotencyKey};
use siaga::registry::directory::{HttpDirectory, Options};

use super::ministry::Ministry;
use super::programs::{installed, run, script};
use super::tiny_server::TinyServer;

const OLD: &str = "+6281200000042";
const NEW: &str = "+6281200000199";

#[tokio::test]
async fn all_that_is_said_to_a_directory_is_in_its_description() {
    let ministry = Arc::<Ministry>::default();
    ministry.register("p-siti", OLD, "Siti Rahmawati");
    (0..6).for_each(|other| ministry.register(&format!("p-{other}"), "+6281200000777", "Budi Santoso, S.Kom"));
    let own = Arc::clone(&ministry);
    let server = TinyServer::start(move |_, seen| own.answer(seen)).await;
    let directory = |authorization: &str| {
        let options = Options {
            url: server.url.clone(),
            authorization: authorization.to_owned().into(),
            timeout: Duration::from_secs(60),
            connections_max: 4,
        };
        HttpDirectory::new(&options, Arc::new(SystemClock::default())).expect("options that are right")
    };
    let ours = directory("Bearer kunci");
    let mobile = |text: &str| Phone::from_wa_id(text).and_then(Mobile::from_phone).expect("a mobile");
    let key = |call| IdempotencyKey { contact: ContactId(u64::MAX), call: CallId(call) };
    let (siti, nobody) = (PersonId("p-siti".into()), PersonId("p-none".into()));
    let name = Name::parse("Siti Nur'aini, S.Pd").expect("a name");

    assert_eq!(ours.persons(mobile(OLD)).await.map(|people| people.len()), Ok(1));
    assert_eq!(ours.persons(mobile(NEW)).await.map(|people| people.len()), Ok(0));
    assert_eq!(ours.change_name(key(1), siti.clone(), name.clone()).await, Ok(()));
    assert_eq!(ours.change_name(key(1), siti.clone(), name.clone()).await, Ok(()));
    assert!(ours.change_phone(key(2), siti.clone(), mobile(OLD), mobile("+6281200000777")).await.is_err(), "full");
    assert_eq!(ours.change_phone(key(3), siti.clone(), mobile(OLD), mobile(NEW)).await, Ok(()));
    assert!(ours.change_name(key(4), nobody, name.clone()).await.is_err());
    assert_eq!(ours.persons(mobile(NEW)).await.map(|people| people.len()), Ok(1));
    ministry.touch("p-siti");
    assert!(ours.change_name(key(5), siti, name).await.is_err(), "outdated");
    assert!(directory("Bearer salah").persons(mobile(OLD)).await.is_err());

    let files = tempfile::tempdir().unwrap();
    let exchanges = files.path().join("exchanges.json");
    std::fs::write(&exchanges, serde_json::to_vec(&ministry.exchanges()).unwrap()).unwrap();
    let mut python = Command::new(installed("python/bin/python3"));
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/config/ministry.openapi.yaml");
    let seen = run(python.arg(script("python/exchanges.py")).arg(document).arg(&exchanges));
    let expected = "changeName 204\nchangeName 412\nchangePhone 204\nchangePhone 409\nreadPerson 200\nreadPerson 404\n\
        searchPersons 200\nsearchPersons 401\n";
    assert_eq!(String::from_utf8(seen).unwrap(), expected);
}
