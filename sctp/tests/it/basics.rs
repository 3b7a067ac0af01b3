//! What two ends do over a network without faults.

use std::time::{Duration, Instant};

use bytes::Bytes;
use farwire_sctp::{Association, Channel, Config, Delivery, EndReason, Event, Kind, Part, SendError};

use crate::network::{Network, Wire};

pub(crate) type Pair = Network<Association, Association>;

/// Two ends of these settings, not connected.
pub(crate) fn pair(seed: u64, configs: [Config; 2], wire: Wire) -> Pair {
    let now = Instant::now();
    let [a, b] = configs;
    let a = Association::new(a, [1; 32], now);
    let b = Association::new(b, [2; 32], now);
    Network::new(seed, now, wire, a, b)
}

/// Two ends that are connected, with stream 1 open.
pub(crate) fn connected(seed: u64, configs: [Config; 2], wire: Wire) -> Pair {
    let mut net = pair(seed, configs, wire);
    net.a.connect(net.now);
    net.b.connect(net.now);
    assert!(net.run_until(Duration::from_secs(60), |net| net.a.is_connected() && net.b.is_connected()), "seed {seed}");
    net.a.open_negotiated(1, &Channel::new(Delivery::reliable())).expect("free");
    net.b.open_negotiated(1, &Channel::new(Delivery::reliable())).expect("free");
    net
}

pub(crate) fn wire(ms: u64) -> Wire {
    Wire::new(Duration::from_millis(ms))
}

pub(crate) fn configs() -> [Config; 2] {
    [Config::default(), Config::default()]
}

pub(crate) fn events(end: &mut Association) -> Vec<Event> {
    std::iter::from_fn(|| end.poll_event()).collect()
}

fn plain() -> Config {
    let mut config = Config::default();
    (config.interleaving, config.zero_checksum) = (false, false);
    config
}

#[test]
fn either_end_or_both_may_begin() {
    for who in 1..4 {
        let mut net = pair(who, configs(), wire(10));
        if who & 1 != 0 {
            net.a.connect(net.now);
        }
        if who & 2 != 0 {
            net.b.connect(net.now);
        }
        let begun = net.now;
        assert!(net.run_until(Duration::from_secs(1), |net| net.a.is_connected() && net.b.is_connected()));
        assert!(net.now - begun <= Duration::from_millis(40), "two round trips");
        net.run(Duration::from_secs(1));
        for end in [&mut net.a, &mut net.b] {
            assert_eq!(events(end), [Event::Connected], "{who}");
            let stats = end.stats();
            assert!(stats.interleaving && stats.zero_checksum);
        }
    }
}

#[test]
fn what_only_one_end_offers_is_not_used() {
    let mut net = connected(1, [Config::default(), plain()], wire(10));
    net.a.send(net.now, 1, Kind::Text, Bytes::from("hello")).expect("sent");
    net.run(Duration::from_millis(100));
    assert_eq!(net.b.receive().expect("received").bytes, "hello");
    for end in [&net.a, &net.b] {
        assert!(!end.stats().interleaving && !end.stats().zero_checksum);
    }
}

#[test]
fn messages_of_any_size_and_kind_arrive_both_ways() {
    for config in [Config::default(), plain()] {
        let mut net = connected(1, [config.clone(), config], wire(10));
        let sizes = [0, 1, 2, 1151, 1152, 1153, 1168, 1172, 1173, 5000, 65_536, 262_144];
        for (n, size) in sizes.into_iter().enumerate() {
            let bytes: Vec<u8> = (0..size).map(|at| (at * 7 + n) as u8).collect();
            let kind = if n % 2 == 0 { Kind::Text } else { Kind::Binary };
            net.a.send(net.now, 1, kind, Bytes::from(bytes.clone())).expect("sent");
            net.b.send(net.now, 1, kind, Bytes::from(bytes.clone())).expect("sent");
            net.run(Duration::from_secs(1));
            for end in [&mut net.a, &mut net.b] {
                let found = end.receive().expect("received");
                assert_eq!((found.stream, found.kind, found.part), (1, kind, Part::Whole));
                assert!(found.bytes == bytes, "{size} bytes");
            }
            assert!(net.a.is_flushed() && net.b.is_flushed());
        }
        for end in [&net.a, &net.b] {
            let stats = end.stats();
            assert_eq!((stats.retransmits, stats.duplicates, stats.timeouts, stats.held), (0, 0, 0, 0), "{stats:?}");
            assert_eq!(stats.messages_received, sizes.len() as u64);
        }
    }
}

#[test]
fn a_slow_reader_closes_the_window_and_opens_it_again() {
    let mut net = connected(1, configs(), wire(5));
    let message = Bytes::from(vec![7; 60_000]);
    let mut sent = 0;
    for _ in 0..200 {
        while net.a.has_room(message.len()) {
            net.a.send(net.now, 1, Kind::Binary, message.clone()).expect("sent");
            sent += 1;
        }
        net.run(Duration::from_millis(20));
    }
    assert_eq!(net.a.send(net.now, 1, Kind::Binary, message.clone()), Err(SendError::Full));
    assert!(net.b.stats().held <= (1 << 20) + 70_000, "{:?}", net.b.stats());
    let mut received = 0;
    assert!(
        net.run_until(Duration::from_secs(20), |net| {
            received += std::iter::from_fn(|| net.b.receive()).count();
            received == sent
        }),
        "{received} of {sent}"
    );
    assert!(events(&mut net.a).contains(&Event::Writable));
    assert!(net.a.stats().timeouts < 40, "{:?}", net.a.stats());
}

#[test]
fn a_shutdown_delivers_first_and_an_abort_does_not_wait() {
    let mut net = connected(1, configs(), wire(10));
    for _ in 0..50 {
        net.a.send(net.now, 1, Kind::Binary, Bytes::from(vec![1; 10_000])).expect("sent");
    }
    net.a.shutdown(net.now);
    assert_eq!(net.a.send(net.now, 1, Kind::Text, Bytes::from("x")), Err(SendError::Ended));
    net.run(Duration::from_secs(5));
    assert_eq!(std::iter::from_fn(|| net.b.receive()).count(), 50);
    assert_eq!(events(&mut net.a).last(), Some(&Event::Ended(EndReason::Local)));
    assert_eq!(events(&mut net.b).last(), Some(&Event::Ended(EndReason::Remote)));

    let mut net = connected(1, configs(), wire(10));
    net.a.abort(net.now);
    net.run(Duration::from_secs(5));
    assert_eq!(events(&mut net.a).last(), Some(&Event::Ended(EndReason::Local)));
    assert_eq!(events(&mut net.b).last(), Some(&Event::Ended(EndReason::Aborted(12))));
}

#[test]
fn nobody_there_is_noticed() {
    let mut net = pair(1, configs(), wire(10).loss(1.0));
    net.a.connect(net.now);
    net.run(Duration::from_secs(100));
    assert_eq!(events(&mut net.a), [Event::Ended(EndReason::Lost)]);

    let mut net = connected(1, configs(), wire(10));
    net.wires[0].loss = 1.0;
    net.wires[1].loss = 1.0;
    net.run(Duration::from_secs(200));
    assert_eq!(events(&mut net.a).last(), Some(&Event::Ended(EndReason::Lost)), "by its heartbeats");
}
