//! Channels: opened in band, closed by resets, and used anew.

use std::time::Duration;

use bytes::Bytes;
use farwire_sctp::{Channel, Config, Delivery, Event, Kind, MAX_NAMES, OpenError, Priority, Reliability, SendError};

use crate::basics::{Pair, configs, connected, events, wire};

fn told(net: &mut Pair, time: u64) -> [Vec<Event>; 2] {
    net.run(Duration::from_millis(time));
    [events(&mut net.a), events(&mut net.b)].map(|told| {
        told.into_iter().filter(|event| !matches!(event, Event::Readable | Event::BufferedAmountLow(_))).collect()
    })
}

#[test]
fn a_channel_opens_in_band_and_its_first_message_may_come_with_it() {
    let mut net = connected(1, configs(), wire(10));
    told(&mut net, 100);
    let delivery = Delivery::lossy().reliability(Reliability::Lifetime(Duration::from_millis(70)));
    let channel = Channel::new(delivery).label("näme").protocol("p").priority(Priority::CONTROL);
    net.a.open(net.now, 4, &channel).expect("free");
    assert_eq!(net.a.open(net.now, 4, &channel), Err(OpenError::InUse(4)));
    net.a.send(net.now, 4, Kind::Text, Bytes::from("first")).expect("open");
    let [a, b] = told(&mut net, 100);
    assert_eq!(a, [Event::Acknowledged(4)]);
    assert_eq!(b, [Event::Opened(4, channel)]);
    let first = net.b.receive().expect("it came");
    assert!(!first.unordered, "all is in order until the far end knows the channel");
    net.a.send(net.now, 4, Kind::Text, Bytes::from("second")).expect("open");
    net.b.send(net.now, 4, Kind::Text, Bytes::from("back")).expect("open");
    told(&mut net, 100);
    assert!(net.b.receive().expect("it came").unordered);
    assert!(net.a.receive().expect("it came").unordered);
    assert_eq!(net.b.receive(), None);
}

#[test]
fn names_are_bounded() {
    let mut net = connected(1, configs(), wire(10));
    let long = Channel::default().label("x".repeat(MAX_NAMES + 1));
    assert_eq!(net.a.open(net.now, 4, &long), Err(OpenError::Names(MAX_NAMES + 1)));
    assert_eq!(
        net.a.open_negotiated(65_535, &Channel::default()),
        Err(OpenError::NoSuchStream { stream: 65_535, count: 65_535 })
    );
}

#[test]
fn a_reset_delivers_what_was_sent_closes_both_directions_and_frees_the_id() {
    for loss in [0.0, 0.2] {
        for seed in 0..20 {
            let mut net = connected(seed, configs(), wire(10).loss(loss));
            told(&mut net, 100);
            for round in 0..5u8 {
                let channel = Channel::new(Delivery::reliable()).label(format!("{round}"));
                net.a.open(net.now, 2, &channel).expect("free");
                for n in 0..10 {
                    net.a.send(net.now, 2, Kind::Binary, Bytes::from(vec![round, n])).expect("open");
                }
                net.a.reset(2);
                assert_eq!(net.a.send(net.now, 2, Kind::Binary, Bytes::new()), Err(SendError::NotOpen(2)));
                let [a, b] = told(&mut net, 10_000);
                assert_eq!(b, [Event::Opened(2, channel)], "seed {seed}: the end comes behind the messages");
                assert!(a.starts_with(&[Event::Acknowledged(2)]) || a.contains(&Event::ResetDone(2)), "seed {seed}");
                for n in 0..10 {
                    assert_eq!(net.b.receive().expect("it came").bytes, vec![round, n], "seed {seed}");
                }
                assert_eq!(net.b.receive(), None);
                let [a, b] = told(&mut net, 10_000);
                assert_eq!(b, [Event::ResetByPeer(2), Event::ResetDone(2), Event::Closed(2)], "seed {seed}");
                assert_eq!(a, [Event::ResetByPeer(2), Event::Closed(2)], "seed {seed}");
            }
        }
    }
}

#[test]
fn both_may_reset_at_once_and_many_streams_in_one_go() {
    let mut net = connected(1, configs(), wire(10));
    told(&mut net, 100);
    for id in 10..510 {
        for end in [&mut net.a, &mut net.b] {
            end.open_negotiated(id, &Channel::default()).expect("free");
            end.send(net.now, id, Kind::Text, Bytes::from("x")).expect("open");
        }
    }
    net.run(Duration::from_millis(100));
    for id in 10..510 {
        net.a.reset(id);
        net.b.reset(id);
    }
    for end in [&mut net.a, &mut net.b] {
        assert_eq!(std::iter::from_fn(|| end.receive()).count(), 500);
    }
    let told = told(&mut net, 2000);
    for events in told {
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Closed(_))).count(), 500);
    }
    for id in 10..510 {
        net.a.open_negotiated(id, &Channel::default()).expect("free again");
    }
}

#[test]
fn a_stream_alone_is_read_and_the_others_keep_their_order() {
    let mut net = connected(1, configs(), wire(10));
    net.a.open_negotiated(2, &Channel::default()).expect("free");
    for n in 0..20u8 {
        net.a.send(net.now, 1 + u16::from(n % 2), Kind::Binary, Bytes::from(vec![n])).expect("open");
    }
    net.run(Duration::from_millis(100));
    for n in 0..5 {
        assert_eq!(net.b.receive_from(2).expect("it came").bytes, vec![2 * n + 1]);
    }
    let rest: Vec<u8> = std::iter::from_fn(|| net.b.receive()).map(|message| message.bytes[0]).collect();
    assert_eq!(rest, [0, 2, 4, 6, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    assert_eq!(net.b.stats().held, 0);
    // Taking from single streams alone leaves nothing behind.
    for _ in 0..2000 {
        net.a.send(net.now, 2, Kind::Binary, Bytes::from_static(b"x")).expect("open");
        net.run(Duration::from_millis(30));
        assert!(net.b.receive_from(2).is_some());
    }
}

#[test]
fn the_amount_that_waits_is_told() {
    let mut slow = Config::default();
    slow.max_window = 5000;
    let mut net = connected(1, [slow, Config::default()], wire(10));
    told(&mut net, 100);
    net.a.set_buffered_amount_low_threshold(1, 10_000);
    for _ in 0..10 {
        net.a.send(net.now, 1, Kind::Binary, Bytes::from(vec![7; 10_000])).expect("room");
    }
    assert_eq!(net.a.buffered_amount(1), 100_000);
    assert!(net.run_until(Duration::from_secs(5), |net| events(&mut net.a).contains(&Event::BufferedAmountLow(1))));
    assert!(net.a.buffered_amount(1) <= 10_000 && net.a.unacknowledged() > 0);
}
