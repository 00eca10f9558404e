//! Reports of citizens, as officers work through them.
//!
//! A list tells numbers, kinds, states and times. A report that is shown tells the citizen's words, since it cannot be
//! answered without them, and of NIKs and phones their ends; whole they stand only in an export, which is a file for
//! its owner alone. Both are told to the log, by number and count.

use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::moves::{self, Refused};
use super::{Control, ControlError, LISTED_MAX, Report, Said};
use crate::domain::certificate::Language;
use crate::domain::name::Name;
use crate::domain::nik::Nik;
use crate::domain::ticket::{Ticket, TicketMove, TicketNumber};
use crate::domain::time::{HOUR_MS, Timestamp, Zone};
use crate::ports::{Acted, NeighbourError, OrderId};

pub use super::moves::Step;

/// The desk as its officers use it.
pub trait Officers: Send + Sync + 'static {
    /// All reports come in so many slices.
    fn slices(&self) -> u8;
    /// The reports of a slice as they are now, without their words, by number.
    fn slice(&self, slice: u8) -> BoxFuture<'_, Result<Vec<Ticket>, NeighbourError>>;
    fn whole(&self, number: TicketNumber) -> BoxFuture<'_, Result<Option<Ticket>, NeighbourError>>;
    /// What is left of its time; none while its clock stands still.
    fn left_ms(&self, ticket: &Ticket) -> Option<i64>;
    /// An order that was carried out before changes nothing.
    fn act(
        &self,
        number: TicketNumber,
        moved: TicketMove,
        order: Option<OrderId>,
    ) -> BoxFuture<'_, Result<Acted, NeighbourError>>;
}

impl Control {
    /// Those that wait for an officer, or all; the most urgent first.
    pub(super) async fn list_tickets(&self, all: bool) -> Result<Report, ControlError> {
        let (mut listed, mut more) = (Vec::new(), 0_usize);
        for slice in 0..self.officers.slices() {
            for ticket in self.officers.slice(slice).await? {
                let left_ms = self.officers.left_ms(&ticket);
                if !all && left_ms.is_none() {
                    continue;
                }
                if listed.len() < LISTED_MAX { listed.push((left_ms, ticket)) } else { more += 1 }
            }
        }
        listed.sort_by_key(|(left_ms, ticket)| (left_ms.unwrap_or(i64::MAX), ticket.number));
        let late = listed.iter().filter(|(left_ms, _)| left_ms.is_some_and(|left| left < 0)).count();
        let items: Vec<Said> = listed.iter().map(|(left_ms, ticket)| line(ticket, *left_ms)).collect();
        let unlisted = if more == 0 { String::new() } else { format!("; {more} more are not listed") };
        let text = format!("{} reports, {late} late{unlisted}", items.len());
        let data = json!({ "tickets": items.len(), "late": late, "not_listed": more });
        Ok(Report { items, said: Said { text, data }, good: true })
    }

    pub(super) async fn show_ticket(&self, number: &str) -> Result<Report, ControlError> {
        let ticket = self.ticket(number).await?;
        tracing::info!(ticket = %ticket.number, "an officer reads a report");
        let Said { text, mut data } = line(&ticket, self.officers.left_ms(&ticket));
        let draft = &ticket.draft;
        let masked = [
            ("verified_phone", draft.verified_phone.map(|phone| format!("…{:04}", phone.ending().0))),
            ("claimed_phone", draft.claimed_phone.map(|phone| format!("…{:04}", phone.ending().0))),
            ("claimed_name", draft.claimed_name.as_ref().map(|name| name.as_str().to_owned())),
            ("claimed_nik", draft.claimed_nik.map(Nik::masked)),
        ];
        let mut lines = vec![text];
        for (name, value) in masked {
            lines.extend(value.as_ref().map(|value| format!("  {name}: {value}")));
            data[name] = json!(value);
        }
        words(&ticket, &mut data);
        lines.push(format!("  detail: {}", draft.detail.0));
        lines.extend(ticket.additions.iter().map(|added| format!("  added: {}", added.0)));
        lines.extend(ticket.answer.iter().map(|answer| format!("  answered: {}", answer.0)));
        Ok(Report::of(lines.join("\n"), data))
    }

    pub(super) async fn move_ticket(&self, number: &str, step: Step) -> Result<Report, ControlError> {
        let id = read_number(number)?;
        let verb = match step {
            Step::Take => "is in work",
            Step::Ask { .. } => "waits for the citizen; its clock stands still",
            Step::Answer { .. } => "is answered; the citizen is told",
            Step::Close => "is closed",
        };
        moves::carry_out(self.officers.as_ref(), id, step, None).await.map_err(|refused| match refused {
            Refused::Desk(error) => ControlError::Desk(error),
            Refused::Words(reason) => ControlError::Ticket { number: id, reason },
            Refused::Unknown => ControlError::Ticket { number: id, reason: "there is no such report" },
            Refused::Closed => ControlError::Ticket { number: id, reason: "it is closed" },
            Refused::Repeated => {
                ControlError::Ticket { number: id, reason: "it was answered with these words already" }
            }
        })?;
        Ok(Report::of(format!("report {id} {verb}"), json!({ "ticket": id.to_string() })))
    }

