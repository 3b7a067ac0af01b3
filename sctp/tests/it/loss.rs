//! How late messages come on a path that loses one packet in twenty or in a hundred.

use std::time::Duration;

use bytes::Bytes;
use farwire_sctp::{Config, Kind};

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
