//! Against other engines, over the same network: str0m's and dcsctp.

mod dcsctp_node;
mod proto_node;

use std::time::{Duration, Instant};

use bytes::Bytes;
use farwire_sctp::{Association, Channel, Config, Delivery, Event, Kind, Reliability};

use self::dcsctp_node::DcSctp;
use self::proto_node::Proto;
use crate::basics::{events, wire};
use crate::network::{Network, Node, Wire};

/// Another engine.
trait Foreign: Node {
    fn new(now: Instant) -> Self;
    fn connect(&mut self, now: Instant);
    fn is_connected(&self) -> bool;
    /// Opens a stream that the other end opens as well, unordered and sent once if it is lossy.
    fn open(&mut self, stream: u16, lossy: bool);
    /// Sends a message, if there is room.
    fn send(&mut self, stream: u16, bytes: &[u8]) -> bool;
    fn receive_message(&mut self) -> Option<(u16, Vec<u8>)>;
    fn reset(&mut self, stream: u16);
    /// Streams that the far end has reset, once.
    fn take_resets(&mut self) -> Vec<u16>;
}

type World<F> = Network<Association, F>;

/// Who begins: we, they, or both.
const BEGINNERS: [(bool, bool); 3] = [(true, false), (false, true), (true, true)];

fn connected<F: Foreign>(seed: u64, who: (bool, bool), wire: Wire) -> World<F> {
    let now = Instant::now();
    let mut config = Config::default();
    config.max_message = 1 << 20;
    let ours = Association::new(config, [7; 32], now);
    let mut net = Network::new(seed, now, wire, ours, F::new(now));
    if who.0 {
        net.a.connect(now);
    }
    if who.1 {
        net.b.connect(now);
    }
    assert!(
        net.run_until(Duration::from_secs(60), |net| net.a.is_connected() && net.b.is_connected()),
        "seed {seed}, {who:?}"
    );
    net
}

fn open<F: Foreign>(net: &mut World<F>, stream: u16, lossy: bool) {
    let delivery = match lossy {
        true => Delivery::reliable().ordered(false).reliability(Reliability::Retransmits(0)),
        false => Delivery::reliable(),
    };
    net.a.open_negotiated(stream, &Channel::new(delivery)).expect("free");
    net.b.open(stream, lossy);
}

fn payload(n: usize, len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 13 + n * 7) as u8).collect()
}

/// Every size, both ways at once, on two streams: all come, in order.
fn data_of_every_size<F: Foreign>() {
    for (loss, seeds) in [(0.0, 1), (0.03, 5)] {
        for who in BEGINNERS {
            for seed in 0..seeds {
                let mut net = connected::<F>(seed, who, wire(10).loss(loss));
                open(&mut net, 1, false);
                open(&mut net, 2, false);
                let sizes = [1, 2, 3, 100, 1143, 1144, 1145, 1172, 1200, 5000, 65_536, 200_000, 262_144, 1, 7];
                let (mut sent, mut came) = ([0, 0], [[0usize; 3]; 2]);
                let done = net.run_until(Duration::from_secs(120), |net| {
                    let now = net.now;
                    while let Some(size) = sizes.get(sent[0]) {
                        let stream = 1 + (sent[0] % 2) as u16;
                        if net.a.send(now, stream, Kind::Binary, Bytes::from(payload(sent[0], *size))).is_err() {
                            break;
                        }
                        sent[0] += 1;
                    }
                    while let Some(size) = sizes.get(sent[1]) {
                        if !net.b.send(1 + (sent[1] % 2) as u16, &payload(sent[1], *size)) {
                            break;
                        }
                        sent[1] += 1;
                    }
                    let mut check = |which: usize, stream: u16, bytes: &[u8]| {
                        let n = 2 * came[which][usize::from(stream)] + usize::from(stream - 1);
                        assert!(bytes == payload(n, sizes[n]), "seed {seed}: {n} on {stream} is another");
                        came[which][usize::from(stream)] += 1;
                    };
                    while let Some(message) = net.a.receive() {
                        check(0, message.stream, &message.bytes);
                    }
                    while let Some((stream, bytes)) = net.b.receive_message() {
                        check(1, stream, &bytes);
                    }
                    came == [[0, 8, 7]; 2]
                });
                assert!(done, "seed {seed}, {who:?}: {sent:?} {came:?} {:?}", net.a.stats());
                net.run(Duration::from_secs(5));
                assert!(net.a.is_flushed(), "seed {seed}: {:?}", net.a.stats());
            }
        }
    }
}

