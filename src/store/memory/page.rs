//! Pages of the memory store, as the table gives them.

use std::collections::BTreeMap;

use crate::ports::{Key, Page, Table, Value};

const VALUES: usize = 256;

pub(super) fn of(values: &BTreeMap<(Table, Key), Value>, table: Table, from: Key) -> Page {
    let below = values.range((table, from)..).take_while(|((of, _), _)| *of == table);
    let mut page: Vec<(Key, Value)> =
        below.take(VALUES + 1).map(|((_, key), value)| (key.clone(), value.clone())).collect();
    let next = page.split_off(page.len().min(VALUES)).pop().map(|(key, _)| key);
    (page, next)
}
