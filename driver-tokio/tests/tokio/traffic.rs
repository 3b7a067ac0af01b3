//! Messages from publishers to subscriptions.

use std::sync::{Arc, Mutex};

use farwire_tokio::lcm::geometry_msgs::Twist;
use farwire_tokio::{Accepted, Delivery, PublishError};
use tokio::sync::mpsc;

use crate::sfu::{connection, eventually, follower, runtimes, soon, start};

#[test]
fn a_burst_arrives_whole_and_in_order_on_every_runtime() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let sfu = start();
            let robot = connection(&sfu).await;
            let operator = follower(&sfu, &robot).await;
            let publisher = robot.publisher_with("burst", Delivery::RELIABLE).expect("a publisher");
            let mut subscription = operator.subscribe_with("burst", Delivery::RELIABLE).expect("a subscription");
            soon(subscription.opened()).await.expect("opens");
            for n in 0..500u32 {
                publisher.publish(&n.to_be_bytes()).expect("published");
            }
            for n in 0..500u32 {
                let message = soon(subscription.recv()).await.expect("received");
                assert_eq!((&*message, message.topic().as_str()), (&n.to_be_bytes()[..], "burst"));
            }
            assert!(soon(robot.flush()).await);
        });
    }
}

#[tokio::test]
async fn a_full_queue_refuses_until_it_is_ready() {
    let sfu = start();
    let connection = connection(&sfu).await;
    let publisher = connection.publisher_with("full", Delivery::RELIABLE).expect("a publisher");
    let mut subscription = connection.subscribe_with("full", Delivery::RELIABLE).expect("a subscription");
    soon(subscription.opened()).await.expect("opens");
    let (mut sent, mut refused) = (0u32, 0);
    while refused < 3 {
        match publisher.publish(&sent.to_be_bytes().repeat(250)) {
            Ok(_) => sent += 1,
            Err(PublishError::QueueFull { .. }) => {
                refused += 1;
                soon(publisher.ready()).await.expect("ready");
            }
            Err(error) => panic!("{error}"),
        }
    }
    for n in 0..sent {
        assert_eq!(soon(subscription.recv()).await.expect("received")[..4], n.to_be_bytes());
    }
    assert_eq!(connection.stats().topics[&farwire_tokio::Topic::new("full").expect("a topic")].queue_full, 3);
}

#[tokio::test]
async fn typed_messages_and_callbacks() {
    let sfu = start();
    let connection = connection(&sfu).await;
    let publisher = connection.publisher_of_with::<Twist>("cmd", Delivery::RELIABLE).expect("a publisher");
    let mut opened = connection.subscribe_with("cmd", Delivery::RELIABLE).expect("a subscription");
    let typed = connection.subscribe_to_with::<Twist>("cmd", Delivery::RELIABLE).expect("a subscription");
    soon(opened.opened()).await.expect("opens");
    let (sender, mut calls) = mpsc::unbounded_channel();
    let kept = Arc::new(Mutex::new(None));
    let within = Arc::clone(&kept);
    *kept.lock().expect("a lock") = Some(typed.on_message(move |twist: Twist| {
        sender.send(twist.linear.x).expect("somebody listens");
        match twist.linear.x as u32 {
            1 => panic!("on purpose"),
            // Unsubscribes itself.
            3 => drop(within.lock().expect("a lock").take()),
            _ => {}
        }
    }));
    for n in 0..6 {
        let mut twist = Twist::default();
        twist.linear.x = f64::from(n);
        assert!(matches!(publisher.publish(&twist), Ok(Accepted::Sent | Accepted::Queued)));
    }
    for n in 0..4 {
        let panics = kept.lock().expect("a lock").as_ref().map_or(1, farwire_tokio::Callback::panics);
        assert_eq!((soon(calls.recv()).await, panics <= 1), (Some(f64::from(n)), true));
    }
    // The raw one gets all; the callback got none after it had unsubscribed, and let go of the channel.
    for _ in 0..6 {
        soon(opened.recv()).await.expect("received");
    }
    assert_eq!(soon(calls.recv()).await, None);
}

#[tokio::test]
async fn a_callback_that_blocks_keeps_nobody_else_waiting() {
    let sfu = start();
    let connection = connection(&sfu).await;
    let publisher = connection.publisher_with("t", Delivery::RELIABLE).expect("a publisher");
    let blocked = connection.subscribe_with("t", Delivery::RELIABLE).expect("a subscription");
    let mut other = connection.subscribe_with("t", Delivery::RELIABLE).expect("a subscription");
    soon(other.opened()).await.expect("opens");
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let callback = blocked.on_message(move |_| assert!(gate.recv().is_err()));
    for n in 0..10u8 {
        publisher.publish(&[n]).expect("published");
    }
    for n in 0..10u8 {
        assert_eq!(&*soon(other.recv()).await.expect("received"), [n]);
    }
    // Unsubscribing does not wait for it either.
    drop(callback);
    drop(release);
    connection.close();
    eventually("the SFU has no session left", || sfu.sessions() == 0).await;
}
