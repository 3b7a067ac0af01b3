//! The blocking driver leaves a process as it was, however many connections came and went. Linux tells what it holds.

#![cfg(target_os = "linux")]

mod holdings;

use farwire_blocking::{Delivery, connect};

use crate::holdings::{CYCLES, FAILURES, Place};

fn cycle(place: &Place, n: usize) {
    let connection = connect(place.config()).expect("a connection");
    // Some are used, in one way or another, when they end.
    if n.is_multiple_of(10) {
        let publisher = connection.publisher("t").expect("a publisher");
        publisher.publish(b"x").expect("published");
        let subscription = connection.subscribe_with("u", Delivery::RELIABLE).expect("a subscription");
        let callback = subscription.on_message(drop).expect("a thread");
        if n.is_multiple_of(20) {
            drop(connection);
            drop(callback);
        }
    } else if n.is_multiple_of(3) {
        connection.close();
    }
}

fn fail(place: &Place, n: usize) {
    connect(place.bad_config(n)).map(|_| ()).expect_err("this cannot succeed");
}

#[test]
fn a_thousand_connections_and_a_hundred_failures_leave_nothing() {
    let place = Place::new();
    let before = place.holdings();
    (0..CYCLES).for_each(|n| cycle(&place, n));
    place.expect(before);
    (0..FAILURES).for_each(|n| fail(&place, n));
    place.expect(before);
}
