//! Clients that are not farwire's: bare str0m, driven the way a page or a foreign program drives the SFU's API.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use farwire_core::signalling::{Method, RequestId};
use farwire_sfu::{Config, Incoming, Output, Sfu};
use serde_json::{Value, json};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, Reliability};
use str0m::media::{Direction, MediaKind};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceCreds, Input, Rtc, RtcConfig};

/// Where the SFU is.
pub const SFU: SocketAddr = SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::new(10, 0, 0, 1), 3478));

/// How long a datagram takes.
const DELAY: Duration = Duration::from_millis(1);

/// Steps after which a run counts as livelocked.
const MAX_STEPS: u32 = 2_000_000;

/// A message as a client got it: the channel's stream id, whether it is binary, its bytes.
pub type Received = (u16, bool, Vec<u8>);

/// One client and its session.
pub struct Client {
    /// Its session's id.
    pub session: String,
    /// What it received.
    pub received: Vec<Received>,
    /// Channels that the SFU opened in band: stream id and label.
    pub announced: Vec<(u16, String)>,
    /// Channels that are closed.
    pub closed: Vec<u16>,
    /// Its connection is up.
    pub is_connected: bool,
    /// Nothing that it sends or is sent arrives.
    pub is_cut_off: bool,
    rtc: Rtc,
    /// What it thinks its address is.
    local: SocketAddr,
    /// What the network shows the SFU.
    address: SocketAddr,
    deadline: Instant,
    streams: HashMap<u16, str0m::channel::ChannelId>,
    in_band: Vec<str0m::channel::ChannelId>,
    pending: Option<SdpPendingOffer>,
}

/// An SFU and its foreign clients, in virtual time.
pub struct Foreigners {
    /// The SFU under test.
    pub sfu: Sfu,
    /// The clients, by number.
    pub clients: Vec<Client>,
    /// What the SFU sent to addresses that none of the clients has.
    pub unclaimed: Vec<(SocketAddr, Vec<u8>)>,
    /// Answers to the requests that were made, with the virtual time at which they came.
    pub answers: HashMap<RequestId, (Duration, u16, Value)>,
    /// ICE's user fragment and password of all clients that are added from now on, instead of random ones.
    pub credentials: Option<(String, String)>,
    start: Instant,
    now: Instant,
    sfu_deadline: Option<Instant>,
    arrivals: BTreeMap<(Instant, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    sent: u64,
    requests: u64,
}

impl Foreigners {
    /// An SFU without clients, for the app `app` with the secret `secret`.
    pub fn new() -> Foreigners {
        Foreigners::with(Config::new("app", "secret"))
    }

    /// An SFU of this configuration.
    pub fn with(config: Config) -> Foreigners {
        let start = Instant::now();
        Foreigners {
            sfu: Sfu::new(crate::engine::sfu(config), SFU, [9; 32]),
            clients: Vec::new(),
            unclaimed: Vec::new(),
            answers: HashMap::new(),
            credentials: None,
            start,
            now: start,
            sfu_deadline: None,
            arrivals: BTreeMap::new(),
            sent: 0,
            requests: 0,
        }
    }

    /// The virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Makes a request, whose answer goes to `answers`.
    pub fn ask(&mut self, method: Method, path: &str, body: &Value) -> RequestId {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.ask_raw(method, path, &text)
    }

    /// The same with any body.
    pub fn ask_raw(&mut self, method: Method, path: &str, body: &str) -> RequestId {
        let path = format!("/v1/apps/app/sessions{path}");
        self.ask_as_it_is(Incoming {
            method: &method,
            path: &path,
            authorization: Some("Bearer secret"),
            body: body.as_bytes(),
        })
    }

    /// Makes a request that is answered at once.
    pub fn call(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let id = self.ask(method.clone(), path, body);
        let (_, status, answer) = self.answers.remove(&id).unwrap_or_else(|| panic!("no answer to {method} {path}"));
        (status, answer)
    }

    /// The status and code with which a request is refused.
    pub fn refusal(&mut self, method: Method, path: &str, body: &Value) -> (u16, String) {
        let (status, answer) = self.call(method, path, body);
        let description = answer["errorDescription"].as_str().unwrap_or_default();
        assert!(description.len() > 10, "no use to a reader: {answer}");
        (status, answer["errorCode"].as_str().unwrap_or_default().to_owned())
    }

    /// Makes a session and a client that is not connected to it.
    pub fn add(&mut self, with_media_codecs: bool) -> usize {
        let (status, answer) = self.call(Method::POST, "/new", &Value::Null);
        assert_eq!(status, 201, "{answer}");
        self.add_client(answer["sessionId"].as_str().expect("an id"), with_media_codecs)
    }

