//! Each kind of mistake is put into a history that was right, and named.

use super::*;

const TO: &str = "100000000000001";

fn shape(buttons: &[&str]) -> Shape {
    Shape { buttons: buttons.iter().map(|title| (*title).to_owned()).collect(), ..Shape::default() }
}

fn got(id: &str, buttons: &[&str]) -> Got {
    Got { id: Some(id.into()), from: TO.into(), names: Vec::new(), shape: shape(buttons) }
}

/// Line 10 k says something, line 10 k + 1 answers it.
fn exchange(k: usize, taken: u64, buttons: &[&str]) -> Exchange {
    let wanted = vec![Wanted { line: 10 * k + 1, shape: Some(shape(buttons)) }];
    Exchange { line: 10 * k, taken: Some(taken), answered: None, wanted }
}

/// Three turns, served as they should be.
fn good() -> History {
    History {
        to: TO.into(),
        own: vec!["0042".into(), "Siti".into()],
        exchanges: vec![exchange(1, 5, &["A"]), exchange(2, 9, &["B"]), exchange(3, 12, &["C"])],
        replies: vec![got("r1", &["A"]), got("r2", &["B"]), got("r3", &["C"])],
    }
}

fn mistakes(history: &History) -> Vec<(Kind, usize)> {
    check(history).into_iter().map(|mistake| (mistake.kind, mistake.line)).collect()
}

#[test]
fn who_was_served_as_owed_has_nothing_to_say() {
    let mut history = good();
    assert_eq!(mistakes(&history), []);
    history.replies[0].names = vec!["0042".into()];
    history.exchanges[1].wanted[0].shape = None;
    assert_eq!(mistakes(&history), [], "his own number may be named, and nonsense gets any answer");
}

#[test]
fn a_reply_that_never_came_is_lost() {
    let mut history = good();
    history.replies.pop();
    assert_eq!(mistakes(&history), [(Kind::Lost, 31)]);
    let mut history = good();
    history.replies.remove(1);
    assert_eq!(mistakes(&history), [(Kind::Lost, 21)]);
}

#[test]
fn a_message_that_was_never_taken_is_lost_once() {
    let mut history = good();
    history.exchanges[2].taken = None;
    history.replies.pop();
    assert_eq!(mistakes(&history), [(Kind::Lost, 30)]);
}

#[test]
fn a_200_that_was_lost_and_comes_late_changes_no_order() {
    let mut history = History { replies: Vec::new(), ..good() };
    for exchange in &mut history.exchanges {
        exchange.taken = None;
    }
    // The first was taken, its 200 lost with the server; answered after its restart, and brought once more at 20.
    history.came(5, got("r1", &["A"]));
    history.exchanges[1].taken = Some(9);
    history.came(10, got("r2", &["B"]));
    history.exchanges[2].taken = Some(12);
    history.came(13, got("r3", &["C"]));
    assert_eq!(mistakes(&history), [(Kind::Lost, 10)], "until it is brought");
    history.exchanges[0].taken = Some(20);
    assert_eq!(mistakes(&history), []);
    history.replies.swap(0, 1);
    assert_eq!(mistakes(&history), [(Kind::Reordered, 11)], "what is out of order is so all the same");
}

#[test]
fn a_reply_sent_twice_is_named_by_its_id_and_without_one() {
    let mut history = good();
    history.replies.push(got("r2", &["B"]));
    assert_eq!(mistakes(&history), [(Kind::Duplicated, 0)]);
    // Another id: the server took one message for two and answered both.
    history.replies[3].id = Some("r4".into());
    assert_eq!(mistakes(&history), [(Kind::Duplicated, 0)]);
    history.replies[3].id = None;
    assert_eq!(mistakes(&history), [(Kind::Duplicated, 0)]);
}

#[test]
fn a_reply_that_overtook_another_is_named() {
    let mut history = good();
    history.replies.swap(1, 2);
    assert_eq!(mistakes(&history), [(Kind::Reordered, 21)]);
}

#[test]
fn the_order_that_counts_is_that_in_which_messages_were_taken() {
    let mut history = good();
    history.exchanges[1].taken = Some(20);
    assert_eq!(mistakes(&history), [(Kind::Reordered, 31)], "C was taken before B");
    history.replies.swap(1, 2);
    assert_eq!(mistakes(&history), []);
}

#[test]
fn what_was_meant_for_somebody_else_is_named() {
    let mut history = good();
    history.replies[1].names = vec!["0051".into()];
    assert_eq!(mistakes(&history), [(Kind::WrongRecipient, 0), (Kind::Lost, 21)]);
    let mut history = good();
    history.replies[2].from = "100000000000002".into();
    assert_eq!(mistakes(&history), [(Kind::WrongRecipient, 0), (Kind::Lost, 31)]);
}

#[test]
fn a_reply_of_another_step_is_named_with_both_shapes() {
    let mut history = good();
    history.replies[1].shape = shape(&["X"]);
    let found = check(&history);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].line), (Kind::WrongStep, 21));
    assert_eq!(found[0].what, "expected text [\"B\"], got text [\"X\"]");
}

#[test]
fn an_answer_that_nobody_asked_for_is_named() {
    let mut history = good();
    history.replies.push(got("r4", &["X"]));
    assert_eq!(mistakes(&history), [(Kind::WrongStep, 0)]);
}
