//! Two links over either SCTP, each with each, in virtual time.

use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::Payload;
use crate::link::{Link, LinkEnd, LinkEvent, Role};

const ENGINES: [SctpEngine; 2] = [SctpEngine::Str0m, SctpEngine::Farwire];
const RELIABLE: StreamId = 2;
const LOSSY: StreamId = 4;

struct Pair {
    now: Instant,
    ends: [(SocketAddr, Link); 2],
    events: [Vec<LinkEvent>; 2],
    /// One in so many datagrams is lost.
    loses: Option<usize>,
    sent: usize,
}

impl Pair {
    fn connected(engines: [SctpEngine; 2]) -> Pair {
        let now = Instant::now();
        let address = |host: u8| SocketAddr::from(([10, 0, 0, host], 9));
        let mut client = Link::with(engines[0], Role::Client, address(2), None, now);
        let mut server = Link::with(engines[1], Role::Server, address(1), None, now);
        let answer = server.answer(&client.offer()).expect("an answer");
        client.accept_answer(&answer).expect("it fits");
        let ends = [(address(2), client), (address(1), server)];
        let mut pair = Pair { now, ends, events: Default::default(), loses: None, sent: 0 };
        pair.run(50);
        for (_, link) in &mut pair.ends {
            link.open(pair.now, RELIABLE, Delivery::RELIABLE).expect("a free id");
            link.open(pair.now, LOSSY, Delivery::LOSSY).expect("a free id");
            assert!(link.open(pair.now, LOSSY, Delivery::LOSSY).is_err(), "it is taken");
        }
        pair.run(50);
        for end in 0..2 {
            assert!(pair.ends[end].1.is_open(RELIABLE) && pair.ends[end].1.is_open(LOSSY));
        }
        pair
    }

    /// Lets so many times ten milliseconds pass.
    fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            self.now += Duration::from_millis(10);
            for end in 0..2 {
                let (from, link) = &mut self.ends[end];
                let (from, mut datagrams) = (*from, Vec::new());
                link.handle_timeout(self.now);
                loop {
                    match link.poll(self.now) {
                        LinkOutput::Transmit(_, datagram) => datagrams.push(datagram),
                        LinkOutput::Event(event) => self.events[end].push(event),
                        LinkOutput::WaitUntil(_) => break,
                    }
                }
                for datagram in datagrams {
                    self.sent += 1;
                    if self.loses.is_none_or(|every| !self.sent.is_multiple_of(every)) {
                        self.ends[1 - end].1.handle_datagram(self.now, from, &datagram);
                    }
                }
            }
        }
    }

    fn write(&mut self, end: usize, stream: StreamId, binary: bool, bytes: &[u8]) {
        let (now, link) = (self.now, &mut self.ends[end].1);
        link.write(now, stream, binary, bytes::Bytes::copy_from_slice(bytes)).expect("written");
        link.flush();
    }

    fn messages(&mut self, end: usize) -> Vec<(StreamId, Payload)> {
        let told = std::mem::take(&mut self.events[end]);
        told.into_iter()
            .filter_map(|event| match event {
                LinkEvent::Message(stream, payload) => Some((stream, payload)),
                _ => None,
            })
            .collect()
    }
}

#[expect(clippy::disallowed_macros, reason = "a failure is to say of whom it is")]
fn with_each(mut test: impl FnMut([SctpEngine; 2])) {
    for client in ENGINES {
        for server in ENGINES {
            println!("{client:?} to {server:?}");
            test([client, server]);
        }
    }
}

#[test]
fn a_variable_names_the_engine_or_none() {
    let named = |name: Option<&str>| SctpEngine::from_env(|_| name.map(str::to_owned));
    assert_eq!((named(None), named(Some(""))), (Ok(None), Ok(None)));
    assert_eq!(named(Some("str0m")), Ok(Some(SctpEngine::Str0m)));
    assert_eq!(named(Some("farwire")), Ok(Some(SctpEngine::Farwire)));
    let told = named(Some("usrsctp")).expect_err("no engine").to_string();
    assert!(told.contains("FARWIRE_SCTP") && told.contains("usrsctp"), "{told}");
}

#[test]
fn messages_of_every_kind_and_size_cross_both_ways() {
    with_each(|engines| {
        let mut pair = Pair::connected(engines);
        for (stream, sizes) in [(RELIABLE, &[0, 1, 1200, 16_384, 200_000][..]), (LOSSY, &[0, 1, 1100, 60_000])] {
            for end in 0..2 {
                for size in sizes {
                    pair.write(end, stream, true, &vec![7; *size]);
                    pair.write(end, stream, false, "é".repeat(size / 2).as_bytes());
                    pair.run(200);
                    let payloads: Vec<_> =
                        pair.messages(1 - end).into_iter().map(|(_, p)| (p.binary, p.bytes.len())).collect();
                    assert_eq!(payloads, [(true, *size), (false, size / 2 * 2)], "{size} bytes on {stream}");
                    assert_eq!(pair.ends[end].1.in_flight(), 0);
                }
            }
        }
    });
}

#[test]
fn what_the_network_loses_of_a_reliable_channel_comes_all_the_same_and_in_order() {
    with_each(|engines| {
        let mut pair = Pair::connected(engines);
        pair.loses = Some(9);
        for n in 0..200u32 {
            pair.write((n % 2) as usize, RELIABLE, true, &n.to_be_bytes());
            pair.run(1);
        }
        pair.run(1000);
        for end in 0..2 {
            let expected: Vec<_> = (0..200u32).filter(|n| *n as usize % 2 != end).map(u32::to_be_bytes).collect();
            let received: Vec<_> = pair.messages(end).into_iter().map(|(_, payload)| payload.bytes.to_vec()).collect();
            assert_eq!(received, expected);
        }
    });
}

#[test]
fn a_channel_that_one_end_closes_is_closed_at_both_and_its_id_is_free() {
    with_each(|engines| {
        for end in 0..2 {
            let mut pair = Pair::connected(engines);
            pair.write(end, RELIABLE, true, b"before");
            pair.ends[end].1.close_channel(RELIABLE);
            pair.run(100);
            let is_closed = |event: &LinkEvent| matches!(event, LinkEvent::Closed(RELIABLE));
            assert!(pair.events.iter().all(|events| events.iter().any(is_closed)), "{:?}", pair.events);
            assert_eq!(pair.messages(1 - end).len(), 1);
            for (_, link) in &mut pair.ends {
                link.open(pair.now, RELIABLE, Delivery::RELIABLE).expect("free again");
            }
            pair.run(50);
            pair.write(end, RELIABLE, true, b"after");
            pair.run(10);
            assert_eq!(pair.messages(1 - end).pop().expect("a message").1.bytes, "after");
        }
    });
}

#[test]
fn a_link_that_is_closed_ends_at_once_and_tells_the_other() {
    with_each(|engines| {
        for end in 0..2 {
            let mut pair = Pair::connected(engines);
            let now = pair.now;
            pair.ends[end].1.close(now);
            pair.run(5);
            for (of, why) in [(end, LinkEnd::Local), (1 - end, LinkEnd::Remote)] {
                let is_end = |event: &LinkEvent| matches!(event, LinkEvent::Ended(told) if *told == why);
                assert!(pair.events[of].iter().any(is_end), "{why:?}: {:?}", pair.events[of]);
            }
        }
    });
}
