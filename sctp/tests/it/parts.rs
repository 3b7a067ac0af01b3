//! Messages that nobody has in memory as a whole.

use std::time::Duration;

use bytes::Bytes;
use farwire_sctp::{Association, Config, Kind, Part, SendError};

use crate::basics::{Pair, connected, wire};

const PIECE: usize = 16 * 1024;

fn is_send<T: Send>(_: &T) {}

fn config() -> Config {
    let mut config = Config::default();
    config.max_message = 64 << 20;
    config.max_whole = 64 * 1024;
    config.receive_buffer = 256 * 1024;
    config.send_buffer = 256 * 1024;
    config
}

/// Two connections with one between them that passes parts on as they come.
struct Relay {
    near: Pair,
    far: Pair,
    /// What was taken and found no room.
    kept: Option<farwire_sctp::Received>,
    most_held: usize,
}

impl Relay {
    fn new(interleaving: bool) -> Relay {
        let mut config = config();
        config.interleaving = interleaving;
        let near = connected(1, [config.clone(), config.clone()], wire(5));
        let mut far = connected(2, [config.clone(), config], wire(5));
        is_send(&far.a);
        far.now = near.now.max(far.now);
        Relay { near, far, kept: None, most_held: 0 }
    }

    fn step(&mut self) {
        let until = self.near.now.max(self.far.now) + Duration::from_millis(1);
        while self.near.step(until) {}
        while self.far.step(until) {}
        while let Some(part) = self.kept.take().or_else(|| self.near.b.receive()) {
            let sent = self.far.a.send_part(self.far.now, part.stream, part.kind, part.part, part.bytes.clone());
            match sent {
                Ok(()) => {}
                Err(SendError::Full) => {
                    self.kept = Some(part);
                    break;
                }
                Err(error) => panic!("{error}"),
            }
        }
        let stats = [self.near.b.stats(), self.far.a.stats()];
        self.most_held = self.most_held.max(stats[0].held + stats[1].queued + stats[1].in_flight);
    }
}

fn byte(at: usize) -> u8 {
    (at / 1000 + at) as u8
}

fn piece(from: usize, len: usize) -> Bytes {
    (from..from + len).map(byte).collect::<Vec<u8>>().into()
}

fn send_piece(end: &mut Association, now: std::time::Instant, at: usize, total: usize) -> bool {
    let len = PIECE.min(total - at);
    let part = if at == 0 {
        Part::First
    } else if at + len == total {
        Part::Last
    } else {
        Part::Middle
    };
    end.has_room(len) && end.send_part(now, 1, Kind::Binary, part, piece(at, len)).is_ok()
}

#[test]
fn a_message_larger_than_all_memory_passes_a_relay() {
    for interleaving in [true, false] {
        let mut relay = Relay::new(interleaving);
        let total = (4 << 20) + 777;
        let (mut sent, mut came, mut is_over) = (0, 0, false);
        for _ in 0..200_000 {
            while sent < total && send_piece(&mut relay.near.a, relay.near.now, sent, total) {
                sent = total.min(sent + PIECE);
            }
            relay.step();
            while let Some(found) = relay.far.b.receive() {
                assert_eq!(found.part == Part::First, came == 0);
                assert!(found.bytes.iter().enumerate().all(|(at, value)| *value == byte(came + at)));
                came += found.bytes.len();
                is_over = found.part == Part::Last;
            }
            if is_over {
                break;
            }
        }
        assert!(is_over && came == total, "{came} of {total}: {:?}", relay.far.a.stats());
        assert!(relay.most_held < 1 << 20, "{} bytes", relay.most_held);
    }
}

#[test]
fn one_that_is_given_up_is_told_all_the_way() {
    for interleaving in [true, false] {
        let mut relay = Relay::new(interleaving);
        let mut sent = 0;
        let mut parts = Vec::new();
        for n in 0..3000 {
            if n < 100 && send_piece(&mut relay.near.a, relay.near.now, sent, 64 << 20) {
                sent += PIECE;
            }
            if n == 500 {
                let now = relay.near.now;
                relay.near.a.send_part(now, 1, Kind::Binary, Part::Aborted, Bytes::new()).expect("begun");
                relay.near.a.send(now, 1, Kind::Text, Bytes::from_static(b"next")).expect("room");
            }
            relay.step();
            while let Some(found) = relay.far.b.receive() {
                parts.push((found.part, found.bytes.len()));
            }
        }
        assert_eq!(parts.first().map(|part| part.0), Some(Part::First));
        assert!(sent > 200_000 && parts[..parts.len() - 2].iter().map(|part| part.1).sum::<usize>() > 200_000);
        assert_eq!(parts[parts.len() - 2..], [(Part::Aborted, 0), (Part::Whole, 4)]);
        assert!(relay.near.a.is_flushed() && relay.far.a.is_flushed());
    }
}

#[test]
fn parts_out_of_turn_are_refused() {
    let mut net = connected(1, [config(), config()], wire(5));
    let mut send = |part| net.a.send_part(net.now, 1, Kind::Binary, part, Bytes::from_static(b"x"));
    assert_eq!(send(Part::Middle), Err(SendError::OutOfTurn(1)));
    assert_eq!(send(Part::First), Ok(()));
    assert_eq!(send(Part::First), Err(SendError::OutOfTurn(1)));
    assert_eq!(send(Part::Whole), Err(SendError::OutOfTurn(1)));
    assert_eq!(send(Part::Last), Ok(()));
    assert_eq!(send(Part::Last), Err(SendError::OutOfTurn(1)));
    net.run(Duration::from_millis(100));
    assert_eq!(net.b.receive().map(|message| message.bytes), Some(Bytes::from_static(b"xx")));
}
