//! Rows that memory had no room for, asked back from the store.

use std::sync::Arc;

use super::ending::ending;
use crate::actors::session::Home;
use crate::actors::supervision;
use crate::domain::contact::ContactId;
use crate::ports::{RowId, Settlement};

/// For a lane whose first rows may leave.
pub(super) fn for_lane(home: &Home, contact: ContactId, rows: Vec<RowId>) {
    let (lanes, neighbours) = (Arc::clone(home.shards.lanes(home.shard)), Arc::clone(&home.neighbours));
    let asked = rows.clone();
    let store = Arc::clone(&neighbours.store);
    supervision::task(async move { store.outbox_rows(rows).await }, move |read| {
        let read = read.ok().and_then(Result::ok);
        lanes.read_back(contact, &asked, read, neighbours.clock.now());
    });
}

/// For a dead letter: it failed, and is settled when it has been read. Lost on the way, it is reconciled later.
pub(super) fn to_give_up(home: &Home, contact: ContactId, id: RowId, how: Settlement) {
    let home = home.clone();
    let give_up = async move {
        let Ok(rows) = home.neighbours.store.outbox_rows(vec![id]).await else { return };
        if home.shards.lanes(home.shard).settle(contact, id) {
            let row = rows.first().map(|(_, row)| row);
            // Refused only by a store that is gone.
            let _ = home.append_as(None, ending(id, &how, row, home.neighbours.clock.now())).await;
        }
    };
    supervision::task(give_up, |_| {});
}
