//! How connections end, and what is left of them.

use std::net::SocketAddr;
use std::thread;

use farwire_tokio::{
    Accepted, ConnectError, Connection, ConnectionEvent, Delivery, EndReason, LinkEnd, PublishError, RecvError, shared,
};

use crate::sfu::{config, connection, eventually, runtimes, soon, start};

#[test]
fn a_connection_can_be_dropped_outside_of_any_runtime() {
    for runtime in runtimes() {
        let sfu = start();
        let connection = runtime.block_on(connection(&sfu));
        let subscription = connection.subscribe("t").expect("a subscription");
        drop(connection);
        thread::spawn(move || drop(subscription)).join().expect("no panic");
        // The farewell went out at once, though nobody drives the runtime.
        runtime.block_on(eventually("the SFU has no session left", || sfu.sessions() == 0));
    }
}

#[test]
fn a_runtime_that_ends_ends_its_connections() {
    for runtime in runtimes() {
        let sfu = start();
        let connection = runtime.block_on(connection(&sfu));
        let publisher = connection.publisher("t").expect("a publisher");
        drop(runtime);
        let ended = connection.ended();
        assert!(
            matches!(&ended, Some(EndReason::Transport(LinkEnd::Failed(why))) if why.contains("shut down")),
            "{ended:?}"
        );
        assert!(matches!(publisher.publish(b"x"), Err(PublishError::Ended { .. })));
        runtimes()[0].block_on(eventually("the SFU has no session left", || sfu.sessions() == 0));
    }
}

#[test]
fn an_sfu_that_comes_back_is_dialed_again() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let sfu = start();
            let root = sfu.api_root();
            let at: SocketAddr = root["http://".len()..].trim_end_matches("/v1").parse().expect("an address");
            let connection = connection(&sfu).await;
            let mut events = connection.events().expect("room for a listener");
            let mut subscription = connection.subscribe_with("t", Delivery::RELIABLE).expect("a subscription");
            let publisher = connection.publisher_with("t", Delivery::RELIABLE).expect("a publisher");
            soon(subscription.opened()).await.expect("the channel opens");
            drop(sfu);
            assert!(matches!(soon(events.recv()).await, Ok(ConnectionEvent::Reconnecting { .. })));
            assert_eq!(publisher.publish(b"to nobody"), Ok(Accepted::Dropped));
            assert_eq!(soon(subscription.recv()).await, Err(RecvError::Interrupted));
            let _sfu = farwire_sfu::Server::spawn(farwire_sfu::Config::new("app", "secret").http(at)).expect("an SFU");
            while !matches!(soon(events.recv()).await, Ok(ConnectionEvent::Connected { .. })) {}
            let is_open = || connection.topic_stats("t").is_some_and(|stats| stats.subscribed);
            eventually("the topic is open again", is_open).await;
            publisher.publish(b"welcome back").expect("published");
            assert_eq!(&*soon(subscription.recv()).await.expect("it arrives"), b"welcome back");
            assert!(connection.is_connected() && connection.ended().is_none());
        });
    }
}

#[test]
fn there_must_be_a_runtime() {
    let sfu = start();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let connecting = std::pin::pin!(farwire_tokio::connect(config(&sfu)));
    let polled = connecting.poll(&mut context);
    assert!(matches!(polled, std::task::Poll::Ready(Err(ConnectError::NoRuntime))));
}

#[tokio::test]
async fn equal_configurations_share_a_connection() {
    let sfu = start();
    let shared = || async { shared(config(&sfu)).await.expect("a connection") };
    let (one, two, three) = tokio::join!(shared(), shared(), shared());
    let same = |a: &Connection, b: &Connection| a.session_id() == b.session_id();
    assert!(same(&one, &two) && same(&two, &three));
    assert_eq!(sfu.sessions(), 2);
    let mut heard = three.subscribe("t").expect("a subscription");
    soon(heard.opened()).await.expect("opens");
    let publisher = one.publisher("t").expect("a publisher");
    let mut lost = one.subscribe("t").expect("a subscription");
    one.close();
    drop(two);
    // What is its own is over, and the rest goes on.
    assert!(matches!(publisher.publish(b"x"), Err(PublishError::Ended { reason: EndReason::Closed, .. })));
    assert!(soon(lost.recv()).await.is_err());
    assert_eq!(three.ended(), None);
    three.publisher("t").expect("a publisher").publish(b"x").expect("published");
    assert_eq!(&*soon(heard.recv()).await.expect("received"), b"x");
    let before = three.session_id().to_owned();
    drop((three, heard));
    let next = shared().await;
    assert_ne!(next.session_id(), before);
    drop(next);
    eventually("the SFU has no session left", || sfu.sessions() == 0).await;
}

#[tokio::test]
async fn a_shared_connect_that_fails_or_is_dropped_strands_nobody() {
    let sfu = start();
    let wrong = farwire_tokio::Config::new(&sfu.api_root(), "app", "wrong").expect("a good config");
    let (one, two) = tokio::join!(shared(wrong.clone()), shared(wrong.clone()));
    assert!(one.is_err() && two.is_err());
    // The first gives up while the second waits for it.
    let first = tokio::spawn(shared(config(&sfu)));
    tokio::task::yield_now().await;
    let second = tokio::spawn(shared(config(&sfu)));
    tokio::task::yield_now().await;
    first.abort();
    assert!(soon(second).await.expect("no panic").is_ok());
}
