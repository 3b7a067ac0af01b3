//! What a far end that keeps no rule gets: an end with a reason, in bounded memory.

use std::time::Duration;

use bytes::Bytes;
use farwire_sctp::{Config, EndReason, Event, Kind, Violation};

use crate::basics::{Pair, connected, events, wire};

/// An association whose far end says what it likes.
struct Victim {
    net: Pair,
    tag: [u8; 4],
    /// The next number that it awaits.
    tsn: u32,
}

impl Victim {
    fn new(config: Config) -> Victim {
        let mut net = connected(1, [config, Config::default()], wire(1));
        net.run(Duration::from_secs(1));
        net.b.send(net.now, 1, Kind::Binary, Bytes::from_static(b"first")).expect("open");
        let mut packet = Vec::new();
        assert!(net.b.poll_packet(net.now, &mut packet));
        net.a.handle_packet(net.now, &packet);
        assert!(net.a.receive().is_some());
        events(&mut net.a);
        let tsn = u32::from_be_bytes(packet[16..20].try_into().expect("4 bytes"));
        Victim { net, tag: packet[4..8].try_into().expect("4 bytes"), tsn: tsn + 1 }
    }

    fn hear(&mut self, chunks: &[Vec<u8>]) {
        let mut packet = [&[0x13, 0x88, 0x13, 0x88][..], &self.tag, &[0; 4]].concat();
        for chunk in chunks {
            packet.extend_from_slice(chunk);
            packet.resize(packet.len().next_multiple_of(4), 0);
        }
        self.net.a.handle_packet(self.net.now, &packet);
    }

    /// What it answers, which nobody hears.
    fn answers(&mut self) -> usize {
        let mut packet = Vec::new();
        std::iter::from_fn(|| self.net.a.poll_packet(self.net.now, &mut packet).then_some(())).count()
    }

    fn pass(&mut self, time: Duration) {
        self.net.now += time;
        if self.net.a.poll_timeout().is_some_and(|at| at <= self.net.now) {
            self.net.a.handle_timeout(self.net.now);
        }
    }

    fn violation(&mut self) -> Option<Violation> {
        events(&mut self.net.a).into_iter().find_map(|event| match event {
            Event::Ended(EndReason::Violation(violation)) => Some(violation),
            _ => None,
        })
    }

    /// Goes on until it is over, and says why, and how many packets that took.
    fn flood(&mut self, most: u32, mut chunks: impl FnMut(u32) -> Vec<Vec<u8>>) -> (Option<Violation>, u32) {
        for n in 0..most {
            let chunks = chunks(n);
            self.hear(&chunks);
            self.answers();
            self.pass(Duration::from_micros(100));
            if self.net.a.is_ended() {
                return (self.violation(), n);
            }
        }
        (None, most)
    }
}

fn chunk(kind: u8, flags: u8, value: &[&[u8]]) -> Vec<u8> {
    let value = value.concat();
    [&[kind, flags][..], &((value.len() + 4) as u16).to_be_bytes(), &value].concat()
}

/// I-DATA.
fn data(tsn: u32, stream: u16, number: u32, fragment: u32, flags: u8, len: usize) -> Vec<u8> {
    let shared = if flags & 2 != 0 { 53 } else { fragment };
    let head =
        [&tsn.to_be_bytes()[..], &stream.to_be_bytes(), &[0, 0], &number.to_be_bytes(), &shared.to_be_bytes()].concat();
    chunk(64, flags, &[&head, &vec![7; len]])
}

const WHOLE: u8 = 3;
const BEGIN: u8 = 2;

#[test]
fn a_flood_that_skips_one_number_is_ended_in_little_memory() {
    for len in [1, 64, 1100] {
        let mut victim = Victim::new(Config::default());
        let tsn = victim.tsn;
        let mut found = (None, 0);
        let memory = allocation_counter::measure(|| {
            found = victim.flood(200_000, |n| {
                let each = (1150 / (len + 24)).max(1) as u32;
                (0..each)
                    .map(|m| data(tsn.wrapping_add(1 + n * each + m), 1, 2 + n * each + m, 0, WHOLE, len))
                    .collect()
            });
        });
        assert_eq!(found.0, Some(Violation::Window), "{len} bytes, after {} packets", found.1);
        assert!(memory.bytes_max < 4 << 20, "{} bytes at most", memory.bytes_max);
        assert!(victim.answers() <= 1, "it has said so");
    }
}

#[test]
fn numbers_with_gaps_everywhere_are_bounded() {
    let mut victim = Victim::new(Config::default());
    let tsn = victim.tsn;
    let (found, _) = victim.flood(200_000, |n| vec![data(tsn.wrapping_add(2 + 2 * n), 1, 3 + n, 0, WHOLE, 1000)]);
    assert_eq!(found, Some(Violation::Window));
}

