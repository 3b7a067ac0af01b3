use std::thread;

use farwire_core::client::Client;
use farwire_core::{Config, Delivery, EndReason, Topic};

use super::*;

/// A mailbox comes from a client alone.
fn mailbox(delivery: Delivery) -> SharedMailbox {
    let (_, lead) = farwire_udp::Waiter::new(Vec::new()).expect("a waiter");
    let config = Config::new("http://127.0.0.1:9/v1", "app", "secret").expect("a good config");
    let now = Instant::now();
    let mut client = Client::new(
        &config,
        [1, 2].map(|port| std::net::SocketAddr::from(([127, 0, 0, 1], port))),
        0,
        Sharing(lead),
        now,
    );
    let topic = Topic::new("t").expect("a topic");
    client.subscribe(now, &topic, delivery.into(), None).expect("a subscription").1
}

fn end(mailbox: &SharedMailbox) {
    if mailbox.update(|mailbox| mailbox.end(RecvError::Closed(EndReason::Closed))) {
        mailbox.wake();
    }
}

#[test]
fn waits_no_longer_than_asked() {
    let mailbox = mailbox(Delivery::LOSSY);
    let start = Instant::now();
    assert_eq!(mailbox.receive(Some(Instant::now() + Duration::from_millis(20))), Err(RecvError::Timeout));
    assert_eq!(mailbox.wait_open(Duration::from_millis(20)), Err(RecvError::Timeout));
    assert!(start.elapsed() >= Duration::from_millis(40));
    assert_eq!(mailbox.receive(Some(Instant::now())), Err(RecvError::Timeout));
    mailbox.with(Mailbox::note_opened);
    assert_eq!(mailbox.wait_open(Duration::ZERO), Ok(()));
}

#[test]
fn whoever_waits_is_woken_by_what_it_waits_for() {
    let mailbox = mailbox(Delivery::RELIABLE);
    thread::scope(|scope| {
        let receivers: Vec<_> = (0..4).map(|_| scope.spawn(|| mailbox.receive(None))).collect();
        let opening = scope.spawn(|| mailbox.wait_open(Duration::MAX));
        while mailbox.lock().waiting < 5 {
            thread::yield_now();
        }
        mailbox.with(Mailbox::note_opened);
        mailbox.wake();
        assert_eq!(opening.join().expect("no panic"), Ok(()));
        end(&mailbox);
        for receiver in receivers {
            assert_eq!(receiver.join().expect("no panic"), Err(RecvError::Closed(EndReason::Closed)));
        }
    });
}
