use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::*;
use crate::link::{LinkEvent, LinkOutput, Role};

const STREAM: StreamId = 2;

/// Two links that are connected, in virtual time.
struct Pair {
    now: Instant,
    ends: [(SocketAddr, Link); 2],
    /// What the server answered first.
    answer: String,
    events: [Vec<LinkEvent>; 2],
}

impl Pair {
    /// A client and a server with a channel between them.
    fn connected() -> Pair {
        Pair::connected_by(str::to_owned, str::to_owned)
    }

    /// With another offer and answer than the ends make.
    fn connected_by(offered: impl FnOnce(&str) -> String, answered: impl FnOnce(&str) -> String) -> Pair {
        let now = Instant::now();
        let address = |host: u8| SocketAddr::from(([10, 0, 0, host], 9));
        let mut server = Link::new(Role::Server, address(1), None, now);
        let mut client = Link::new(Role::Client, address(2), None, now);
        let answer = server.answer(&offered(&client.offer())).expect("an answer");
        client.accept_answer(&answered(&answer)).expect("it fits");
        let ends = [(address(2), client), (address(1), server)];
        let mut pair = Pair { now, ends, answer, events: Default::default() };
        pair.run();
        for (_, link) in &mut pair.ends {
            link.open(pair.now, STREAM, Delivery::RELIABLE).expect("a free id");
        }
        pair.run();
        pair.carries("first");
        pair
    }

    fn client(&mut self) -> &mut Link {
        &mut self.ends[0].1
    }

    /// Lets half a second pass.
    fn run(&mut self) {
        for _ in 0..50 {
            self.now += Duration::from_millis(10);
            for end in 0..2 {
                let (from, link) = &mut self.ends[end];
                let (from, mut sent) = (*from, Vec::new());
                link.handle_timeout(self.now);
                loop {
                    match link.poll(self.now) {
                        LinkOutput::Transmit(to, datagram) => sent.push((to, datagram)),
                        LinkOutput::Event(event) => self.events[end].push(event),
                        LinkOutput::WaitUntil(_) => break,
                    }
                }
                let (to, far) = &mut self.ends[1 - end];
                for (_, datagram) in sent.iter().filter(|(destination, _)| destination == to) {
                    far.handle_datagram(self.now, from, datagram);
                }
            }
        }
    }

    /// Checks that a message of each end reaches the other, and nothing else happens.
    fn carries(&mut self, text: &str) {
        self.events = Default::default();
        for (_, link) in &mut self.ends {
            link.write(self.now, STREAM, false, bytes::Bytes::copy_from_slice(text.as_bytes()))
                .expect("an open channel");
        }
        self.run();
        for events in &self.events {
            let [LinkEvent::Message(STREAM, payload)] = &events[..] else { panic!("{events:?}") };
            assert_eq!(payload.bytes, bytes::Bytes::copy_from_slice(text.as_bytes()));
        }
    }

    /// The server's description as an offer, with audio added to it.
    fn offer(&self) -> String {
        let mid = self.answer.lines().find_map(|line| line.strip_prefix("a=mid:")).expect("a mid");
        let version = |line: &str| {
            let mut words: Vec<_> = line.split(' ').collect();
            words[2] = "9223372036854775807";
            words.join(" ")
        };
        let lines = self.answer.lines().map(|line| match line {
            _ if line.starts_with("o=") => version(line),
            _ if line.starts_with("a=setup:") => "a=setup:actpass".to_owned(),
            _ if line.starts_with("a=group:BUNDLE") => format!("a=group:BUNDLE {mid} audio"),
            _ => line.to_owned(),
        });
        let audio = [
            "m=audio 9 UDP/TLS/RTP/SAVPF 111",
            "c=IN IP4 0.0.0.0",
            "a=mid:audio",
            "a=sendonly",
            "a=rtcp-mux",
            "a=rtpmap:111 opus/48000/2",
        ];
        lines.chain(audio.map(str::to_owned)).map(|line| line + "\r\n").collect()
    }
}

#[test]
fn audio_that_is_offered_later_is_declined_and_the_data_goes_on() {
    let mut pair = Pair::connected();
    let offer = pair.offer();
    for turn in ["second", "third"] {
        let max_message = pair.client().max_message();
        let answer = pair.client().answer_again(&offer).expect("an answer");
        assert!(answer.contains("a=setup:active\r\n"), "as it was the first time: {answer}");
        assert_eq!(answer.matches("\r\nm=").count(), 2, "{answer}");
        assert!(answer.contains("a=mid:audio\r\na=inactive\r\n"), "{answer}");
        assert_eq!(pair.client().max_message(), max_message);
        pair.carries(turn);
    }
    for _ in 0..60 {
        pair.run();
    }
    pair.carries("half a minute later");
}

