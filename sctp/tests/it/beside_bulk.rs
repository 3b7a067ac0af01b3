//! Control beside bulk over 10 Mbit/s and 40 ms.

use std::time::{Duration, Instant};

use bytes::Bytes;
use farwire_sctp::{Channel, Config, CongestionControl, Delivery, Kind, Priority};

use crate::basics::{connected, wire};

const CONTROL: u16 = 1;
const BULK: u16 = 2;

/// How late control comes, 64 bytes at 100 Hz, in milliseconds: p50, p99. And how much of the path the bulk has used.
fn lateness(control: CongestionControl, loss: f64, has_bulk: bool, seeds: u64) -> (f64, f64, f64) {
    let mut config = Config::default();
    config.congestion = control;
    let (mut late, mut bulk, mut time) = (Vec::new(), 0.0, 0.0);
    for seed in 0..seeds {
        let mut net = connected(seed, [config.clone(), config.clone()], wire(20).bottleneck(1.25e6, 64_000));
        net.a.set_priority(CONTROL, Priority::CONTROL);
        net.a.open_negotiated(BULK, &Channel::new(Delivery::reliable()).priority(Priority::BULK)).expect("free");
        for wire in &mut net.wires {
            wire.loss = loss;
        }
        let (begun, mut next) = (net.now, net.now);
        let over = begun + Duration::from_secs(20);
        let mut sent: Vec<Instant> = Vec::new();
        let mut received = 0;
        while net.now < over {
            while next <= net.now {
                net.a.send(net.now, CONTROL, Kind::Binary, Bytes::from(vec![7; 64])).expect("sent");
                sent.push(net.now);
                next += Duration::from_millis(10);
            }
            while has_bulk && net.a.buffered_amount(BULK) < 64_000 {
                net.a.send(net.now, BULK, Kind::Binary, Bytes::from(vec![8; 16_384])).expect("sent");
            }
            net.step(next);
            while let Some(message) = net.b.receive() {
                match message.stream {
                    CONTROL => {
                        late.push((net.now - sent[received]).as_secs_f64() * 1e3);
                        received += 1;
                    }
                    _ => bulk += message.bytes.len() as f64,
                }
            }
        }
        time += 20.0;
    }
    late.sort_by(f64::total_cmp);
    let quantile = |share: f64| late[((late.len() - 1) as f64 * share) as usize];
    (quantile(0.5), quantile(0.99), bulk / time / 1.25e6)
}

#[test]
fn control_is_not_late_beside_bulk_that_minds_the_queue() {
    for loss in [0.0, 0.01] {
        let alone = lateness(CongestionControl::Delay, loss, false, 3);
        let beside = lateness(CongestionControl::Delay, loss, true, 3);
        let seen = format!("{loss}: alone {alone:.1?}; beside {beside:.1?}");
        println!("{seen}");
        assert!(beside.0 <= 1.2 * alone.0 && beside.1 <= 1.25 * alone.1, "{seen}");
        assert!(beside.2 > 0.8, "the path is used: {seen}");
    }
}

#[test]
fn control_waits_for_a_full_queue_and_no_longer_beside_bulk_that_fills_it() {
    for loss in [0.0, 0.01] {
        let alone = lateness(CongestionControl::NewReno, loss, false, 3);
        let beside = lateness(CongestionControl::NewReno, loss, true, 3);
        let seen = format!("{loss}: alone {alone:.1?}; beside {beside:.1?}");
        println!("{seen}");
        // The queue takes 51 ms, and a loss in it a round trip.
        assert!(beside.0 <= 75.0 && beside.1 <= 150.0, "{seen}");
        assert!(beside.2 > 0.2, "the path is used: {seen}");
    }
}
