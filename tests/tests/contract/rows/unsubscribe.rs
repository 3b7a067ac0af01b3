//! Ending a subscription: nothing comes after it, and nobody waits for it.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use super::*;
use crate::CallbackLog;

/// When unsubscribing has returned, no call begins, though a call is running and messages wait.
pub(crate) fn stops_delivery_without_waiting_for_a_running_callback<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let publisher = publisher::<D>(&robot, "t");
    let mut kept = subscription::<D>(&robot, "t", RELIABLE);
    let subscription = subscription::<D>(&robot, "t", RELIABLE);
    let (entered, running) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let log = CallbackLog::default();
    let callback = subscription.on_message(log.then(move |_| {
        let _ = entered.send(());
        // Until the test lets it go on, or has failed.
        let _ = released.recv();
    }));
    publish_numbers(&publisher, 0..10);
    eventually(driver, "the callback is called", || running.try_recv().is_ok());
    expect_numbers(&mut kept, 0..10);
    // This would hang if it waited.
    drop(callback);
    publish_numbers(&publisher, 10..20);
    drop(release);
    expect_numbers(&mut kept, 10..20);
    eventually(driver, "the callback is let go", || log.is_released());
    assert_eq!(log.calls(), 1, "calls that began after unsubscribing");
}

/// A callback may unsubscribe itself; it is not called again.
pub(crate) fn from_inside_the_callback<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let publisher = publisher::<D>(&robot, "t");
    let mut kept = subscription::<D>(&robot, "t", RELIABLE);
    let subscription = subscription::<D>(&robot, "t", RELIABLE);
    let own = Arc::new(Mutex::new(None));
    let log = CallbackLog::default();
    let callback = subscription.on_message(log.then({
        let own = Arc::clone(&own);
        move |message| {
            if number(message) == 2 {
                drop(own.lock().expect("no panic").take());
            }
        }
    }));
    *own.lock().expect("no panic") = Some(callback);
    publish_numbers(&publisher, 0..10);
    eventually(driver, "the callback is let go", || log.is_released());
    assert_eq!(log.calls(), 3);
    expect_numbers(&mut kept, 0..10);
}

/// The other subscriptions of the topic go on, and the topic can be subscribed to again.
pub(crate) fn leaves_the_others<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let publisher = publisher::<D>(&robot, "t");
    let [mut kept, dropped] = [(); 2].map(|()| subscription::<D>(&robot, "t", RELIABLE));
    publish_numbers(&publisher, 0..5);
    drop(dropped);
    publish_numbers(&publisher, 5..10);
    expect_numbers(&mut kept, 0..10);
    drop(kept);
    let mut again = subscription::<D>(&robot, "t", RELIABLE);
    publish_numbers(&publisher, 10..15);
    expect_numbers(&mut again, 10..15);
    expect_nothing(&mut again);
}

/// What nobody subscribes to any more is not counted among the connection's topics.
pub(crate) fn leaves_no_registration<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let operator = follower(driver, &robot);
    let _publisher = publisher::<D>(&robot, "t");
    let subscriptions = [(); 2].map(|()| subscription::<D>(&operator, "t", RELIABLE));
    assert!(topic_stats::<D>(&operator, "t").is_some_and(|stats| stats.subscribed));
    drop(subscriptions);
    assert_eq!(topic_stats::<D>(&operator, "t"), None);
}
