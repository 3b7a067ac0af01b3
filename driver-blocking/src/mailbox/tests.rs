use std::thread;

use super::*;

fn mailbox(delivery: Delivery) -> Mailbox {
    let (_, lead) = farwire_udp::Waiter::new(Vec::new()).expect("a waiter");
    Mailbox::new(Topic::new("t").expect("a topic"), delivery, lead)
}

fn deliver(mailbox: &Mailbox, messages: impl IntoIterator<Item = Vec<u8>>) {
    let payload = |bytes: Vec<u8>| Payload { bytes: bytes.into(), binary: true };
    if mailbox.deliver(&mut messages.into_iter().map(payload).collect()) {
        mailbox.notify();
    }
}

fn numbers(range: std::ops::Range<u32>) -> impl Iterator<Item = Vec<u8>> {
    range.map(|n| n.to_be_bytes().to_vec())
}

fn number(message: &Message) -> u32 {
    u32::from_be_bytes(message.as_ref().try_into().expect("four bytes"))
}

#[test]
fn a_lossy_mailbox_keeps_the_newest_1024() {
    let mailbox = mailbox(Delivery::LOSSY);
    deliver(&mailbox, numbers(0..1000));
    deliver(&mailbox, numbers(1000..3000));
    assert_eq!(mailbox.dropped(), 3000 - 1024);
    for expected in 3000 - 1024..3000 {
        assert_eq!(mailbox.try_receive().map(|message| message.as_ref().map(number)), Ok(Some(expected)));
    }
    assert_eq!(mailbox.try_receive(), Ok(None));
}

#[test]
fn a_lossy_mailbox_keeps_8_mib() {
    let mailbox = mailbox(Delivery::LOSSY);
    deliver(&mailbox, (0..40).map(|n| vec![n; 256 << 10]));
    assert_eq!(mailbox.dropped(), 8);
    assert_eq!(mailbox.receive(None).map(|message| message[0]), Ok(8));
}

#[test]
fn a_reliable_mailbox_tells_of_a_gap_once_and_before_what_follows_it() {
    let mailbox = mailbox(Delivery::RELIABLE);
    deliver(&mailbox, numbers(0..65_536));
    assert_eq!(mailbox.receive(None).map(|message| number(&message)), Ok(0));
    deliver(&mailbox, numbers(65_536..65_540));
    assert_eq!((mailbox.receive(None), mailbox.dropped()), (Err(RecvError::Lagged(3)), 3));
    for expected in 4..65_540 {
        assert_eq!(mailbox.receive(None).map(|message| number(&message)), Ok(expected));
    }
    assert_eq!(mailbox.try_receive(), Ok(None));
}

#[test]
fn a_reliable_mailbox_keeps_64_mib() {
    let mailbox = mailbox(Delivery::RELIABLE);
    deliver(&mailbox, (0..=64).map(|n| vec![n; 1 << 20]));
    assert_eq!(mailbox.try_receive(), Err(RecvError::Lagged(1)));
    assert_eq!(mailbox.receive(None).map(|message| message[0]), Ok(1));
}

#[test]
fn latest_skips_counts_and_ends() {
    let mailbox = mailbox(Delivery::RELIABLE);
    assert_eq!(mailbox.latest(), Ok(None));
    deliver(&mailbox, numbers(0..70_000));
    assert_eq!(mailbox.latest().map(|message| message.as_ref().map(number)), Ok(Some(69_999)));
    assert_eq!((mailbox.latest(), mailbox.dropped()), (Ok(None), 69_999));
    deliver(&mailbox, numbers(7..8));
    mailbox.close(EndReason::Closed);
    assert_eq!(mailbox.latest().map(|message| message.as_ref().map(number)), Ok(Some(7)));
    assert_eq!(mailbox.latest(), Err(RecvError::Closed(EndReason::Closed)));
}

#[test]
fn what_has_arrived_is_received_after_the_end() {
    let mailbox = mailbox(Delivery::LOSSY);
    deliver(&mailbox, numbers(0..2));
    mailbox.close(EndReason::Closed);
    assert_eq!(mailbox.receive(None).map(|message| number(&message)), Ok(0));
    assert_eq!(mailbox.receive(None).map(|message| number(&message)), Ok(1));
    for _ in 0..2 {
        assert_eq!(mailbox.receive(None), Err(RecvError::Closed(EndReason::Closed)));
        assert_eq!(mailbox.wait_open(Duration::MAX), Err(RecvError::Closed(EndReason::Closed)));
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
    mailbox.opened();
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
        mailbox.opened();
        assert_eq!(opening.join().expect("no panic"), Ok(()));
        deliver(&mailbox, numbers(0..3));
        while mailbox.lock().waiting > 1 {
            thread::yield_now();
        }
        mailbox.close(EndReason::Closed);
        let results: Vec<_> = receivers.into_iter().map(|receiver| receiver.join().expect("no panic")).collect();
        let mut received: Vec<_> = results.iter().flatten().map(number).collect();
        received.sort_unstable();
        assert_eq!(received, [0, 1, 2]);
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
    });
}

#[test]
fn an_interruption_is_told_in_its_place() {
    let mailbox = mailbox(Delivery::RELIABLE);
    deliver(&mailbox, numbers(0..1));
    mailbox.opened();
    mailbox.interrupted();
    mailbox.interrupted();
    assert_eq!(mailbox.wait_open(Duration::ZERO), Err(RecvError::Timeout));
    deliver(&mailbox, numbers(1..2));
    assert_eq!(mailbox.receive(None).map(|message| number(&message)), Ok(0));
    assert_eq!(mailbox.receive(None), Err(RecvError::Interrupted));
    assert_eq!(mailbox.receive(None).map(|message| number(&message)), Ok(1));
    mailbox.interrupted();
    assert_eq!((mailbox.latest(), mailbox.dropped()), (Ok(None), 0));
}

#[test]
fn a_lossy_topic_does_not_tell_of_interruptions() {
    let mailbox = mailbox(Delivery::LOSSY);
    mailbox.opened();
    mailbox.interrupted();
    assert_eq!(mailbox.try_receive(), Ok(None));
    assert_eq!(mailbox.wait_open(Duration::ZERO), Err(RecvError::Timeout));
}
