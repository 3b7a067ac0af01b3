//! What a message costs in CPU, one way, both ends together, in memory and without loss, beside sctp-proto:
//! `cargo run --profile dist -p farwire-sctp --example cost`. On Linux.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use farwire_sctp::{Association, Channel, Config, Delivery, Kind};
use sctp_proto::{
    AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Payload, PayloadProtocolIdentifier,
    ServerConfig,
};

/// Messages given between two exchanges of packets.
const WRITES: usize = 16;

/// Messages of this many bytes altogether are measured, and at least so many.
const BYTES: usize = 64 << 20;
const LEAST: usize = 2_000;
const MOST: usize = 200_000;

fn main() {
    println!(
        "{:>7} {:>10} {:>12} {:>12} {:>12} {:>12}",
        "bytes", "in flight", "ours", "with sums", "no I-DATA", "sctp-proto"
    );
    for size in [64, 1024, 16_384, 65_536] {
        for in_flight in [32 << 10, 512 << 10] {
            if size > in_flight {
                continue;
            }
            let count = (BYTES / size).clamp(LEAST, MOST);
            // In turns, and the median of five.
            let mut all: [Vec<f64>; 4] = Default::default();
            for _ in 0..5 {
                all[0].push(ours(size, in_flight, count, |_| {}));
                all[1].push(ours(size, in_flight, count, |config| config.zero_checksum = false));
                all[2].push(ours(size, in_flight, count, |config| config.interleaving = false));
                all[3].push(proto(size, in_flight, count.min(20_000)));
            }
            let cells = all.map(|mut all| {
                all.sort_by(f64::total_cmp);
                all[2]
            });
            println!(
                "{size:>7} {in_flight:>10} {:>12.2} {:>12.2} {:>12.2} {:>12.2}",
                cells[0], cells[1], cells[2], cells[3]
            );
        }
    }
}

/// CPU time of this process.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/self/schedstat").expect("Linux");
    Duration::from_nanos(text.split(' ').next().and_then(|ns| ns.parse().ok()).expect("a number"))
}

fn ours(size: usize, in_flight: usize, count: usize, change: impl Fn(&mut Config)) -> f64 {
    let mut now = Instant::now();
    let mut config = Config::default();
    config.max_window = in_flight;
    config.send_buffer = 8 << 20;
    config.receive_buffer = 4 << 20;
    change(&mut config);
    let mut ends = [1, 2].map(|seed| Association::new(config.clone(), [seed; 32], now));
    ends[0].connect(now);
    let mut packet = Vec::new();
    let mut exchange = |ends: &mut [Association; 2], now: Instant, rounds: usize| {
        for _ in 0..rounds {
            let [a, b] = ends;
            while a.poll_packet(now, &mut packet) {
                b.handle_packet(now, &packet);
            }
            while b.poll_packet(now, &mut packet) {
                a.handle_packet(now, &packet);
            }
        }
    };
    exchange(&mut ends, now, 4);
    ends[0].open_negotiated(1, &Channel::new(Delivery::reliable())).expect("free");
    let message = Bytes::from(vec![7; size]);
    // So much waits for its acknowledgement at any time: the window, and what the acknowledgements are behind.
    let mut waiting = std::collections::VecDeque::new();
    let (mut sent, mut received) = (0, 0);
    let begun = cpu();
    while received < count {
        for _ in 0..WRITES {
            if sent < count && ends[0].unacknowledged() + size <= in_flight {
                ends[0].send(now, 1, Kind::Binary, message.clone()).expect("room");
                sent += 1;
            }
        }
        let [a, b] = &mut ends;
        let mut packet = Vec::new();
        while a.poll_packet(now, &mut packet) {
            b.handle_packet(now, &packet);
        }
        while b.receive().is_some() {
            received += 1;
        }
        while b.poll_packet(now, &mut packet) {
            waiting.push_back(std::mem::take(&mut packet));
        }
        // Acknowledgements are as late as keeps the window full.
        while ends[0].unacknowledged() + WRITES * size > in_flight || sent == count {
            let Some(packet) = waiting.pop_front() else { break };
            ends[0].handle_packet(now, &packet);
        }
        now += Duration::from_micros(10);
        for end in &mut ends {
            if end.poll_timeout().is_some_and(|at| at <= now) {
                end.handle_timeout(now);
            }
        }
    }
    let took = cpu() - begun;
    let stats = ends[0].stats();
    assert_eq!((stats.retransmits, stats.timeouts), (0, 0), "{stats:?}");
    took.as_secs_f64() * 1e6 / count as f64
}

