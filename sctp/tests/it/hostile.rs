//! Two ends over a network that loses, repeats, reorders, delays and damages packets: whatever happens, messages arrive exactly
//! once, in order where that was promised, unchanged, and all of them once the network is good again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use farwire_sctp::{
    Association, Channel, Config, CongestionControl, Delivery, Event, Kind, Part, Priority, Reliability,
};

use crate::basics::{Pair, pair};
use crate::network::Wire;

/// What one end has sent on a stream, and what the other has received.
#[derive(Default)]
struct Ledger {
    next: u32,
    must_arrive: HashSet<u32>,
    received: HashSet<u32>,
    /// The last one that came in order.
    last_ordered: Option<u32>,
    partial: BTreeMap<u32, Vec<u8>>,
}

struct World {
    net: Pair,
    random: fastrand::Rng,
    /// By sender and stream.
    ledgers: HashMap<(usize, u16), Ledger>,
    deliveries: Vec<Delivery>,
    largest: usize,
    seed: u64,
}

fn config(random: &mut fastrand::Rng) -> Config {
    let mut config = Config::default();
    config.interleaving = random.bool();
    // Damage has to be noticed.
    config.zero_checksum = false;
    config.receive_buffer = [64 << 10, 200_000, 1 << 20][random.usize(..3)];
    config.max_whole = [10_000, 32 << 10, 256 << 10][random.usize(..3)];
    config.max_packet = [400, 1200, 1200][random.usize(..3)];
    config.congestion = [CongestionControl::NewReno, CongestionControl::Delay][random.usize(..2)];
    config.give_up_after = None;
    config
}

fn delivery(random: &mut fastrand::Rng) -> Delivery {
    let reliability = match random.u8(..4) {
        0 => Reliability::Retransmits(random.u16(..3)),
        1 => Reliability::Lifetime(Duration::from_millis(random.u64(1..500))),
        _ => Reliability::Reliable,
    };
    let age = (random.u8(..4) == 0).then(|| Duration::from_millis(random.u64(1..300)));
    Delivery::reliable().ordered(random.bool()).reliability(reliability).max_age(age)
}

fn is_sure(delivery: &Delivery) -> bool {
    delivery.reliability == Reliability::Reliable && delivery.max_age.is_none()
}

/// A message that says which one it is, and shows every change.
fn message(id: u32, len: usize) -> Bytes {
    let head = id.to_be_bytes().into_iter().chain((len as u32).to_be_bytes());
    head.chain((0..len).map(|at| (at as u32).wrapping_mul(31).wrapping_add(id) as u8)).collect::<Vec<u8>>().into()
}

impl World {
    fn new(seed: u64) -> World {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut wire = Wire::new(Duration::from_micros(random.u64(100..80_000)));
        wire.loss = [0.0, 0.05, 0.3][random.usize(..3)];
        wire.duplication = [0.0, 0.1][random.usize(..2)];
        wire.corruption = [0.0, 0.02][random.usize(..2)];
        wire.jitter = wire.delay.mul_f64([0.0, 0.2, 3.0][random.usize(..3)]);
        let net = pair(seed, [config(&mut random), config(&mut random)], wire);
        let deliveries = (0..4).map(|_| delivery(&mut random)).chain([Delivery::reliable()]).collect();
        World { net, random, ledgers: HashMap::new(), deliveries, largest: 0, seed }
    }

    fn end(&mut self, which: usize) -> &mut Association {
        if which == 0 { &mut self.net.a } else { &mut self.net.b }
    }

    fn open(&mut self) {
        for which in 0..2 {
            for id in 0..self.deliveries.len() as u16 {
                let channel = Channel::new(self.deliveries[usize::from(id)]).priority(Priority(self.random.u16(..3)));
                self.end(which).open_negotiated(id, &channel).expect("free");
            }
        }
    }

    fn send(&mut self) {
        let (which, now) = (self.random.usize(..2), self.net.now);
        let id = self.random.u16(..self.deliveries.len() as u16);
        let len = match self.random.u8(..10) {
            0 => self.random.usize(..60_000),
            1..3 => self.random.usize(..5_000),
            _ => self.random.usize(..200),
        };
        let number = self.ledgers.entry((which, id)).or_default().next;
        let bytes = message(number, len);
        let sent = if self.random.u8(..5) == 0 {
            let (first, rest) = (bytes.slice(..len / 3 + 1), bytes.slice(len / 3 + 1..));
            let end = self.end(which);
            end.send_part(now, id, Kind::Binary, Part::First, first)
                .map(|()| {
                    while end.send_part(now, id, Kind::Binary, Part::Last, rest.clone()).is_err() {
                        // There is no room: it is given up.
                        if end.send_part(now, id, Kind::Binary, Part::Aborted, Bytes::new()).is_ok() {
                            break;
                        }
                    }
                })
                .map(|()| false)
        } else {
            self.end(which).send(now, id, Kind::Binary, bytes).map(|()| true)
        };
        let sure = is_sure(&self.deliveries[usize::from(id)]);
        let ledger = self.ledgers.entry((which, id)).or_default();
        if let Ok(whole) = sent {
            ledger.next += 1;
            if sure && whole {
                ledger.must_arrive.insert(number);
            }
        }
    }

