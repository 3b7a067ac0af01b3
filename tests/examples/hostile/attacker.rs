//! The hostile session.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use farwire_tests::hostile::{Hostile, data};
use serde_json::{Value, json};

use crate::{Outcome, SECRET};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attack {
    /// One chunk is left out, and 15,000 a second of 1,000 bytes follow.
    Flood,
    /// The same with 40 chunks of one byte in each packet.
    Tiny,
    /// Its own checks again, from another address, 20,000 a second.
    Replay,
    /// It subscribes to everything and acknowledges nothing.
    Stall,
}

struct Attacker {
    socket: UdpSocket,
    hostile: Hostile,
    sfu: Option<SocketAddr>,
    check: Option<Vec<u8>>,
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
    fn connect(root: &str) -> Outcome<Attacker> {
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
        let sfu = parts.get(4).zip(parts.get(5)).and_then(|(ip, port)| format!("{ip}:{port}").parse().ok());
        hostile.accept(sdp);
        let mut attacker = Attacker { socket, hostile, sfu, check: None, last: Vec::new(), session };
        let give_up = Instant::now() + Duration::from_secs(10);
        while attacker.hostile.next_tsn() == 0 || !attacker.hostile.is_connected {
            attacker.turn()?;
            std::thread::sleep(Duration::from_millis(2));
            if Instant::now() > give_up {
                return Err("not connected in time".into());
            }
        }
        for _ in 0..50 {
            attacker.turn()?;
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(attacker)
    }

    fn turn(&mut self) -> Outcome<()> {
        let (mut buffer, sfu) = ([0; 2048], self.sfu.ok_or("no address")?);
        for _ in 0..16 {
            let Ok((len, from)) = self.socket.recv_from(&mut buffer) else { break };
            self.hostile.handle_datagram(Instant::now(), from, &buffer[..len]);
        }
        for datagram in self.hostile.poll(Instant::now()) {
            if datagram.starts_with(&[0, 1]) {
                self.check = Some(datagram.clone());
            } else {
                self.last.clone_from(&datagram);
            }
            // A full buffer is a loss.
            let _ = self.socket.send_to(&datagram, sfu);
        }
        Ok(())
    }
}

/// Attacks until it is to stop; says what it did.
///
/// `comes_again`: with another session whenever one is ended, twice a second at most; if not, what it sends goes on at the
/// same rate and belongs to no session.
pub(crate) fn run(
    attack: Attack,
    comes_again: bool,
    root: &str,
    publisher: &str,
    stop: &AtomicBool,
) -> Outcome<String> {
    let mut attacker = Attacker::connect(root)?;
    if attack == Attack::Stall {
        return stall(root, publisher, stop, &mut attacker);
    }
    let elsewhere = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let (start, first, mut sent, mut sessions) = (Instant::now(), attacker.hostile.next_tsn(), 0u32, 1);
    let mut base = first;
    let (per_second, per_turn) = if attack == Attack::Replay { (20_000.0, 64) } else { (15_000.0, 8) };
    let mut since = start;
    let mut in_session = 0u32;
    while !stop.load(Ordering::Relaxed) {
        let due = (since.elapsed().as_secs_f64() * per_second) as u32;
        if in_session >= due {
            std::thread::sleep(Duration::from_micros(200));
            attacker.turn()?;
            continue;
        }
        for _ in 0..per_turn {
            match attack {
                _ if attacker.hostile.is_over => {}
                Attack::Flood => attacker.hostile.inject(&[data(base.wrapping_add(1 + in_session), 2, None, 1000)]),
                Attack::Tiny => {
                    let tsn = |i| base.wrapping_add(1 + in_session * 40 + i);
                    attacker.hostile.inject(&(0..40).map(|i| data(tsn(i), 2, None, 1)).collect::<Vec<_>>());
                }
                Attack::Replay => {
                    let (check, sfu) = (attacker.check.as_ref().ok_or("no check")?, attacker.sfu.ok_or("no address")?);
                    let _ = elsewhere.send_to(check, sfu);
                }
                Attack::Stall => {}
            }
            (sent, in_session) = (sent + 1, in_session + 1);
        }
        attacker.turn()?;
        if attacker.hostile.is_over && !comes_again {
            let sfu = attacker.sfu.ok_or("no address")?;
            for _ in 0..per_turn {
                let _ = attacker.socket.send_to(&attacker.last, sfu);
            }
        } else if attacker.hostile.is_over {
            std::thread::sleep(Duration::from_millis(500));
            attacker = Attacker::connect(root)?;
            (base, since, in_session, sessions) = (attacker.hostile.next_tsn(), Instant::now(), 0, sessions + 1);
        }
    }
    Ok(format!("{attack:?}: {sent} packets in {:?}, {sessions} sessions", start.elapsed()))
}

/// Subscribes, and then says nothing more but its connectivity checks.
fn stall(root: &str, publisher: &str, stop: &AtomicBool, attacker: &mut Attacker) -> Outcome<String> {
    let entry = json!({"location": "remote", "sessionId": publisher, "dataChannelName": "pub_commands"});
    let path = format!("{}/datachannels/new", attacker.session);
    let mut opened = 0;
    for name in ["commands", "pub_commands"] {
        let mut entry = entry.clone();
        entry["dataChannelName"] = json!(name);
        let answer = post(root, &path, &json!({"dataChannels": [entry]}))?;
        opened += u32::from(answer["dataChannels"][0]["id"].is_u64());
    }
    while !stop.load(Ordering::Relaxed) {
        // It reads nothing: what arrives is never acknowledged.
        std::thread::sleep(Duration::from_millis(50));
        let sfu = attacker.sfu.ok_or("no address")?;
        for datagram in attacker.hostile.poll(Instant::now()) {
            let _ = attacker.socket.send_to(&datagram, sfu);
        }
    }
    Ok(format!("Stall: {opened} subscriptions that acknowledge nothing"))
}
