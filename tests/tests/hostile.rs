//! A client with a good key that breaks SCTP's rules: its session is ended, and the others go on untouched.

use std::net::SocketAddr;
use std::time::Duration;

use farwire_core::signalling::Method;
use farwire_sfu::Stats;
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
        let (_, made) = world.call(Method::POST, "/new", &Value::Null);
        let body = json!({"dataChannel": {"location": "remote", "dataChannelName": "server-events"},
            "sessionDescription": {"type": "offer", "sdp": offer}});
        let path = format!("/{}/datachannels/establish", made["sessionId"].as_str().expect("an id"));
        let (_, answer) = world.call(Method::POST, &path, &body);
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
        for step in 0..12_000 {
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

    fn finish(mut self) -> Stats {
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
        stats
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

fn ends(packet: impl FnMut(u32) -> Vec<Vec<u8>>) -> Stats {
    let mut scene = Scene::new();
    assert!(scene.attack(packet), "it goes on");
    scene.finish()
}

#[test]
fn a_flood_past_a_missing_chunk() {
    let stats = ends(|n| vec![data(n + 1, 7, None, 1000)]);
    assert!(stats.refused_packets > 1000, "what was dropped until then is counted: {}", stats.refused_packets);
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

/// Clients choose their own user fragments: two may have the same, by chance or on purpose, and even the same password.
#[test]
fn sessions_whose_clients_have_the_same_user_fragment_are_told_apart() {
    let mut world = Foreigners::new();
    world.credentials = Some(("same".to_owned(), "aPasswordThatBothOfThemHave".to_owned()));
    for _ in 0..2 {
        world.connect_by_offer(false);
        world.connect_by_answer();
    }
    let pairs = [(0, 1), (2, 3)].map(|(from, to)| {
        let out = world.publish(from, "t");
        (from, to, out, world.subscribe(to, from, "t", &json!({})))
    });
    let before = world.sfu.stats();
    for n in 0..100u32 {
        for (from, _, out, _) in pairs {
            world.send(from, out, true, &[n.to_be_bytes(), (from as u32).to_be_bytes()].concat());
        }
        if n == 50 {
            // One moves to where the other was, and that one elsewhere.
            let home = SocketAddr::from(([10, 0, 1, 2], 1000));
            world.move_to(1, SocketAddr::from(([10, 0, 9, 9], 9)));
            world.move_to(3, home);
        }
        world.run_for(Duration::from_millis(100));
    }
    world.run_for(Duration::from_secs(5));
    for (from, to, _, into) in pairs {
        let expected: Vec<_> =
            (0..100u32).map(|n| (into, true, [n.to_be_bytes(), (from as u32).to_be_bytes()].concat())).collect();
        assert_eq!(world.received(to), expected);
    }
    let after = world.sfu.stats();
    assert_eq!((after.sessions, after.excess_checks, after.replayed), (4, before.excess_checks, before.replayed));
}

/// What one session's checks cost is that session's: it takes none of the other's allowance, whatever they have in common.
#[test]
fn checks_without_number_for_one_session_leave_its_twin_able_to_move() {
    let mut world = Foreigners::new();
    world.credentials = Some(("same".to_owned(), "aPasswordThatBothOfThemHave".to_owned()));
    world.connect_by_offer(false);
    let (_, answer) = world.connect_by_offer(false);
    world.connect_by_answer();
    let out = world.publish(0, "t");
    let into = world.subscribe(2, 0, "t", &json!({}));
    let named = answer.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).expect("its user fragment");
    for n in 0..20_000u32 {
        let address = SocketAddr::from(([10, 0, 66, 6], 1000 + (n % 5000) as u16));
        let now = world.now();
        assert!(!world.sfu.handle_datagram(now, address, &forged_check(named, n)), "nobody has signed it");
        if n % 1000 == 0 {
            world.send(0, out, true, &n.to_be_bytes());
            world.move_to(0, SocketAddr::from(([10, 0, 7, (n / 1000) as u8], 7)));
            world.run_for(Duration::from_secs(3));
        }
    }
    let expected: Vec<_> = (0..20u32).map(|n| (into, true, (n * 1000).to_be_bytes().to_vec())).collect();
    assert_eq!(world.received(2), expected);
    let stats = world.sfu.stats();
    assert!(stats.excess_checks > 15_000 && stats.sessions == 3, "{stats:?}");
}

/// A connectivity check that names a session, with an integrity that nobody has computed.
fn forged_check(receiver: &str, n: u32) -> Vec<u8> {
    let mut name = format!("{receiver}:same").into_bytes();
    let len = name.len() as u8;
    name.resize(name.len().next_multiple_of(4), 0);
    let attributes =
        [&[0, 6, 0, len][..], &name, &[0, 0x24, 0, 4, 255, 255, 255, 255], &[0, 8, 0, 20], &[7; 20]].concat();
    let transaction = [&n.to_be_bytes()[..], &[9; 8]].concat();
    [&[0, 1, 0, attributes.len() as u8, 0x21, 0x12, 0xa4, 0x42][..], &transaction, &attributes].concat()
}
