//! A record that asks for its place: checked, classed and encoded outside of every lock.

use super::overlay;
use super::part::{Counts, Encoded};
use super::queue::{Class, Entrant};
use super::rows::{Change, INBOX_ROW_BYTES};
use super::{KEY_BYTES_MAX, RECORD_BYTES_MAX, VALUE_BYTES_MAX};
use crate::ports::{Part, Record, StoreError, Writer};

/// Encodes a record.
pub(super) fn entrant(record: Record) -> Result<Entrant, StoreError> {
    let Record { writer, parts } = record;
    let class = class(writer, &parts);
    let mut counts = Counts::default();
    let (mut inbox, mut outbox, mut dead) = (0.., 0.., 0..);
    let mut entrant = Entrant {
        writer,
        class,
        parts: Vec::with_capacity(parts.len()),
        changes: Vec::new(),
        values: Vec::new(),
        accepted: 0,
        bytes: 0,
        open_bytes: 0,
    };
    for part in parts {
        check(&part)?;
        let encoded = Encoded::new(&part, &mut counts);
        let bytes = encoded.bytes();
        entrant.bytes += bytes;
        entrant.parts.push(encoded);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let change = match part {
            Part::OpenInbox(row) => {
                let bytes = bytes.saturating_add(INBOX_ROW_BYTES);
                Change::OpenInbox { index: inbox.next().unwrap_or_default(), row, bytes }
            }
            Part::CloseInbox(row, how) => Change::CloseInbox(row, how),
            Part::OpenOutbox(row) => Change::OpenOutbox { index: outbox.next().unwrap_or_default(), row, bytes },
            Part::AttemptOutbox { row, again } => Change::AttemptOutbox { row, again },
            Part::CloseOutbox { row, .. } => Change::CloseOutbox(row),
            Part::Status(status) => Change::Status(status),
            Part::Put { table, key, value } => {
                entrant.values.push((overlay::full_key(table, &key), Some(value)));
                continue;
            }
            Part::Delete { table, key } => {
                entrant.values.push((overlay::full_key(table, &key), None));
                continue;
            }
            Part::Timer { contact, at } => {
                entrant.values.push((overlay::timer_key(contact), at.map(overlay::timer_value)));
                continue;
            }
            Part::DeadLetter(letter) => {
                Change::DeadLetter { index: dead.next().unwrap_or_default(), head: letter.head(), bytes }
            }
            Part::CloseDeadLetter(letter) => Change::CloseDeadLetter(letter),
        };
        if let Change::OpenInbox { bytes, .. } | Change::OpenOutbox { bytes, .. } = &change {
            entrant.open_bytes += u64::from(*bytes);
        }
        entrant.accepted += u64::from(matches!(change, Change::OpenInbox { .. }));
        entrant.changes.push(change);
    }
    if entrant.bytes > RECORD_BYTES_MAX {
        return Err(StoreError::TooLarge { bytes: entrant.bytes, bytes_max: RECORD_BYTES_MAX });
    }
    Ok(entrant)
}

fn class(writer: Option<Writer>, parts: &[Part]) -> Class {
    if writer.is_some() {
        Class::Turn
    } else if !parts.is_empty() && parts.iter().all(|part| matches!(part, Part::Status(_))) {
        Class::Statuses
    } else if parts.iter().any(|part| matches!(part, Part::OpenInbox(_))) {
        Class::Messages
    } else {
        Class::Turn
    }
}

pub(super) fn check(part: &Part) -> Result<(), StoreError> {
    let (Part::Put { key, .. } | Part::Delete { key, .. }) = part else { return Ok(()) };
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(StoreError::TooLarge { bytes: key.len(), bytes_max: KEY_BYTES_MAX });
    }
    if let Part::Put { value, .. } = part
        && value.0.len() > VALUE_BYTES_MAX
    {
        return Err(StoreError::TooLarge { bytes: value.0.len(), bytes_max: VALUE_BYTES_MAX });
    }
    Ok(())
}
