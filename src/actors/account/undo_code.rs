//! A new undo code: one that opens nothing yet, whoever's change it might have opened.

use std::sync::Arc;

use crate::account::AccountEvent;
use crate::actors::session::asking::undo_key;
use crate::actors::{Neighbours, Random};
use crate::domain::keys::ServerKeys;
use crate::domain::otp::UndoCode;
use crate::ports::{Store, StoreError, Table};

/// Of a hundred million codes a few thousand are open: so many draws in a row never all meet one.
const DRAWS_MAX: usize = 16;

/// A code for the change that this event may tell of; any code for the others, which use none.
pub(super) async fn for_event(neighbours: &Neighbours, event: &AccountEvent) -> Result<UndoCode, StoreError> {
    let random = neighbours.random.as_ref();
    if matches!(event, AccountEvent::Changed { result: Ok(()), .. }) {
        return free(&neighbours.store, &neighbours.keys, random).await;
    }
    Ok(draw(random))
}

/// A code that no change of any account is open under.
async fn free(store: &Arc<dyn Store>, keys: &ServerKeys, random: &dyn Random) -> Result<UndoCode, StoreError> {
    for _ in 0..DRAWS_MAX {
        let code = draw(random);
        if store.get(Table::Undo, undo_key(keys.undo(code))).await?.is_none() {
            return Ok(code);
        }
    }
    Err(StoreError::Unreadable { table: Table::Undo, reason: format!("{DRAWS_MAX} drawn codes are all open") })
}

/// Eight digits.
fn draw(random: &dyn Random) -> UndoCode {
    let mut wide = [0; 16];
    wide.copy_from_slice(&random.bytes()[16..]);
    let number = u32::try_from(u128::from_le_bytes(wide) % 100_000_000).unwrap_or_default();
    UndoCode::new(number).unwrap_or_else(|| unreachable!("reduced below a hundred million"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;
    use crate::actors::session::asking::undo_value;
    use crate::domain::phone::Mobile;
    use crate::ports::{Part, Record};
    use crate::store::Memory;

    /// Draws every number so many times.
    struct Stubborn(AtomicU8, u8);

    impl Random for Stubborn {
        fn bytes(&self) -> [u8; 32] {
            [self.0.fetch_add(1, Ordering::SeqCst) / self.1; 32]
        }
    }

    #[tokio::test]
    async fn a_code_that_is_open_is_not_given_out_again() {
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let keys = ServerKeys::derive(&[7; 32]);
        let random = Stubborn(AtomicU8::new(0), 3);
        let owner = Mobile::parse("0812 0000 0042").unwrap();
        let mut given = Vec::new();
        for _ in 0..4 {
            let code = free(&store, &keys, &random).await.unwrap();
            assert!(!given.contains(&code), "one code, two changes");
            given.push(code);
            let key = undo_key(keys.undo(code));
            let put = Part::Put { table: Table::Undo, key, value: undo_value(owner) };
            store.append(Record { writer: None, parts: vec![put] }).unwrap();
        }
        assert!(free(&store, &keys, &Stubborn(AtomicU8::new(0), 100)).await.is_err(), "never somebody else's");
    }
}
