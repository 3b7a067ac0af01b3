//! All shared connections of a process, closed at once.

use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use farwire_core::{Config, EndReason, PublishError, TopicError};

use super::sharing::{alone, expect_life, shared};
use super::*;
use crate::{Shares, eventually};

fn closed() -> RecvError {
    RecvError::Closed(EndReason::Closed)
}

/// Every user of every shared connection is told, and the SFU has nothing left of them.
pub(crate) fn closes_for_all_users_at_once<D: Shares>(driver: &D) {
    let _alone = alone();
    let (first, second) = (shared(driver), shared(driver));
    let other = driver.shared(driver.config().connect_timeout(Duration::from_secs(77))).expect("a connection");
    let publisher = publisher::<D>(&first, "t");
    let mut waiting = subscription::<D>(&second, "t", RELIABLE);
    let mut at_other = subscription::<D>(&other, "t", RELIABLE);
    let (begins, begun) = mpsc::channel();
    thread::scope(|scope| {
        let wait = scope.spawn(move || {
            begins.send(()).expect("the test goes on");
            waiting.recv()
        });
        begun.recv().expect("it begins");
        driver.pass();
        driver.shutdown_all();
        assert_eq!(wait.join().expect("no panic"), Err(closed()));
    });
    for connection in [&first, &second, &other] {
        assert_eq!(connection.ended(), Some(EndReason::Closed));
        assert!(matches!(connection.subscribe("t", RELIABLE.into()).map(|_| ()), Err(TopicError::Ended { .. })));
    }
    assert_eq!(at_other.recv(), Err(closed()));
    let refused = publisher.publish(b"x").expect_err("the connection is over");
    assert!(matches!(refused, PublishError::Ended { reason: EndReason::Closed, .. }), "{refused}");
    // All handles are still held.
    expect_no_sessions(driver);
    driver.shutdown_all();
    first.close();
    drop((first, second, other, publisher, at_other));
    expect_no_sessions(driver);
}

/// Who connects on their own keeps the connection.
pub(crate) fn leaves_what_is_not_shared<D: Shares>(driver: &D) {
    let _alone = alone();
    let (own, shared) = (robot(driver), shared(driver));
    driver.shutdown_all();
    assert_eq!((own.ended(), shared.ended()), (None, Some(EndReason::Closed)));
    expect_life::<D>(&own, "t");
}

/// Who dials, and who waits for that, is told at once and not when the attempt's time is over.
pub(crate) fn gives_up_what_dials<D: Shares>(driver: &D) {
    let _alone = alone();
    // A server that is there and says nothing.
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = server.local_addr().expect("an address");
    let config = Config::new(&format!("http://{place}/v1"), "app", "secret").expect("a good config");
    // Beyond the patience of any row.
    let config = config.connect_timeout(Duration::from_secs(3600));
    thread::scope(|scope| {
        let dialing = [(); 3].map(|()| scope.spawn(|| driver.shared(config.clone()).map(|_| ())));
        let _request = server.accept().expect("somebody dials");
        // One that has not come to dial or to wait yet dials afresh, and is given up the next time.
        eventually(driver, "whoever dials is told", || {
            driver.shutdown_all();
            dialing.iter().all(thread::ScopedJoinHandle::is_finished)
        });
        for dialing in dialing {
            assert_eq!(dialing.join().expect("no panic"), Err(EndReason::Closed.to_string()));
        }
    });
}

/// Whenever it comes, nobody hangs, and what one gets is a connection or word that it is closed.
pub(crate) fn while_users_come_and_go<D: Shares>(driver: &D) {
    let _alone = alone();
    thread::scope(|scope| {
        let users: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..10 {
                        match driver.shared(driver.config()) {
                            Ok(connection) => drop(connection.subscribe("t", RELIABLE.into())),
                            Err(error) => assert_eq!(error, EndReason::Closed.to_string()),
                        }
                    }
                })
            })
            .collect();
        while !users.iter().all(thread::ScopedJoinHandle::is_finished) {
            driver.shutdown_all();
            driver.pass();
        }
    });
    driver.shutdown_all();
    expect_life::<D>(&shared(driver), "t");
}

/// It is the end of those connections, and of no others.
pub(crate) fn and_the_next_start_afresh<D: Shares>(driver: &D) {
    let _alone = alone();
    let former = shared(driver);
    let id = former.session_id();
    driver.shutdown_all();
    let (next, another) = (shared(driver), shared(driver));
    assert_ne!(next.session_id(), id);
    assert_eq!(next.session_id(), another.session_id());
    // What the former one's last handle does is nothing to the next.
    drop(former);
    expect_life::<D>(&next, "t");
    drop((next, another));
    expect_no_sessions(driver);
}
