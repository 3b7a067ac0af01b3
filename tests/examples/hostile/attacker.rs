//! The hostile client.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use farwire_tests::hostile::{Hostile, data};
use serde_json::{Value, json};

use crate::{Outcome, SECRET};

/// How long the others have before it begins.
const PEACE: Duration = Duration::from_millis(500);

/// How long it takes from the end of one session to the next.
const PAUSE: Duration = Duration::from_millis(500);

/// Packets of a flood after which the SFU has ended the session, about: as many are encrypted for who only drops them.
const SURVIVED: u32 = 4000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attack {
    /// One chunk is left out, and 15,000 packets a second with one of 1,000 bytes follow.
    Flood,
    /// The same with 40 chunks of one byte in each packet.
    Tiny,
    /// Its own checks again, from another address, 20,000 a second.
    Replay,
    /// Checks that cannot be verified, each another one, 20,000 a second.
    Forge,
    /// It subscribes to everything and acknowledges nothing.
    Stall,
}

impl Attack {
    pub(crate) fn named(name: &str) -> Option<Attack> {
        let all = [Attack::Flood, Attack::Tiny, Attack::Replay, Attack::Forge, Attack::Stall];
        all.into_iter().find(|attack| format!("{attack:?}").eq_ignore_ascii_case(name))
    }

    /// Packets in a second, and between two looks at the clock.
    fn rate(self) -> (f64, u32) {
        match self {
            Attack::Replay | Attack::Forge => (20_000.0, 64),
            _ => (15_000.0, 8),
        }
    }
}

struct Attacker {
    socket: UdpSocket,
    hostile: Hostile,
    sfu: SocketAddr,
    /// Where everything goes but the checks.
    target: SocketAddr,
    check: Vec<u8>,
    /// What it sent last that is no check.
    last: Vec<u8>,
    session: String,
}

fn post(root: &str, path: &str, body: &Value) -> Outcome<Value> {
    let url = format!("{root}/apps/app/sessions/{path}");
    let mut answer = ureq::post(&url).header("Authorization", format!("Bearer {SECRET}")).send(body.to_string())?;
    Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
}

impl Attacker {
    fn connect(root: &str, sink: Option<SocketAddr>) -> Outcome<Attacker> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        let (mut hostile, offer) = Hostile::offering(socket.local_addr()?, Instant::now());
        let made = post(root, "new", &json!({}))?;
        let session = made["sessionId"].as_str().ok_or("no session")?.to_owned();
        let body = json!({"dataChannel": {"location": "remote", "dataChannelName": "server-events"},
            "sessionDescription": {"type": "offer", "sdp": offer}});
        let answer = post(root, &format!("{session}/datachannels/establish"), &body)?;
        let sdp = answer["sessionDescription"]["sdp"].as_str().ok_or("no answer")?;
        let candidate = sdp.lines().find_map(|line| line.strip_prefix("a=candidate:")).ok_or("no candidate")?;
        let parts: Vec<&str> = candidate.split(' ').collect();
        let (ip, port) = parts.get(4).zip(parts.get(5)).ok_or("no address")?;
        let sfu = format!("{ip}:{port}").parse()?;
        hostile.accept(sdp);
        let (check, last) = (Vec::new(), Vec::new());
        let mut attacker = Attacker { socket, hostile, sfu, target: sfu, check, last, session };
        let give_up = Instant::now() + Duration::from_secs(10);
        while attacker.hostile.next_tsn() == 0 || !attacker.hostile.is_connected {
            attacker.turn_for(Duration::from_millis(2))?;
            if Instant::now() > give_up {
                return Err("not connected in time".into());
            }
        }
        attacker.turn_for(Duration::from_millis(100))?;
        attacker.target = sink.unwrap_or(sfu);
        Ok(attacker)
    }

    fn turn_for(&mut self, time: Duration) -> Outcome<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.turn()?;
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn turn(&mut self) -> Outcome<()> {
        let mut buffer = [0; 2048];
        for _ in 0..16 {
            let Ok((len, from)) = self.socket.recv_from(&mut buffer) else { break };
            self.hostile.handle_datagram(Instant::now(), from, &buffer[..len]);
        }
        for datagram in self.hostile.poll(Instant::now()) {
            let is_check = datagram.starts_with(&[0, 1]);
            // A full buffer is a loss.
            let _ = self.socket.send_to(&datagram, if is_check { self.sfu } else { self.target });
            *(if is_check { &mut self.check } else { &mut self.last }) = datagram;
        }
        Ok(())
    }
}