#[test]
fn an_offer_that_changes_the_transport_is_refused_and_the_data_goes_on() {
    let mut pair = Pair::connected();
    let offer = pair.offer();
    let changed = |prefix: &str, value: &str| {
        let line = |line: &str| if line.starts_with(prefix) { format!("{prefix}{value}") } else { line.to_owned() };
        offer.lines().map(|text| line(text) + "\r\n").collect::<String>()
    };
    let mid = offer.lines().find_map(|line| line.strip_prefix("a=mid:")).expect("a mid");
    for (what, offer) in [
        ("no SDP", "hello".to_owned()),
        ("no data", offer.replace("m=application", "m=text")),
        ("no data any more", offer.replace("m=application 9", "m=application 0")),
        (
            "another mid",
            offer.replace(&format!("a=mid:{mid}"), "a=mid:x").replace(&format!("BUNDLE {mid}"), "BUNDLE x"),
        ),
        ("another user", changed("a=ice-ufrag:", "abcdefgh")),
        ("another password", changed("a=ice-pwd:", "abcdefghijklmnopqrstuvwx")),
        ("another certificate", changed("a=fingerprint:", &format!("sha-256 {}", ["AB"; 32].join(":")))),
        (
            "no certificate",
            offer.lines().filter(|line| !line.starts_with("a=fingerprint:")).collect::<Vec<_>>().join("\r\n"),
        ),
    ] {
        let answer = pair.client().answer_again(&offer);
        assert!(matches!(answer, Err(LinkError::Sdp(_))), "{what}: {answer:?}");
        pair.carries(what);
    }
    for _ in 0..60 {
        pair.run();
    }
    pair.carries("half a minute later");
}

#[test]
fn the_data_connects_whatever_its_section_is_called() {
    for mid in ["data-0", "6f1c9f6e-4f0b-4c39-8f4e-5f5d6d3b2a10", "!#$%&'*+.^_`{|}~", "x"] {
        let mut own = String::new();
        let offered = |offer: &str| {
            own = attribute(&offer.lines().collect::<Vec<_>>(), "mid").next().expect("a mid").to_owned();
            offer
                .replace(&format!("a=mid:{own}\r\n"), &format!("a=mid:{mid}\r\n"))
                .replace(&format!("a=group:BUNDLE {own}\r\n"), &format!("a=group:BUNDLE {mid}\r\na=group:LS {mid}\r\n"))
        };
        let answered = |text: &str| {
            assert!(text.contains(&format!("a=mid:{mid}\r\n")), "{text}");
            assert!(text.contains(&format!("a=group:BUNDLE {mid}\r\n")), "{text}");
            // This client calls its section something else.
            text.lines().filter(|line| !line.starts_with("a=mid:")).map(|line| line.to_owned() + "\r\n").collect()
        };
        let mut pair = Pair::connected_by(offered, answered);
        pair.carries(mid);
        assert!(!own.is_empty());
    }
}

#[test]
fn lines_that_foreign_ends_write_do_not_keep_the_data_from_connecting() {
    let long = ["AB"; 64].join(":");
    let foreign = |sdp: &str| {
        sdp.replace("s=-\r\n", "s= \r\ni=about\r\nb=AS:1\r\nb=CT:2\r\n")
            .replace("t=0 0\r\n", "t=3724394400 3724398000\r\nr=7d 1h 0 25h\r\n")
            .replace("a=setup:", &format!("b=AS:30\r\nb=TIAS:30000\r\na=fingerprint:sha-512 {long}\r\na=setup:"))
            .replace(" typ host", " typ host generation 0 ufrag x network-id 1 network-cost 50")
    };
    Pair::connected_by(foreign, foreign).carries("and goes on");
    let tcp = |sdp: &str| sdp.replace("UDP/DTLS/SCTP", "TCP/DTLS/SCTP");
    let answer_tcp = |sdp: &str| {
        assert!(sdp.contains("m=application 9 TCP/DTLS/SCTP webrtc-datachannel\r\n"), "{sdp}");
        sdp.to_owned()
    };
    Pair::connected_by(tcp, answer_tcp).carries("by UDP all the same");
}

#[test]
fn reads_max_message_size() {
    assert_eq!(max_message_size(None), 65_536);
    assert_eq!(max_message_size(Some("0")), MAX_RECEIVED_MESSAGE);
    assert_eq!(max_message_size(Some("16384")), 16_384);
    assert_eq!(max_message_size(Some("99999999999999")), 1 << 20);
    assert_eq!(max_message_size(Some("x")), 65_536);
}
