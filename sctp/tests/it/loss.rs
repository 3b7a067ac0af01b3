//! How late messages come on a path that loses one packet in twenty or in a hundred.

use std::time::Duration;

use bytes::Bytes;
use farwire_sctp::{Config, Delivery, Kind};

use crate::basics::{configs, connected, wire};
use crate::network::Wire;

/// How late messages of 100 bytes at this rate came, over ten seeds: ordered, in milliseconds.
fn lateness(hz: u64, round_trip: u64, loss: f64, configs: &[Config; 2], wire: &Wire) -> Vec<f64> {
    let mut late = Vec::new();
    for seed in 0..10 {
        let mut net = connected(seed, configs.clone(), wire.clone());
        for wire in &mut net.wires {
            wire.loss = loss;
        }
        // Both ends know the path from what they said at first.
        let (count, pause) = (if hz == 1 { 60 } else { 60 * hz.min(50) }, Duration::from_millis(1000 / hz));
        let mut sent = Vec::new();
        let mut received = 0;
        let mut next = net.now + Duration::from_millis(round_trip);
        while received < count {
            while next <= net.now && (sent.len() as u64) < count {
                net.a.send(net.now, 1, Kind::Binary, Bytes::from(vec![7; 100])).expect("sent");
                sent.push(net.now);
                next += pause;
            }
            let until = if (sent.len() as u64) < count { next } else { net.now + Duration::from_secs(10) };
            net.step(until);
            while net.b.receive().is_some() {
                late.push((net.now - sent[received as usize]).as_secs_f64() * 1e3);
                received += 1;
            }
        }
        assert!(net.a.poll_event().is_some());
    }
    late.sort_by(f64::total_cmp);
    late
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

#[test]
fn lost_messages_come_soon() {
    let mut table = String::new();
    for hz in [1, 10, 100] {
        for (round_trip, most) in [(20, 80.0), (100, 220.0)] {
            let late = lateness(hz, round_trip, 0.05, &configs(), &wire(round_trip / 2));
            let (p50, p99, max) = (quantile(&late, 0.5), quantile(&late, 0.99), quantile(&late, 1.0));
            table += &format!("{hz} Hz, {round_trip} ms: p50 {p50:.0} p99 {p99:.0} max {max:.0}\n");
            assert!(p99 <= most && max <= 350.0, "{table}");
        }
    }
    println!("{table}");
}

/// Takes the wish for an acknowledgement at once out of packets without checksum.
fn without_wishes(packet: &mut [u8]) {
    assert_eq!(packet[8..12], [0; 4]);
    let mut at = 12;
    while at + 4 <= packet.len() {
        if matches!(packet[at], 0 | 64) {
            packet[at + 1] &= !8;
        }
        at += usize::from(u16::from_be_bytes([packet[at + 2], packet[at + 3]])).next_multiple_of(4);
    }
}

#[test]
fn a_far_end_that_delays_acknowledgements_is_learned_and_collapses_nothing() {
    let mut lazy = Config::default();
    lazy.ack_delay = Duration::from_millis(200);
    let mut net = connected(1, [Config::default(), lazy], wire(10));
    net.run(Duration::from_millis(100));
    net.wires[0].tamper = Some(without_wishes);
    let send = |net: &mut crate::basics::Pair, len: usize| {
        net.a.send(net.now, 1, Kind::Binary, Bytes::from(vec![7; len])).expect("sent");
        while net.b.receive().is_some() {}
    };
    // Lone packets, whose acknowledgements come with the probe or 200 ms late.
    for _ in 0..40 {
        send(&mut net, 100);
        net.run(Duration::from_millis(1000));
    }
    let stats = net.a.stats();
    assert_eq!((stats.timeouts, stats.congestion_events), (0, 0), "{stats:?}");
    assert!(stats.probes <= 12, "it is learned: {stats:?}");
    assert!(stats.peer_ack_delay >= Duration::from_millis(150), "{stats:?}");
    // Bulk with odd packets at its ends.
    for _ in 0..20 {
        send(&mut net, 60_000);
        net.run(Duration::from_millis(500));
    }
    let stats = net.a.stats();
    assert_eq!((stats.timeouts, stats.congestion_events), (0, 0), "{stats:?}");
    assert!(net.a.is_flushed() && stats.window > 60_000, "{stats:?}");
}

#[test]
fn messages_that_are_sent_once_are_not_lost_for_coming_out_of_order() {
    for seed in 0..20 {
        let mut net = connected(seed, configs(), wire(20));
        for wire in &mut net.wires {
            wire.jitter = Duration::from_millis(10);
        }
        let mut received = 0;
        for n in 0..1000 {
            net.a.send_with(net.now, 1, Kind::Binary, Bytes::from(vec![7; 100]), Delivery::lossy()).expect("sent");
            net.run(Duration::from_millis(if n % 10 == 0 { 50 } else { 1 }));
            received += std::iter::from_fn(|| net.b.receive()).count();
        }
        net.run(Duration::from_secs(1));
        received += std::iter::from_fn(|| net.b.receive()).count();
        assert_eq!((received, net.a.stats().messages_abandoned), (1000, 0), "seed {seed}: {:?}", net.a.stats());
        assert!(net.a.is_flushed());
    }
}

#[test]
fn messages_that_are_sent_once_and_lost_are_given_up_and_hold_nothing_up() {
    let mut net = connected(3, configs(), wire(20));
    for wire in &mut net.wires {
        wire.loss = 0.1;
    }
    let mut received = 0;
    for _ in 0..1000 {
        net.a.send_with(net.now, 1, Kind::Binary, Bytes::from(vec![7; 1000]), Delivery::lossy()).expect("sent");
        net.run(Duration::from_millis(1));
        received += std::iter::from_fn(|| net.b.receive()).count();
    }
    net.run(Duration::from_secs(10));
    received += std::iter::from_fn(|| net.b.receive()).count();
    let stats = net.a.stats();
    assert!((850..950).contains(&received), "{received}: {stats:?}");
    // Of some that came the acknowledgement was lost.
    let lost = 1000 - received as u64;
    assert!((lost..lost + 40).contains(&stats.messages_abandoned), "{received}: {stats:?}");
    assert!(net.a.is_flushed());
}

#[test]
fn a_path_that_becomes_longer_is_learned_after_one_needless_probe() {
    for size in [100, 4000] {
        let mut net = connected(1, configs(), wire(1));
        let ms = Duration::from_millis(1);
        for n in 0..100 {
            if n == 20 {
                net.wires.iter_mut().for_each(|wire| wire.delay = 40 * ms);
            }
            net.a.send(net.now, 1, Kind::Binary, Bytes::from(vec![7; size])).expect("sent");
            net.run(100 * ms);
        }
        let stats = net.a.stats();
        assert!(stats.retransmits <= 10 && stats.timeouts == 0, "{size}: {stats:?}");
        assert!(stats.round_trip.is_some_and(|trip| trip > 70 * ms), "{size}: {stats:?}");
    }
}