const REMOTE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);

struct Proto {
    endpoint: Endpoint,
    association: Option<(AssociationHandle, sctp_proto::Association)>,
}

impl Proto {
    fn handle(&mut self, now: Instant, packet: Bytes) {
        match self.endpoint.handle(now, REMOTE, None, None, packet) {
            Some((handle, DatagramEvent::NewAssociation(association))) => {
                self.association = Some((handle, association));
            }
            Some((_, DatagramEvent::AssociationEvent(event))) => {
                if let Some((_, association)) = &mut self.association {
                    association.handle_event(event);
                }
            }
            None => {}
        }
    }

    fn poll(&mut self, now: Instant) -> Vec<Bytes> {
        let mut packets = Vec::new();
        let mut keep = |payload| {
            if let Payload::RawEncode(some) = payload {
                packets.extend(some);
            }
        };
        while let Some(transmit) = self.endpoint.poll_transmit() {
            keep(transmit.payload);
        }
        if let Some((_, association)) = &mut self.association {
            while let Some(transmit) = association.poll_transmit(now) {
                keep(transmit.payload);
            }
            while association.poll().is_some() {}
        }
        packets
    }
}

fn proto(size: usize, in_flight: usize, count: usize) -> f64 {
    let mut now = Instant::now();
    let config = EndpointConfig::default();
    let mut ends = [(); 2].map(|()| Proto {
        endpoint: Endpoint::new(Arc::new(config.clone()), Some(Arc::new(ServerConfig::new()))),
        association: None,
    });
    ends[0].association = Some(ends[0].endpoint.connect(ClientConfig::new(), REMOTE).expect("a client"));
    let exchange = |ends: &mut [Proto; 2], now: Instant| {
        for packet in ends[0].poll(now) {
            ends[1].handle(now, packet);
        }
        for packet in ends[1].poll(now) {
            ends[0].handle(now, packet);
        }
    };
    for _ in 0..4 {
        exchange(&mut ends, now);
    }
    let opened = ends[0].association.as_mut().expect("a client");
    opened.1.open_stream(1, PayloadProtocolIdentifier::Binary).expect("free");
    let message = Bytes::from(vec![7; size]);
    let mut waiting = std::collections::VecDeque::new();
    let (mut sent, mut received) = (0, 0);
    let begun = cpu();
    while received < count {
        let mut buffered = 0;
        for _ in 0..WRITES {
            let mut stream = ends[0].association.as_mut().expect("a client").1.stream(1).expect("open");
            buffered = stream.buffered_amount().expect("open");
            if sent < count && buffered + size <= in_flight {
                stream.write_sctp(&message, PayloadProtocolIdentifier::Binary).expect("room");
                sent += 1;
            }
        }
        for packet in ends[0].poll(now) {
            ends[1].handle(now, packet);
        }
        if let Some((_, association)) = &mut ends[1].association {
            while let Ok(Some(chunks)) = association.stream(1).and_then(|mut stream| stream.read_sctp()) {
                let mut bytes = vec![0; chunks.len()];
                chunks.read(&mut bytes).expect("long enough");
                received += 1;
            }
        }
        waiting.extend(ends[1].poll(now));
        while buffered + WRITES * size > in_flight || sent == count {
            let Some(packet) = waiting.pop_front() else { break };
            ends[0].handle(now, packet);
            let stream = ends[0].association.as_mut().expect("a client").1.stream(1).expect("open");
            buffered = stream.buffered_amount().expect("open");
        }
        now += Duration::from_micros(10);
        for end in &mut ends {
            if let Some((_, association)) = &mut end.association
                && association.poll_timeout().is_some_and(|at| at <= now)
            {
                association.handle_timeout(now);
            }
        }
        if waiting.is_empty() && sent == count {
            // The last acknowledgement is a delayed one.
            now += Duration::from_millis(200);
        }
    }
    (cpu() - begun).as_secs_f64() * 1e6 / count as f64
}
