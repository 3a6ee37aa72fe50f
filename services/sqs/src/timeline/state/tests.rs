//! The rules of a timeline, without a store.

use shapes::Timestamp;

use super::{Counts, Standing, State, Terms, first_place, time_of_place};

const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

fn terms(count: usize, max_in_flight: usize) -> Terms {
    Terms {
        now: NOW,
        count,
        visible_again: NOW + std::time::Duration::from_secs(30),
        expired_below: 0,
        max_receives: None,
        max_in_flight,
        nonces: [7; 10],
    }
}

/// A state with `count` messages that have arrived.
fn filled(count: usize) -> State {
    let mut state = State::new(false);
    state.is_complete = true;
    for _ in 0..count {
        let place = state.next_place(NOW);
        state.arrive(place, None, NOW, || None, NOW);
    }
    state
}

#[test]
fn a_queue_gives_no_more_than_it_may_have_in_flight() {
    let mut state = filled(5);
    let taken = state.take(&terms(10, 3));
    assert_eq!((taken.hands.len(), taken.is_full), (3, false));
    let taken = state.take(&terms(10, 3));
    assert_eq!((taken.hands.len(), taken.is_full), (0, true));
    assert_eq!(state.counts(), Counts { visible: 2, in_flight: 3, delayed: 0 });
}

#[test]
fn places_say_when_a_message_was_sent_and_never_repeat() {
    let mut state = State::new(false);
    let (first, second) = (state.next_place(NOW), state.next_place(NOW));
    assert!(first < second);
    assert_eq!((time_of_place(second), first_place(NOW)), (NOW, first));
    let claimed = state.claim_place(second + 5);
    assert!(state.next_place(NOW) > claimed);
}

#[test]
fn what_is_beyond_the_window_is_read_from_the_store_once() {
    let mut state = filled(super::PLAIN_WINDOW + 3);
    assert!(!state.is_complete);
    assert_eq!(state.counts().visible as usize, super::PLAIN_WINDOW + 3);
    let cursor = state.cursor;
    for place in cursor..cursor + 3 {
        state.read(place, None, NOW, None, NOW);
    }
    state.is_complete = true;
    // A commit that is told of after its row was read, and one that finds no room.
    state.arrive(cursor + 2, None, NOW, || None, NOW);
    state.arrive(cursor + 3, None, NOW, || None, NOW);
    assert!(!state.is_complete);
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let taken = state.take(&terms(10, usize::MAX));
        if taken.hands.is_empty() {
            break;
        }
        assert!(taken.hands.iter().all(|hand| seen.insert(hand.place)), "nothing comes twice");
    }
    assert_eq!(seen.len(), super::PLAIN_WINDOW + 3);
    assert!(state.wants_more());
}

#[test]
fn a_handle_stands_for_its_own_receive() {
    let mut state = filled(1);
    let hand = state.take(&terms(1, 10)).hands.remove(0);
    let (place, nonce) = (hand.place, hand.receipt.nonce);
    assert!(matches!(state.standing(place, nonce, 1), Standing::Held { .. }));
    assert_eq!(state.standing(place, nonce + 2, 1), Standing::Outdated);
    state.promote(NOW + std::time::Duration::from_secs(30));
    assert!(matches!(state.standing(place, nonce, 1), Standing::Visible { .. }));
    state.leave(place);
    assert_eq!(state.standing(place, nonce, 1), Standing::Gone);
    assert_eq!(state.counts(), Counts { visible: 0, in_flight: 0, delayed: 0 });
}

#[test]
fn a_purge_leaves_what_was_read_behind_it() {
    let mut state = filled(3);
    let purged = state.next_place(NOW);
    let later = state.next_place(NOW);
    state.is_complete = false;
    state.read(later, None, NOW, None, NOW);
    state.purge(purged);
    state.arrive(later, None, NOW, || None, NOW);
    assert_eq!(state.counts().visible, 1);
    let taken = state.take(&terms(10, 10));
    assert_eq!(taken.hands.iter().map(|hand| hand.place).collect::<Vec<_>>(), [later]);
}

#[test]
fn a_receive_that_came_to_nothing_is_not_counted() {
    let mut state = filled(1);
    let place = state.take(&terms(1, 10)).hands[0].place;
    state.put_back(place);
    assert_eq!(state.counts(), Counts { visible: 1, in_flight: 0, delayed: 0 });
    let again = state.take(&terms(1, 10)).hands.remove(0);
    assert_eq!((again.place, again.receipt.receives), (place, 1));
}
