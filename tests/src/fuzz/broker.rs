//! A broker whose robots, operators and SFU do anything.

mod heard;
mod sfu;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use farwire_broker::{
    Broker, CloudflareTurn, Config, Grant, Incoming, Key, KeyHash, Keys, Known, Output, Refusals, RobotId, Scope,
    SessionRecord,
};
use farwire_core::signalling::{Failure, Method, Request, RequestId, Response};
use serde_json::{Value, json};

use self::heard::{Heard, ids};
use self::sfu::Model;
use super::MAX_OUTPUTS;
use super::choices::Choices;

/// Decisions in one run.
const MAX_STEPS: usize = 128;

/// Timers that may be due one after another in one step, before it counts as spinning.
const MAX_TIMERS: usize = 10_000;

/// The longest time that anything is waited for: an answer of the SFU's, a pause, a robot's heartbeat.
const LONGEST: Duration = Duration::from_secs(30);

/// Makes requests, answers the broker's in any order and in any way, lets time pass, and starts the broker again.
pub fn broker_requests(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut rig = Rig::new(1 + choices.below(8));
    for _ in 0..MAX_STEPS {
        if choices.is_empty() {
            break;
        }
        rig.step(&mut choices);
        rig.settle();
    }
    rig.finish();
}

enum Asked {
    Register,
    /// On the session with this id.
    Heartbeat(String),
    Join(String),
    /// As one who watches.
    Watch,
    /// With the id of a joining, if it says one.
    Bridge(String, Option<String>),
    Other,
}

struct Rig {
    config: Config,
    broker: Broker,
    sfu: Model,
    now: Instant,
    deadline: Option<Instant>,
    brokers: u8,
    keys: Vec<Key>,
    /// Of robots first, then of operators.
    secrets: Vec<String>,
    next_id: u64,
    /// Without an answer.
    asked: HashMap<RequestId, Asked>,
    /// Requests to this broker, and those that it refused.
    counted: (u64, u64),
    /// Calls without an answer.
    calls: Vec<Request>,
    call_ids: HashSet<RequestId>,
    /// Requests to Cloudflare's TURN service, which may never be answered.
    minting: Vec<RequestId>,
    kept: BTreeMap<RobotId, SessionRecord>,
    unclosed: BTreeSet<String>,
    sessions: Vec<String>,
    heard: HashMap<String, Heard>,
    /// The id of the latest joining of each session.
    operators: HashMap<String, String>,
    /// The ids of those who have joined to watch.
    viewers: HashSet<String>,
    joinings: Vec<String>,
}