    fn add_client(&mut self, session: &str, with_media_codecs: bool) -> usize {
        let number = self.clients.len();
        let local = SocketAddr::from(([10, 0, 1, 1 + number as u8], 1000));
        let mut config = RtcConfig::new();
        if let Some((ufrag, pass)) = self.credentials.clone() {
            config = config.set_local_ice_credentials(IceCreds { ufrag, pass });
        }
        if !with_media_codecs {
            config = config.clear_codecs();
        }
        // It outlives a silence of half a minute.
        config.set_max_stun_rto(Duration::from_secs(1));
        config.set_max_stun_retransmits(60);
        let mut rtc = config.build(self.now);
        rtc.add_local_candidate(Candidate::host(local, "udp").expect("an address")).expect("a new candidate");
        // Without it str0m names no time at which to be called.
        rtc.handle_input(Input::Timeout(self.now)).expect("alive");
        self.clients.push(Client {
            session: session.to_owned(),
            received: Vec::new(),
            announced: Vec::new(),
            closed: Vec::new(),
            is_connected: false,
            is_cut_off: false,
            rtc,
            local,
            address: local,
            deadline: self.now,
            streams: HashMap::new(),
            in_band: Vec::new(),
            pending: None,
        });
        number
    }

    /// Adds a client whose session somebody else makes with its offer, and hands back the offer. The offer has a negotiated
    /// channel on id 0, as robots have it, and a robot's media sections if wanted.
    pub fn offering(&mut self, with_media: bool) -> (usize, String) {
        let number = self.add_client("", with_media);
        let client = &mut self.clients[number];
        let mut changes = client.rtc.sdp_api();
        if with_media {
            changes.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
            changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        }
        changes.add_channel_with_config(ChannelConfig {
            label: "throwaway".to_owned(),
            negotiated: Some(0),
            ..ChannelConfig::default()
        });
        let (offer, pending) = changes.apply().expect("changes");
        client.pending = Some(pending);
        (number, offer.to_sdp_string())
    }

    /// Gives a client the answer to its offer. It connects as time passes.
    pub fn accept(&mut self, number: usize, sdp: &str) {
        let now = self.now;
        let client = &mut self.clients[number];
        let answer = SdpAnswer::from_sdp_string(sdp).expect("SDP");
        let pending = client.pending.take().expect("an offer");
        client.rtc.sdp_api().accept_answer(pending, answer).expect("an answer that fits");
        client.deadline = now;
    }

    /// Ends a client's connection, and tells the SFU.
    pub fn hang_up(&mut self, number: usize) {
        let client = &mut self.clients[number];
        // Fails only on a connection that is over already.
        let _ = client.rtc.close();
        client.deadline = self.now;
    }

    /// Makes a request as it is, whose answer goes to `answers`.
    pub fn ask_as_it_is(&mut self, request: Incoming<'_>) -> RequestId {
        let id = RequestId(self.requests);
        self.requests += 1;
        self.sfu.handle_request(self.now, id, request);
        self.settle();
        id
    }

    /// Adds a client that offers, opens `server-events` in band, and is connected. Its offer comes with `video` and
    /// `audio` sections before the data's if wanted. Also hands back the SFU's answer.
    pub fn connect_by_offer(&mut self, with_media: bool) -> (usize, String) {
        let number = self.add(with_media);
        let client = &mut self.clients[number];
        let mut changes = client.rtc.sdp_api();
        if with_media {
            changes.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
            changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        }
        changes.add_channel("server-events".to_owned());
        let (offer, pending) = changes.apply().expect("changes");
        let body = json!({"dataChannel": {"location": "remote", "dataChannelName": "server-events"},
            "sessionDescription": {"type": "offer", "sdp": offer.to_sdp_string()}});
        let path = format!("/{}/datachannels/establish", client.session);
        let (status, answer) = self.call(Method::POST, &path, &body);
        assert_eq!((status, &answer["requiresImmediateRenegotiation"]), (200, &json!(false)), "{answer}");
        assert_eq!(answer["dataChannel"]["id"], 0);
        let sdp = answer["sessionDescription"]["sdp"].as_str().expect("an answer").to_owned();
        let parsed = SdpAnswer::from_sdp_string(&sdp).expect("SDP");
        self.clients[number].rtc.sdp_api().accept_answer(pending, parsed).expect("an answer that fits");
        self.until_connected(number);
        (number, sdp)
    }

    /// Adds a client that answers the SFU's offer and is connected.
    pub fn connect_by_answer(&mut self) -> usize {
        let number = self.add(false);
        let answer = self.answer_offer(number);
        let path = format!("/{}/renegotiate", self.clients[number].session);
        assert_eq!(self.call(Method::PUT, &path, &answer), (200, json!({})));
        self.until_connected(number);
        number
    }

