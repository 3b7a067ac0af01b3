//! Any number of threads.

use std::sync::Barrier;
use std::thread;

use super::*;

/// Threads publish on one topic, with clones or publishers of their own: all arrives, each thread's in its order.
pub(crate) fn publish_together<D: Driver>(driver: &D) {
    const THREADS: u32 = 8;
    const EACH: u32 = 50;
    let robot = robot(driver);
    let operator = follower(driver, &robot);
    let mut subscription = subscription_before::<D>(&robot, &operator);
    let shared = publisher::<D>(&robot, "t");
    let together = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for n in 0..THREADS {
            let (robot, shared, together) = (&robot, shared.clone(), &together);
            scope.spawn(move || {
                together.wait();
                let publisher = if n.is_multiple_of(2) { shared } else { publisher::<D>(robot, "t") };
                publish_numbers(&publisher, n * EACH..(n + 1) * EACH);
            });
        }
    });
    let received: Vec<u32> = (0..THREADS * EACH).map(|_| number(&subscription.recv().expect("a message"))).collect();
    for n in 0..THREADS {
        let of_thread: Vec<u32> = received.iter().copied().filter(|number| number / EACH == n).collect();
        assert_eq!(of_thread, (n * EACH..(n + 1) * EACH).collect::<Vec<_>>());
    }
    expect_nothing(&mut subscription);
}

fn subscription_before<D: Driver>(robot: &D::Connection, operator: &D::Connection) -> SubscriptionOf<D> {
    let _publisher = publisher::<D>(robot, "t");
    subscription::<D>(operator, "t", RELIABLE)
}

/// Threads publish on topics of their own.
pub(crate) fn publish_side_by_side<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let operator = follower(driver, &robot);
    let topics = ["a", "b", "c", "d"];
    let publishers = topics.map(|topic| publisher::<D>(&robot, topic));
    let subscriptions = topics.map(|topic| subscription::<D>(&operator, topic, RELIABLE));
    thread::scope(|scope| {
        publishers.iter().for_each(|publisher| {
            scope.spawn(|| publish_numbers(publisher, 0..200));
        });
        for mut subscription in subscriptions {
            scope.spawn(move || expect_numbers(&mut subscription, 0..200));
        }
    });
}

/// A topic's first publisher and first subscription, at the same time: neither fails, and they meet.
pub(crate) fn race_for_a_new_topic<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let operator = follower(driver, &robot);
    for n in 0..10 {
        let topic = format!("new/{n}");
        let together = Barrier::new(3);
        let (publisher, mut subscriptions) = thread::scope(|scope| {
            let publishing = scope.spawn(|| {
                together.wait();
                let publisher = publisher::<D>(&robot, &topic);
                publisher.publish(b"first").expect("published");
                publisher
            });
            let subscribing = [&robot, &operator].map(|connection| {
                scope.spawn(|| {
                    together.wait();
                    connection.subscribe(&topic, RELIABLE.into()).expect("a subscription")
                })
            });
            let subscriptions = subscribing.map(|subscribing| subscribing.join().expect("no panic"));
            (publishing.join().expect("no panic"), subscriptions)
        });
        for subscription in &mut subscriptions {
            await_open::<D>(subscription);
        }
        publisher.publish(b"second").expect("published");
        for mut subscription in subscriptions {
            // The first may have been too early for it.
            let mut message = subscription.recv().expect("a message");
            if *message == *b"first" {
                message = subscription.recv().expect("a message");
            }
            assert_eq!(*message, *b"second");
            expect_nothing(&mut subscription);
        }
    }
}

/// Subscriptions come and go while others publish and receive.
pub(crate) fn subscribe_and_unsubscribe_while_others_publish<D: Driver>(driver: &D) {
    let robot = robot(driver);
    let operator = follower(driver, &robot);
    let publisher = publisher::<D>(&robot, "t");
    let mut kept = subscription::<D>(&operator, "t", RELIABLE);
    thread::scope(|scope| {
        scope.spawn(|| publish_numbers(&publisher, 0..500));
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let mut passing = operator.subscribe("t", RELIABLE.into()).expect("a subscription");
                    let _ = passing.try_recv();
                }
            });
        }
        expect_numbers(&mut kept, 0..500);
    });
    expect_nothing(&mut kept);
}
