//! A ministry's directory as `config/ministry.openapi.yaml` describes it, in a few lines, and a record of all that was
//! said to it and by it.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the finding")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use serde_json::{Value, json};
use siaga::domain::citizen::Standing;
use siaga::registry::embedded::Citizen;

use crate::tiny_server::{Answer, Seen};

/// People on one number.
const PERSONS_MAX: usize = 6;

/// The directory's mind.
#[derive(Default)]
pub(crate) struct Ministry {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    people: BTreeMap<String, Record>,
    /// Key, what it was for, and what became of it.
    served: HashMap<String, (String, u16, Option<u64>)>,
    changes: usize,
    /// The next change is made and its answer never arrives.
    cut_next: bool,
    exchanges: Vec<Value>,
}

struct Record {
    phone: String,
    nik: String,
    name: String,
    verified: String,
    civil: Option<String>,
    standing: &'static str,
    version: u64,
}

struct Said {
    status: u16,
    etag: Option<u64>,
    body: Option<Value>,
}

fn said(status: u16) -> Said {
    Said { status, etag: None, body: None }
}

fn fault(status: u16, message: &str) -> Said {
    Said { body: Some(json!({ "message": message })), ..said(status) }
}

fn conflict(status: u16, reason: &str) -> Said {
    Said { body: Some(json!({ "reason": reason })), ..said(status) }
}

impl Ministry {
    /// Registers somebody; all of them have the same NIK.
    pub(crate) fn register(&self, id: &str, phone: &str, name: &str) {
        let record = Record {
            phone: phone.to_owned(),
            nik: "0001014708900003".to_owned(),
            name: name.to_owned(),
            verified: name.to_owned(),
            civil: None,
            standing: "open",
            version: 1,
        };
        self.state.lock().unwrap().people.insert(id.to_owned(), record);
    }

    /// Registers a citizen as the embedded registry has him.
    pub(crate) fn enter(&self, citizen: &Citizen) {
        let person = &citizen.person;
        let record = Record {
            phone: citizen.phone.phone().to_e164(),
            nik: person.nik.digits(),
            name: person.name.as_str().to_owned(),
            verified: person.verified_name.as_str().to_owned(),
            civil: person.civil_name.as_ref().map(|name| name.as_str().to_owned()),
            standing: match person.standing {
                Standing::Open => "open",
                Standing::Protected => "protected",
                Standing::Deceased => "deceased",
            },
            version: 1,
        };
        self.state.lock().unwrap().people.insert(person.id.0.clone(), record);
    }

    /// An officer changes something of his.
    pub(crate) fn touch(&self, id: &str) {
        self.state.lock().unwrap().people.get_mut(id).unwrap().version += 1;
    }

    /// The next change is made, and the connection breaks before its answer.
    pub(crate) fn cut_next(&self) {
        self.state.lock().unwrap().cut_next = true;
    }

    pub(crate) fn changes(&self) -> usize {
        self.state.lock().unwrap().changes
    }

    pub(crate) fn name(&self, id: &str) -> String {
        self.state.lock().unwrap().people[id].name.clone()
    }

    pub(crate) fn phone(&self, id: &str) -> String {
        self.state.lock().unwrap().people[id].phone.clone()
    }

    /// All that was said, as `python/exchanges.py` reads it.
    pub(crate) fn exchanges(&self) -> Vec<Value> {
        self.state.lock().unwrap().exchanges.clone()
    }

    pub(crate) fn answer(&self, seen: &Seen) -> Answer {
        let mut state = self.state.lock().unwrap();
        let (method, path) = seen.line.split_once(' ').unwrap();
        let before = state.changes;
        let said = state.said(method, path, seen);
        let body = said.body.as_ref().map(Value::to_string).unwrap_or_default();
        let etag = said.etag.map(|version| format!("\"{version}\""));
        let headers = etag.as_ref().map_or_else(|| json!({}), |etag| json!({ "etag": etag }));
        state.exchanges.push(json!({
            "method": method, "path": path, "headers": seen.headers, "body": String::from_utf8_lossy(&seen.body),
            "status": said.status, "answer_headers": headers, "answer": body,
        }));
        if state.changes > before && std::mem::take(&mut state.cut_next) {
            return Answer::Close;
        }
        let etag = etag.map(|etag| format!("etag: {etag}\r\n")).unwrap_or_default();
        let length = body.len();
        Answer::Raw(format!(
            "HTTP/1.1 {} X\r\n{etag}content-length: {length}\r\nconnection: close\r\n\r\n{body}",
            said.status
        ))
    }
}

impl State {
    fn said(&mut self, method: &str, path: &str, seen: &Seen) -> Said {
        if seen.headers.get("authorization").map(String::as_str) != Some("Bearer kunci") {
            return fault(401, "no token of ours");
        }
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (method, &parts[..]) {
            ("POST", ["v1", "persons", "search"]) => self.search(seen),
            ("GET", ["v1", "persons", id]) => match self.people.get(*id) {
                Some(record) => Said { etag: Some(record.version), body: Some(shown(id, record)), ..said(200) },
                None => said(404),
            },
            ("PUT", ["v1", "persons", id, what]) => {
                let key = seen.headers.get("idempotency-key").cloned().unwrap_or_default();
                let wish = format!("{path} {}", String::from_utf8_lossy(&seen.body));
                if let Some((known, status, etag)) = self.served.get(&key) {
                    assert_eq!(*known, wish, "a key is for one wish");
                    return Said { etag: *etag, ..said(*status) };
                }
                let done = self.change(id, what, seen);
                if done.status == 204 {
                    self.changes += 1;
                    self.served.insert(key, (wish, done.status, done.etag));
                }
                done
            }
            _ => said(404),
        }
    }

    fn search(&self, seen: &Seen) -> Said {
        let body = seen.json();
        let phone = body["phone"].as_str().unwrap();
        let here = self.people.iter().filter(|(_, record)| record.phone == phone);
        let persons: Vec<Value> = here.map(|(id, record)| shown(id, record)).collect();
        Said { body: Some(json!({ "persons": persons })), ..said(200) }
    }

    fn change(&mut self, id: &str, what: &str, seen: &Seen) -> Said {
        let body = seen.json();
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let there = self.people.values().filter(|record| record.phone == text("to")).count();
        let Some(record) = self.people.get_mut(id) else { return said(404) };
        match seen.headers.get("if-match") {
            None => return fault(428, "If-Match is missing"),
            Some(version) if *version != format!("\"{}\"", record.version) => return conflict(412, "outdated"),
            Some(_) => {}
        }
        match what {
            "name" => record.name = text("name"),
            "phone" if record.phone != text("from") => return conflict(409, "outdated"),
            "phone" if there >= PERSONS_MAX => return conflict(409, "number_full"),
            "phone" => record.phone = text("to"),
            _ => return said(404),
        }
        record.version += 1;
        Said { etag: Some(record.version), ..said(204) }
    }
}

fn shown(id: &str, record: &Record) -> Value {
    json!({
        "id": id, "version": format!("\"{}\"", record.version), "nik": record.nik, "name": record.name,
        "verified_name": record.verified, "civil_name": record.civil, "standing": record.standing,
        "name_changed_on": null,
    })
}
