//! A broker in a world, on the world's SFU.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use farwire_broker::{Broker, Config, Grant, Key, KeyHash, Keys, Known, Output, RobotId, Scope, SessionRecord};
use farwire_core::signalling::{Method, Request, RequestId, Response};

use crate::Node;

/// Where the world's broker is.
pub(crate) const BROKER: &str = "http://broker.test";

/// A broker, and what it keeps.
pub(crate) struct WorldBroker {
    broker: Broker,
    config: Config,
    keys: Vec<Key>,
    kept: BTreeMap<RobotId, SessionRecord>,
    unclosed: BTreeSet<String>,
    brokers: u8,
    /// Whose requests wait for an answer, and whether that is to be lost.
    asked: HashMap<RequestId, (Node, RequestId, bool)>,
    next: u64,
    pub(crate) deadline: Option<Instant>,
}

/// What a broker wants.
pub(crate) enum Wish {
    Answer(Node, RequestId, Response),
    Ask(Request),
}

impl WorldBroker {
    pub(crate) fn new(now: Instant) -> WorldBroker {
        let sfu = farwire_core::Config::new("http://sfu.test/v1", "app", "secret").expect("a good config");
        let config = Config::new(sfu).ends_sessions();
        WorldBroker {
            broker: Broker::new(config.clone(), Known::default(), [1; 32], now),
            config,
            keys: Vec::new(),
            kept: BTreeMap::new(),
            unclosed: BTreeSet::new(),
            brokers: 1,
            asked: HashMap::new(),
            next: 0,
            deadline: None,
        }
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.broker
    }

    pub(crate) fn robot_key(&mut self, robot: &str) -> String {
        self.key(Grant::Robot(RobotId::new(robot).expect("an id")))
    }

    pub(crate) fn operator_token(&mut self) -> String {
        self.key(Grant::Operator(Scope::All))
    }

    fn key(&mut self, grant: Grant) -> String {
        let number = u8::try_from(self.keys.len()).expect("few keys");
        let (key, secret) = Key::new(grant, "", [number; 32], u64::from(number));
        self.broker.admit(key.clone()).expect("room for a key");
        self.keys.push(key);
        secret.reveal().to_owned()
    }

    pub(crate) fn revoke(&mut self, now: Instant, secret: &str) {
        let id = KeyHash::of(secret).id();
        self.broker.revoke(now, &id, 1).expect("a key");
        self.keys.iter_mut().filter(|key| key.id() == id).for_each(|key| key.revoked = Some(1));
    }

    /// Another broker goes on with what this one kept; requests that it had are not answered.
    pub(crate) fn restart(&mut self, now: Instant) {
        self.brokers += 1;
        let mut keys = Keys::new();
        for key in &self.keys {
            keys.insert(key.clone()).expect("room for a key");
        }
        let known = Known::new(keys, self.kept.values().cloned().collect(), self.unclosed.iter().cloned().collect());
        self.broker = Broker::new(self.config.clone(), known, [self.brokers; 32], now);
        self.asked.clear();
    }

    pub(crate) fn take(&mut self, now: Instant, node: Node, request: &Request, is_answer_lost: bool) {
        let id = RequestId(self.next);
        self.next += 1;
        self.asked.insert(id, (node, request.id, is_answer_lost));
        let path = request.url.strip_prefix(BROKER).unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let incoming = farwire_broker::Incoming {
            method: &request.method,
            path,
            query,
            source: IpAddr::V4(Ipv4Addr::LOCALHOST),
            robot_key: request.header("x-robot-api-key"),
            authorization: request.header("authorization"),
            body: request.body.as_deref().unwrap_or_default().as_bytes(),
        };
        self.broker.handle_request(now, id, incoming);
    }

    /// Makes an operator's request, whose answer nobody waits for.
    pub(crate) fn ask(&mut self, now: Instant, token: &str, path: &str, body: &str) {
        let id = RequestId(self.next);
        self.next += 1;
        let bearer = format!("Bearer {token}");
        let incoming = farwire_broker::Incoming {
            method: &Method::POST,
            path,
            query: "",
            source: IpAddr::V4(Ipv4Addr::LOCALHOST),
            robot_key: None,
            authorization: Some(&bearer),
            body: body.as_bytes(),
        };
        self.broker.handle_request(now, id, incoming);
    }

    pub(crate) fn take_answer(&mut self, now: Instant, id: RequestId, response: Response) {
        self.broker.handle_answer(now, id, Ok(response));
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.broker.handle_timeout(now);
    }

    /// What the broker wants next; `None`: nothing, until something comes.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<Wish> {
        loop {
            match self.broker.poll(now) {
                Output::Save(record) => drop(self.kept.insert(record.robot.clone(), record)),
                Output::Forget(robot) => drop(self.kept.remove(&robot)),
                Output::SaveUnclosed(session) => drop(self.unclosed.insert(session)),
                Output::ForgetUnclosed(session) => drop(self.unclosed.remove(&session)),
                Output::Response(id, response) => {
                    if let Some((node, id, false)) = self.asked.remove(&id) {
                        return Some(Wish::Answer(node, id, response));
                    }
                }
                Output::Http(request) => return Some(Wish::Ask(request)),
                Output::WaitUntil(at, _) => {
                    self.deadline = at;
                    return None;
                }
                _ => {}
            }
        }
    }
}
