//! How connections end, and what is left of them.

use std::thread;
use std::time::{Duration, Instant};

use farwire_blocking::{
    Accepted, ConnectionEvent, Delivery, EndReason, LinkEnd, PublishError, RecvError, TopicError, connect,
};

use crate::leftovers::{Holdings, alone, shared};
use crate::script::Tap;
use crate::sfu::{PATIENCE, config, connection, eventually, follower, start};

#[test]
fn the_last_handle_of_any_kind_closes_the_connection() {
    let _alone = alone();
    let sfu = start();
    let before = Holdings::now();
    let connection = connection(&sfu);
    let clone = connection.clone();
    let publisher = connection.publisher("t").expect("a publisher");
    let subscription = connection.subscribe("t").expect("a subscription");
    subscription.wait_open(PATIENCE).expect("the channel opens");
    drop((connection, clone, publisher));
    thread::sleep(Duration::from_millis(50));
    assert_eq!(sfu.sessions(), 2);
    let start = Instant::now();
    drop(subscription);
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    eventually("the SFU has no session left", || sfu.sessions() == 0);
    before.assert_unchanged();
}

#[test]
fn fifty_connections_leave_nothing() {
    let _alone = alone();
    let sfu = start();
    let before = Holdings::now();
    for n in 0..50 {
        let connection = connection(&sfu);
        let publisher = connection.publisher("t").expect("a publisher");
        let subscription = connection.subscribe("t").expect("a subscription");
        if n % 2 == 0 {
            subscription.wait_open(PATIENCE).expect("the channel opens");
            publisher.publish(b"x").expect("published");
        }
        if n % 3 == 0 {
            connection.close();
        }
    }
    eventually("the SFU has no session left", || sfu.sessions() == 0);
    before.assert_unchanged();
}

#[test]
fn close_is_for_all_handles_and_wakes_whoever_waits() {
    let _alone = alone();
    let sfu = start();
    let before = Holdings::now();
    let robot = connection(&sfu);
    let operator = follower(&sfu, &robot);
    let subscription = operator.subscribe("quiet").expect("a subscription");
    let publisher = operator.publisher("other").expect("a publisher");
    thread::scope(|scope| {
        let receiving = scope.spawn(|| subscription.recv());
        let opening = scope.spawn(|| subscription.wait_open(Duration::MAX));
        let iterating = scope.spawn(|| subscription.iter().count());
        thread::sleep(Duration::from_millis(50));
        operator.close();
        operator.clone().close();
        let closed = Err(RecvError::Closed(EndReason::Closed));
        assert_eq!(receiving.join().expect("no panic").map(|_| ()), closed);
        assert_eq!(opening.join().expect("no panic"), closed);
        assert_eq!(iterating.join().expect("no panic"), 0);
    });
    assert_eq!(operator.ended(), Some(EndReason::Closed));
    assert!(matches!(publisher.publish(b"x"), Err(PublishError::Ended { reason: EndReason::Closed, .. })));
    assert!(matches!(operator.subscribe("t"), Err(TopicError::Ended { .. })));
    assert_eq!(robot.ended(), None);
    drop(robot);
    // The handles of a closed connection hold no thread and no socket.
    eventually("the SFU has no session left", || sfu.sessions() == 0);
    assert_ne!(before, Holdings::now(), "handles are still here, with a pipe");
    drop((operator, publisher, subscription));
    before.assert_unchanged();
}

#[test]
fn an_sfu_that_goes_away_ends_the_connection() {
    let _alone = alone();
    let before = Holdings::now();
    let sfu = start();
    let connection = connect(config(&sfu).reconnect(false)).expect("a connection");
    let subscription = connection.subscribe_with("t", Delivery::RELIABLE).expect("a subscription");
    let publisher = connection.publisher_with("t", Delivery::RELIABLE).expect("a publisher");
    subscription.wait_open(PATIENCE).expect("the channel opens");
    publisher.publish(b"last words").expect("published");
    eventually("the message is here", || connection.topic_stats("t").is_some_and(|stats| stats.received == 1));
    drop(sfu);
    eventually("the connection has ended", || connection.ended().is_some());
    assert_eq!(&*subscription.recv().expect("it arrived before the end"), b"last words");
    let end = EndReason::Transport(LinkEnd::Remote);
    assert_eq!(subscription.recv().map(|_| ()), Err(RecvError::Closed(end.clone())));
    assert_eq!(connection.ended(), Some(end));
    drop((connection, subscription, publisher));
    before.assert_unchanged();
}

#[test]
fn an_sfu_that_comes_back_is_dialed_again() {
    let _alone = alone();
    let before = Holdings::now();
    let sfu = start();
    let at: std::net::SocketAddr =
        sfu.api_root()["http://".len()..].trim_end_matches("/v1").parse().expect("an address");
    let connection = connection(&sfu);
    let events = connection.events().expect("room for a listener");
    let subscription = connection.subscribe_with("t", Delivery::RELIABLE).expect("a subscription");
    let publisher = connection.publisher_with("t", Delivery::RELIABLE).expect("a publisher");
    subscription.wait_open(PATIENCE).expect("the channel opens");
    drop(sfu);
    assert!(matches!(events.recv_timeout(PATIENCE), Ok(ConnectionEvent::Reconnecting { .. })));
    assert!(!connection.is_connected() && connection.ended().is_none());
    assert_eq!(publisher.publish(b"to nobody"), Ok(Accepted::Dropped));
    assert_eq!(subscription.recv_timeout(PATIENCE), Err(RecvError::Interrupted));
    let sfu = farwire_sfu::Server::spawn(farwire_sfu::Config::new("app", "secret").http(at)).expect("an SFU");
    while !matches!(events.recv_timeout(PATIENCE), Ok(ConnectionEvent::Connected { .. })) {}
    eventually("the topic is open again", || connection.topic_stats("t").is_some_and(|stats| stats.subscribed));
    publisher.publish(b"welcome back").expect("published");
    assert_eq!(&*subscription.recv_timeout(PATIENCE).expect("it arrives"), b"welcome back");
    assert_eq!(connection.stats().connection.losses, 1);
    drop((connection, subscription, publisher, events, sfu));
    before.assert_unchanged();
}

#[test]
fn a_request_that_hangs_does_not_hold_up_the_end() {
    let _alone = alone();
    let sfu = start();
    let tap = Tap::before(&sfu.api_root());
    let before = Holdings::now();
    let connection = farwire_blocking::connect(tap.config("app", "secret")).expect("a connection");
    tap.shut();
    let publisher = connection.publisher("t").expect("a publisher");
    eventually("the request is made", || tap.allocations() == 1);
    let start = Instant::now();
    drop((connection, publisher));
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    eventually("the SFU has no session left", || sfu.sessions() == 0);
    before.assert_unchanged();
}

#[test]
fn a_connection_can_be_dropped_right_away_and_from_another_thread() {
    let _shared = shared();
    let sfu = start();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let connection = connection(&sfu);
                let subscription = connection.subscribe("t").expect("a subscription");
                scope.spawn(move || drop(subscription));
                drop(connection);
            });
        }
    });
    eventually("the SFU has no session left", || sfu.sessions() == 0);
}