#[test]
fn messages_that_never_end_fill_twice_the_buffer_at_most() {
    let mut victim = Victim::new(Config::default());
    let (mut tsn, mut found) = (victim.tsn, None);
    let memory = allocation_counter::measure(|| {
        found = victim
            .flood(100_000, |n| {
                tsn = tsn.wrapping_add(1);
                // Each begins another one.
                vec![data(tsn.wrapping_sub(1), (n % 4000) as u16, 1 + n / 4000, 0, BEGIN, 1000)]
            })
            .0;
    });
    assert_eq!(found, Some(Violation::Memory));
    assert!(memory.bytes_max < 4 << 20, "{} bytes at most", memory.bytes_max);
}

#[test]
fn a_message_beyond_the_limit_and_streams_beyond_it_end_it() {
    let mut config = Config::default();
    (config.max_message, config.max_streams) = (50_000, 100);
    let mut victim = Victim::new(config.clone());
    let tsn = victim.tsn;
    let (found, after) =
        victim.flood(1000, |n| vec![data(tsn.wrapping_add(n), 1, 1, n, if n == 0 { BEGIN } else { 0 }, 1000)]);
    assert_eq!((found, after), (Some(Violation::MessageSize), 50));

    let mut victim = Victim::new(config);
    let tsn = victim.tsn;
    let (found, after) = victim.flood(1000, |n| vec![data(tsn.wrapping_add(n), n as u16 + 10, 0, 0, WHOLE, 1)]);
    assert_eq!((found, after), (Some(Violation::Streams), 99));
}

#[test]
fn floods_of_control_chunks_are_ended() {
    let reset = |n: u32| {
        let request = [&[0, 13, 0, 18][..], &n.to_be_bytes(), &[0; 8], &[0, 1]].concat();
        chunk(130, 0, &[&request])
    };
    type Make = fn(u32) -> Vec<u8>;
    let kinds: [(&str, Make); 4] = [
        ("heartbeats", |_| chunk(4, 0, &[&[0, 1, 0, 8, 1, 2, 3, 4]])),
        ("unknown", |_| chunk(0xff, 0, &[&[1; 40]])),
        ("resets", reset),
        ("acknowledged cookies", |_| chunk(11, 0, &[])),
    ];
    for (name, make) in kinds {
        let mut victim = Victim::new(Config::default());
        let memory = allocation_counter::measure(|| {
            let (found, _) = victim.flood(100_000, |n| (0..20).map(|_| make(n)).collect());
            assert_eq!(found, Some(Violation::Controls), "{name}");
        });
        assert!(memory.bytes_max < 4 << 20, "{name}: {} bytes at most", memory.bytes_max);
    }
}

#[test]
fn what_cannot_be_ends_it() {
    let sack = |cumulative: u32, gaps: &[u16]| {
        let count = [(gaps.len() as u16 / 2).to_be_bytes(), [0, 0]].concat();
        let gaps: Vec<u8> = gaps.iter().flat_map(|gap| gap.to_be_bytes()).collect();
        chunk(3, 0, &[&cumulative.to_be_bytes(), &[0, 16, 0, 0], &count, &gaps])
    };
    let cases =
        [("DATA where I-DATA was agreed", chunk(0, 3, &[&[0; 20]])), ("no user data", chunk(64, 3, &[&[0; 16]]))];
    for (name, chunk) in cases {
        let mut victim = Victim::new(Config::default());
        victim.hear(&[chunk]);
        assert_eq!(victim.violation(), Some(Violation::Protocol), "{name}");
    }
    // Of two numbers half the way round apart, one was never sent.
    let acknowledged = [0, 1 << 31].map(|cumulative| {
        let mut victim = Victim::new(Config::default());
        victim.hear(&[sack(cumulative, &[])]);
        victim.violation()
    });
    assert!(acknowledged.contains(&Some(Violation::Protocol)), "{acknowledged:?}");
    // A gap where there is none.
    let acknowledged = [0u32, 1 << 31].map(|cumulative| {
        let mut victim = Victim::new(Config::default());
        victim.hear(&[sack(cumulative, &[1, 1])]);
        victim.violation()
    });
    assert!(acknowledged.contains(&Some(Violation::Protocol)), "{acknowledged:?}");
    let mut victim = Victim::new(Config::default());
    let (tsn, fragment) = (victim.tsn, BEGIN);
    victim.hear(&[data(tsn, 1, 1, 0, fragment, 10), data(tsn + 1, 1, 1, 0, fragment, 10)]);
    assert_eq!(victim.violation(), Some(Violation::Fragments), "the same fragment twice");
}

#[test]
fn packets_of_others_and_torn_ones_are_counted_and_change_nothing() {
    let mut victim = Victim::new(Config::default());
    let before = victim.net.a.stats().packets_refused;
    let tsn = victim.tsn;
    victim.tag[0] ^= 1;
    victim.hear(&[data(tsn, 1, 1, 0, WHOLE, 10)]);
    victim.net.a.handle_packet(victim.net.now, &[1, 2, 3]);
    assert_eq!(victim.net.a.stats().packets_refused, before + 2);
    assert!(victim.net.a.receive().is_none() && !victim.net.a.is_ended());
}
