//! Callbacks, and what they do to others: nothing.

use std::panic::resume_unwind;
use std::sync::mpsc;

use super::*;
use crate::{Callback, CallbackLog};

/// A callback is called for each message, in order.
pub(crate) fn get_each_message<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let publisher = publisher::<D>(&robot, "t");
    let log = CallbackLog::default();
    let callback = subscription::<D>(&robot, "t", RELIABLE).on_message(log.then(|_| {}));
    publish_numbers(&publisher, 0..50);
    eventually(driver, "the callback is called for each", || log.calls() >= 50);
    let numbers: Vec<u32> = log.seen().iter().map(|message| number(message)).collect();
    assert_eq!(numbers, (0..50).collect::<Vec<_>>());
    assert_eq!(callback.panics(), 0);
}

/// One that panics is called again, and harms nobody else.
pub(crate) fn that_panic_harm_only_themselves<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let publisher = publisher::<D>(&robot, "t");
    let mut other = subscription::<D>(&robot, "t", RELIABLE);
    let log = CallbackLog::default();
    let callback = subscription::<D>(&robot, "t", RELIABLE).on_message(log.then(|message| {
        if number(message).is_multiple_of(2) {
            // Without the message that a panic prints.
            resume_unwind(Box::new("on purpose"));
        }
    }));
    let calm = CallbackLog::default();
    let _calm = subscription::<D>(&robot, "t", RELIABLE).on_message(calm.then(|_| {}));
    publish_numbers(&publisher, 0..10);
    eventually(driver, "both are called for each", || log.calls() == 10 && calm.calls() == 10);
    eventually(driver, "each panic is counted", || callback.panics() == 5);
    expect_numbers(&mut other, 0..10);
    assert_eq!(robot.ended(), None);
}

/// One that blocks holds up neither subscriptions nor publishers nor other callbacks, and gets its messages later.
pub(crate) fn that_block_harm_only_themselves<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let publisher = publisher::<D>(&robot, "t");
    let mut other = subscription::<D>(&robot, "t", RELIABLE);
    let (release, released) = mpsc::channel::<()>();
    let (blocked, calm) = (CallbackLog::default(), CallbackLog::default());
    let _blocked = subscription::<D>(&robot, "t", RELIABLE).on_message(blocked.then(move |_| {
        let _ = released.recv();
    }));
    let _calm = subscription::<D>(&robot, "t", RELIABLE).on_message(calm.then(|_| {}));
    publish_numbers(&publisher, 0..20);
    eventually(driver, "it blocks", || blocked.calls() == 1);
    expect_numbers(&mut other, 0..20);
    eventually(driver, "the other is called", || calm.calls() == 20);
    let mut new = subscription::<D>(&robot, "new", RELIABLE);
    publish_numbers(&super::publisher::<D>(&robot, "new"), 0..1);
    expect_numbers(&mut new, 0..1);
    assert_eq!(blocked.calls(), 1);
    drop(release);
    eventually(driver, "it is called for the rest", || blocked.calls() == 20);
}

/// A callback may use the connection that it hangs on.
pub(crate) fn may_publish_and_subscribe<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let pings = publisher::<D>(&robot, "ping");
    let mut echoes = subscription::<D>(&robot, "echo", RELIABLE);
    let echo = publisher::<D>(&robot, "echo");
    let log = CallbackLog::default();
    let subscriber = robot.clone();
    let callback = subscription::<D>(&robot, "ping", RELIABLE).on_message(log.then(move |message| {
        drop(subscriber.subscribe("other", RELIABLE.into()));
        echo.publish(message).expect("published");
    }));
    publish_numbers(&pings, 0..10);
    expect_numbers(&mut echoes, 0..10);
    drop(callback);
}
