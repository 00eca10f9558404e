//! The board: order, one line a contact, nothing lost by a crash or a full mailbox.

use std::sync::Arc;

use super::*;
use crate::conversation::Notice;
use crate::ports::{InboxBody, Lsn};

const A: ContactId = ContactId(1);
const B: ContactId = ContactId(2);

fn id(lsn: u64) -> RowId {
    RowId { lsn: Lsn(lsn), index: 0 }
}

fn row(contact: ContactId) -> InboxRow {
    InboxRow { contact, accepted_at: Timestamp(0), body: InboxBody::Notice(Notice::LoginEnded) }
}

fn taken(board: &Board, contact: ContactId, max: usize) -> Vec<RowId> {
    board.take(contact, max).rows.into_iter().map(|(id, _)| id).collect()
}

/// A turn that closed these is over.
fn done(board: &Board, closed: &[RowId]) {
    board.closed(A, closed.iter().copied());
    board.turned(A);
}

#[test]
fn rows_come_in_their_order_whatever_order_they_were_left_in() {
    let board = Board::default();
    for lsn in [3, 1, 2, 2] {
        board.rows([(id(lsn), row(A))]);
    }
    assert_eq!(board.view().rows_open, 3, "a row is there once");
    assert_eq!(taken(&board, A, 2), [id(1), id(2)]);
    assert_eq!(taken(&board, A, 9), [id(1), id(2), id(3)], "rows stay until they are closed");
}

#[test]
fn rows_that_come_together_are_seen_together() {
    let board = Arc::new(Board::default());
    let reader = Arc::clone(&board);
    let seen = std::thread::spawn(move || {
        loop {
            if let Some(contact) = reader.next_ready() {
                return reader.take(contact, 99).rows.len();
            }
        }
    });
    board.rows((1..=50).map(|lsn| (id(lsn), row(A))));
    assert_eq!(seen.join().expect("the reader"), 50);
}

#[test]
fn each_contact_stands_in_line_once() {
    let board = Board::default();
    board.rows([(id(1), row(A))]);
    board.rows([(id(2), row(B))]);
    board.rows([(id(3), row(A))]);
    assert_eq!([board.next_ready(), board.next_ready(), board.next_ready()], [Some(A), Some(B), None]);
}

#[test]
fn what_came_during_a_turn_is_the_next_turn() {
    let board = Board::default();
    board.rows([(id(1), row(A))]);
    assert_eq!(board.next_ready(), Some(A));
    assert_eq!(taken(&board, A, 9), [id(1)]);
    board.rows([(id(2), row(A))]);
    done(&board, &[id(1)]);
    assert_eq!(board.next_ready(), Some(A));
    assert_eq!(taken(&board, A, 9), [id(2)]);
    done(&board, &[id(2)]);
    assert_eq!(board.next_ready(), None);
    assert!(board.at_rest());
    assert_eq!(board.view().contacts_waiting, 0, "nothing of a served contact stays");
}

#[test]
fn a_turn_that_failed_finds_its_rows_again() {
    let board = Board::default();
    board.rows([(id(1), row(A))]);
    board.next_ready();
    board.take(A, 9);
    board.failed(A, false);
    assert_eq!(board.next_ready(), Some(A));
    assert_eq!(taken(&board, A, 9), [id(1)]);
}

#[test]
fn a_full_mailbox_loses_nothing() {
    let board = Board::default();
    board.answer(A, CallId(1), Answer::Left);
    board.wish(A, Some(Timestamp(5)));
    assert_eq!(board.fire(Timestamp(5), 9), 1);
    let waiting = board.take(A, 9);
    assert_eq!(waiting.answers, [(CallId(1), Answer::Left)]);
    assert!(waiting.due);
    board.failed(A, false);
    assert_eq!(board.view().contacts_waiting, 1);
    board.again(A);
    assert_eq!(board.next_ready(), Some(A));
    let again = board.take(A, 9);
    assert_eq!((again.answers.len(), again.due), (1, true));
}

