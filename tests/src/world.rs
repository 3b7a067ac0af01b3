//! The world and its clock.

mod broker;
mod streams;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use farwire_core::client::{Changed, Inbox as _};
use farwire_core::signalling::{Failure, Request, RequestId, Response, StreamEvent};
use farwire_core::{
    Client, Config, ConnectionEvent, Delivery, Dial, Event, Mailbox, Output, Payload, Peer, SubscriptionId, Topic,
    TopicId, TransportId, WallClock,
};
use farwire_sfu::{Incoming, Sfu};

use crate::Sharing;
use crate::engine;
use crate::http::{Fate, HttpLog};
use crate::mind::Mind;
use crate::world_broker::{BROKER, Wish, WorldBroker};

pub use self::streams::{LineClient, LineServer, Said};

/// A peer in a world, by its number.
pub type Node = usize;

/// Steps after which a world counts as livelocked.
const MAX_STEPS: u32 = 5_000_000;

/// What every datagram and request goes through, each way.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    /// How long it takes.
    pub delay: Duration,
    /// Up to this much longer, so that datagrams overtake each other.
    pub jitter: Duration,
    /// The share of datagrams that is lost; requests are not.
    pub loss: f64,
}

impl Default for Network {
    fn default() -> Self {
        Network { delay: Duration::from_millis(1), jitter: Duration::ZERO, loss: 0.0 }
    }
}

enum Arrival {
    ToSfu { from: SocketAddr, datagram: Vec<u8> },
    ToPeer { node: Node, transport: TransportId, from: SocketAddr, datagram: Vec<u8> },
    Request { node: Node, request: Request, answer_lost: bool },
    Answer { node: Node, id: RequestId, result: Result<Response, Failure> },
    OfStream { node: Node, event: StreamEvent },
    ToLineServer { stream: LineClient, said: Said },
}

struct Inhabitant {
    mind: Mind,
    addresses: [SocketAddr; 2],
    events: VecDeque<Event>,
    deadline: Option<Instant>,
    /// Unplugged: nothing that it sends or gets arrives.
    is_cut_off: bool,
    /// Instead of the world's network.
    network: Option<Network>,
}

/// Several peers and an SFU in one thread. See the [crate](crate).
///
/// If the test fails, the seed is printed.
pub struct World {
    /// The SFU under test.
    pub sfu: Sfu,
    /// What the network does from now on.
    pub network: Network,
    /// Every request that was made.
    pub http: Vec<HttpLog>,
    /// How long each datagram was that the network lost.
    pub lost: Vec<usize>,
    seed: u64,
    start: Instant,
    now: Instant,
    random: fastrand::Rng,
    inhabitants: Vec<Inhabitant>,
    by_address: HashMap<SocketAddr, (Node, TransportId)>,
    sfu_address: SocketAddr,
    sfu_deadline: Option<Instant>,
    /// Keyed by time and a number that keeps the order.
    arrivals: BTreeMap<(Instant, u64), Arrival>,
    sent: u64,
    at_sfu: HashMap<RequestId, (Node, RequestId, bool)>,
    broker: Option<WorldBroker>,
    /// The broker's requests, by those of the SFU.
    of_broker: HashMap<RequestId, RequestId>,
    /// A server that is spoken to in lines.
    line_server: Option<Box<dyn LineServer>>,
    /// Those to it that are open.
    streams: Vec<LineClient>,
    /// SFU and broker: requests are refused, and datagrams lost.
    is_down: bool,
    outstanding: HashMap<(Node, RequestId), Option<String>>,
    script: Box<dyn FnMut(&HttpLog) -> Fate + Send>,
}

impl World {
    /// A world with an SFU for the app `app` with the secret `secret`. Everything random in it, but for the keys that
    /// the peers draw, follows from `seed`.
    pub fn new(seed: u64) -> World {
        World::with(seed, farwire_sfu::Config::new("app", "secret"))
    }

    /// A world with an SFU of this configuration.
    pub fn with(seed: u64, config: farwire_sfu::Config) -> World {
        let sfu_address = SocketAddr::from(([10, 0, 0, 1], 3478));
        let start = Instant::now();
        World {
            sfu: Sfu::new(engine::sfu(config), sfu_address, [7; 32]),
            network: Network::default(),
            http: Vec::new(),
            lost: Vec::new(),
            seed,
            start,
            now: start,
            random: fastrand::Rng::with_seed(seed),
            inhabitants: Vec::new(),
            by_address: HashMap::new(),
            sfu_address,
            sfu_deadline: None,
            arrivals: BTreeMap::new(),
            sent: 0,
            at_sfu: HashMap::new(),
            broker: None,
            of_broker: HashMap::new(),
            line_server: None,
            streams: Vec::new(),
            is_down: false,
            outstanding: HashMap::new(),
            script: Box::new(|_| Fate::Pass),
        }
    }

