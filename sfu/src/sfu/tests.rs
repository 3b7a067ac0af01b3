use std::net::SocketAddr;
use std::time::{Duration, Instant};

use farwire_core::link::{Link, LinkOutput, Role};
use farwire_core::signalling::{Method, RequestId};
use farwire_core::wire::cloudflare::{Established, NewSession};

use super::*;

fn ask(sfu: &mut Sfu, now: Instant, path: &str, body: &str) -> Response {
    let path = format!("/v1/apps/app/sessions{path}");
    let (method, authorization) = (Method::POST, Some("Bearer secret"));
    sfu.handle_request(
        now,
        RequestId(0),
        Incoming { method: &method, path: &path, authorization, body: body.as_bytes() },
    );
    loop {
        match sfu.poll(now) {
            Output::Response(_, response) => return response,
            Output::WaitUntil(_) => panic!("no answer to {path}"),
            Output::Transmit(..) => {}
        }
    }
}

/// Makes a session whose first offer is of no use, and connects a client to it, which changes its port on the way.
fn connect(sfu: &mut Sfu, now: &mut Instant, host: u8) -> Link {
    let made: NewSession = serde_json::from_slice(&ask(sfu, *now, "/new", "").body).expect("a session");
    let path = format!("/{}/datachannels/establish", made.session_id);
    let body = |sdp: &str| {
        let channel = serde_json::json!({"location": "remote", "dataChannelName": "server-events"});
        serde_json::json!({"dataChannel": channel, "sessionDescription": {"type": "offer", "sdp": sdp}}).to_string()
    };
    assert_eq!(ask(sfu, *now, &path, &body("nonsense")).status, 400);
    let mut link = Link::new(Role::Client, SocketAddr::from(([10, 0, 0, host], 1)), None, *now);
    let answer = ask(sfu, *now, &path, &body(&link.offer()));
    let answer: Established = serde_json::from_slice(&answer.body).expect("an answer");
    link.accept_answer(&answer.session_description.expect("an answer").sdp).expect("an answer that fits");
    for round in 0..40u16 {
        let source = SocketAddr::from(([10, 0, 0, host], 1 + round / 20));
        exchange(sfu, &mut link, *now, source);
        *now += Duration::from_millis(50);
    }
    assert!(sfu.sessions.values().any(|session| session.id == made.session_id && session.connected));
    link
}

fn exchange(sfu: &mut Sfu, link: &mut Link, now: Instant, source: SocketAddr) {
    link.handle_timeout(now);
    sfu.handle_timeout(now);
    for _ in 0..8 {
        loop {
            match link.poll(now) {
                LinkOutput::Transmit(_, datagram) => drop(sfu.handle_datagram(now, source, &datagram)),
                LinkOutput::WaitUntil(_) => break,
                _ => {}
            }
        }
        loop {
            match sfu.poll(now) {
                Output::Transmit(to, datagram) if to == source => {
                    link.handle_datagram(now, sfu.address, &datagram);
                }
                Output::WaitUntil(_) => break,
                _ => {}
            }
        }
    }
}

#[test]
fn sessions_leave_nothing_behind_however_they_end() {
    let mut now = Instant::now();
    let mut sfu = Sfu::new(Config::new("app", "secret"), SocketAddr::from(([10, 0, 0, 1], 3478)), [3; 32]);
    let mut says_goodbye = connect(&mut sfu, &mut now, 2);
    let _vanishes = connect(&mut sfu, &mut now, 3);
    assert!(sfu.by_address.len() >= 3, "one of them moved: {}", sfu.by_address.len());
    ask(&mut sfu, now, "/new", "");
    says_goodbye.close(now);
    exchange(&mut sfu, &mut says_goodbye, now, SocketAddr::from(([10, 0, 0, 2], 2)));
    assert_eq!(sfu.sessions.len(), 2);
    while let Output::WaitUntil(Some(at)) = sfu.poll(now) {
        now = at;
        sfu.handle_timeout(now);
        while !matches!(sfu.poll(now), Output::WaitUntil(_)) {}
    }
    let kept = [sfu.sessions.len(), sfu.by_id.len(), sfu.by_ufrag.len(), sfu.by_address.len(), sfu.timers.len()];
    assert_eq!(kept, [0; 5]);
    assert!(sfu.dirty.is_empty() && sfu.outbox.is_empty() && sfu.later.is_empty());
}

/// What comes behind a flood is read with the first look at the socket, and has its turn, before the flood is.
#[test]
fn whoever_sends_little_does_not_wait_for_who_sends_much() {
    let mut now = Instant::now();
    let mut sfu = Sfu::new(Config::new("app", "secret"), SocketAddr::from(([10, 0, 0, 1], 3478)), [3; 32]);
    let [few, many] = [2, 3].map(|host| {
        let _link = connect(&mut sfu, &mut now, host);
        SocketAddr::from(([10, 0, 0, host], 2))
    });
    while !matches!(sfu.poll(now), Output::WaitUntil(_)) {}
    // Nobody can decrypt it.
    let datagram = [&[23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 40][..], &[5; 40]].concat();
    let waiting = |sfu: &Sfu, at| sfu.sessions[&sfu.by_address[&at]].intake.waiting();
    for _ in 0..200 {
        assert!(sfu.handle_datagram(now, many, &datagram));
    }
    sfu.handle_datagram(now, few, &datagram);
    let before = waiting(&sfu, many);
    assert_eq!((before, waiting(&sfu, few)), (196, 0));
    assert!(matches!(sfu.poll(now), Output::WaitUntil(Some(at)) if at == now), "it goes on at once");
    let turns = |sfu: &mut Sfu| {
        while !matches!(sfu.poll(now), Output::WaitUntil(_)) {}
        waiting(sfu, many)
    };
    assert!(!sfu.sessions[&sfu.by_address[&few]].is_dirty && waiting(&sfu, many) == before, "the others were first");
    let mut left = before;
    while left > 0 {
        sfu.handle_datagram(now, few, &datagram);
        assert_eq!(waiting(&sfu, few), 0);
        let shares = [turns(&mut sfu), turns(&mut sfu)];
        assert!(left - shares[1] <= 16 + 48 && shares[1] < left, "{left}, then {shares:?}");
        left = shares[1];
    }
}
