use std::thread;

use farwire_core::client::{Client, Inbox};
use farwire_core::{Config, Delivery, EndReason, Message, Topic};
use farwire_driver::Sharing;

use super::*;

/// A mailbox comes from a client alone.
fn mailbox(delivery: Delivery) -> SharedMailbox<Waiters, Message> {
    let (_, lead) = farwire_udp::Waiter::new(Vec::new()).expect("a waiter");
    let config = Config::new("http://127.0.0.1:9/v1", "app", "secret").expect("a good config");
    let now = Instant::now();
    let mut client = Client::new(
        &config,
        [1, 2].map(|port| std::net::SocketAddr::from(([127, 0, 0, 1], port))),
        0,
        Sharing(Waiters::new(lead)),
        now,
    );
    let topic = Topic::new("t").expect("a topic");
    client.subscribe(now, &topic, delivery.into(), None).expect("a subscription").1
}

fn receive(mailbox: &SharedMailbox<Waiters, Message>, deadline: Option<Instant>) -> Result<Message, RecvError> {
    wait_for(mailbox, deadline, |mailbox| mailbox.take(Instant::now()))
}

fn wait_open(mailbox: &SharedMailbox<Waiters, Message>, timeout: Duration) -> Result<(), RecvError> {
    wait_for(mailbox, Instant::now().checked_add(timeout), |mailbox| mailbox.opened())
}

fn end(mailbox: &SharedMailbox<Waiters, Message>) {
    if mailbox.update(|mailbox| mailbox.end(RecvError::Closed(EndReason::Closed))) {
        mailbox.wake();
    }
}

#[test]
fn waits_no_longer_than_asked() {
    let mailbox = mailbox(Delivery::LOSSY);
    let start = Instant::now();
    assert_eq!(receive(&mailbox, Some(Instant::now() + Duration::from_millis(20))), Err(RecvError::Timeout));
    assert_eq!(wait_open(&mailbox, Duration::from_millis(20)), Err(RecvError::Timeout));
    assert!(start.elapsed() >= Duration::from_millis(40));
    assert_eq!(receive(&mailbox, Some(Instant::now())), Err(RecvError::Timeout));
    mailbox.with(Mailbox::note_opened);
    assert_eq!(wait_open(&mailbox, Duration::ZERO), Ok(()));
}

#[test]
fn whoever_waits_is_woken_by_what_it_waits_for() {
    let mailbox = mailbox(Delivery::RELIABLE);
    thread::scope(|scope| {
        let receivers: Vec<_> = (0..4).map(|_| scope.spawn(|| receive(&mailbox, None))).collect();
        let opening = scope.spawn(|| wait_open(&mailbox, Duration::MAX));
        while mailbox.lock().waiting.threads < 5 {
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
