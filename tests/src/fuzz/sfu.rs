//! An SFU among clients that ask for anything.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use farwire_core::Delivery;
use farwire_core::link::{Link, LinkOutput, PLACEHOLDER, Role};
use farwire_core::signalling::{Method, RequestId, Response};
use farwire_core::wire::cloudflare::{DataChannels, Established, NewSession};
use farwire_sfu::{Config, Incoming, Output, Sfu};
use serde_json::{Value, json};

use super::choices::Choices;
use super::{MAX_OUTPUTS, SFU, address, certificate};

/// Decisions in one run.
const MAX_STEPS: usize = 64;

/// Clients with a real transport, whose handshakes take most of the time.
const MAX_CLIENTS: usize = 2;

const MAX_SESSIONS: usize = 4;

const BEARER: &str = "Bearer secret";

/// Makes requests, sends datagrams, and lets time pass.
pub fn sfu_requests(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut rig = Rig::new();
    for _ in 0..MAX_STEPS {
        if choices.is_empty() {
            break;
        }
        rig.step(&mut choices);
        rig.settle();
    }
    // A call waits 5 s for a transport at most.
    rig.pass(Duration::from_secs(6));
    assert!(rig.asked.is_empty(), "requests without an answer: {:?}", rig.asked.keys());
    rig.pass(Duration::from_secs(60));
    assert_eq!(rig.sfu.stats().sessions, 0, "sessions of silent clients");
}

enum Asked {
    NewSession,
    /// By the client with this number.
    Establish(usize),
    /// The same for the SFU's offer.
    Offer(usize),
    NewChannels(usize),
    Other,
}

struct Client {
    address: SocketAddr,
    link: Link,
    streams: Vec<u16>,
    session: String,
    /// To be sent to `renegotiate`.
    answer: Option<String>,
}

struct Rig {
    sfu: Sfu,
    now: Instant,
    deadline: Option<Instant>,
    sessions: Vec<String>,
    clients: Vec<Client>,
    asked: HashMap<RequestId, Asked>,
    next_id: u64,
    to_clients: Vec<(SocketAddr, Vec<u8>)>,
}