impl Rig {
    fn new(max_robots: usize) -> Rig {
        let sfu = farwire_core::Config::new("http://sfu.test/v1", "app", "the-apps-s3cret").expect("a good config");
        let config = Config::new(sfu).max_robots(max_robots);
        let config = if max_robots.is_multiple_of(2) { config.ends_sessions() } else { config };
        let config = config.cloudflare_turn(CloudflareTurn::new("key", "the-turn-s3cret").expect("a key"));
        let now = Instant::now();
        let robot = |id: &str| RobotId::new(id).expect("an id");
        let grants = [
            Grant::Robot(robot("a")),
            Grant::Robot(robot("a")),
            Grant::Robot(robot("b")),
            Grant::Operator(Scope::All),
            Grant::Operator(Scope::All),
            Grant::Operator(Scope::Robots([robot("a")].into())),
        ];
        let made = grants.into_iter().zip(1..).map(|(grant, n)| Key::new(grant, "", [n; 32], n.into()));
        let (keys, secrets) = made.map(|(key, secret)| (key, secret.reveal().to_owned())).unzip();
        let mut rig = Rig {
            broker: Broker::new(config.clone(), Known::default(), [0; 32], now),
            config,
            sfu: Model::default(),
            now,
            deadline: None,
            brokers: 0,
            keys,
            secrets,
            next_id: 0,
            asked: HashMap::new(),
            counted: (0, 0),
            calls: Vec::new(),
            call_ids: HashSet::new(),
            minting: Vec::new(),
            kept: BTreeMap::new(),
            unclosed: BTreeSet::new(),
            sessions: Vec::new(),
            heard: HashMap::new(),
            operators: HashMap::new(),
            viewers: HashSet::new(),
            joinings: Vec::new(),
        };
        rig.restart();
        rig
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        match choices.byte() % 23 {
            0 => self.ask_anything(choices),
            1 | 2 => {
                let body = json!({"robot_name": choices.text(), "sdp_offer": "v=0"});
                self.ask_robot(choices, Asked::Register, Method::POST, "", &body);
            }
            3 | 4 => {
                let session = self.session(choices);
                let path = format!("/{session}/heartbeat");
                self.ask_robot(choices, Asked::Heartbeat(session), Method::POST, &path, &Value::Null);
            }
            5 | 6 => {
                let session = self.session(choices);
                let path = format!("/{session}/join");
                let body = json!({"role": "operator", "sdp_offer": "v=0", "takeover": choices.flag()});
                self.ask_operator(choices, Asked::Join(session), Method::POST, &path, &body);
            }
            7 | 8 => {
                let (session, of) = (self.session(choices), self.joining(choices));
                let path = format!("/{session}/bridge-datachannel");
                let body = json!({"operator_id": of});
                self.ask_operator(choices, Asked::Bridge(session, of), Method::POST, &path, &body);
            }
            9 => {
                let path = format!("/{}/leave", self.session(choices));
                let body = json!({"operator_id": self.joining(choices)});
                self.ask_operator(choices, Asked::Other, Method::POST, &path, &body);
            }
            10 => {
                let path = format!("/{}", self.session(choices));
                self.ask_robot(choices, Asked::Other, Method::DELETE, &path, &Value::Null);
            }
            11 => {
                self.ask_operator(choices, Asked::Other, Method::GET, "", &Value::Null);
                self.ask_robot(choices, Asked::Other, Method::GET, "/turn-credentials", &Value::Null);
                self.mint(choices);
            }
            12 | 13 => self.be_honest(1 + choices.below(8)),
            14 => self.answer_badly(choices),
            15 => self.answer_edited(choices),
            16 => self.pass(Duration::from_millis(u64::from(choices.short()))),
            17 => self.sfu.fail(choices),
            18 => self.restart(),
            19 => {
                let path = format!("/{}/join", self.session(choices));
                let body = json!({"role": choices.text() + "x", "sdp_offer": "v=0"});
                self.ask_operator(choices, Asked::Watch, Method::POST, &path, &body);
            }
            20 => {
                let path = format!("/{}/hand-over", self.session(choices));
                let body = json!({"to": self.joining(choices)});
                self.ask_operator(choices, Asked::Other, Method::POST, &path, &body);
            }
            21 => {
                let path = format!("/{}/op-heartbeat", self.session(choices));
                let body = json!({"operator_id": self.joining(choices)});
                self.ask_operator(choices, Asked::Other, Method::POST, &path, &body);
            }
            _ => {
                let key = choices.below(self.keys.len());
                let Some(key) = self.keys.get_mut(key).filter(|_| choices.byte() < 64) else { return };
                key.revoked = Some(1);
                self.broker.revoke(self.now, &key.id(), 1).expect("the key is known");
            }
        }
    }

    /// Cloudflare answers something, or not yet.
    fn mint(&mut self, choices: &mut Choices<'_>) {
        let Some(id) = choices.one_of(&self.minting).filter(|_| choices.flag()) else { return };
        self.minting.retain(|other| *other != id);
        let good = r#"{"iceServers":[{"urls":"turn:t","username":"u","credential":"c"}]}"#;
        let body = if choices.flag() { good.into() } else { choices.bytes().to_vec() };
        let status = if choices.flag() { 201 } else { u16::from(choices.byte()) * 3 };
        self.broker.handle_answer(self.now, id, Ok(Response { status, body }));
    }

