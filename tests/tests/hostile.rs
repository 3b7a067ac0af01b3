//! A client with a good key that breaks SCTP's rules: its session is ended, and the others go on untouched.

use std::net::SocketAddr;
use std::time::Duration;

use farwire_core::http::Method;
use farwire_tests::hostile::{Hostile, chunk, data, fragment};
use farwire_tests::{Foreigners, SFU};
use serde_json::{Value, json};

const TICK: Duration = Duration::from_millis(5);

struct Scene {
    world: Foreigners,
    hostile: Hostile,
    address: SocketAddr,
    out: u16,
    into: u16,
    sent: u32,
}

impl Scene {
    fn new() -> Scene {
        let mut world = Foreigners::new();
        world.connect_by_offer(false);
        world.connect_by_offer(false);
        let out = world.publish(0, "t");
        let into = world.subscribe(1, 0, "t", &json!({}));
        let address = SocketAddr::from(([10, 0, 66, 6], 6));
        let (mut hostile, offer) = Hostile::offering(address, world.now());
        let (_, made) = world.call(Method::Post, "/new", &Value::Null);
        let body = json!({"dataChannel": {"location": "remote", "dataChannelName": "server-events"},
            "sessionDescription": {"type": "offer", "sdp": offer}});
        let path = format!("/{}/datachannels/establish", made["sessionId"].as_str().expect("an id"));
        let (_, answer) = world.call(Method::Post, &path, &body);
        hostile.accept(answer["sessionDescription"]["sdp"].as_str().expect("an answer"));
        let mut scene = Scene { world, hostile, address, out, into, sent: 0 };
        for _ in 0..200 {
            scene.step();
        }
        assert!(scene.hostile.is_connected && scene.hostile.next_tsn() != 0);
        scene
    }

    /// A message of the others', and what the hostile client has to say.
    fn step(&mut self) {
        self.world.send(0, self.out, true, &self.sent.to_be_bytes());
        self.sent += 1;
        let now = self.world.now();
        for datagram in self.hostile.poll(now) {
            self.world.sfu.handle_datagram(now, self.address, &datagram);
        }
        self.world.run_for(TICK);
        for (to, datagram) in std::mem::take(&mut self.world.unclaimed) {
            if to == self.address {
                self.hostile.handle_datagram(self.world.now(), SFU, &datagram);
            }
        }
    }

    /// Sends packets until the session ends, at most so many steps of eight.
    fn attack(&mut self, mut packet: impl FnMut(u32) -> Vec<Vec<u8>>) -> bool {
        let first = self.hostile.next_tsn();
        for step in 0..4000 {
            for n in 0..8 {
                self.hostile
                    .inject(&packet(step * 8 + n).iter().map(|chunk| shifted(chunk, first)).collect::<Vec<_>>());
            }
            self.step();
            if self.world.sfu.stats().violations > 0 {
                return true;
            }
        }
        false
    }

    fn finish(mut self) {
        for _ in 0..100 {
            self.step();
        }
        let stats = self.world.sfu.stats();
        assert_eq!((stats.violations, stats.sessions), (1, 2), "only it was ended");
        let received = self.world.received(1);
        let expected: Vec<_> = (0..self.sent).map(|n| (self.into, true, n.to_be_bytes().to_vec())).collect();
        assert_eq!(received.len(), expected.len());
        assert_eq!(received, expected, "the others' messages, all of them");
        assert!(self.hostile.is_over, "it is told");
        assert!(stats.to_prometheus().contains("farwire_sfu_sessions_violating_total 1"));
    }
}

/// A DATA chunk's sequence number counted from the first that is free.
fn shifted(chunk: &[u8], first: u32) -> Vec<u8> {
    let mut chunk = chunk.to_vec();
    if chunk[0] == 0 {
        let tsn = u32::from_be_bytes(chunk[4..8].try_into().expect("four")).wrapping_add(first);
        chunk[4..8].copy_from_slice(&tsn.to_be_bytes());
    }
    chunk
}

fn ends(packet: impl FnMut(u32) -> Vec<Vec<u8>>) {
    let mut scene = Scene::new();
    assert!(scene.attack(packet), "it goes on");
    scene.finish();
}

#[test]
fn a_flood_past_a_missing_chunk() {
    ends(|n| vec![data(n + 1, 7, None, 1000)]);
}

#[test]
fn a_flood_of_tiny_chunks_past_a_missing_one() {
    ends(|n| (0..40).map(|i| data(n * 40 + i + 1, 7, None, 1)).collect());
}

#[test]
fn every_second_chunk_is_missing() {
    ends(|n| (0..40).map(|i| data((n * 40 + i) * 2 + 1, 7, None, 1)).collect());
}

#[test]
fn fragments_without_an_end() {
    ends(|n| (0..20).map(|i| fragment(n * 20 + i, 7, None, if n + i == 0 { 2 } else { 0 }, 1)).collect());
}

#[test]
fn messages_that_begin_and_do_not_go_on() {
    ends(|n| (0..20).map(|i| fragment(n * 20 + i, 7, None, 2, 1)).collect());
}

#[test]
fn ordered_messages_of_which_the_first_never_comes() {
    ends(|n| (0..20).map(|i| data(n * 20 + i, 7, Some((n * 20 + i) as u16 + 1), 1)).collect());
}

#[test]
fn data_on_all_streams() {
    ends(|n| (0..40).map(|i| data(n * 40 + i, 200 + (n * 40 + i) as u16, None, 1)).collect());
}

#[test]
fn heartbeats_without_number() {
    ends(|_| vec![chunk(4, 0, &[0, 1, 0, 8, 1, 2, 3, 4]); 60]);
}