impl Rig {
    fn new() -> Rig {
        Rig {
            sfu: Sfu::new(Config::new("app", "secret").max_sessions(MAX_SESSIONS), SFU, [7; 32]),
            now: Instant::now(),
            deadline: None,
            sessions: Vec::new(),
            clients: Vec::new(),
            asked: HashMap::new(),
            next_id: 0,
            to_clients: Vec::new(),
        }
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        match choices.byte() % 16 {
            0 => {
                let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS];
                let method = choices.one_of(&methods).unwrap_or(Method::GET);
                let (path, authorization) = (choices.text(), choices.text());
                self.ask(Asked::Other, method, &path, Some(&authorization), choices.bytes());
            }
            1 => self.call(Asked::NewSession, Method::POST, "new", &Value::Null),
            2 => {
                let sdp = choices.text();
                self.establish(choices, Asked::Other, &sdp);
            }
            3 | 4 if self.clients.len() < MAX_CLIENTS => self.add_client(choices),
            5 | 6 => self.new_channels(choices),
            7 => {
                let entries: Vec<Value> = (0..choices.below(4)).map(|_| json!({"id": choices.byte()})).collect();
                self.call_session(choices, Asked::Other, Method::PUT, "/datachannels/close", &entries.into());
            }
            3 | 4 => self.update(choices),
            8 => self.call_session(choices, Asked::Other, Method::GET, "", &Value::Null),
            9 => {
                let actions = ["new", "close", "establish", "update", "../renegotiate"];
                let action = choices.one_of(&actions).unwrap_or_default();
                let action = match action.strip_prefix("..") {
                    Some(renegotiate) => renegotiate.to_owned(),
                    None => format!("/datachannels/{action}"),
                };
                let path = self.session_path(choices, &action);
                let method = if choices.flag() { Method::PUT } else { Method::POST };
                self.ask(Asked::Other, method, &path, Some(BEARER), choices.bytes());
            }
            10 => {
                let from = address(2 + choices.byte() % 4, 1);
                self.sfu.handle_datagram(self.now, from, choices.bytes());
            }
            11 => self.pass(Duration::from_millis(u64::from(choices.short()))),
            12 => self.write(choices),
            13 => {
                let client = choices.below(self.clients.len());
                if let Some(client) = self.clients.get_mut(client) {
                    match choices.byte() % 8 {
                        0 => client.link.close(self.now),
                        _ => client.link.close_channel(choices.short() % 300),
                    }
                }
            }
            14 => self.open(choices),
            _ => self.exchange(1 + choices.below(16)),
        }
    }

    fn add_client(&mut self, choices: &mut Choices<'_>) {
        let number = self.clients.len();
        let address = address(2 + number as u8, 1);
        let mut link = Link::new(Role::Client, address, certificate(), self.now);
        let offer = link.offer();
        self.call(Asked::NewSession, Method::POST, "new", &Value::Null);
        self.settle();
        let session = self.sessions.last().cloned().unwrap_or_default();
        self.clients.push(Client { address, link, streams: Vec::new(), session, answer: None });
        match choices.byte() % 16 {
            0 | 8 => {
                let offer = choices.edit(&offer);
                self.establish(choices, Asked::Establish(number), &offer);
            }
            9 => {
                let offer = with_media(&offer, choices);
                self.establish(choices, Asked::Establish(number), &offer);
            }
            2 | 3 => self.ask_for_offer(number),
            _ => self.establish(choices, Asked::Establish(number), &offer),
        }
        self.settle();
        self.renegotiate(choices, number);
        self.exchange(10);
    }

    /// The client answers the SFU's offer.
    fn ask_for_offer(&mut self, number: usize) {
        let path = format!("/v1/apps/app/sessions/{}/datachannels/establish", self.clients[number].session);
        let body = json!({"dataChannel": {"location": "remote", "dataChannelName": "server-events"}});
        self.ask(Asked::Offer(number), Method::POST, &path, Some(BEARER), body.to_string().as_bytes());
    }

    fn renegotiate(&mut self, choices: &mut Choices<'_>, number: usize) {
        let Some(answer) = self.clients[number].answer.take() else { return };
        let answer = if choices.byte().is_multiple_of(8) { choices.edit(&answer) } else { answer };
        let path = format!("/v1/apps/app/sessions/{}/renegotiate", self.clients[number].session);
        let body = json!({"sessionDescription": {"type": "answer", "sdp": answer}});
        self.ask(Asked::Other, Method::PUT, &path, Some(BEARER), body.to_string().as_bytes());
        self.settle();
    }

    fn update(&mut self, choices: &mut Choices<'_>) {
        let entry = |choices: &mut Choices<'_>| {
            let session = choices.one_of(&self.sessions).unwrap_or_default();
            let name = format!("c{}", choices.byte() % 4);
            json!({"location": "remote", "sessionId": session, "dataChannelName": name, "canReply": choices.flag()})
        };
        let entries: Vec<Value> = (0..choices.below(4)).map(|_| entry(choices)).collect();
        self.call_session(choices, Asked::Other, Method::PUT, "/datachannels/update", &entries.into());
    }

    fn establish(&mut self, choices: &mut Choices<'_>, asked: Asked, sdp: &str) {
        let body = json!({
            "dataChannel": {"location": "remote", "dataChannelName": "server-events"},
            "sessionDescription": {"type": if choices.byte() == 255 { "answer" } else { "offer" }, "sdp": sdp},
        });
        let session = match asked {
            // A client's own session is the one that was made for it.
            Asked::Establish(_) => self.sessions.last().cloned().unwrap_or_default(),
            _ => choices.one_of(&self.sessions).unwrap_or_default(),
        };
        let path = format!("/v1/apps/app/sessions/{session}/datachannels/establish");
        self.ask(asked, Method::POST, &path, Some(BEARER), body.to_string().as_bytes());
    }

    fn new_channels(&mut self, choices: &mut Choices<'_>) {
        let location = if choices.flag() { "remote" } else { "local" };
        let mut entries = Vec::new();
        for _ in 0..choices.below(5) {
            let mut entry = json!({"location": location, "dataChannelName": format!("c{}", choices.byte() % 4)});
            let bits = choices.byte();
            if bits & 1 == 1 || location == "remote" {
                entry["sessionId"] = choices.one_of(&self.sessions).unwrap_or_default().into();
            }
            if bits & 2 == 2 {
                entry["ordered"] = (bits & 4 == 4).into();
            }
            if bits & 8 == 8 {
                entry["maxRetransmits"] = choices.short().into();
            }
            if bits & 16 == 16 {
                entry["maxPacketLifeTime"] = choices.short().into();
            }
            if bits & 32 == 32 {
                entry["waitForAck"] = true.into();
            }
            if bits & 64 == 64 {
                entry["canReply"] = (bits & 128 == 128).into();
            }
            entries.push(entry);
        }
        let client = choices.below(MAX_CLIENTS);
        self.call_session(choices, Asked::NewChannels(client), Method::POST, "/datachannels/new", &entries.into());
    }

    fn call(&mut self, asked: Asked, method: Method, path: &str, body: &Value) {
        let path = format!("/v1/apps/app/sessions/{path}");
        let body = if body.is_null() { String::new() } else { json!({"dataChannels": body}).to_string() };
        self.ask(asked, method, &path, Some(BEARER), body.as_bytes());
    }

    fn call_session(&mut self, choices: &mut Choices<'_>, asked: Asked, method: Method, action: &str, body: &Value) {
        let session = choices.one_of(&self.sessions).unwrap_or_default();
        self.call(asked, method, &format!("{session}{action}"), body);
    }

    fn session_path(&self, choices: &mut Choices<'_>, action: &str) -> String {
        format!("/v1/apps/app/sessions/{}{action}", choices.one_of(&self.sessions).unwrap_or_default())
    }

    fn ask(&mut self, asked: Asked, method: Method, path: &str, authorization: Option<&str>, body: &[u8]) {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        self.asked.insert(id, asked);
        self.sfu.handle_request(self.now, id, Incoming { method: &method, path, authorization, body });
    }

    /// A client opens a channel, whether it was told to or not.
    fn open(&mut self, choices: &mut Choices<'_>) {
        let client = choices.below(self.clients.len());
        let Some(client) = self.clients.get_mut(client) else { return };
        let stream = if choices.flag() { choices.short() } else { client.streams.last().copied().unwrap_or(2) };
        let delivery = if choices.flag() { Delivery::LOSSY } else { Delivery::RELIABLE };
        if client.link.open(self.now, stream, delivery).is_ok() {
            client.streams.push(stream);
        }
    }

    fn write(&mut self, choices: &mut Choices<'_>) {
        let client = choices.below(self.clients.len());
        let Some(client) = self.clients.get_mut(client) else { return };
        let Some(stream) = choices.one_of(&client.streams) else { return };
        let size = usize::from(choices.short()) % 4096;
        for _ in 0..=choices.byte() % 8 {
            // Text of one repeated byte is UTF-8; SCTP may refuse at any time.
            let _ = client.link.write(self.now, stream, choices.flag(), vec![b'a'; size].into());
        }
    }

    /// Lets the SFU and the clients talk, a millisecond for each way.
    fn exchange(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.now += Duration::from_millis(1);
            for Client { address, link, .. } in &mut self.clients {
                for (to, datagram) in std::mem::take(&mut self.to_clients) {
                    match to == *address {
                        true => drop(link.handle_datagram(self.now, SFU, &datagram)),
                        false => self.to_clients.push((to, datagram)),
                    }
                }
                link.handle_timeout(self.now);
                let mut outputs = 0;
                loop {
                    match link.poll(self.now) {
                        LinkOutput::Transmit(_, datagram) => {
                            self.sfu.handle_datagram(self.now, *address, &datagram);
                        }
                        LinkOutput::WaitUntil(_) => break,
                        _ => {}
                    }
                    outputs += 1;
                    assert!(outputs < MAX_OUTPUTS, "the client does not come to rest");
                }
            }
            self.to_clients.clear();
            self.sfu.handle_timeout(self.now);
            self.settle();
        }
    }

    /// Lets time pass without a datagram.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..MAX_OUTPUTS {
            self.settle();
            let Some(next) = self.deadline.filter(|at| *at <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            self.sfu.handle_timeout(self.now);
        }
        panic!("the SFU's deadlines do not end: {:?}", self.deadline);
    }

    fn settle(&mut self) {
        for _ in 0..MAX_OUTPUTS {
            match self.sfu.poll(self.now) {
                Output::Transmit(to, datagram) => self.to_clients.push((to, datagram)),
                Output::Response(id, response) => self.answered(id, &response),
                Output::WaitUntil(at) => {
                    self.deadline = at;
                    let sessions = self.sfu.stats().sessions;
                    assert!(sessions <= MAX_SESSIONS, "{sessions} sessions");
                    return;
                }
                _ => {}
            }
        }
        panic!("the SFU does not come to rest");
    }

    fn answered(&mut self, id: RequestId, response: &Response) {
        let asked = self.asked.remove(&id).expect("one answer for each request");
        let Response { status, body } = response;
        assert!(matches!(status, 200 | 201 | 400 | 401 | 404 | 406 | 410 | 425 | 429 | 503), "status {status}");
        let json: Value = serde_json::from_slice(body).expect("a body of JSON");
        assert_eq!(*status >= 400, json["errorCode"].is_string(), "{status} {json}");
        if *status >= 400 {
            return;
        }
        match asked {
            Asked::NewSession => {
                let made: NewSession = serde_json::from_slice(body).expect("a session");
                assert!(!self.sessions.contains(&made.session_id), "an id that was given before");
                self.sessions.push(made.session_id);
            }
            Asked::Establish(client) => {
                let answer: Established = serde_json::from_slice(body).expect("an answer");
                let sdp = answer.session_description.expect("an answer").sdp;
                // An edited offer may have an answer that does not fit.
                let _ = self.clients[client].link.accept_answer(&sdp);
            }
            Asked::Offer(number) => {
                let answer: Established = serde_json::from_slice(body).expect("an offer");
                let client = &mut self.clients[number];
                // The client that offered before is of no use for answering.
                client.link = Link::new(Role::Client, client.address, certificate(), self.now);
                // It also tells the link the time, without which it starts nothing.
                let _ = client.link.open(self.now, PLACEHOLDER, Delivery::RELIABLE);
                client.answer = client.link.answer(&answer.session_description.expect("an offer").sdp).ok();
            }
            Asked::NewChannels(client) => {
                let answer: DataChannels = serde_json::from_slice(body).expect("channels");
                let Some(client) = self.clients.get_mut(client) else { return };
                for id in answer.data_channels.iter().filter_map(|channel| channel.id) {
                    if client.link.open(self.now, id, Delivery::LOSSY).is_ok() {
                        client.streams.push(id);
                    }
                }
            }
            Asked::Other => {}
        }
    }
}

/// The offer with media before and after its section, in the same bundle or not.
fn with_media(offer: &str, choices: &mut Choices<'_>) -> String {
    let media =
        "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\na=rtpmap:96 VP8/90000\r\na=sendonly\r\n";
    let (session, data) = offer.split_at(offer.find("m=").unwrap_or(offer.len()));
    let session = if choices.flag() { session.replace("BUNDLE ", "BUNDLE v ") } else { session.to_owned() };
    let whole = if choices.flag() { format!("{session}{media}{data}") } else { format!("{session}{data}{media}") };
    if choices.flag() { choices.edit(&whole) } else { whole }
}
