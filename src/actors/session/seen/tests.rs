//! Ids, turn by turn, past every bound.

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const WHO: ContactId = ContactId(9);

fn id(n: usize) -> MessageId {
    MessageId(format!("wamid.{n}"))
}

/// Takes messages one a turn; gives the record, the parts, and the moment after the last.
fn turns(messages: usize, apart_ms: i64) -> (ContactRecord, Vec<Part>, Timestamp) {
    let (mut record, mut parts, mut now) = (ContactRecord::default(), Vec::new(), NOW);
    for n in 0..messages {
        let before = record.clone();
        assert!(record.seen.note(&id(n), now));
        parts.extend(record.turn_pages(&before, WHO, now));
        assert!(record.seen.len() <= SEEN_MAX && record.pages.0.len() <= PAGES_MAX);
        now = now.plus_ms(apart_ms);
    }
    (record, parts, now)
}

fn older<'a>(parts: impl IntoIterator<Item = &'a Part>) -> Older {
    let mut older = Older::default();
    for part in parts {
        if let Part::Put { value, .. } = part {
            older.add(value).unwrap();
        }
    }
    older
}

#[test]
fn an_id_counts_once_within_eight_days() {
    let mut seen = Seen::default();
    assert!(seen.note(&id(1), NOW));
    assert!(!seen.note(&id(1), NOW.plus_ms(7 * DAY_MS)));
    assert!(seen.note(&id(2), NOW.plus_ms(9 * DAY_MS)));
    assert_eq!(seen.len(), 1, "what is past eight days goes");
}

#[test]
fn what_does_not_fit_leaves_in_pages_and_nothing_is_lost() {
    let (record, parts, _) = turns(1_000, 1);
    let older = older(&parts);
    assert!((0..1_000).all(|n| record.seen.has(&id(n)) != older.has(&id(n))), "each in one place");
    assert_eq!(record.pages.0.len(), parts.len());
    assert_eq!(record.seen.ids(&older).len(), 1_000);
    let keys: Vec<Key> = record.pages.keys(WHO).collect();
    let written = parts.iter().map(|part| {
        let Part::Put { table: Table::Dedupe, key, .. } = part else { panic!("{part:?}") };
        key.clone()
    });
    assert_eq!(written.collect::<Vec<_>>(), keys);
}

#[test]
fn pages_are_read_only_for_what_was_written_before_they_were_full() {
    let (record, _, now) = turns(1_000, 10 * 60_000);
    assert_eq!(record.pages.keys_since(WHO, now).count(), 0, "a message of today");
    assert_eq!(record.pages.keys_since(WHO, NOW).count(), record.pages.0.len(), "one of the first day");
    let middle = NOW.plus_ms(now.since_ms(NOW) / 2);
    assert!((1..record.pages.0.len()).contains(&record.pages.keys_since(WHO, middle).count()));
}

#[test]
fn pages_go_when_their_time_is_over_and_their_rows_with_them() {
    let (before, ..) = turns(1_000, 1);
    let mut record = before.clone();
    assert!(record.turn_pages(&before, WHO, NOW.plus_ms(SEEN_MS - HOUR_MS)).is_empty());
    let parts = record.turn_pages(&before, WHO, NOW.plus_ms(SEEN_MS + 2 * HOUR_MS));
    let keys: Vec<Key> = before.pages.keys(WHO).collect();
    let deleted = parts.into_iter().map(|part| {
        let Part::Delete { table: Table::Dedupe, key } = part else { panic!("{part:?}") };
        key
    });
    assert_eq!(deleted.collect::<Vec<_>>(), keys);
    assert!(record.pages.is_empty());
}

#[test]
fn the_bound_holds_and_the_oldest_page_goes_first() {
    let messages = SEEN_MAX + PAGE_IDS * (PAGES_MAX + 2);
    let (record, parts, _) = turns(messages, 1);
    let deleted: Vec<&Key> =
        parts.iter().filter_map(|part| if let Part::Delete { key, .. } = part { Some(key) } else { None }).collect();
    assert!(!deleted.is_empty() && record.pages.keys(WHO).all(|key| !deleted.contains(&&key)));
    let kept: Vec<Key> = record.pages.keys(WHO).collect();
    let rest = parts.iter().filter(|part| matches!(part, Part::Put { key, .. } if kept.contains(key)));
    let older = older(rest);
    assert!(!older.has(&id(0)) && older.has(&id(messages - SEEN_MAX - 1)));
    let value = record.encode();
    assert!(value.0.len() < 3_000, "room for the rest: {} bytes", value.0.len());
    assert_eq!(ContactRecord::decode(&value), Ok(record));
}

#[test]
fn one_who_takes_over_many_ids_makes_pages_of_them() {
    let (lost, parts, now) = turns(500, 1);
    let mut record = ContactRecord::default();
    record.seen.note(&id(10_000), now);
    record.seen.absorb(&lost.seen.ids(&older(&parts)));
    let parts = record.turn_pages(&ContactRecord::default(), ContactId(2), now);
    let older = older(&parts);
    assert!((0..500).chain([10_000]).all(|n| record.seen.has(&id(n)) || older.has(&id(n))));
}