    /// All reports with all their words as JSON lines, in a new file that only its owner reads.
    pub(super) async fn export_tickets(&self, file: PathBuf) -> Result<Report, ControlError> {
        let faulty = |fault: std::io::Error| ControlError::Vault(format!("`{}`: {fault}", file.display()));
        if !file.is_absolute() {
            return Err(ControlError::Relative(file));
        }
        let options = tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).clone();
        let mut out = options.open(&file).await.map_err(faulty)?;
        let done = self.export_into(&mut out).await;
        let count = match done {
            Ok(count) => out.sync_all().await.map(|()| count).map_err(faulty),
            Err(Unwritten::File(fault)) => Err(faulty(fault)),
            Err(Unwritten::Desk(fault)) => Err(fault.into()),
        };
        let count = match count {
            Ok(count) => count,
            Err(fault) => {
                remove(&file).await;
                return Err(fault);
            }
        };
        tracing::info!(count, "an operator exports all reports");
        let text = format!("{count} reports are in `{}`", file.display());
        Ok(Report::of(text, json!({ "tickets": count, "file": file.display().to_string() })))
    }

    async fn export_into(&self, out: &mut tokio::fs::File) -> Result<usize, Unwritten> {
        let mut count = 0;
        for slice in 0..self.officers.slices() {
            for head in self.officers.slice(slice).await? {
                // Forgotten meanwhile.
                let Some(ticket) = self.officers.whole(head.number).await? else { continue };
                let mut json = exported(&ticket).to_string();
                json.push('\n');
                out.write_all(json.as_bytes()).await?;
                count += 1;
            }
        }
        Ok(count)
    }

    async fn ticket(&self, number: &str) -> Result<Ticket, ControlError> {
        let id = read_number(number)?;
        let ticket = self.officers.whole(id).await?;
        ticket.ok_or(ControlError::Ticket { number: id, reason: "there is no such report" })
    }
}

/// Why an export ended early.
enum Unwritten {
    File(std::io::Error),
    Desk(NeighbourError),
}

impl From<std::io::Error> for Unwritten {
    fn from(fault: std::io::Error) -> Self {
        Self::File(fault)
    }
}

impl From<NeighbourError> for Unwritten {
    fn from(fault: NeighbourError) -> Self {
        Self::Desk(fault)
    }
}

/// Half an export is none.
async fn remove(file: &Path) {
    if let Err(fault) = tokio::fs::remove_file(file).await {
        tracing::warn!(%fault, "half an export of reports cannot be removed");
    }
}

fn read_number(number: &str) -> Result<TicketNumber, ControlError> {
    TicketNumber::parse(number).map_err(|fault| ControlError::TicketNumber { number: number.to_owned(), fault })
}

fn line(ticket: &Ticket, left_ms: Option<i64>) -> Said {
    let Ticket { number, state, draft, filed_at, due, .. } = ticket;
    let (kind, state) = (draft.kind.name(), state.name());
    let left = match left_ms {
        Some(left) if left < 0 => format!("late by {} h", -left / HOUR_MS),
        Some(left) => format!("{} h left", left / HOUR_MS),
        None => String::from("its clock stands still"),
    };
    Said {
        text: format!("{number}  {state:<15}  {kind:<21}  filed {}  {left}", wib(*filed_at)),
        data: json!({
            "number": number.to_string(), "state": state, "kind": kind, "filed_at_ms": filed_at.0, "due_ms": due.0,
            "left_ms": left_ms,
        }),
    }
}

fn wib(at: Timestamp) -> String {
    let at = at.at(Zone::Wib);
    format!("{} {:02}:{:02} WIB", at.date(), at.hour(), at.minute())
}

fn words(ticket: &Ticket, data: &mut Value) {
    let added: Vec<&str> = ticket.additions.iter().map(|text| text.0.as_str()).collect();
    data["detail"] = json!(ticket.draft.detail.0);
    data["additions"] = json!(added);
    data["answer"] = json!(ticket.answer.as_ref().map(|answer| answer.0.as_str()));
}

/// What was proven and what is only claimed stay apart.
fn exported(ticket: &Ticket) -> Value {
    let mut data = line(ticket, None).data;
    if let Some(fields) = data.as_object_mut() {
        fields.remove("left_ms");
    }
    let draft = &ticket.draft;
    data["contact"] = json!(draft.contact.0.to_string());
    data["language"] = json!(if draft.language == Language::English { "en" } else { "id" });
    data["verified_phone"] = json!(draft.verified_phone.map(|phone| phone.phone().to_e164()));
    data["verified_person"] = json!(draft.verified_person.as_ref().map(|person| person.0.as_str()));
    data["claimed_phone"] = json!(draft.claimed_phone.map(|phone| phone.phone().to_e164()));
    data["claimed_name"] = json!(draft.claimed_name.as_ref().map(Name::as_str));
    data["claimed_nik"] = json!(draft.claimed_nik.map(Nik::digits));
    words(ticket, &mut data);
    data
}
