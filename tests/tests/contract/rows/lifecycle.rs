//! How connections begin and end.

use std::sync::Barrier;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use farwire_core::{Config, EndReason, PublishError, TopicError};

use super::*;
use crate::CallbackLog;

/// The driver's configuration with a secret that its SFU does not know.
fn wrong_config<D: Driver>(driver: &D) -> Config {
    let Config { url, app_id, .. } = driver.config();
    Config::new(&url, &app_id, "wrong").expect("a good config")
}

fn closed() -> RecvError {
    RecvError::Closed(EndReason::Closed)
}

/// After close everything is an error, at once.
pub(crate) fn use_after_close_is_an_error<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let publisher = publisher::<D>(&robot, "t");
    let mut subscription = subscription::<D>(&robot, "t", RELIABLE);
    let mut never_open = robot.subscribe("u", RELIABLE.into()).expect("a subscription");
    let mut names = robot.subscribe_new_topics().expect("a subscription");
    let log = CallbackLog::default();
    let _callback = super::subscription::<D>(&robot, "t", RELIABLE).on_message(log.then(|_| {}));
    robot.close();
    assert_eq!(robot.ended(), Some(EndReason::Closed));
    let refused = publisher.publish(b"x").expect_err("the connection is over");
    assert!(matches!(refused, PublishError::Ended { reason: EndReason::Closed, .. }), "{refused}");
    let publisher_error = robot.publisher("t", RELIABLE).map(|_| ());
    assert!(matches!(publisher_error, Err(TopicError::Ended { .. })), "{publisher_error:?}");
    let subscribe_error = robot.subscribe("t", RELIABLE.into()).map(|_| ());
    assert!(matches!(subscribe_error, Err(TopicError::Ended { .. })), "{subscribe_error:?}");
    assert_eq!(robot.subscribe_all(RELIABLE.into()).map(|_| ()), Err(TopicError::ConnectionEnded));
    assert_eq!(robot.subscribe_new_topics().map(|_| ()), Err(TopicError::ConnectionEnded));
    for subscription in [&mut subscription, &mut never_open] {
        assert_eq!(subscription.recv(), Err(closed()));
        assert_eq!(subscription.recv_timeout(Duration::from_secs(1)), Err(closed()));
        assert_eq!(subscription.try_recv(), Err(closed()));
        assert_eq!(subscription.latest(), Err(closed()));
        assert_eq!(subscription.wait_open(), Err(closed()));
        assert_eq!(subscription.ended(), Some(closed()));
    }
    assert_eq!(crate::Names::recv(&mut names), Err(closed()));
    eventually(driver, "the callback is let go", || log.is_released());
    let _ = robot.stats();
    expect_no_sessions(driver);
}

/// What arrived before the end is received before the end is told.
pub(crate) fn what_arrived_comes_before_the_end<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let publisher = publisher::<D>(&robot, "t");
    let mut subscription = subscription::<D>(&robot, "t", RELIABLE);
    publish_numbers(&publisher, 0..5);
    await_received(driver, &robot, "t", 5);
    robot.close();
    assert_eq!(drain(&mut subscription), (vec![0, 1, 2, 3, 4], vec![closed()]));
    assert_eq!(subscription.recv(), Err(closed()));
}

/// Closing twice, from several threads and handles, is closing once.
pub(crate) fn stop_twice<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let together = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            let (robot, together) = (robot.clone(), &together);
            scope.spawn(move || {
                together.wait();
                robot.close();
                robot.close();
                assert_eq!(robot.ended(), Some(EndReason::Closed));
            });
        }
    });
    robot.close();
    drop(robot);
    expect_no_sessions(driver);
}

/// Close ends the waits of others.
pub(crate) fn stop_wakes_whoever_waits<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let waiting: Vec<_> = (0..3).map(|_| subscription::<D>(&robot, "quiet", RELIABLE)).collect();
    let never_open = follower(driver, &robot).subscribe("nothing", RELIABLE.into()).expect("a subscription");
    let (begins, begun) = mpsc::channel();
    thread::scope(|scope| {
        let waits: Vec<_> = waiting
            .into_iter()
            .map(|mut subscription| {
                let begins = begins.clone();
                scope.spawn(move || {
                    begins.send(()).expect("the test goes on");
                    subscription.recv()
                })
            })
            .collect();
        begun.iter().take(waits.len()).for_each(drop);
        driver.pass();
        robot.close();
        for wait in waits {
            assert_eq!(wait.join().expect("no panic"), Err(closed()));
        }
    });
    drop(never_open);
    expect_no_sessions(driver);
}