/// What may be lost is given up, both ways, and does not hold up what must come.
fn lossy_data<F: Foreign>() {
    for seed in 0..10 {
        let mut net = connected::<F>(seed, (true, true), wire(10).loss(0.04));
        open(&mut net, 1, false);
        open(&mut net, 2, true);
        let mut came = [[0; 3]; 2];
        // Other engines take a second and more for each timeout.
        for n in 0..500 {
            if n < 200 {
                for stream in [1, 2] {
                    let _ = net.a.send(net.now, stream, Kind::Binary, Bytes::from(payload(n, 3000)));
                    net.b.send(stream, &payload(n, 3000));
                }
            }
            net.run(Duration::from_millis(if n < 200 { 20 } else { 1000 }));
            while let Some(message) = net.a.receive() {
                came[0][usize::from(message.stream)] += 1;
            }
            while let Some((stream, _)) = net.b.receive_message() {
                came[1][usize::from(stream)] += 1;
            }
        }
        assert!(!net.a.is_ended(), "seed {seed}: {:?}", events(&mut net.a).last());
        for which in 0..2 {
            assert_eq!(came[which][1], 200, "seed {seed}: {came:?} {:?}", net.a.stats());
            // Other engines give up all that is in flight when their timer runs out.
            assert!((30..200).contains(&came[which][2]), "seed {seed}: {came:?} {:?}", net.a.stats());
        }
        assert!(net.a.is_flushed() && net.a.stats().messages_abandoned > 0, "seed {seed}: {:?}", net.a.stats());
    }
}

/// A stream is closed by either end and used anew, again and again.
fn resets_and_reuse<F: Foreign>() {
    for loss in [0.0, 0.1] {
        for seed in 0..5 {
            let mut net = connected::<F>(seed, (true, true), wire(10).loss(loss));
            for round in 0..6usize {
                open(&mut net, 3, false);
                net.a.send(net.now, 3, Kind::Binary, Bytes::from(payload(round, 2000))).expect("open");
                assert!(net.b.send(3, &payload(round, 2000)));
                let (mut ours, mut theirs) = (0, 0);
                let both = net.run_until(Duration::from_secs(30), |net| {
                    ours += std::iter::from_fn(|| net.a.receive()).count();
                    theirs += std::iter::from_fn(|| net.b.receive_message()).count();
                    (ours, theirs) == (1, 1)
                });
                assert!(both, "seed {seed}, round {round}: {ours} {theirs}");
                let we_begin = round % 2 == 0;
                match we_begin {
                    true => net.a.reset(3),
                    false => net.b.reset(3),
                }
                let mut told = Vec::new();
                let (mut is_closed, mut is_reset) = (false, false);
                let closed = net.run_until(Duration::from_secs(30), |net| {
                    for _ in net.b.take_resets() {
                        is_reset = true;
                        // As a data channel's other end does.
                        if we_begin {
                            net.b.reset(3);
                        }
                    }
                    told.extend(events(&mut net.a));
                    is_closed |= told.contains(&Event::Closed(3));
                    is_closed && is_reset
                });
                assert!(closed, "seed {seed}, round {round}: {told:?}, reset {is_reset}");
                net.run(Duration::from_secs(2));
                events(&mut net.a);
                net.b.take_resets();
            }
        }
    }
}

macro_rules! tests {
    ($($module:ident $engine:ty),*) => {
        $(mod $module {
            #[test]
            fn data_of_every_size_passes_both_ways() {
                super::data_of_every_size::<$engine>();
            }

            #[test]
            fn lossy_data_is_given_up() {
                super::lossy_data::<$engine>();
            }

            #[test]
            fn streams_are_reset_and_used_anew() {
                super::resets_and_reuse::<$engine>();
            }
        })*
    };
}

tests!(proto super::Proto, dcsctp super::DcSctp);