/// Says when it is there, and attacks until it is told to stop; then it says what it did. What it sends goes to `sink`, if
/// there is one, but for what keeps its session.
///
/// `comes_again`: with another session whenever one is ended, twice a second at most; if not, what it sends goes on at the
/// same rate and belongs to no session.
pub(crate) fn run(
    attack: Attack,
    root: &str,
    publisher: &str,
    sink: Option<SocketAddr>,
    comes_again: bool,
) -> Outcome<()> {
    let mut attacker = Attacker::connect(root, sink)?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    thread::spawn(move || {
        // Whatever comes, or the end of it.
        let _ = std::io::stdin().read_line(&mut String::new());
        stopped.store(true, Ordering::Relaxed);
    });
    println!("ready");
    attacker.turn_for(PEACE)?;
    if attack == Attack::Stall {
        return stall(root, publisher, &stop, &mut attacker);
    }
    let elsewhere = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let (mut base, mut sent, mut in_session, mut sessions) = (attacker.hostile.next_tsn(), 0u32, 0u32, 1);
    let (per_second, per_turn) = attack.rate();
    let start = Instant::now();
    let mut since = start;
    while !stop.load(Ordering::Relaxed) {
        if in_session >= (since.elapsed().as_secs_f64() * per_second) as u32 {
            thread::sleep(Duration::from_micros(200));
            attacker.turn()?;
            continue;
        }
        let is_over = attacker.hostile.is_over || (sink.is_some() && in_session >= SURVIVED);
        for _ in 0..per_turn {
            match attack {
                Attack::Flood | Attack::Tiny if is_over => {
                    let _ = attacker.socket.send_to(&attacker.last, attacker.target);
                }
                Attack::Flood => attacker.hostile.inject(&[data(base.wrapping_add(1 + in_session), 2, None, 1000)]),
                Attack::Tiny => {
                    let tsn = |i| base.wrapping_add(1 + in_session * 40 + i);
                    attacker.hostile.inject(&(0..40).map(|i| data(tsn(i), 2, None, 1)).collect::<Vec<_>>());
                }
                Attack::Replay => drop(elsewhere.send_to(&attacker.check, attacker.target)),
                Attack::Forge => {
                    attacker.check[8..12].copy_from_slice(&sent.to_be_bytes());
                    let _ = attacker.socket.send_to(&attacker.check, attacker.target);
                }
                Attack::Stall => {}
            }
            (sent, in_session) = (sent + 1, in_session + 1);
        }
        if !matches!(attack, Attack::Forge) || sent % 1024 == 0 {
            attacker.turn()?;
        }
        if is_over && comes_again && matches!(attack, Attack::Flood | Attack::Tiny) {
            thread::sleep(PAUSE);
            attacker = Attacker::connect(root, sink)?;
            (base, since, in_session, sessions) = (attacker.hostile.next_tsn(), Instant::now(), 0, sessions + 1);
        }
    }
    println!("{sent} packets in {:.1} s, {sessions} sessions", start.elapsed().as_secs_f64());
    Ok(())
}

/// Subscribes, and then says nothing more but its connectivity checks.
fn stall(root: &str, publisher: &str, stop: &AtomicBool, attacker: &mut Attacker) -> Outcome<()> {
    let path = format!("{}/datachannels/new", attacker.session);
    let mut opened = 0;
    for name in ["commands", "pub_commands"] {
        let entry = json!({"location": "remote", "sessionId": publisher, "dataChannelName": name});
        let answer = post(root, &path, &json!({"dataChannels": [entry]}))?;
        opened += u32::from(answer["dataChannels"][0]["id"].is_u64());
    }
    while !stop.load(Ordering::Relaxed) {
        // It reads nothing: what arrives is never acknowledged.
        thread::sleep(Duration::from_millis(50));
        for datagram in attacker.hostile.poll(Instant::now()) {
            let _ = attacker.socket.send_to(&datagram, attacker.sfu);
        }
    }
    println!("{opened} subscriptions that acknowledge nothing");
    Ok(())
}