    /// Decides about every request from now on.
    pub fn script(&mut self, script: impl FnMut(&HttpLog) -> Fate + Send + 'static) {
        self.script = Box::new(script);
    }

    /// The configuration that fits this world's SFU.
    pub fn config(&self) -> Config {
        Config::new("http://sfu.test/v1", "app", "secret").expect("a good config")
    }

    /// Adds a peer that dials.
    pub fn add(&mut self, dial: impl Into<Dial>) -> Node {
        let clock = self.clock();
        self.settle_in(|addresses, seed, now| {
            let mut peer = Peer::new(engine::dial(dial), addresses, seed, now);
            peer.set_clock(clock);
            Mind::Peer(peer.into())
        })
    }

    /// Adds a client that dials.
    pub fn add_client(&mut self, dial: impl Into<Dial>) -> Node {
        let clock = self.clock();
        self.settle_in(|addresses, seed, now| {
            let mut client = Client::new(engine::dial(dial), addresses, seed, Sharing, now);
            client.set_clock(clock);
            Mind::Client(client.into())
        })
    }

    /// The world began at 1,800,000,000 seconds after 1970.
    pub fn clock(&self) -> WallClock {
        WallClock::new(self.start, Duration::from_secs(1_800_000_000))
    }

    /// Seconds since 1970.
    pub fn unix(&self) -> f64 {
        self.clock().unix(self.now)
    }

    /// Ends SFU and broker without a word.
    pub fn take_down(&mut self) {
        self.is_down = true;
        self.at_sfu.clear();
        self.of_broker.clear();
        self.sfu = Sfu::new(engine::sfu(farwire_sfu::Config::new("app", "secret")), self.sfu_address, [8; 32]);
    }

    /// Starts them again; the SFU knows nothing of what was.
    pub fn bring_up(&mut self) {
        self.is_down = false;
        if self.broker.is_some() {
            self.restart_broker();
        }
    }

    fn settle_in(&mut self, mind: impl FnOnce([SocketAddr; 2], u64, Instant) -> Mind) -> Node {
        let node = self.inhabitants.len();
        let [high, low] = (2 + node as u16).to_be_bytes();
        let addresses = [1, 2].map(|port| SocketAddr::from(([10, 0, high, low], port)));
        for (address, transport) in addresses.into_iter().zip((0..).map_while(TransportId::new)) {
            self.by_address.insert(address, (node, transport));
        }
        let mind = mind(addresses, self.seed, self.now);
        let events = VecDeque::new();
        let inhabitant = Inhabitant { mind, addresses, events, deadline: None, is_cut_off: false, network: None };
        self.inhabitants.push(inhabitant);
        node
    }

    /// Adds a peer and runs until it is connected.
    pub fn connect(&mut self, dial: impl Into<Dial>) -> Node {
        let node = self.add(dial);
        let connected = self.run_until(Duration::from_secs(10), |world| {
            world.inhabitants[node]
                .events
                .iter()
                .any(|event| matches!(event, Event::Connection(ConnectionEvent::Connected { .. })))
        });
        assert!(connected, "node {node} did not connect: {:?}", self.inhabitants[node].events);
        self.inhabitants[node].events.clear();
        node
    }

    /// Adds a peer that subscribes to what `publisher` publishes, and runs until it is connected.
    pub fn connect_to(&mut self, publisher: Node) -> Node {
        let session = self.peer(publisher).session_id().expect("connected").to_string();
        let config = self.config().publisher_session(&session).expect("a good id");
        self.connect(&config)
    }

    /// A peer, to read from.
    pub fn peer(&mut self, node: Node) -> &mut Peer {
        self.inhabitants[node].mind.peer()
    }

    /// Does something with a client, and then what it says.
    pub fn act<R>(&mut self, node: Node, act: impl FnOnce(&mut Client<Sharing>, Instant) -> R) -> R {
        let result = act(self.inhabitants[node].mind.client(), self.now);
        self.turn(node);
        result
    }

