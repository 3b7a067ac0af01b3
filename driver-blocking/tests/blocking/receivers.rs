//! Who receives: a thread that waits, or the connection's own.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use farwire_blocking::{Delivery, RecvError, Subscription};

use crate::leftovers::shared;
use crate::sfu::{PATIENCE, connection, eventually, follower, start};

const ROUNDS: u32 = 300;

fn receive_all(subscription: &Subscription) {
    for n in 0..ROUNDS {
        let message = subscription.recv_timeout(PATIENCE).expect("a message");
        assert_eq!(message.as_ref(), n.to_be_bytes());
    }
}

#[test]
fn threads_that_wait_for_different_topics_each_get_theirs() {
    let _shared = shared();
    let sfu = start();
    let robot = connection(&sfu);
    let operator = follower(&sfu, &robot);
    let topics = ["a", "b", "c"];
    let publishers = topics.map(|topic| robot.publisher_with(topic, Delivery::RELIABLE).expect("a publisher"));
    let subscriptions = topics.map(|topic| operator.subscribe_with(topic, Delivery::RELIABLE).expect("a subscription"));
    subscriptions.iter().for_each(|subscription| subscription.wait_open(PATIENCE).expect("the channel opens"));
    thread::scope(|scope| {
        for subscription in &subscriptions {
            scope.spawn(|| receive_all(subscription));
        }
        // One message at a time, so that the receivers sleep between them.
        for n in 0..ROUNDS {
            for publisher in &publishers {
                publisher.publish(&n.to_be_bytes()).expect("published");
                thread::sleep(Duration::from_micros(200));
            }
        }
    });
}

#[test]
fn messages_arrive_while_nobody_waits_and_when_whoever_waited_has_gone() {
    let _shared = shared();
    let sfu = start();
    let connection = connection(&sfu);
    let impatient = connection.subscribe("silent").expect("a subscription");
    let subscription = connection.subscribe_with("topic", Delivery::RELIABLE).expect("a subscription");
    let publisher = connection.publisher_with("topic", Delivery::RELIABLE).expect("a publisher");
    subscription.wait_open(PATIENCE).expect("the channel opens");
    let (leads, has_led) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..20 {
                let start = Instant::now();
                leads.send(()).expect("the test goes on");
                assert_eq!(impatient.recv_timeout(Duration::from_millis(5)), Err(RecvError::Timeout));
                assert!(start.elapsed() >= Duration::from_millis(5));
                thread::sleep(Duration::from_millis(5));
            }
            drop(leads);
        });
        scope.spawn(|| receive_all(&subscription));
        has_led.recv().expect("it waits");
        for n in 0..ROUNDS {
            publisher.publish(&n.to_be_bytes()).expect("published");
            thread::sleep(Duration::from_micros(300));
        }
    });
    publisher.publish(b"unread").expect("published");
    let received = || connection.topic_stats("topic").expect("a topic").received;
    eventually("nobody waits, and it arrives", || received() == u64::from(ROUNDS) + 1);
}

#[test]
fn several_threads_share_one_subscription() {
    let _shared = shared();
    let sfu = start();
    let connection = connection(&sfu);
    let subscription = connection.subscribe_with("topic", Delivery::RELIABLE).expect("a subscription");
    let publisher = connection.publisher_with("topic", Delivery::RELIABLE).expect("a publisher");
    subscription.wait_open(PATIENCE).expect("the channel opens");
    thread::scope(|scope| {
        let receivers: Vec<_> =
            (0..3).map(|_| scope.spawn(|| std::iter::from_fn(|| subscription.recv().ok()).count())).collect();
        for n in 0..ROUNDS {
            publisher.publish(&n.to_be_bytes()).expect("published");
        }
        let received = || connection.topic_stats("topic").expect("a topic").received;
        eventually("all arrive", || received() == u64::from(ROUNDS));
        connection.close();
        let each: Vec<_> = receivers.into_iter().map(|receiver| receiver.join().expect("no panic")).collect();
        assert_eq!(each.iter().sum::<usize>(), ROUNDS as usize, "{each:?}");
    });
}
