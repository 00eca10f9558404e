//! What Meta said of our numbers, account and templates, as it rests in the table.

use crate::actors::versioned;
use crate::limits::{Budgets, Standing};
use crate::ports::{Key, Part, Store, StoreError, Table};

const VERSION: u8 = 1;

/// Writes it down; the newest of a kind holds.
pub fn put(standing: &Standing) -> Part {
    let key = Key::from_slice(standing.key().as_bytes());
    Part::Put { table: Table::Standing, key, value: versioned::encode(VERSION, standing) }
}

/// Lets all that was written down hold again. What cannot be read is told and left out: Meta's next refusal says
/// it again.
pub async fn restore(store: &dyn Store, budgets: &Budgets) -> Result<(), StoreError> {
    for (_, value) in store.scan(Table::Standing, Key::new()).await? {
        match versioned::decode::<Standing>(Table::Standing, VERSION, &[], &value) {
            Ok(standing) => budgets.stand(&standing),
            Err(error) => tracing::error!(%error, "news of our account cannot be read"),
        }
    }
    for line in budgets.troubles() {
        tracing::error!("{line}");
    }
    Ok(())
}