    /// The virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The virtual time since the world began.
    pub fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// Makes a topic publishable.
    pub fn topic(&mut self, node: Node, name: &str, delivery: Delivery) -> TopicId {
        let (now, topic) = (self.now, Topic::new(name).expect("a good topic"));
        self.inhabitants[node].mind.peer().topic(now, &topic, delivery).expect("the topic is free")
    }

    /// Subscribes to a topic.
    pub fn subscribe(&mut self, node: Node, name: &str, delivery: Delivery) -> SubscriptionId {
        let (now, topic) = (self.now, Topic::new(name).expect("a good topic"));
        self.inhabitants[node].mind.peer().subscribe(now, &topic, delivery).expect("the topic is free")
    }

    /// Subscribes to a topic and runs until its channel is open.
    pub fn subscribe_open(&mut self, node: Node, name: &str, delivery: Delivery) -> SubscriptionId {
        let id = self.subscribe(node, name, delivery);
        let open = self.run_until(Duration::from_secs(10), |world| {
            let subscribed = |event: &Event| matches!(event, Event::Subscribed(of) if *of == id);
            world.inhabitants[node].events.iter().any(subscribed)
        });
        assert!(open, "the subscription to {name:?} did not open: {:?}", self.inhabitants[node].events);
        // Its acknowledgement is to reach the SFU as well.
        self.run_for(Duration::from_millis(300));
        id
    }

    /// Publishes binary bytes.
    pub fn publish(
        &mut self,
        node: Node,
        topic: TopicId,
        bytes: &[u8],
    ) -> Result<farwire_core::Accepted, farwire_core::PublishError> {
        let now = self.now;
        self.inhabitants[node].mind.peer().publish(now, topic, true, bytes)
    }

    /// Takes the messages that one subscription got so far.
    pub fn messages(&mut self, node: Node, id: SubscriptionId) -> Vec<Payload> {
        let events = std::mem::take(&mut self.inhabitants[node].events);
        let mut messages = Vec::new();
        for event in events {
            match event {
                Event::Message { subscription, payload, .. } if subscription == id => messages.push(payload),
                other => self.inhabitants[node].events.push_back(other),
            }
        }
        messages
    }

    /// Takes everything that a peer was told so far.
    pub fn events(&mut self, node: Node) -> Vec<Event> {
        self.inhabitants[node].events.drain(..).collect()
    }

    /// Closes a peer.
    pub fn close(&mut self, node: Node) {
        let now = self.now;
        self.inhabitants[node].mind.peer().close(now);
    }

    /// Unplugs a peer: nothing that it sends or is sent arrives any more.
    pub fn cut_off(&mut self, node: Node) {
        self.inhabitants[node].is_cut_off = true;
    }

    /// Plugs it in again.
    pub fn plug_in(&mut self, node: Node) {
        self.inhabitants[node].is_cut_off = false;
    }

    /// From now on the network shows the SFU one of a peer's sockets under another port, as when a NAT has forgotten it, or
    /// another address. What is sent to the one of before is lost. The peer does not know.
    pub fn rebind(&mut self, node: Node, transport: TransportId, address: SocketAddr) {
        let place = &mut self.inhabitants[node].addresses[transport.index()];
        self.by_address.remove(place);
        *place = address;
        self.by_address.insert(address, (node, transport));
    }

    /// Where the SFU sees one of a peer's sockets.
    pub fn address(&self, node: Node, transport: TransportId) -> SocketAddr {
        self.inhabitants[node].addresses[transport.index()]
    }

    /// Every datagram of a peer that is on its way to the SFU, which arrives nevertheless.
    pub fn on_the_way(&self, node: Node, transport: TransportId) -> Vec<Vec<u8>> {
        let address = self.address(node, transport);
        let to_sfu = self.arrivals.values().filter_map(|arrival| match arrival {
            Arrival::ToSfu { from, datagram } if *from == address => Some(datagram.clone()),
            _ => None,
        });
        to_sfu.collect()
    }

    /// Gives a peer a network of its own.
    pub fn set_network(&mut self, node: Node, network: Network) {
        self.inhabitants[node].network = Some(network);
    }

