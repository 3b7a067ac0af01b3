//! A peer whose SFU, network and user do anything.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use farwire_core::demux::MessageType;
use farwire_core::peer::Reason;
use farwire_core::signalling::{Failure, Request, RequestId, Response};
use farwire_core::{
    Config, ConnectionEvent, Delivery, Event, Output, Peer, Reliability, SubscriptionId, Topic, TopicId, TransportId,
};
use farwire_sfu::{Incoming, Sfu};
use serde_json::Value;

use super::choices::Choices;
use super::{MAX_OUTPUTS, SFU, address};

/// Decisions in one run.
const MAX_STEPS: usize = 96;

/// Timers that may be due at the same time, again and again, before it counts as spinning.
const MAX_TIMERS: usize = 10_000;

/// What is published is of this type, if it is long enough.
const OF_THE_TYPE: MessageType = MessageType::new("a.A", u64::from_be_bytes([b'a'; 8]));

/// Feeds a peer answers, datagrams, timeouts and calls. An honest SFU stands by, so that some of them make sense.
pub fn peer_inputs(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut rig = Rig::new();
    rig.settle();
    for _ in 0..MAX_STEPS {
        if choices.is_empty() {
            break;
        }
        rig.step(&mut choices);
        rig.settle();
    }
    rig.peer.close(rig.now);
    rig.settle();
    assert!(rig.ended, "a closed peer does not say that it ended");
    assert!(rig.deadline.is_none(), "a closed peer waits");
}

struct Rig {
    peer: Peer,
    sfu: Sfu,
    now: Instant,
    deadline: Option<Instant>,
    sfu_deadline: Option<Instant>,
    /// Requests without an answer.
    requests: VecDeque<Request>,
    /// What the SFU answered, and the peer was not told yet.
    answers: VecDeque<(RequestId, Response)>,
    ids: HashSet<RequestId>,
    to_sfu: Vec<(TransportId, Vec<u8>)>,
    to_peer: Vec<(TransportId, Vec<u8>)>,
    topics: Vec<TopicId>,
    subscriptions: Vec<SubscriptionId>,
    ended: bool,
}

impl Rig {
    fn new() -> Rig {
        let now = Instant::now();
        let config = Config::new("http://sfu.test/v1", "app", "secret").expect("a good config");
        Rig {
            peer: Peer::new(&config, TRANSPORTS.map(local), 0, now),
            sfu: Sfu::new(farwire_sfu::Config::new("app", "secret"), SFU, [7; 32]),
            now,
            deadline: None,
            sfu_deadline: None,
            requests: VecDeque::new(),
            answers: VecDeque::new(),
            ids: HashSet::new(),
            to_sfu: Vec::new(),
            to_peer: Vec::new(),
            topics: Vec::new(),
            subscriptions: Vec::new(),
            ended: false,
        }
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        match choices.byte() % 20 {
            0 | 1 => {
                let (topic, delivery) = (topic(choices), delivery(choices));
                if let Ok(id) = self.peer.topic(self.now, &topic, delivery) {
                    self.topics.push(id);
                }
            }
            step @ (2 | 3) => {
                let (topic, delivery) = (topic(choices), delivery(choices));
                let subscribed = match step {
                    2 => self.peer.subscribe(self.now, &topic, delivery),
                    _ => self.peer.subscribe_typed(self.now, &topic, delivery, OF_THE_TYPE),
                };
                self.subscriptions.extend(subscribed);
            }
            4 | 5 => {
                let Some(id) = choices.one_of(&self.topics) else { return };
                let message = vec![b'a'; usize::from(choices.short())];
                for _ in 0..=choices.byte() % 32 {
                    let was_over = self.ended;
                    let result = self.peer.publish(self.now, id, choices.flag(), &message);
                    assert!(!(was_over && result.is_ok()), "a message was taken after the end");
                }
            }
            6 => {
                let id = choices.below(self.subscriptions.len());
                if id < self.subscriptions.len() {
                    self.peer.unsubscribe(self.subscriptions.swap_remove(id));
                }
            }
            7 | 8 => self.pass_on(),
            9 => {
                let status = choices.one_of(&[200, 201, 204, 302, 400, 401, 404, 410, 425, 429, 500, 503]);
                let body = choices.bytes().to_vec();
                self.answer(Ok(Response { status: status.unwrap_or_default(), body }));
            }
            10 => {
                let timeout = Duration::from_secs(8);
                let failures = [
                    Failure::Timeout(timeout),
                    Failure::Connect("refused".into()),
                    Failure::TooLarge,
                    Failure::Broken("reset".into()),
                ];
                // The SFU may have done what was asked all the same.
                if choices.flag() {
                    self.pass_on();
                    self.answers.clear();
                }
                let failure = choices.one_of(&failures);
                self.answer(failure.map_or(Err(Failure::TooLarge), Err));
            }
            11 | 12 => self.answer_edited(choices),
            13 => {
                let (side, source) = (transport(choices.below(2)), if choices.flag() { SFU } else { address(9, 9) });
                self.peer.handle_datagram(self.now, side, source, choices.bytes());
            }
            14 => self.exchange(1 + choices.below(8), choices.byte()),
            15 => self.pass(Duration::from_millis(u64::from(choices.short()))),
            16 => {
                let response = Response { status: 200, body: choices.bytes().to_vec() };
                self.peer.handle_response(self.now, RequestId(u64::from(choices.byte())), Ok(response));
            }
            17 => match choices.byte() % 16 {
                0 => self.peer.close(self.now),
                1 => self.sfu.close(self.now),
                _ => {}
            },
            _ => self.behave(8),
        }
    }

