//! What every actor of a shard stands on: which shard it is, what it may reach, and how it becomes durable.

use std::sync::Arc;
use std::time::Duration;

use crate::actors::board::Mail;
use crate::actors::{Lines, Neighbours, Shards};
use crate::metrics;
use crate::ports::{Lsn, Part, Record, StoreError, Ticket, Writer};

/// Where a session or account lives, and what it may reach.
#[derive(Clone)]
pub struct Home {
    pub shard: usize,
    pub shards: Arc<Shards>,
    pub neighbours: Arc<Neighbours>,
    /// The shard's generation: an older one's records are refused.
    pub writer: Writer,
}

impl Home {
    /// The shard's ways out.
    pub fn lines(&self) -> &Lines {
        &self.neighbours.lines[self.shard % self.neighbours.lines.len()]
    }

    /// Leaves mail at the own shard.
    pub fn post(&self, mail: Mail) {
        self.shards.board(self.shard).post(mail);
    }

    /// Appends and waits until it is durable. When the store has no room the turn waits: its rows are safe.
    pub async fn commit(&self, parts: Vec<Part>) -> Result<Lsn, StoreError> {
        let Ticket { lsn, durable } = self.append(parts).await?;
        durable.await.map_err(|_| StoreError::Closed)?;
        Ok(lsn)
    }

    /// Appends, waiting for room if there is none.
    pub async fn append(&self, parts: Vec<Part>) -> Result<Ticket, StoreError> {
        self.append_as(Some(self.writer), parts).await
    }

    /// The same for what is true whoever writes it (`None`).
    pub async fn append_as(&self, writer: Option<Writer>, parts: Vec<Part>) -> Result<Ticket, StoreError> {
        let record = Record { writer, parts };
        loop {
            match self.neighbours.store.append(record.clone()) {
                Err(StoreError::Full(_)) => {
                    metrics::store_full();
                    tokio::time::sleep(ROOM_WAIT).await;
                }
                other => return other,
            }
        }
    }
}

const ROOM_WAIT: Duration = Duration::from_millis(50);