    /// Runs for a time.
    pub fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        self.run_until(time, |_| false);
        assert_eq!(self.now, until);
    }

    /// Runs until `done`, at most for `limit`. Says whether it was.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut World) -> bool) -> bool {
        let until = self.now + limit;
        for _ in 0..MAX_STEPS {
            self.settle();
            if done(self) {
                return true;
            }
            let deadlines = self.inhabitants.iter().filter_map(|inhabitant| inhabitant.deadline);
            let first = self.arrivals.first_key_value().map(|((at, _), _)| *at);
            let broker = self.broker.as_ref().filter(|_| !self.is_down).and_then(|broker| broker.deadline);
            let next = deadlines.chain(self.sfu_deadline).chain(first).chain(broker).min();
            let Some(next) = next.filter(|next| *next <= until) else {
                self.now = until;
                return false;
            };
            self.now = self.now.max(next);
            self.arrive();
            let now = self.now;
            self.sfu.handle_timeout(now);
            if let Some(broker) = self.broker.as_mut().filter(|_| !self.is_down) {
                broker.handle_timeout(now);
            }
            for inhabitant in &mut self.inhabitants {
                inhabitant.mind.handle_timeout(now);
            }
        }
        panic!("the world does not come to rest at {:?}", self.elapsed());
    }

    /// Lets everybody do what they want to do now.
    fn settle(&mut self) {
        for node in 0..self.inhabitants.len() {
            loop {
                let now = self.now;
                let inhabitant = &mut self.inhabitants[node];
                let Mind::Peer(peer) = &mut inhabitant.mind else {
                    self.turn(node);
                    break;
                };
                match peer.poll(now) {
                    Output::Transmit { transport, destination, datagram } => {
                        self.transmit(node, transport, destination, datagram);
                    }
                    Output::Http(request) => self.request(node, request),
                    Output::Stream(command) => self.stream(node, command),
                    Output::Event(event) => inhabitant.events.push_back(event),
                    Output::WaitUntil(at, _) => {
                        inhabitant.deadline = at;
                        break;
                    }
                    _ => {}
                }
            }
        }
        loop {
            let now = self.now;
            match self.sfu.poll(now) {
                farwire_sfu::Output::Transmit(to, datagram) => {
                    let Some((node, transport)) = self.by_address.get(&to).copied() else { continue };
                    if !self.inhabitants[node].is_cut_off && !self.is_lost(node, &datagram) {
                        let at = now + self.travel(node);
                        self.send(at, Arrival::ToPeer { node, transport, from: self.sfu_address, datagram });
                    }
                }
                farwire_sfu::Output::Response(id, response) => {
                    if let (Some(id), Some(broker)) = (self.of_broker.remove(&id), &mut self.broker) {
                        broker.take_answer(now, id, response);
                        continue;
                    }
                    let Some((node, id, answer_lost)) = self.at_sfu.remove(&id) else { continue };
                    if !answer_lost {
                        self.send(now + self.network.delay, Arrival::Answer { node, id, result: Ok(response) });
                    }
                }
                farwire_sfu::Output::WaitUntil(at) => {
                    self.sfu_deadline = at;
                    if !self.settle_broker() {
                        return;
                    }
                }
                _ => {}
            }
        }
    }

    /// Does what the broker wants; `false` if it asked nothing of the SFU.
    fn settle_broker(&mut self) -> bool {
        let now = self.now;
        let mut asked = false;
        while let Some(wish) = self.broker.as_mut().filter(|_| !self.is_down).and_then(|broker| broker.poll(now)) {
            match wish {
                Wish::Answer(node, id, response) => {
                    self.send(now + self.network.delay, Arrival::Answer { node, id, result: Ok(response) });
                }
                Wish::Ask(request) => {
                    let id = RequestId(self.sent);
                    self.sent += 1;
                    self.of_broker.insert(id, request.id);
                    self.sfu.handle_request(now, id, incoming(&request));
                    asked = true;
                }
            }
        }
        asked
    }

    /// Does what a client says.
    fn turn(&mut self, node: Node) {
        let turn = self.inhabitants[node].mind.client().turn(self.now);
        for datagram in turn.datagrams {
            self.transmit(node, datagram.transport, datagram.destination, datagram.contents);
        }
        turn.changed.iter().for_each(Changed::wake);
        for inbox in turn.opened {
            inbox.with(Mailbox::note_opened);
            inbox.wake();
        }
        for request in turn.requests {
            self.request(node, request);
        }
        for command in turn.stream {
            self.stream(node, command);
        }
        self.inhabitants[node].deadline = turn.deadline;
    }

    fn transmit(&mut self, node: Node, transport: TransportId, destination: SocketAddr, datagram: Vec<u8>) {
        let inhabitant = &self.inhabitants[node];
        let from = inhabitant.addresses[transport.index()];
        if inhabitant.is_cut_off || self.is_lost(node, &datagram) {
            return;
        }
        let at = self.now + self.travel(node);
        match self.by_address.get(&destination).copied() {
            _ if destination == self.sfu_address => self.send(at, Arrival::ToSfu { from, datagram }),
            // Two peers without an SFU between them.
            Some((node, transport)) if !self.inhabitants[node].is_cut_off => {
                self.send(at, Arrival::ToPeer { node, transport, from, datagram });
            }
            _ => {}
        }
    }

    fn arrive(&mut self) {
        while let Some(entry) = self.arrivals.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let now = self.now;
            match entry.remove() {
                Arrival::ToSfu { .. } if self.is_down => {}
                Arrival::ToSfu { from, datagram } => {
                    self.sfu.handle_datagram(now, from, &datagram);
                }
                Arrival::ToPeer { node, transport, from, datagram } => {
                    self.inhabitants[node].mind.handle_datagram(now, transport, from, &datagram);
                }
                Arrival::OfStream { node, event } => self.inhabitants[node].mind.handle_stream(now, event),
                Arrival::ToLineServer { stream, said } => self.tell_line_server(stream, said),
                Arrival::Request { node, request, .. } if self.is_down => {
                    let result = Err(Failure::Connect("connection refused".to_owned()));
                    self.send(now, Arrival::Answer { node, id: request.id, result });
                }
                Arrival::Request { node, request, answer_lost } if request.url.starts_with(BROKER) => {
                    let broker = self.broker.as_mut().expect("there is a broker");
                    broker.take(now, node, &request, answer_lost);
                }
                Arrival::Request { node, request, answer_lost } => {
                    let id = RequestId(self.sent);
                    self.sent += 1;
                    self.at_sfu.insert(id, (node, request.id, answer_lost));
                    self.sfu.handle_request(now, id, incoming(&request));
                }
                Arrival::Answer { node, id, result } => {
                    // The driver's timeout and a late answer exclude each other.
                    if self.outstanding.remove(&(node, id)).is_some() {
                        self.inhabitants[node].mind.handle_response(now, id, result);
                    }
                }
            }
        }
    }

    fn request(&mut self, node: Node, request: Request) {
        let mut log = HttpLog::new(self.elapsed(), node, &request);
        log.overlaps = log.session.is_some()
            && self.outstanding.iter().any(|((of, _), session)| *of == node && *session == log.session);
        let (now, id, timeout) = (self.now, request.id, request.timeout);
        self.outstanding.insert((node, id), log.session.clone());
        let fate = if self.inhabitants[node].is_cut_off { Fate::Lost } else { (self.script)(&log) };
        self.http.push(log);
        let answer = |result| Arrival::Answer { node, id, result };
        self.send(now + timeout, answer(Err(Failure::Timeout(timeout))));
        let (there, back) = (now + self.network.delay, now + 2 * self.network.delay);
        match fate {
            Fate::Pass => self.send(there, Arrival::Request { node, request, answer_lost: false }),
            Fate::AnswerLost => self.send(there, Arrival::Request { node, request, answer_lost: true }),
            Fate::Answer(status, body) => self.send(back, answer(Ok(Response { status, body: body.into() }))),
            Fate::Failed(failure) => self.send(back, answer(Err(failure))),
            Fate::Lost => {}
        }
    }

    fn send(&mut self, at: Instant, arrival: Arrival) {
        self.arrivals.insert((at, self.sent), arrival);
        self.sent += 1;
    }

    fn network_of(&self, node: Node) -> Network {
        self.inhabitants[node].network.unwrap_or(self.network)
    }

    fn is_lost(&mut self, node: Node, datagram: &[u8]) -> bool {
        let loss = self.network_of(node).loss;
        let is_lost = loss > 0.0 && self.random.f64() < loss;
        self.lost.extend(is_lost.then_some(datagram.len()));
        is_lost
    }

    fn travel(&mut self, node: Node) -> Duration {
        let Network { delay, jitter, .. } = self.network_of(node);
        delay + Duration::from_micros(self.random.u64(0..=jitter.as_micros() as u64))
    }
}

/// A request as the SFU takes it.
fn incoming(request: &Request) -> Incoming<'_> {
    let path = request.url.strip_prefix("http://sfu.test").unwrap_or_default();
    let body = request.body.as_deref().unwrap_or_default().as_bytes();
    Incoming { method: &request.method, path, authorization: request.header("authorization"), body }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the world's seed was {}, and its time {:?}", self.seed, self.elapsed());
        }
    }
}