/// Publishers that are at it when the connection is closed get an error, and nobody hangs.
pub(crate) fn stop_during_publish<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let _subscription = subscription::<D>(&robot, "t/0", RELIABLE);
    let (begins, begun) = mpsc::channel();
    thread::scope(|scope| {
        let publishing: Vec<_> = (0..4)
            .map(|n| {
                let (publisher, begins) = (publisher::<D>(&robot, &format!("t/{n}")), begins.clone());
                scope.spawn(move || {
                    begins.send(()).expect("the test goes on");
                    loop {
                        // Large, so that a queue fills and some of them wait.
                        if let Err(error) = publisher.publish(&[0; 30_000]) {
                            return error;
                        }
                    }
                })
            })
            .collect();
        begun.iter().take(publishing.len()).for_each(drop);
        for _ in 0..5 {
            driver.pass();
        }
        robot.close();
        for publishing in publishing {
            let error = publishing.join().expect("no panic");
            assert!(matches!(error, PublishError::Ended { reason: EndReason::Closed, .. }), "{error}");
        }
    });
    expect_no_sessions(driver);
}

/// Giving up while connecting leaves nothing that keeps the next from connecting.
pub(crate) fn stop_during_connect<D: Driver>(driver: &D) {
    for half_milliseconds in 0..20 {
        let limit = Duration::from_micros(500 * half_milliseconds + 100);
        drop(driver.connect_within(driver.config(), limit));
    }
    let robot = robot(driver);
    let mut subscription = subscription::<D>(&robot, "t", RELIABLE);
    publish_numbers(&publisher::<D>(&robot, "t"), 0..3);
    expect_numbers(&mut subscription, 0..3);
    drop((robot, subscription));
    if driver.forgets_soon() {
        expect_no_sessions(driver);
    }
}

/// A start that fails says why, and the next one succeeds.
pub(crate) fn start_after_a_failed_start<D: Driver>(driver: &D) {
    for _ in 0..3 {
        let error = driver.connect(wrong_config(driver)).map(|_| ()).expect_err("the secret is wrong");
        assert!(error.contains("401") || error.contains("403"), "{error}");
        assert!(!error.contains("wrong"), "{error}");
    }
    let robot = robot(driver);
    let mut subscription = subscription::<D>(&robot, "t", RELIABLE);
    publish_numbers(&publisher::<D>(&robot, "t"), 0..3);
    expect_numbers(&mut subscription, 0..3);
    drop((robot, subscription));
    expect_no_sessions(driver);
}

/// The connection is open while any handle is, and closed with the last.
pub(crate) fn the_last_handle_closes<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let publisher = publisher::<D>(&robot, "t");
    let mut subscription = subscription::<D>(&robot, "t", RELIABLE);
    let clone = robot.clone();
    drop((robot, clone));
    publish_numbers(&publisher, 0..3);
    drop(publisher);
    expect_numbers(&mut subscription, 0..3);
    if let Some(sessions) = driver.sessions() {
        assert_eq!(sessions, 2);
    }
    drop(subscription);
    expect_no_sessions(driver);
}

/// Closing one connection is nothing to another.
pub(crate) fn closing_one_leaves_the_others<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let [left, right] = [(); 2].map(|()| follower(driver, &robot));
    let publisher = publisher::<D>(&robot, "t");
    let mut at_left = subscription::<D>(&left, "t", RELIABLE);
    let mut at_right = subscription::<D>(&right, "t", RELIABLE);
    publish_numbers(&publisher, 0..3);
    expect_numbers(&mut at_left, 0..3);
    left.close();
    publish_numbers(&publisher, 3..6);
    expect_numbers(&mut at_right, 0..6);
    assert_eq!(at_left.recv(), Err(closed()));
    assert_eq!((right.ended(), robot.ended()), (None, None));
}