    fn receive(&mut self, most: usize) {
        for which in 0..2 {
            for _ in 0..most {
                let Some(found) = self.end(which).receive() else { break };
                let (id, seed) = (found.stream, self.seed);
                let ordered = self.deliveries[usize::from(id)].ordered;
                assert_eq!(found.unordered, !ordered);
                let ledger = self.ledgers.get_mut(&(1 - which, id)).expect("something was sent");
                let bytes = match found.part {
                    Part::Whole => found.bytes.to_vec(),
                    Part::First => {
                        assert!(ledger.partial.insert(found.message, found.bytes.to_vec()).is_none(), "seed {seed}");
                        assert!(ledger.partial.len() == 1 || !ordered, "seed {seed}");
                        continue;
                    }
                    Part::Middle => {
                        ledger.partial.get_mut(&found.message).expect("begun").extend_from_slice(&found.bytes);
                        continue;
                    }
                    Part::Last => {
                        let mut bytes = ledger.partial.remove(&found.message).expect("begun");
                        bytes.extend_from_slice(&found.bytes);
                        bytes
                    }
                    Part::Aborted => {
                        ledger.partial.remove(&found.message).expect("begun");
                        continue;
                    }
                };
                let number = u32::from_be_bytes(bytes[..4].try_into().expect("4 bytes"));
                let len = u32::from_be_bytes(bytes[4..8].try_into().expect("4 bytes"));
                assert!(bytes == message(number, len as usize), "seed {seed}: a message was changed");
                assert!(ledger.received.insert(number), "seed {seed}: {number} on {id} came twice");
                if ordered {
                    assert!(ledger.last_ordered < Some(number), "seed {seed}: {number} on {id} came out of order");
                    ledger.last_ordered = Some(number);
                }
            }
        }
    }

    fn check_memory(&mut self) {
        for which in 0..2 {
            let held = self.end(which).stats().held;
            self.largest = self.largest.max(held);
            assert!(held <= 2 << 20, "seed {}: {held} bytes are held", self.seed);
            if self.end(which).is_ended() {
                let events: Vec<Event> = std::iter::from_fn(|| self.end(which).poll_event()).collect();
                panic!("seed {}: {events:?}", self.seed);
            }
        }
    }

    fn all_has_come(&self) -> bool {
        self.ledgers.values().all(|ledger| ledger.must_arrive.is_subset(&ledger.received))
    }
}

fn run(seed: u64) {
    let mut world = World::new(seed);
    world.open();
    let now = world.net.now;
    if world.random.bool() {
        world.net.a.connect(now);
    }
    if world.random.bool() || world.net.a.poll_timeout().is_none() {
        world.net.b.connect(now);
    }
    for _ in 0..world.random.usize(20..300) {
        for _ in 0..world.random.usize(..6) {
            world.send();
        }
        let pause = world.random.u64(..60_000);
        world.net.run(Duration::from_micros(pause));
        let most = world.random.usize(..8);
        world.receive(most);
        world.check_memory();
    }
    // The network is good from now on.
    for wire in &mut world.net.wires {
        let delay = wire.delay;
        *wire = Wire::new(delay);
    }
    let over = world.net.now + Duration::from_secs(60);
    while world.net.now < over && !(world.all_has_come() && world.net.a.is_flushed() && world.net.b.is_flushed()) {
        world.net.step(over);
        world.receive(1000);
    }
    world.net.run(Duration::from_secs(1));
    world.receive(1000);
    world.check_memory();
    for (key, ledger) in &world.ledgers {
        let missing: Vec<&u32> = ledger.must_arrive.difference(&ledger.received).collect();
        assert!(
            missing.is_empty(),
            "seed {seed}: {missing:?} did not come, {key:?}\n{:?}\n{:?}",
            world.net.a.stats(),
            world.net.b.stats()
        );
        assert!(ledger.partial.is_empty(), "seed {seed}: a message has no end, {key:?}");
    }
    for end in [&world.net.a, &world.net.b] {
        assert!(end.is_flushed(), "seed {seed}: {:?}", end.stats());
        assert_eq!(end.stats().held, 0, "seed {seed}: {:?}", end.stats());
    }
}

/// Many worlds: `SCTP_SEEDS=10000 cargo test --release -p farwire-sctp --test it hostile`; one of them: `SCTP_SEED=7`.
#[test]
fn nothing_is_lost_repeated_or_changed() {
    let number = |name| std::env::var(name).ok().map(|seeds| seeds.parse().expect("a number"));
    match number("SCTP_SEED") {
        Some(seed) => run(seed),
        None => (0..number("SCTP_SEEDS").unwrap_or(200)).for_each(run),
    }
}
