//! Many sessions on one thread: a link and a socket each.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use farwire_core::Delivery;
use farwire_core::link::{Certificate, Link, LinkEvent, LinkOutput, Role, StreamId};
use farwire_udp::{FULL_RECEIVE, ReceiveBuffers, SendBatch, Socket, Waiter};
use serde_json::{Value, json};

use crate::Outcome;

const CONNECT: Duration = Duration::from_secs(20);

/// The SFU's API.
pub(crate) struct Api {
    agent: ureq::Agent,
    root: String,
}

impl Api {
    pub(crate) fn new(root: &str) -> Api {
        Api { agent: ureq::Agent::new_with_defaults(), root: format!("{root}/apps/load") }
    }

    fn post(&self, path: &str, body: &Value) -> Outcome<Value> {
        let url = format!("{}{path}", self.root);
        let mut answer = self.agent.post(&url).header("Authorization", "Bearer load").send(body.to_string())?;
        Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
    }

    /// A session that nobody will connect.
    pub(crate) fn abandon(&self) -> Outcome<()> {
        self.post("/sessions/new", &json!({})).map(drop)
    }
}

struct Session {
    id: String,
    link: Link,
    socket: Arc<Socket>,
    connected: bool,
    deadline: Option<Instant>,
}

/// Sessions that one thread drives.
pub(crate) struct Fleet {
    sessions: Vec<Session>,
    waiter: Waiter,
    buffers: ReceiveBuffers,
    batch: SendBatch,
}

impl Fleet {
    /// Connects this many sessions, 64 at most.
    pub(crate) fn connect(api: &Api, count: usize) -> Outcome<Fleet> {
        let sockets: Vec<_> = (0..count)
            .map(|_| Socket::bind((Ipv4Addr::LOCALHOST, 0).into()).map(Arc::new))
            .collect::<Result<_, _>>()?;
        let (waiter, _) = Waiter::new(sockets.clone())?;
        let mut fleet = Fleet { sessions: Vec::new(), waiter, buffers: ReceiveBuffers::new(), batch: SendBatch::new() };
        let certificate = Certificate::generate();
        for socket in sockets {
            let mut link = Link::new(Role::Client, socket.local_addr(), certificate.clone(), Instant::now());
            let offer = link.offer();
            let id = api.post("/sessions/new", &json!({}))?["sessionId"].as_str().ok_or("no session")?.to_owned();
            let body = json!({
                "dataChannel": {"location": "remote", "dataChannelName": "server-events"},
                "sessionDescription": {"type": "offer", "sdp": offer},
            });
            let answer = api.post(&format!("/sessions/{id}/datachannels/establish"), &body)?;
            link.accept_answer(answer["sessionDescription"]["sdp"].as_str().ok_or("no answer")?)?;
            fleet.sessions.push(Session { id, link, socket, connected: false, deadline: None });
            fleet.drive(Instant::now())?;
        }
        let give_up = Instant::now() + CONNECT;
        while fleet.sessions.iter().any(|session| !session.connected) {
            fleet.drive(Instant::now() + Duration::from_millis(10))?;
            if Instant::now() > give_up {
                return Err("not connected in time".into());
            }
        }
        Ok(fleet)
    }

    pub(crate) fn id(&self, session: usize) -> &str {
        &self.sessions[session].id
    }

    /// Publishes reliably from the first session.
    pub(crate) fn publish(&mut self, api: &Api, name: &str) -> Outcome<StreamId> {
        let id = self.sessions[0].id.clone();
        self.open(api, 0, &json!({"location": "local", "dataChannelName": name}), &id)
    }

    /// Subscribes every session.
    pub(crate) fn subscribe(&mut self, api: &Api, publisher: &str, name: &str) -> Outcome<()> {
        for n in 0..self.sessions.len() {
            let id = self.sessions[n].id.clone();
            let entry = json!({"location": "remote", "sessionId": publisher, "dataChannelName": name});
            self.open(api, n, &entry, &id)?;
            self.drive(Instant::now())?;
        }
        Ok(())
    }

    fn open(&mut self, api: &Api, n: usize, entry: &Value, id: &str) -> Outcome<StreamId> {
        let answer = api.post(&format!("/sessions/{id}/datachannels/new"), &json!({"dataChannels": [entry]}))?;
        let stream = answer["dataChannels"][0]["id"].as_u64().ok_or_else(|| format!("no channel: {answer}"))?;
        let stream = StreamId::try_from(stream)?;
        self.sessions[n].link.open(Instant::now(), stream, Delivery::RELIABLE)?;
        Ok(stream)
    }

    pub(crate) fn write(&mut self, n: usize, stream: StreamId, bytes: &[u8]) -> Outcome<()> {
        self.sessions[n].link.write(Instant::now(), stream, true, bytes.to_vec().into())?;
        self.sessions[n].link.flush();
        Ok(())
    }

    /// Drives all sessions until a time, and says how many messages came.
    pub(crate) fn drive(&mut self, until: Instant) -> Outcome<u64> {
        let mut messages = 0;
        loop {
            for session in &mut self.sessions {
                messages += session.poll(&mut self.batch)?;
            }
            let now = Instant::now();
            if now >= until {
                return Ok(messages);
            }
            let wake = self.sessions.iter().filter_map(|session| session.deadline).chain([until]).min();
            let ready = self.waiter.wait(wake.map(|wake| wake.saturating_duration_since(now)))?;
            for (n, session) in self.sessions.iter_mut().enumerate() {
                while ready.readable(n) {
                    let (now, link) = (Instant::now(), &mut session.link);
                    let count = session.socket.receive(&mut self.buffers, |source, datagram| {
                        link.handle_datagram(now, source, datagram);
                    })?;
                    if count < FULL_RECEIVE {
                        break;
                    }
                }
            }
        }
    }

    /// Ends all sessions and tells the SFU.
    pub(crate) fn close(mut self) {
        for session in &mut self.sessions {
            session.link.close(Instant::now());
            // Its end is what was asked for.
            let _ = session.poll(&mut self.batch);
        }
    }
}

impl Session {
    fn poll(&mut self, batch: &mut SendBatch) -> Outcome<u64> {
        let (now, mut messages) = (Instant::now(), 0);
        self.link.handle_timeout(now);
        loop {
            match self.link.poll(now) {
                LinkOutput::Transmit(to, datagram) => batch.push(&self.socket, to, &datagram),
                LinkOutput::Event(LinkEvent::Connected) => self.connected = true,
                LinkOutput::Event(LinkEvent::Message(..)) => messages += 1,
                LinkOutput::Event(LinkEvent::Ended(why)) => {
                    batch.flush(&self.socket);
                    return Err(why.into());
                }
                LinkOutput::Event(_) => {}
                LinkOutput::WaitUntil(at) => {
                    batch.flush(&self.socket);
                    self.deadline = at;
                    return Ok(messages);
                }
                _ => {}
            }
        }
    }
}