    /// Hands the oldest request to the SFU.
    fn pass_on(&mut self) {
        let Some(request) = self.requests.front() else { return };
        let path = request.url.strip_prefix("http://sfu.test").unwrap_or_default();
        let body = request.body.as_deref().unwrap_or_default().as_bytes();
        let incoming = Incoming { method: &request.method, path, authorization: request.header("authorization"), body };
        self.sfu.handle_request(self.now, request.id, incoming);
        self.settle_sfu();
    }

    /// Answers the oldest request.
    fn answer(&mut self, result: Result<Response, Failure>) {
        if let Some(request) = self.requests.pop_front() {
            self.peer.handle_response(self.now, request.id, result);
        }
    }

    /// Answers the oldest request with what the SFU says, changed.
    fn answer_edited(&mut self, choices: &mut Choices<'_>) {
        self.pass_on();
        let Some((_, response)) = self.answers.pop_back() else { return };
        let Ok(mut json) = serde_json::from_slice::<Value>(&response.body) else { return };
        for _ in 0..1 + choices.below(4) {
            choices.edit_json(&mut json);
        }
        let status = if choices.byte() < 32 { choices.short() % 1000 } else { response.status };
        self.answer(Ok(Response { status, body: json.to_string().into_bytes() }));
    }

    /// Lets datagrams travel, except those whose bit in `lost` is set.
    fn exchange(&mut self, rounds: usize, lost: u8) {
        let arrives = |n: usize| lost >> (n % 8) & 1 == 0;
        for _ in 0..rounds {
            self.now += Duration::from_millis(1);
            for (n, (side, datagram)) in std::mem::take(&mut self.to_sfu).into_iter().enumerate() {
                if arrives(n) {
                    self.sfu.handle_datagram(self.now, local(side.index()), &datagram);
                }
            }
            self.settle_sfu();
            for (n, (side, datagram)) in std::mem::take(&mut self.to_peer).into_iter().enumerate() {
                if arrives(n) {
                    self.peer.handle_datagram(self.now, side, SFU, &datagram);
                }
            }
            self.peer.handle_timeout(self.now);
            self.sfu.handle_timeout(self.now);
            self.settle();
        }
    }

    /// Everybody does what they should, for some round trips.
    fn behave(&mut self, rounds: usize) {
        for _ in 0..rounds {
            for _ in 0..self.requests.len() {
                self.pass_on();
                self.requests.rotate_left(1);
            }
            for (id, response) in std::mem::take(&mut self.answers) {
                self.requests.retain(|request| request.id != id);
                self.peer.handle_response(self.now, id, Ok(response));
            }
            self.settle();
            self.exchange(2, 0);
        }
    }

    /// Lets time pass without a datagram.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..MAX_TIMERS {
            self.settle();
            let next = self.deadline.into_iter().chain(self.sfu_deadline).min();
            let Some(next) = next.filter(|at| *at <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            self.peer.handle_timeout(self.now);
            self.sfu.handle_timeout(self.now);
        }
        panic!("the deadlines do not end: {:?}", self.deadline);
    }

    fn settle(&mut self) {
        self.settle_sfu();
        for _ in 0..MAX_OUTPUTS {
            let output = self.peer.poll(self.now);
            assert!(
                !self.ended || matches!(output, Output::WaitUntil(None, Reason::Idle)),
                "after the end: {output:?}"
            );
            match output {
                Output::Transmit { transport: side, destination, datagram } if destination == SFU => {
                    self.to_sfu.push((side, datagram));
                }
                Output::Http(request) => {
                    assert!(self.ids.insert(request.id), "the id {:?} was used before", request.id);
                    assert!(!request.timeout.is_zero(), "{request:?} has no time");
                    self.requests.push_back(request);
                }
                Output::Event(Event::Connection(ConnectionEvent::Ended { .. })) => self.ended = true,
                Output::WaitUntil(at, _) => {
                    self.deadline = at;
                    return;
                }
                _ => {}
            }
        }
        panic!("the peer does not come to rest");
    }

    fn settle_sfu(&mut self) {
        for _ in 0..MAX_OUTPUTS {
            match self.sfu.poll(self.now) {
                farwire_sfu::Output::Transmit(to, datagram) => {
                    let side = TRANSPORTS.into_iter().map(transport).find(|side| local(side.index()) == to);
                    self.to_peer.extend(side.map(|side| (side, datagram)));
                }
                farwire_sfu::Output::Response(id, response) => self.answers.push_back((id, response)),
                farwire_sfu::Output::WaitUntil(at) => {
                    self.sfu_deadline = at;
                    return;
                }
                _ => {}
            }
        }
        panic!("the SFU does not come to rest");
    }
}

/// The numbers of the transports.
const TRANSPORTS: [usize; 2] = [0, 1];

fn transport(number: usize) -> TransportId {
    TransportId::new(number).expect("there are so many")
}

fn local(transport: usize) -> std::net::SocketAddr {
    address(2, 1 + transport as u16)
}

fn topic(choices: &mut Choices<'_>) -> Topic {
    let known = ["a", "a/b", "cmd_vel", "тема"];
    let name = if choices.byte() < 224 { choices.one_of(&known).unwrap_or("a").to_owned() } else { choices.text() };
    Topic::new(&name).or_else(|_| Topic::new("a")).expect("a good topic")
}

fn delivery(choices: &mut Choices<'_>) -> Delivery {
    match choices.byte() % 4 {
        0 => Delivery::RELIABLE,
        1 => Delivery::new(choices.flag(), Reliability::MaxRetransmits(choices.short())),
        2 => Delivery::new(choices.flag(), Reliability::MaxPacketLifeTime(choices.short())),
        _ => Delivery::LOSSY,
    }
}