    /// One of the sessions that robots were told of, most often the latest.
    fn session(&self, choices: &mut Choices<'_>) -> String {
        let at = choices.below(8);
        self.sessions.iter().rev().nth(at).or(self.sessions.last()).cloned().unwrap_or_default()
    }

    fn joining(&self, choices: &mut Choices<'_>) -> Option<String> {
        match choices.below(4) {
            0 => choices.one_of(&self.joinings),
            1 => self.joinings.last().cloned(),
            _ => None,
        }
    }

    fn ask_robot(&mut self, choices: &mut Choices<'_>, asked: Asked, method: Method, path: &str, body: &Value) {
        let key = self.secrets[choices.below(3)].clone();
        self.ask(asked, method, path, (Some(&key), None), body.to_string().as_bytes());
    }

    fn ask_operator(&mut self, choices: &mut Choices<'_>, asked: Asked, method: Method, path: &str, body: &Value) {
        let token = format!("Bearer {}", self.secrets[3 + choices.below(3)]);
        // Nothing at all is as good as no wish.
        let body = if body["operator_id"].is_null() && choices.flag() { String::new() } else { body.to_string() };
        self.ask(asked, method, path, (None, Some(&token)), body.as_bytes());
    }

    fn ask_anything(&mut self, choices: &mut Choices<'_>) {
        let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS];
        let method = choices.one_of(&methods).unwrap_or(Method::GET);
        let path = match choices.below(3) {
            0 => choices.text(),
            1 => format!("/{}", choices.text()),
            _ => format!("/{}/{}", self.session(choices), choices.text()),
        };
        let known = self.secrets[choices.below(self.secrets.len())].clone();
        let key = if choices.flag() { known } else { choices.text() };
        let bearer = format!("Bearer {key}");
        let keys = match choices.below(4) {
            0 => (None, None),
            1 => (Some(key.as_str()), None),
            2 => (None, Some(bearer.as_str())),
            _ => (Some(key.as_str()), Some(bearer.as_str())),
        };
        self.ask(Asked::Other, method, &path, keys, choices.bytes());
    }

    fn ask(
        &mut self,
        asked: Asked,
        method: Method,
        path: &str,
        (robot_key, authorization): (Option<&str>, Option<&str>),
        body: &[u8],
    ) {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        self.asked.insert(id, asked);
        self.counted.0 += 1;
        let path = format!("/api/v1/sessions{path}");
        let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let query = if self.next_id.is_multiple_of(2) { "offline=true" } else { "" };
        let request = Incoming { method: &method, path: &path, query, source, robot_key, authorization, body };
        self.broker.handle_request(self.now, id, request);
    }

    /// The SFU does what it should, for some calls.
    fn be_honest(&mut self, calls: usize) {
        for _ in 0..calls {
            if self.calls.is_empty() {
                return;
            }
            let request = self.calls.remove(0);
            let response = self.sfu.answer(&request);
            self.broker.handle_answer(self.now, request.id, Ok(response));
            self.settle();
        }
    }

    /// One of the calls is answered by chance; perhaps the SFU has done what it was asked, perhaps more answers come.
    fn answer_badly(&mut self, choices: &mut Choices<'_>) {
        if self.calls.is_empty() {
            return;
        }
        let request = self.calls.remove(choices.below(self.calls.len()));
        let honest = choices.flag().then(|| self.sfu.answer(&request));
        let result = match choices.byte() % 8 {
            0 => Err(Failure::Timeout(request.timeout)),
            1 => Err(Failure::Connect("no route".into())),
            2 => Err(Failure::Broken("it broke off".into())),
            3 => Err(Failure::TooLarge),
            4 => {
                let statuses = [200, 400, 401, 404, 406, 410, 425, 429, 500, 503];
                let status = choices.one_of(&statuses).unwrap_or_default();
                Ok(Response { status, body: br#"{"errorCode":"x","errorDescription":"y"}"#.to_vec() })
            }
            5 => Ok(Response { status: choices.short() % 1000, body: choices.bytes().to_vec() }),
            _ => Ok(honest.unwrap_or(Response { status: 200, body: b"{}".to_vec() })),
        };
        for _ in 0..1 + choices.below(2) {
            self.broker.handle_answer(self.now, request.id, result.clone());
            self.settle();
        }
        self.broker.handle_answer(self.now, RequestId(u64::from(choices.byte()) << 32), result);
    }

    /// One of the calls is answered with what the SFU says, changed.
    fn answer_edited(&mut self, choices: &mut Choices<'_>) {
        if self.calls.is_empty() {
            return;
        }
        let request = self.calls.remove(choices.below(self.calls.len()));
        let mut response = self.sfu.answer(&request);
        let mut json: Value = serde_json::from_slice(&response.body).expect("JSON");
        for _ in 0..1 + choices.below(4) {
            choices.edit_json(&mut json);
        }
        response.body = json.to_string().into_bytes();
        self.broker.handle_answer(self.now, request.id, Ok(response));
    }

    /// Ends the broker without a word and starts another one with what it kept.
    fn restart(&mut self) {
        self.brokers = self.brokers.wrapping_add(1);
        let mut keys = Keys::new();
        self.keys.iter().for_each(|key| keys.insert(key.clone()).expect("room for a key"));
        let known = Known::new(keys, self.kept.values().cloned().collect(), self.unclosed.iter().cloned().collect());
        self.broker = Broker::new(self.config.clone(), known, [self.brokers; 32], self.now);
        self.asked.clear();
        self.calls.clear();
        self.call_ids.clear();
        self.counted = (0, 0);
        self.minting.clear();
        self.settle();
    }

    /// Everybody goes away; the SFU does what it should from now on.
    fn finish(&mut self) {
        // What it was asked before it may have lost.
        for request in std::mem::take(&mut self.calls) {
            self.broker.handle_answer(self.now, request.id, Err(Failure::Timeout(request.timeout)));
        }
        for _ in 0..3 {
            for _ in 0..MAX_TIMERS {
                self.settle();
                if self.calls.is_empty() {
                    break;
                }
                self.be_honest(usize::MAX);
            }
            self.pass(LONGEST);
        }
        let mut unanswered = self.asked.keys();
        assert!(unanswered.next().is_none(), "a request without an answer");
        let stats = self.broker.stats();
        assert_eq!((stats.robots, stats.operators, stats.bridges, stats.sfu_sessions), (0, 0, 0, 0));
        assert_eq!(stats.viewers, 0);
        assert!(
            self.broker.is_settled() && self.kept.is_empty() && self.unclosed.is_empty(),
            "something is left behind"
        );
        assert!(self.deadline.is_none(), "nothing is left to wait for");
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..MAX_TIMERS {
            self.settle();
            let Some(next) = self.deadline.filter(|at| *at <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(next);
            self.broker.handle_timeout(self.now);
        }
        panic!("the deadlines do not end: {:?}", self.deadline);
    }

    fn settle(&mut self) {
        for _ in 0..MAX_OUTPUTS {
            match self.broker.poll(self.now) {
                Output::Save(record) => drop(self.kept.insert(record.robot.clone(), record)),
                Output::Forget(robot) => drop(self.kept.remove(&robot)),
                Output::SaveUnclosed(session) => drop(self.unclosed.insert(session)),
                Output::ForgetUnclosed(session) => drop(self.unclosed.remove(&session)),
                Output::Response(id, response) => self.answered(id, &response),
                Output::Http(request) => {
                    assert!(self.call_ids.insert(request.id), "the id {:?} was used before", request.id);
                    assert!(!request.timeout.is_zero(), "{request:?} has no time");
                    // A name that the SFU has made up may be that of two sessions.
                    let session = Model::session_of(&request).filter(|session| self.sfu.has_made(session));
                    let is_busy = |session| self.calls.iter().any(|other| Model::session_of(other) == Some(session));
                    assert!(!session.is_some_and(is_busy), "two calls at once");
                    self.calls.push(request);
                }
                Output::WaitUntil(at, _) => {
                    self.deadline = at;
                    return self.check();
                }
                Output::Turn(request) => {
                    assert!(self.call_ids.insert(request.id), "the id {:?} was used before", request.id);
                    self.minting.push(request.id);
                }
                output => panic!("{output:?} is new"),
            }
        }
        panic!("the broker does not come to rest");
    }

    fn check(&self) {
        let stats = self.broker.stats();
        let max_robots = self.config.max_robots;
        assert!(stats.robots <= max_robots.min(2), "{stats:?}");
        assert!(stats.bridges <= stats.operators && stats.operators <= stats.robots, "{stats:?}");
        assert!(stats.viewers <= self.config.max_viewers * stats.robots, "{stats:?}");
        // Viewers have room of their own.
        assert!(stats.sfu_sessions <= 2 * 3 * max_robots, "{stats:?}");
        assert_eq!((stats.requests, stats.refused.total()), self.counted);
        for record in self.kept.values() {
            let known = record.operator.as_ref().map(|operator| &operator.id);
            // One that watched may have been handed the robot.
            let was_viewer = known.is_some_and(|known| self.viewers.contains(known));
            let is_last = known == self.operators.get(&record.id);
            assert!(known.is_none() || was_viewer || is_last, "an operator that did not join last");
        }
    }

    fn answered(&mut self, id: RequestId, response: &Response) {
        let asked = self.asked.remove(&id).expect("one answer to one request");
        let text = std::str::from_utf8(&response.body).expect("text");
        if response.status == 204 {
            return assert!(text.is_empty(), "{text}");
        }
        let body: Value = serde_json::from_str(text).expect("every answer is JSON");
        let is_secret =
            |secret: &String| text.contains(secret.as_str()) || text.contains(&KeyHash::of(secret).to_string());
        assert!(
            !self.secrets.iter().any(is_secret) && !text.contains("s-s3cret") && !text.contains("the-turn-s3cret"),
            "a secret in an answer"
        );
        if response.status >= 400 {
            self.counted.1 += 1;
            assert!(Refusals::STATUSES.contains(&response.status), "{}: {text}", response.status);
            assert!(body["errorCode"].is_string() && body["errorDescription"].is_string(), "{text}");
            assert_eq!(body["detail"], body["errorDescription"], "as the hosted one says it");
            return;
        }
        let string = |field: &str| body[field].as_str().expect("a string").to_owned();
        match asked {
            Asked::Register => self.sessions.push(string("session_id")),
            Asked::Join(session) => {
                self.joinings.push(string("operator_id"));
                self.operators.insert(session, string("operator_id"));
            }
            Asked::Watch => {
                self.joinings.push(string("operator_id"));
                self.viewers.insert(string("operator_id"));
            }
            Asked::Bridge(session, of) => {
                let names = ["cmd_channel_id", "state_channel_id", "state_back_channel_id", "map_channel_id"];
                let is_viewer = of.as_ref().is_some_and(|of| self.viewers.contains(of));
                match ids(&body, names) {
                    (Some(_), Some(_)) => assert!(
                        of.is_none() || is_viewer || of.as_ref() == self.operators.get(&session),
                        "a former operator's bridge"
                    ),
                    (None, Some(_)) => assert!(of.is_none() || is_viewer, "an operator that only watches"),
                    ids => panic!("a bridge has ids: {ids:?}"),
                }
            }
            Asked::Heartbeat(session) => {
                let names = [
                    "cmd_channel_subscriber_id",
                    "state_channel_subscriber_id",
                    "state_back_channel_publisher_id",
                    "map_channel_publisher_id",
                ];
                self.heard.entry(session).or_default().hear(ids(&body, names));
            }
            Asked::Other => {}
        }
    }
}
