//! What of a lane is in memory: rows that are not stay in the journal until they are needed.

use std::sync::Arc;

use super::Lane;
use crate::ports::{OutboxRow, RowId};

impl Lane {
    /// Rows that are in memory.
    pub fn rows_here(&self) -> usize {
        self.sends.iter().filter(|send| send.row.is_some()).count()
    }

    /// Which of the first rows are not in memory; behind the first, of those that could be taken with it.
    pub fn absent(&self, count: usize) -> Vec<RowId> {
        let near = self.sends.iter().enumerate().take(count);
        let near = near.take_while(|(place, send)| *place == 0 || send.certainly_here());
        near.filter(|(_, send)| send.row.is_none()).map(|(_, send)| send.id).collect()
    }

    /// Rows were read back.
    pub fn fill(&mut self, rows: Vec<(RowId, OutboxRow)>) {
        for (id, row) in rows {
            if let Some(send) = self.sends.iter_mut().find(|send| send.id == id) {
                send.row = Some(Arc::new(row));
            }
        }
    }

    /// Keeps in memory what is in the air.
    pub fn let_go(&mut self) {
        for send in self.sends.iter_mut().filter(|send| Some(send.id) != self.flying) {
            send.row = None;
        }
    }
}
