//! Who is refused first when there is little room, and that each refusal says what is full.

use super::*;

const RECORDS: usize = 16;
const OPEN_BYTES: u64 = 800;

fn queue() -> (Queue, Overlay) {
    let options = Options {
        queue_records_max: RECORDS,
        queue_bytes_max: 16_000,
        open_bytes_max: OPEN_BYTES,
        ..Options::new("/q")
    };
    (Queue::new(&options, Lsn(1), 0), Overlay::default())
}

fn entrant(class: Class, bytes: usize, open_bytes: u64) -> Entrant {
    let writer = (class == Class::Turn).then_some(Writer { shard: 0, generation: 1 });
    Entrant {
        writer,
        class,
        parts: Vec::new(),
        changes: Vec::new(),
        values: Vec::new(),
        accepted: 0,
        bytes,
        open_bytes,
    }
}

/// How many of a class enter a queue that nobody empties.
fn enter_all((queue, overlay): &(Queue, Overlay), class: Class, bytes: usize) -> usize {
    (0..).take_while(|_| queue.enter(entrant(class, bytes, 0), overlay).is_ok()).take(1_000).count()
}

#[test]
fn statuses_are_refused_first_then_messages_and_turns_last() {
    for bytes in [1, 1_000] {
        // Few large records fill it by their bytes, many small ones by their number.
        let queue = queue();
        assert_eq!(enter_all(&queue, Class::Statuses, bytes), 8, "half of it");
        assert_eq!(enter_all(&queue, Class::Statuses, bytes), 0);
        assert_eq!(queue.0.ready(), Ok(()), "messages have room");
        assert_eq!(enter_all(&queue, Class::Messages, bytes), 4, "three quarters");
        assert_eq!(queue.0.ready(), Err(StoreError::Full("the journal's queue")));
        assert_eq!(enter_all(&queue, Class::Turn, bytes), 4, "all of it");
    }
}

#[test]
fn open_rows_refuse_what_opens_more_and_never_what_closes_them() {
    let (queue, overlay) = queue();
    let enter = |class, open_bytes| queue.enter(entrant(class, 1, open_bytes), &overlay).map(drop);
    assert_eq!(enter(Class::Messages, 700), Ok(()));
    assert_eq!(enter(Class::Statuses, 0), Err(StoreError::Full("open rows")), "an eighth is kept for messages");
    assert_eq!(queue.ready(), Ok(()));
    assert_eq!(enter(Class::Messages, 100), Ok(()));
    assert_eq!(enter(Class::Messages, 1), Err(StoreError::Full("open rows")));
    assert_eq!(queue.ready(), Err(StoreError::Full("open rows")));
    assert_eq!(enter(Class::Turn, 50), Ok(()), "a turn closes rows");
    queue.give_back(OPEN_BYTES);
    assert_eq!((queue.ready(), enter(Class::Messages, 1), enter(Class::Statuses, 0)), (Ok(()), Ok(()), Ok(())));
}

/// What the committer gets of a queue into which so many enter while it gathers, without an end in time.
fn gathered(enter: usize, close: bool) -> usize {
    gathered_of(queue(), enter, close)
}

fn gathered_of((queue, overlay): (Queue, Overlay), enter: usize, close: bool) -> usize {
    let limits = Limits { records_max: RECORDS, bytes_max: 1_000, gather_below: 3, gather: Duration::from_secs(3_600) };
    std::thread::scope(|scope| {
        let committer = scope.spawn(|| {
            let mut group = Vec::new();
            assert_eq!(queue.take(&mut group, &limits, None), Taken::Group);
            group.len()
        });
        for _ in 0..enter {
            queue.enter(entrant(Class::Turn, 1, 0), &overlay).map(drop).expect("there is room");
        }
        if close {
            queue.close();
        }
        committer.join().expect("the committer lives")
    })
}

#[test]
fn a_small_group_waits_until_it_is_large_enough_or_the_store_closes() {
    assert_eq!(gathered(3, false), 3);
    assert_eq!(gathered(1, true), 1);
}

#[test]
fn who_comes_alone_is_not_kept_waiting() {
    let quiet = queue();
    // Nobody came for longer than the 3,600 s for which the others would wait.
    let began = Instant::now();
    let mut pace = Pace::new(began);
    pace.took(1);
    assert!(!pace.expects_one(began + Duration::from_secs(7_200), Duration::from_secs(3_600)));
    quiet.0.inner.lock().pace = pace;
    assert_eq!(gathered_of(quiet, 1, false), 1);
}

#[test]
fn more_is_expected_of_those_who_came_lately() {
    let (began, within) = (Instant::now(), Duration::from_millis(2));
    let at = |ms| began + Duration::from_millis(ms);
    let mut pace = Pace::new(began);
    assert!(pace.expects_one(began, within), "nothing is known yet");
    pace.took(24);
    assert!(pace.expects_one(at(49), within), "it has not been looked at for long enough");
    assert!(!pace.expects_one(at(50), within), "24 in 50 ms are less than one in 2 ms");
    pace.took(25);
    assert!(!pace.expects_one(at(99), within), "the last look counts until the next");
    assert!(pace.expects_one(at(100), within), "25 are one");
    assert!(!pace.expects_one(at(100), Duration::ZERO), "who may not wait expects nobody");
    assert!(!pace.expects_one(at(10_000), within), "it has been quiet since");
}
