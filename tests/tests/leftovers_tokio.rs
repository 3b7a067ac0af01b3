//! The tokio driver leaves a process and a runtime as they were, however many connections came and went. Linux tells what
//! a process holds.

#![cfg(target_os = "linux")]

mod holdings;

use std::time::Duration;

use farwire_tokio::{Delivery, connect};
use tokio::runtime::{Builder, Runtime};

use crate::holdings::{CYCLES, FAILURES, Place};

async fn cycle(place: &Place, n: usize) {
    let connection = connect(place.config()).await.expect("a connection");
    // Some are used, in one way or another, when they end.
    if n.is_multiple_of(10) {
        let publisher = connection.publisher("t").expect("a publisher");
        publisher.publish(b"x").expect("published");
        let subscription = connection.subscribe_with("u", Delivery::RELIABLE).expect("a subscription");
        let callback = subscription.on_message(drop);
        if n.is_multiple_of(20) {
            drop(connection);
            drop(callback);
        }
    } else if n.is_multiple_of(3) {
        connection.close();
    }
}

async fn fail(place: &Place, n: usize) {
    connect(place.bad_config(n)).await.map(|_| ()).expect_err("this cannot succeed");
}

/// No task is left of those that were begun, and then no thread.
fn expect_nothing_left(place: &Place, runtime: &Runtime, before: holdings::Holdings) {
    runtime.block_on(async {
        let patience = tokio::time::timeout(holdings::PATIENCE, async {
            while runtime.metrics().num_alive_tasks() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        assert_eq!(patience.await, Ok(()), "{} tasks are left", runtime.metrics().num_alive_tasks());
    });
    place.expect(before);
}

fn run(mut builder: Builder) {
    // Threads for blocking work go when they have been idle for this long.
    let runtime = builder.enable_all().thread_keep_alive(Duration::from_millis(20)).build().expect("a runtime");
    let place = Place::new();
    let before = place.holdings();
    for n in 0..CYCLES {
        runtime.block_on(cycle(&place, n));
    }
    expect_nothing_left(&place, &runtime, before);
    for n in 0..FAILURES {
        runtime.block_on(fail(&place, n));
    }
    expect_nothing_left(&place, &runtime, before);
}

#[test]
fn a_thousand_connections_and_a_hundred_failures_leave_nothing() {
    run(Builder::new_current_thread());
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2);
    run(builder);
}
