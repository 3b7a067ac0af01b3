//! Futures that are dropped, tasks that share, and handles that cross threads.

use farwire_tokio::lcm::geometry_msgs::Twist;
use farwire_tokio::{Callback, Connection, Delivery, Publisher, Subscription, connect};
use futures_core::Stream;

use crate::sfu::{cancel, config, connection, eventually, soon, start};

#[test]
fn handles_and_futures_cross_threads() {
    fn sendable<T: Send + 'static>() {}
    fn shareable<T: Send + Sync + 'static>() {}
    fn stream<T: Stream + Unpin>() {}
    fn send(_: impl Send) {}
    shareable::<Connection>();
    shareable::<Publisher<Twist>>();
    sendable::<Subscription<Twist>>();
    sendable::<Callback>();
    stream::<Subscription>();
    let config = farwire_tokio::Config::new("http://127.0.0.1:9/v1", "app", "secret").expect("a good config");
    send(connect(config.clone()));
    send(farwire_tokio::shared(config));
}

#[tokio::test]
async fn a_dropped_receive_loses_nothing() {
    let sfu = start();
    let connection = connection(&sfu).await;
    let publisher = connection.publisher_with("t", Delivery::RELIABLE).expect("a publisher");
    let mut subscription = connection.subscribe_with("t", Delivery::RELIABLE).expect("a subscription");
    soon(subscription.opened()).await.expect("opens");
    for n in 0..100u8 {
        publisher.publish(&[n]).expect("published");
    }
    let mut next = 0;
    while next < 100 {
        match cancel(subscription.recv()).await {
            Some(message) => {
                assert_eq!(&*message.expect("received"), [next]);
                next += 1;
            }
            None => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn a_connect_that_is_dropped_leaves_nothing() {
    let sfu = start();
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for _ in 0..20 {
        assert!(cancel(connect(config(&sfu))).await.is_none());
    }
    eventually("no task is left", || tasks() == before).await;
    // What the SFU made for requests that were cut off is its own to remove.
    drop(connection(&sfu).await);
    eventually("no task is left", || tasks() == before).await;
}

#[tokio::test]
async fn whoever_waits_is_told_of_the_end() {
    let sfu = start();
    let connection = connection(&sfu).await;
    let mut quiet = connection.subscribe("quiet").expect("a subscription");
    let waiting = tokio::spawn(async move { (quiet.recv().await.map(|_| ()), quiet.opened().await) });
    let closed = tokio::spawn({
        let connection = connection.clone();
        async move { connection.closed().await }
    });
    tokio::task::yield_now().await;
    connection.close();
    connection.close();
    let end = farwire_tokio::RecvError::Closed(farwire_tokio::EndReason::Closed);
    assert_eq!(soon(waiting).await.expect("no panic"), (Err(end.clone()), Err(end)));
    assert_eq!(soon(closed).await.expect("no panic"), farwire_tokio::EndReason::Closed);
    assert!(!soon(connection.flush()).await);
    assert!(connection.publisher("t").is_err() && connection.subscribe("t").is_err());
}