    /// Lets a client ask for the SFU's offer and answer it; hands back the body for `renegotiate`.
    pub fn answer_offer(&mut self, number: usize) -> Value {
        let path = format!("/{}/datachannels/establish", self.clients[number].session);
        let body = json!({"dataChannel": {"location": "remote", "dataChannelName": "server-events"}});
        let (status, answer) = self.call(Method::POST, &path, &body);
        assert_eq!((status, &answer["requiresImmediateRenegotiation"]), (200, &json!(true)), "{answer}");
        assert_eq!(answer["sessionDescription"]["type"], "offer");
        let offer = answer["sessionDescription"]["sdp"].as_str().expect("an offer");
        for line in ["a=ice-lite", "a=setup:actpass", "a=mid:", "a=sctp-port:", "a=group:BUNDLE", "typ host"] {
            assert!(offer.contains(line), "no {line} in\n{offer}");
        }
        let offer = SdpOffer::from_sdp_string(offer).expect("SDP");
        let answer = self.clients[number].rtc.sdp_api().accept_offer(offer).expect("an offer that can be answered");
        json!({"sessionDescription": {"type": "answer", "sdp": answer.to_sdp_string()}})
    }

    fn until_connected(&mut self, number: usize) {
        for _ in 0..100 {
            self.run_for(Duration::from_millis(50));
            if self.clients[number].is_connected {
                // SCTP takes another two round trips.
                return self.run_for(Duration::from_millis(50));
            }
        }
        panic!("client {number} does not connect");
    }

    /// Publishes a channel on a client's session and opens its end; hands back the id.
    pub fn publish(&mut self, number: usize, name: &str) -> u16 {
        self.open(number, "new", &json!({"location": "local", "dataChannelName": name}))
    }

    /// Subscribes to what another client publishes and opens this client's end; `flags` go into the entry.
    pub fn subscribe(&mut self, number: usize, publisher: usize, name: &str, flags: &Value) -> u16 {
        let mut entry = self.remote(publisher, name);
        for (key, value) in flags.as_object().into_iter().flatten() {
            entry[key] = value.clone();
        }
        self.open(number, "new", &entry)
    }

    /// A remote entry for what a client publishes.
    pub fn remote(&self, publisher: usize, name: &str) -> Value {
        json!({"location": "remote", "sessionId": self.clients[publisher].session, "dataChannelName": name})
    }

    /// Makes a request for one channel and hands back its item.
    pub fn item(&mut self, number: usize, action: &str, entry: &Value) -> Value {
        let method = if action == "new" { Method::POST } else { Method::PUT };
        let path = format!("/{}/datachannels/{action}", self.clients[number].session);
        let (status, mut answer) = self.call(method, &path, &json!({"dataChannels": [entry]}));
        assert_eq!(status, 200, "{answer}");
        answer["dataChannels"][0].take()
    }

    fn open(&mut self, number: usize, action: &str, entry: &Value) -> u16 {
        let item = self.item(number, action, entry);
        let id = item["id"].as_u64().unwrap_or_else(|| panic!("no id in {item}")) as u16;
        self.open_end(number, id, entry["maxRetransmits"] == 0);
        self.run_for(Duration::from_millis(20));
        id
    }

    /// Opens a client's end of a negotiated channel.
    pub fn open_end(&mut self, number: usize, id: u16, lossy: bool) {
        let now = self.now;
        let client = &mut self.clients[number];
        let reliability = if lossy { Reliability::MaxRetransmits { retransmits: 0 } } else { Reliability::Reliable };
        let config = ChannelConfig { negotiated: Some(id), ordered: !lossy, reliability, ..ChannelConfig::default() };
        let channel = client.rtc.direct_api().create_data_channel(config);
        client.streams.insert(id, channel);
        client.deadline = now;
    }

    /// Opens a channel in band, as a page does without asking the SFU.
    pub fn open_in_band(&mut self, number: usize, label: &str) {
        let client = &mut self.clients[number];
        let config = ChannelConfig { label: label.to_owned(), ..ChannelConfig::default() };
        let id = client.rtc.direct_api().create_data_channel(config);
        client.in_band.push(id);
        client.deadline = self.now;
    }

    /// The channels that a client has opened in band and that are open.
    pub fn open_in_band_count(&mut self, number: usize) -> usize {
        let client = &mut self.clients[number];
        client.in_band.iter().filter(|id| client.rtc.channel(**id).is_some()).count()
    }

    /// Sends a message on an open channel.
    pub fn send(&mut self, number: usize, id: u16, binary: bool, bytes: &[u8]) {
        let now = self.now;
        let client = &mut self.clients[number];
        client.rtc.handle_input(Input::Timeout(now)).expect("alive");
        let channel = client.streams[&id];
        let mut channel = client.rtc.channel(channel).unwrap_or_else(|| panic!("channel {id} is not open"));
        assert!(channel.write(binary, bytes).expect("written"), "no room");
        client.deadline = now;
    }

