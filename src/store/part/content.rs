//! What the store itself encodes: rows, settlements, statuses and dead letters, each with its version.
//!
//! Any change to a type inside one of them (`domain::message`, `conversation::Notice`, …) needs a new version
//! that still reads the older ones: a journal outlives the server that wrote it.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::Date;

use crate::codec::{self, CodecError, Older};
use crate::conversation::AuthEpoch;
use crate::domain::certificate::{Certificate, Language};
use crate::domain::citizen::PersonId;
use crate::domain::contact::{BusinessNumber, ContactId, Recipient};
use crate::domain::message::{Button, Outbound, ReplyKind, Status, Text, Urgency};
use crate::domain::name::Name;
use crate::domain::nik::Nik;
use crate::domain::time::Timestamp;
use crate::ports::{DeadLetter, InboxRow, OutboxRow, RowId, Settlement};

/// A content of a part.
pub(in crate::store) trait Content: Serialize + DeserializeOwned + 'static {
    /// What is written.
    const VERSION: u8 = 1;
    /// What is read beside it.
    const OLDER: &'static [Older<Self>] = &[];

    fn read(bytes: &[u8]) -> Result<Self, CodecError> {
        codec::decode_any(Self::VERSION, Self::OLDER, bytes)
    }
}

impl Content for InboxRow {}
impl Content for Settlement {}
impl Content for Status {}
impl Content for DeadLetter {}

/// Version 2 says of a certificate whose it is and when it was asked for.
impl Content for OutboxRow {
    const VERSION: u8 = 2;
    const OLDER: &'static [Older<Self>] = &[(1, |bytes| codec::decode::<RowV1>(1, bytes).map(RowV1::today))];
}

#[derive(Serialize, Deserialize)]
struct RowV1 {
    contact: ContactId,
    number: BusinessNumber,
    to: Recipient,
    kind: ReplyKind,
    message: OutboundV1,
    epoch: Option<AuthEpoch>,
    born_at: Timestamp,
    urgency: Urgency,
    window_until: Timestamp,
    place: Option<RowId>,
}

#[derive(Serialize, Deserialize)]
enum OutboundV1 {
    Text { body: Text },
    Buttons { body: Text, footer: Option<Text>, buttons: Vec<Button> },
    List { body: Text, footer: Option<Text>, open: Text, rows: Vec<Button> },
    Certificate { certificate: CertificateV1, file_name: String, caption: Text },
    Template { name: String, language: String },
}

#[derive(Serialize, Deserialize)]
struct CertificateV1 {
    id: String,
    name: Name,
    nik: Nik,
    birth_date: Date,
    dose: u8,
    date: Date,
    vaccine: String,
    batch: String,
    language: Language,
}

impl RowV1 {
    fn today(self) -> OutboxRow {
        let Self { contact, number, to, kind, message, epoch, born_at, urgency, window_until, place } = self;
        let message = match message {
            OutboundV1::Text { body } => Outbound::Text { body },
            OutboundV1::Buttons { body, footer, buttons } => Outbound::Buttons { body, footer, buttons },
            OutboundV1::List { body, footer, open, rows } => Outbound::List { body, footer, open, rows },
            OutboundV1::Certificate { certificate, file_name, caption } => {
                let certificate = Box::new(certificate.today(born_at));
                Outbound::Certificate { certificate, file_name, caption }
            }
            OutboundV1::Template { name, language } => Outbound::Template { name, language },
        };
        let message = Arc::new(message);
        OutboxRow { contact, number, to, kind, message, epoch, born_at, urgency, window_until, place }
    }
}

impl CertificateV1 {
    /// Whose it is was not written then: its number, which is one person's, stands in.
    fn today(self, asked_at: Timestamp) -> Certificate {
        let Self { id, name, nik, birth_date, dose, date, vaccine, batch, language } = self;
        let person = PersonId(format!("certificate {id}"));
        Certificate { id, person, asked_at, name, nik, birth_date, dose, date, vaccine, batch, language }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_certificate_that_waited_since_the_old_version_is_read() {
        let row = RowV1 {
            contact: ContactId(7),
            number: BusinessNumber("1".into()),
            to: Recipient::Phone(crate::domain::phone::Phone::from_wa_id("6281200000042").expect("a phone")),
            kind: ReplyKind::Document,
            message: OutboundV1::Certificate {
                certificate: CertificateV1 {
                    id: "C7K2".into(),
                    name: Name::parse("Siti Rahmawati").expect("a name"),
                    nik: Nik::parse("0001014708900003").expect("a nik"),
                    birth_date: date!(1990 - 08 - 07),
                    dose: 2,
                    date: date!(2021 - 10 - 01),
                    vaccine: "CoronaVac".into(),
                    batch: "B1".into(),
                    language: Language::English,
                },
                file_name: "x.pdf".into(),
                caption: Text("ini".into()),
            },
            epoch: None,
            born_at: Timestamp(5),
            urgency: Urgency::Reply,
            window_until: Timestamp(9),
            place: None,
        };
        let read = OutboxRow::read(&codec::encode(1, &row)).expect("version 1 is read");
        assert_eq!((read.contact, read.born_at, read.kind), (ContactId(7), Timestamp(5), ReplyKind::Document));
        let Outbound::Certificate { certificate, file_name, .. } = &*read.message else { panic!("a certificate") };
        assert_eq!((certificate.id.as_str(), file_name.as_str(), certificate.dose), ("C7K2", "x.pdf", 2));
        assert_eq!((certificate.asked_at, certificate.language), (Timestamp(5), Language::English));
        let rewritten = codec::encode(OutboxRow::VERSION, &read);
        assert_eq!(OutboxRow::read(&rewritten), Ok(read));
    }
}
