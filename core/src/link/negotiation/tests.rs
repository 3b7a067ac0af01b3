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
        let now = Instant::now();
        let address = |host: u8| SocketAddr::from(([10, 0, 0, host], 9));
        let mut server = Link::new(Role::Server, address(1), None, now);
        let mut client = Link::new(Role::Client, address(2), None, now);
        let answer = server.answer(&client.offer()).expect("an answer");
        client.accept_answer(&answer).expect("it fits");
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
            link.write(self.now, STREAM, false, text.as_bytes()).expect("an open channel");
        }
        self.run();
        for events in &self.events {
            let [LinkEvent::Message(STREAM, payload)] = &events[..] else { panic!("{events:?}") };
            assert_eq!(payload.bytes, text.as_bytes());
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
fn reads_max_message_size() {
    assert_eq!(max_message_size("v=0\r\na=mid:0\r\n"), 65_536);
    assert_eq!(max_message_size("a=max-message-size:0\r\n"), MAX_RECEIVED_MESSAGE);
    assert_eq!(max_message_size("a=sctp-port:5000\r\na=max-message-size:16384\r\n"), 16_384);
    assert_eq!(max_message_size("a=max-message-size:99999999999999\r\n"), 1 << 20);
    assert_eq!(max_message_size("a=max-message-size:x\r\n"), 65_536);
}
