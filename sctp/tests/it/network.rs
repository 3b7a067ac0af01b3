//! Two ends and the wires between them, in virtual time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use farwire_sctp::Association;

/// One end, whatever speaks there.
pub(crate) trait Node {
    fn receive(&mut self, now: Instant, packet: &[u8]);
    fn poll(&mut self, now: Instant) -> Option<Vec<u8>>;
    fn deadline(&mut self) -> Option<Instant>;
    fn expire(&mut self, now: Instant);
}

impl Node for Association {
    fn receive(&mut self, now: Instant, packet: &[u8]) {
        self.handle_packet(now, packet);
    }

    fn poll(&mut self, now: Instant) -> Option<Vec<u8>> {
        let mut packet = Vec::new();
        self.poll_packet(now, &mut packet).then_some(packet)
    }

    fn deadline(&mut self) -> Option<Instant> {
        self.poll_timeout()
    }

    fn expire(&mut self, now: Instant) {
        self.handle_timeout(now);
    }
}

/// What a wire does to packets, one way.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
    pub(crate) loss: f64,
    pub(crate) duplication: f64,
    pub(crate) corruption: f64,
    /// Bytes a second, and how many may wait.
    pub(crate) bottleneck: Option<(f64, usize)>,
    /// What becomes of each packet on the way.
    pub(crate) tamper: Option<fn(&mut [u8])>,
    free_at: Option<Instant>,
}

impl Wire {
    pub(crate) fn new(delay: Duration) -> Wire {
        Wire {
            delay,
            jitter: Duration::ZERO,
            loss: 0.0,
            duplication: 0.0,
            corruption: 0.0,
            bottleneck: None,
            tamper: None,
            free_at: None,
        }
    }

    pub(crate) fn loss(self, loss: f64) -> Wire {
        Wire { loss, ..self }
    }

    pub(crate) fn bottleneck(self, rate: f64, queue: usize) -> Wire {
        Wire { bottleneck: Some((rate, queue)), ..self }
    }

    /// When a packet of so many bytes leaves the narrowest place; `None` if it does not fit its queue.
    fn pass(&mut self, now: Instant, len: usize) -> Option<Instant> {
        let Some((rate, queue)) = self.bottleneck else { return Some(now) };
        let free_at = self.free_at.unwrap_or(now).max(now);
        if (free_at - now).as_secs_f64() * rate + len as f64 > queue as f64 {
            return None;
        }
        let done = free_at + Duration::from_secs_f64(len as f64 / rate);
        self.free_at = Some(done);
        Some(done)
    }
}

/// Which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    A,
    B,
}

pub(crate) struct Network<A, B> {
    pub(crate) a: A,
    pub(crate) b: B,
    /// From A, from B.
    pub(crate) wires: [Wire; 2],
    pub(crate) now: Instant,
    pub(crate) random: fastrand::Rng,
    pub(crate) packets: u64,
    on_the_way: BTreeMap<(Instant, u64), (Side, Vec<u8>)>,
}

impl<A: Node, B: Node> Network<A, B> {
    pub(crate) fn new(seed: u64, now: Instant, wire: Wire, a: A, b: B) -> Network<A, B> {
        Network {
            a,
            b,
            wires: [wire.clone(), wire],
            now,
            random: fastrand::Rng::with_seed(seed),
            packets: 0,
            on_the_way: BTreeMap::new(),
        }
    }

    /// Puts what both ends have to send on the wires.
    pub(crate) fn flush(&mut self) {
        while let Some(packet) = self.a.poll(self.now) {
            self.carry(Side::B, packet);
        }
        while let Some(packet) = self.b.poll(self.now) {
            self.carry(Side::A, packet);
        }
    }

    pub(crate) fn carry(&mut self, to: Side, mut packet: Vec<u8>) {
        let wire = &mut self.wires[usize::from(to == Side::A)];
        self.packets += 1;
        // What DTLS, UDP and IP add.
        let Some(passed) = wire.pass(self.now, packet.len() + 65) else { return };
        if self.random.f64() < wire.loss {
            return;
        }
        if self.random.f64() < wire.corruption {
            let at = self.random.usize(..packet.len());
            packet[at] ^= 1 << self.random.u8(..8);
        }
        if let Some(tamper) = wire.tamper {
            tamper(&mut packet);
        }
        let copies = if self.random.f64() < wire.duplication { 2 } else { 1 };
        for _ in 0..copies {
            let jitter = wire.jitter.mul_f64(self.random.f64());
            self.packets += 1;
            self.on_the_way.insert((passed + wire.delay + jitter, self.packets), (to, packet.clone()));
        }
    }

    /// When something happens next.
    pub(crate) fn next(&mut self) -> Option<Instant> {
        let arrival = self.on_the_way.keys().next().map(|(at, _)| *at);
        [arrival, self.a.deadline(), self.b.deadline()].into_iter().flatten().min()
    }

    /// Lets time pass until something happens, at most until then. Whether it did.
    pub(crate) fn step(&mut self, until: Instant) -> bool {
        self.flush();
        let Some(at) = self.next().filter(|at| *at <= until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.now = self.now.max(at);
        while let Some(entry) = self.on_the_way.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (to, packet) = entry.remove();
            match to {
                Side::A => self.a.receive(self.now, &packet),
                Side::B => self.b.receive(self.now, &packet),
            }
        }
        if self.a.deadline().is_some_and(|at| at <= self.now) {
            self.a.expire(self.now);
        }
        if self.b.deadline().is_some_and(|at| at <= self.now) {
            self.b.expire(self.now);
        }
        self.flush();
        true
    }

    /// Lets this much time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let until = self.now + time;
        while self.step(until) {}
    }

    /// Lets time pass until this holds, at most so long. Whether it does.
    pub(crate) fn run_until(&mut self, most: Duration, mut holds: impl FnMut(&mut Self) -> bool) -> bool {
        let until = self.now + most;
        loop {
            if holds(self) {
                return true;
            }
            if !self.step(until) {
                return holds(self);
            }
        }
    }
}