#[test]
fn a_new_shard_finds_all_that_waits() {
    let board = Board::default();
    for (lsn, contact) in [(1, A), (2, B)] {
        board.rows([(id(lsn), row(contact))]);
        board.next_ready();
        board.take(contact, 9);
    }
    assert_eq!(board.next_ready(), None, "both have a turn under way");
    board.start_over();
    let mut ready = [board.next_ready(), board.next_ready()];
    ready.sort_unstable();
    assert_eq!(ready, [Some(A), Some(B)]);
}

#[test]
fn questions_are_refused_past_their_bound() {
    let board = Board::default();
    let phone = Mobile::from_phone(crate::domain::phone::Phone::from_wa_id("6281200000042").unwrap()).unwrap();
    let question = || AccountEvent::EndLogins { changes_shut_until: Timestamp(0) };
    let taken = (0..QUESTIONS_MAX + 10).filter(|_| board.ask(phone, question())).count();
    assert_eq!(taken, QUESTIONS_MAX);
}

#[test]
fn what_came_in_one_post_is_taken_together() {
    // A shard that takes as fast as it can, beside a store's thread that adds: it never sees half a POST.
    const POSTS: u64 = 2_000;
    let board = Arc::new(Board::default());
    let adding = Arc::clone(&board);
    let store = std::thread::spawn(move || {
        for lsn in 0..POSTS {
            adding.rows((0..4).map(|index| (RowId { lsn: Lsn(lsn), index }, row(A))));
        }
    });
    let mut taken = 0;
    while taken < POSTS * 4 {
        if board.next_ready().is_none() {
            std::thread::yield_now();
            continue;
        }
        let ids: Vec<RowId> = board.take(A, usize::MAX).rows.into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len() % 4, 0, "half a POST was taken");
        taken += ids.len() as u64;
        done(&board, &ids);
    }
    store.join().unwrap();
}

#[test]
fn what_a_dead_turn_had_taken_waits_again_and_the_first_of_it_is_named() {
    let board = Board::default();
    board.rows([(id(1), row(A)), (id(2), row(A))]);
    board.answer(A, CallId(7), Answer::Left);
    board.wish(A, Some(Timestamp(5)));
    board.fire(Timestamp(5), 9);
    assert_eq!(board.take(A, 9).blamed, None);
    board.failed(A, true);
    let again = board.take(A, 9);
    assert_eq!(again.blamed.map(|blame| blame.what), Some(Troubling::Answer(CallId(7))));
    board.counted_by(A, 4);
    assert_eq!((again.rows.len(), again.answers.len(), again.due), (2, 1, true));
    // A shard that takes over finds it too, and who was blamed stays so.
    board.start_over();
    assert_eq!(board.view().turns, 0);
    let again = board.take(A, 9);
    let blame = Blame { what: Troubling::Answer(CallId(7)), counted_by: Some(4) };
    assert_eq!((again.blamed, again.answers.len(), again.due), (Some(blame), 1, true));
    done(&board, &[id(1), id(2)]);
    assert_eq!(board.take(A, 9).blamed, None, "it was named once");
}

#[test]
fn what_is_closed_is_nobodys_trouble() {
    let board = Board::default();
    board.rows([(id(1), row(A))]);
    board.take(A, 9);
    board.closed(A, [id(1)]);
    board.failed(A, true);
    assert!(board.take(A, 9).is_empty());
    board.blame(A, Troubling::Row(id(1)));
    board.next_ready();
    assert!(board.take(A, 9).is_empty());
    assert!(board.at_rest(), "{:?}", board.unfinished());
}

#[test]
fn who_is_not_finished_is_named() {
    let board = Board::default();
    assert_eq!((board.unfinished(), board.has_work(Timestamp(0))), (None, false));
    board.rows([(id(1), row(A)), (id(2), row(B))]);
    board.next_ready();
    board.take(A, 9);
    let open = board.unfinished().expect("two wait");
    assert_eq!((open.turns, open.contacts_waiting, open.sessions), (1, 2, vec![A]));
    assert!(board.has_work(Timestamp(0)));
    assert_eq!(board.view().oldest, Some(Timestamp(0)));
}
