//! What rests of an account: its record, and when that may go. It holds the phone, sealed like all, so that a record
//! can be read without its key's owner.

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::account::state::older::{AccountV1, AccountV2};
use crate::actors::{Neighbours, versioned};
use crate::codec::{self, Older};
use crate::domain::keys::LookupKey;
use crate::domain::phone::Mobile;
use crate::domain::time::Timestamp;
use crate::ports::{Key, StoreError, Table, Value};

const VERSION: u8 = 3;
const OLDER: [Older<AccountRecord>; 2] = [
    (1, |bytes| {
        codec::decode(1, bytes)
            .map(|(phone, account): (Mobile, AccountV1)| AccountRecord { phone, account: account.into() })
    }),
    (2, |bytes| {
        codec::decode(2, bytes)
            .map(|(phone, account): (Mobile, AccountV2)| AccountRecord { phone, account: account.into() })
    }),
];

/// What rests of an account.
#[derive(Serialize, Deserialize)]
struct AccountRecord {
    phone: Mobile,
    account: Account,
}

/// The key of an account's record.
pub(super) fn record_key(key: LookupKey) -> Key {
    Key::from_slice(&key.0)
}

pub(super) async fn load(neighbours: &Neighbours, phone: Mobile) -> Result<Account, StoreError> {
    let key = record_key(neighbours.keys.account(phone));
    match neighbours.store.get(Table::Account, key).await? {
        Some(value) => {
            versioned::decode(Table::Account, VERSION, &OLDER, &value).map(|record: AccountRecord| record.account)
        }
        None => Ok(Account::default()),
    }
}

/// The epoch of an account as it is now: appended records are read, so no later one can be in force.
pub async fn epoch_now(neighbours: &Neighbours, phone: Mobile) -> Result<u32, StoreError> {
    load(neighbours, phone).await.map(|account| account.epoch())
}

/// Whose record it is, if time has ended something in it.
pub fn due(value: &Value, now: Timestamp) -> Option<Mobile> {
    let record: AccountRecord = versioned::decode(Table::Account, VERSION, &OLDER, value).ok()?;
    let AccountRecord { phone, account } = record;
    (may_go(&account, now) || account.has_spent_changes(now)).then_some(phone)
}

/// An epoch that has moved is kept: begun anew, it could fit an old login again.
pub(super) fn may_go(account: &Account, now: Timestamp) -> bool {
    account.is_idle(now) && account.epoch() == 0
}

/// As it rests.
pub(super) fn encoded(phone: Mobile, account: &Account) -> Value {
    versioned::encode(VERSION, &AccountRecord { phone, account: account.clone() })
}
