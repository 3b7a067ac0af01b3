//! Connections that callers with equal configurations share.

use std::sync::{Barrier, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::Duration;

use farwire_core::{Config, EndReason};

use super::*;
use crate::Shares;

/// Rows share this process's connections, and some close them all.
static CONNECTIONS: RwLock<()> = RwLock::new(());

/// No other row closes all connections meanwhile.
fn undisturbed() -> RwLockReadGuard<'static, ()> {
    CONNECTIONS.read().unwrap_or_else(PoisonError::into_inner)
}

/// No other row shares connections meanwhile.
pub(super) fn alone() -> RwLockWriteGuard<'static, ()> {
    CONNECTIONS.write().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn shared<D: Shares>(driver: &D) -> D::Connection {
    driver.shared(driver.config()).expect("a connection")
}

fn expect_one_connection<D: Driver>(driver: &D) {
    assert_eq!(driver.sessions(), Some(2), "one session to publish, and one to subscribe");
}

/// A message from this connection to itself.
pub(super) fn expect_life<D: Driver>(connection: &D::Connection, topic: &str) {
    let publisher = publisher::<D>(connection, topic);
    let mut subscription = subscription::<D>(connection, topic, RELIABLE);
    publish_numbers(&publisher, 0..3);
    expect_numbers(&mut subscription, 0..3);
}

/// Equal configurations share a connection, however they came to be equal; others do not.
pub(crate) fn equal_configs_are_one_connection<D: Shares>(driver: &D) {
    let _undisturbed = undisturbed();
    let first = shared(driver);
    let json = driver.config().to_json_with_secret();
    let second = driver.shared(Config::from_json(&json).expect("a good config")).expect("a connection");
    assert_eq!(first.session_id(), second.session_id());
    expect_one_connection(driver);
    let other = driver.shared(driver.config().connect_timeout(Duration::from_secs(77))).expect("a connection");
    assert_ne!(first.session_id(), other.session_id());
    let own = robot(driver);
    assert_ne!(first.session_id(), own.session_id());
    assert_eq!(driver.sessions(), Some(6));
    let mut subscription = subscription::<D>(&second, "t", RELIABLE);
    publish_numbers(&publisher::<D>(&first, "t"), 0..3);
    expect_numbers(&mut subscription, 0..3);
}

/// Callers at the same time get one connection too.
pub(crate) fn together_they_dial_once<D: Shares>(driver: &D) {
    let _undisturbed = undisturbed();
    let together = Barrier::new(6);
    let connections: Vec<_> = thread::scope(|scope| {
        let dialing: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    together.wait();
                    shared(driver)
                })
            })
            .collect();
        dialing.into_iter().map(|dialing| dialing.join().expect("no panic")).collect()
    });
    assert!(connections.iter().all(|connection| connection.session_id() == connections[0].session_id()));
    expect_one_connection(driver);
}

/// The connection closes when its last user is gone, and the next one starts afresh.
pub(crate) fn the_last_user_closes_and_the_next_starts_afresh<D: Shares>(driver: &D) {
    let _undisturbed = undisturbed();
    let (first, second) = (shared(driver), shared(driver));
    let id = first.session_id();
    let publisher = publisher::<D>(&first, "t");
    drop(first);
    second.close();
    // A publisher is a user's handle as well.
    publisher.publish(b"x").expect("published");
    expect_one_connection(driver);
    drop(publisher);
    expect_no_sessions(driver);
    let next = shared(driver);
    assert_ne!(next.session_id(), id);
    expect_life::<D>(&next, "t");
    expect_one_connection(driver);
}

/// One user's close is the end for that user alone.
pub(crate) fn two_that_stop_leave_the_third<D: Shares>(driver: &D) {
    let _undisturbed = undisturbed();
    let [first, second, third] = [(); 3].map(|()| shared(driver));
    let mut at_first = subscription::<D>(&first, "t", RELIABLE);
    let mut at_third = subscription::<D>(&third, "t", RELIABLE);
    let publisher = publisher::<D>(&third, "t");
    publish_numbers(&publisher, 0..1);
    expect_numbers(&mut at_first, 0..1);
    first.close();
    drop(second);
    first.close();
    publish_numbers(&publisher, 1..3);
    expect_numbers(&mut at_third, 0..3);
    assert_eq!(at_first.recv(), Err(RecvError::Closed(EndReason::Closed)));
    assert_eq!((first.ended(), third.ended()), (Some(EndReason::Closed), None));
    assert!(first.subscribe("t", RELIABLE.into()).is_err());
    expect_one_connection(driver);
    drop((third, at_third, publisher));
    expect_no_sessions(driver);
}

/// Users that cannot connect do not keep the next from it, nor do they hang.
pub(crate) fn two_that_fail_leave_the_third<D: Shares>(driver: &D) {
    let _undisturbed = undisturbed();
    // A place where nobody serves yet.
    let place = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let config = Config::new(&format!("http://{place}/v1"), "app", "secret").expect("a good config");
    let config = config.connect_timeout(Duration::from_millis(300));
    thread::scope(|scope| {
        let failing = [(); 2].map(|()| scope.spawn(|| driver.shared(config.clone()).map(|_| ())));
        for failing in failing {
            let outcome = failing.join().expect("no panic");
            assert!(outcome.is_err());
        }
    });
    let server = farwire_sfu::Config::new("app", "secret").http(place);
    let _server = farwire_sfu::Server::spawn(server).expect("the port is free again");
    // The machine may be too busy for the short time that failing takes.
    let third = (0..50).find_map(|_| driver.shared(config.clone()).ok()).expect("a connection");
    expect_life::<D>(&third, "t");
}

/// Users come and go from many threads; whoever has a connection can use it.
pub(crate) fn users_come_and_go<D: Shares>(driver: &D) {
    let _undisturbed = undisturbed();
    thread::scope(|scope| {
        for n in 0..4 {
            scope.spawn(move || {
                for round in 0..10 {
                    let connection = shared(driver);
                    assert_eq!(connection.ended(), None);
                    if (round + n) % 4 == 0 {
                        expect_life::<D>(&connection, &format!("t/{n}"));
                    }
                }
            });
        }
    });
    expect_no_sessions(driver);
}