    /// From now on the SFU sees a client under another address.
    pub fn move_to(&mut self, number: usize, address: SocketAddr) {
        self.clients[number].address = address;
    }

    /// Takes the messages that a client got.
    pub fn received(&mut self, number: usize) -> Vec<Received> {
        std::mem::take(&mut self.clients[number].received)
    }

    /// A session's channels as the API shows them.
    pub fn channels(&mut self, number: usize) -> Vec<Value> {
        let path = format!("/{}", self.clients[number].session);
        let (status, answer) = self.call(Method::GET, &path, &Value::Null);
        assert_eq!(status, 200, "{answer}");
        answer["dataChannels"].as_array().expect("a list").clone()
    }

    /// Lets time pass without anybody noticing, as when a machine is busy.
    pub fn skip(&mut self, time: Duration) {
        self.now += time;
    }

    /// Runs for a time.
    pub fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..MAX_STEPS {
            self.settle();
            let arrival = self.arrivals.first_key_value().map(|((at, _), _)| *at);
            let clients =
                self.clients.iter().filter(|client| client.rtc.is_alive()).map(|client| client.deadline).min();
            let next = arrival.into_iter().chain(clients).chain(self.sfu_deadline).min();
            let Some(next) = next.filter(|next| *next <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            self.arrive();
            self.sfu.handle_timeout(self.now);
            for client in &mut self.clients {
                if client.deadline <= self.now && client.rtc.is_alive() {
                    // An error is the end of this client alone.
                    let _ = client.rtc.handle_input(Input::Timeout(self.now));
                }
            }
        }
        panic!("nobody comes to rest");
    }

    fn arrive(&mut self) {
        while let Some(entry) = self.arrivals.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (from, to, datagram) = entry.remove();
            if to == SFU {
                self.sfu.handle_datagram(self.now, from, &datagram);
                continue;
            }
            let Some(number) = self.clients.iter().position(|client| client.address == to) else {
                self.unclaimed.push((to, datagram));
                continue;
            };
            if self.clients[number].is_cut_off {
                continue;
            }
            let client = &mut self.clients[number];
            let Ok(receive) = Receive::new(Protocol::Udp, from, client.local, &datagram) else { continue };
            let input = Input::Receive(self.now, receive);
            if client.rtc.is_alive() && client.rtc.accepts(&input) {
                let _ = client.rtc.handle_input(input);
            }
            // str0m takes few datagrams between two drains.
            self.drain(number);
        }
    }

    fn settle(&mut self) {
        for number in 0..self.clients.len() {
            self.drain(number);
        }
        loop {
            match self.sfu.poll(self.now) {
                Output::Transmit(to, datagram) => self.transmit(SFU, to, datagram),
                Output::Response(id, response) => {
                    let body = serde_json::from_slice(&response.body).expect("every answer is JSON");
                    let answer = (self.now - self.start, response.status, body);
                    assert!(self.answers.insert(id, answer).is_none(), "two answers to one request");
                }
                Output::WaitUntil(at) => {
                    self.sfu_deadline = at;
                    return;
                }
                _ => {}
            }
        }
    }

    fn drain(&mut self, number: usize) {
        loop {
            let client = &mut self.clients[number];
            match client.rtc.poll_output() {
                Ok(str0m::Output::Transmit(transmit)) => {
                    let (from, is_cut_off) = (client.address, client.is_cut_off);
                    if !is_cut_off {
                        self.transmit(from, transmit.destination, transmit.contents.into());
                    }
                }
                Ok(str0m::Output::Event(event)) => client.notice(event),
                Ok(str0m::Output::Timeout(at)) => {
                    client.deadline = at;
                    return;
                }
                Err(_) => return,
            }
        }
    }

    fn transmit(&mut self, from: SocketAddr, to: SocketAddr, datagram: Vec<u8>) {
        self.arrivals.insert((self.now + DELAY, self.sent), (from, to, datagram));
        self.sent += 1;
    }
}

impl Default for Foreigners {
    fn default() -> Self {
        Foreigners::new()
    }
}

impl Client {
    fn notice(&mut self, event: Event) {
        match event {
            Event::Connected => self.is_connected = true,
            Event::ChannelOpen(id, label) if !label.is_empty() => {
                let stream = self.rtc.direct_api().sctp_stream_id_by_channel_id(id).unwrap_or(u16::MAX);
                self.announced.push((stream, label));
            }
            Event::ChannelData(data) => {
                let stream = self.rtc.direct_api().sctp_stream_id_by_channel_id(data.id).unwrap_or(u16::MAX);
                self.received.push((stream, data.binary, data.data));
            }
            Event::ChannelClose(id) => {
                let stream = self.streams.iter().find(|(_, channel)| **channel == id).map(|(stream, _)| *stream);
                self.closed.extend(stream);
            }
            _ => {}
        }
    }
}
