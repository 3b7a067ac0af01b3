//! Publishers that are faster than the network, and threads that compete for the connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use farwire_blocking::{Accepted, Delivery, EndReason, PublishError, Publisher};

use crate::leftovers::shared;
use crate::sfu::{PATIENCE, connection, eventually, follower, start};

/// Large enough that a few dozen fill a queue.
static LARGE: [u8; 60 << 10] = [7; 60 << 10];

fn fill(publisher: &Publisher) -> PublishError {
    loop {
        if let Err(error) = publisher.try_publish(&LARGE) {
            return error;
        }
    }
}

#[test]
fn a_full_reliable_topic_blocks_publish_but_not_try_publish() {
    let _shared = shared();
    let sfu = start();
    let robot = connection(&sfu);
    let publisher = robot.publisher_with("big", Delivery::RELIABLE).expect("a publisher");
    for _ in 0..3 {
        assert!(matches!(fill(&publisher), PublishError::QueueFull { .. }));
        assert!(publisher.publish(&LARGE).is_ok());
    }
    assert!(robot.flush(PATIENCE));
    assert_eq!(publisher.publish(&LARGE), Ok(Accepted::Sent));
}

#[test]
fn close_wakes_a_blocked_publisher_and_a_flush() {
    let _shared = shared();
    let sfu = start();
    let robot = connection(&sfu);
    // Its channel cannot open, since the SFU has gone; so its queue stays full.
    let publisher = robot.publisher_with("big", Delivery::RELIABLE).expect("a publisher");
    let stuck = thread::scope(|scope| {
        let publishing = scope.spawn(|| {
            loop {
                if let Err(error) = publisher.publish(&LARGE) {
                    return error;
                }
            }
        });
        let flushing = scope.spawn(|| {
            while robot.flush(PATIENCE) {
                thread::yield_now();
            }
        });
        thread::sleep(Duration::from_millis(100));
        robot.close();
        flushing.join().expect("no panic");
        publishing.join().expect("no panic")
    });
    assert!(matches!(stuck, PublishError::Ended { reason: EndReason::Closed, .. }), "{stuck}");
}

#[test]
fn a_reliable_flood_loses_nothing() {
    let _shared = shared();
    const COUNT: u32 = 50_000;
    let sfu = start();
    let robot = connection(&sfu);
    let operator = follower(&sfu, &robot);
    let publisher = robot.publisher_with("flood", Delivery::RELIABLE).expect("a publisher");
    let subscription = operator.subscribe_with("flood", Delivery::RELIABLE).expect("a subscription");
    subscription.wait_open(PATIENCE).expect("the channel opens");
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..COUNT {
                publisher.publish(&n.to_be_bytes()).expect("published");
            }
        });
        for n in 0..COUNT {
            assert_eq!(&*subscription.recv_timeout(PATIENCE).expect("a message"), n.to_be_bytes());
        }
    });
    assert_eq!(subscription.dropped(), 0);
}

#[test]
fn flooding_publishers_starve_neither_the_receiver_nor_each_other() {
    let _shared = shared();
    let sfu = start();
    let robot = connection(&sfu);
    let subscription = robot.subscribe_with("echo", Delivery::RELIABLE).expect("a subscription");
    let echo = robot.publisher_with("echo", Delivery::RELIABLE).expect("a publisher");
    subscription.wait_open(PATIENCE).expect("the channel opens");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for n in 0..3 {
            let flood = robot.publisher(&format!("flood/{n}")).expect("a publisher");
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    flood.publish(&[0; 64]).expect("published");
                }
            });
        }
        thread::sleep(Duration::from_millis(200));
        for _ in 0..20 {
            let start = Instant::now();
            echo.publish(b"ping").expect("published");
            subscription.recv_timeout(PATIENCE).expect("a message");
            assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        }
        for n in 0..3 {
            let sent = || robot.topic_stats(&format!("flood/{n}")).map_or(0, |stats| stats.sent);
            eventually("every publisher gets its turns", || sent() > 100);
        }
        stop.store(true, Ordering::Relaxed);
    });
}
