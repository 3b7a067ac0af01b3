//! A broker, its SFU, robots and operators in one thread, in virtual time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use farwire_broker::{Broker, Config, Grant, Key, KeyId, Keys, Known, Output, RobotId, Scope, SessionRecord};
use farwire_core::WallClock;
use farwire_core::signalling::{Failure, Method, Request, RequestId, Response};
use farwire_sfu::Incoming;
use serde_json::{Value, json};

use crate::http::Fate;
use crate::{Foreigners, Node};

/// How often the broker and the rest of the world look at each other.
const STEP: Duration = Duration::from_millis(10);

/// A robot's or an operator's ids of the four channels.
pub type Ids = [u16; 4];

/// A request of the broker to the SFU, as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// The session in its path, or `new`.
    pub session: String,
    /// What follows the session in the path.
    pub call: String,
}

/// A broker on an SFU. Robots and operators are [`Foreigners`], by number.
pub struct Teleop {
    /// The SFU, and everybody's connections to it.
    pub net: Foreigners,
    /// The broker under test.
    pub broker: Broker,
    /// What it keeps, by robot.
    pub kept: BTreeMap<RobotId, SessionRecord>,
    /// Sessions on the SFU that it keeps in mind to close.
    pub unclosed: BTreeSet<String>,
    /// What it asked of the SFU.
    pub asked: Vec<Asked>,
    /// What it asked of Cloudflare's TURN service, and has no answer to.
    pub turn: Vec<Request>,
    /// Where requests come from.
    pub source: IpAddr,
    clock: WallClock,
    config: Config,
    answers: HashMap<RequestId, (u16, Value)>,
    /// The broker's requests, by those of the SFU.
    at_sfu: HashMap<RequestId, (RequestId, bool)>,
    late: BTreeMap<(Instant, RequestId), Duration>,
    deadline: Option<Instant>,
    requests: u64,
    brokers: u8,
    keys: Vec<Key>,
    script: Box<dyn FnMut(&Asked) -> Fate>,
}

impl Teleop {
    /// A broker on an SFU that ends sessions when it is told.
    pub fn new() -> Teleop {
        Teleop::with(Teleop::config().ends_sessions())
    }

    /// A configuration that fits the SFU.
    pub fn config() -> Config {
        Config::new(farwire_core::Config::new("http://sfu.test/v1", "app", "secret").expect("a good config"))
    }

    /// A broker of this configuration, in a world that began 1,800,000,000 seconds after 1970.
    pub fn with(config: Config) -> Teleop {
        let net = Foreigners::new();
        let mut broker = Broker::new(config.clone(), Known::default(), [1; 32], net.now());
        let clock = WallClock::new(net.now(), Duration::from_secs(1_800_000_000));
        broker.set_clock(clock);
        Teleop {
            net,
            broker,
            kept: BTreeMap::new(),
            unclosed: BTreeSet::new(),
            asked: Vec::new(),
            turn: Vec::new(),
            source: IpAddr::V4(Ipv4Addr::LOCALHOST),
            clock,
            config,
            answers: HashMap::new(),
            at_sfu: HashMap::new(),
            late: BTreeMap::new(),
            deadline: None,
            requests: 0,
            brokers: 1,
            keys: Vec::new(),
            script: Box::new(|_| Fate::Pass),
        }
    }

    /// Decides about every request of the broker from now on.
    pub fn script(&mut self, script: impl FnMut(&Asked) -> Fate + 'static) {
        self.script = Box::new(script);
    }

    /// A key for a robot.
    pub fn robot_key(&mut self, robot: &str) -> String {
        self.key(Grant::Robot(RobotId::new(robot).expect("an id")))
    }

    /// A token for these robots, or for all.
    pub fn operator_token(&mut self, robots: &[&str]) -> String {
        let ids = robots.iter().map(|robot| RobotId::new(robot).expect("an id"));
        let scope = if robots.is_empty() { Scope::All } else { Scope::Robots(ids.collect()) };
        self.key(Grant::Operator(scope))
    }

    fn key(&mut self, grant: Grant) -> String {
        let number = u8::try_from(self.keys.len()).expect("few keys");
        let (key, secret) = Key::new(grant, "", [number; 32], u64::from(number));
        self.broker.admit(key.clone()).expect("room for a key");
        self.keys.push(key);
        secret.reveal().to_owned()
    }

    /// Revokes what hides behind a secret.
    pub fn revoke(&mut self, secret: &str) {
        let id: KeyId = farwire_broker::KeyHash::of(secret).id();
        let now = self.net.now();
        self.broker.revoke(now, &id, 1).expect("a key");
        self.keys.iter_mut().filter(|key| key.id() == id).for_each(|key| key.revoked = Some(1));
        self.settle();
    }

    /// Ends the broker without a word and starts another one with what it kept.
    pub fn restart(&mut self) {
        self.brokers += 1;
        let mut keys = Keys::new();
        for key in &self.keys {
            keys.insert(key.clone()).expect("room for a key");
        }
        let known = Known::new(keys, self.kept.values().cloned().collect(), self.unclosed.iter().cloned().collect());
        self.broker = Broker::new(self.config.clone(), known, [self.brokers; 32], self.net.now());
        self.broker.set_clock(self.clock);
        self.at_sfu.clear();
        self.late.clear();
        self.settle();
    }

    /// Makes a request of a robot; its answer comes from [`Teleop::answer`].
    pub fn ask_robot(&mut self, key: &str, method: Method, path: &str, body: &Value) -> RequestId {
        self.ask(Some(key), None, method, path, body.to_string().as_bytes())
    }

    /// The same of an operator.
    pub fn ask_operator(&mut self, token: &str, method: Method, path: &str, body: &Value) -> RequestId {
        self.ask(None, Some(&format!("Bearer {token}")), method, path, body.to_string().as_bytes())
    }

    /// Makes any request; `path` is what follows `/api/v1/sessions`.
    pub fn ask(
        &mut self,
        robot_key: Option<&str>,
        authorization: Option<&str>,
        method: Method,
        path: &str,
        body: &[u8],
    ) -> RequestId {
        let id = RequestId(self.requests);
        self.requests += 1;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = format!("/api/v1/sessions{path}");
        let (now, source) = (self.net.now(), self.source);
        let request =
            farwire_broker::Incoming { method: &method, path: &path, query, source, robot_key, authorization, body };
        self.broker.handle_request(now, id, request);
        self.settle();
        id
    }

    /// Takes the answer to a request, if it is there.
    pub fn answer(&mut self, id: RequestId) -> Option<(u16, Value)> {
        self.answers.remove(&id)
    }

    /// Runs until a request is answered.
    pub fn wait(&mut self, id: RequestId) -> (u16, Value) {
        for _ in 0..4_000 {
            if let Some(answer) = self.answers.remove(&id) {
                return answer;
            }
            self.run_for(STEP);
        }
        panic!("no answer within 40 s");
    }

    /// Answers the first of the requests to Cloudflare's TURN service.
    pub fn answer_turn(&mut self, result: Result<Response, Failure>) {
        let request = self.turn.remove(0);
        self.broker.handle_answer(self.net.now(), request.id, result);
        self.settle();
    }

    /// A robot's request and its answer.
    pub fn robot(&mut self, key: &str, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let id = self.ask_robot(key, method, path, body);
        self.wait(id)
    }

    /// An operator's request and its answer.
    pub fn operator(&mut self, token: &str, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let id = self.ask_operator(token, method, path, body);
        self.wait(id)
    }

    /// Registers a robot and connects it; hands back its number and its session's id.
    pub fn register(&mut self, key: &str) -> (Node, String) {
        let (node, offer) = self.net.offering(true);
        let body = json!({"robot_name": "Robbie", "robot_type": "rover", "sdp_offer": offer});
        let (status, answer) = self.robot(key, Method::POST, "", &body);
        assert_eq!(status, 201, "{answer}");
        self.connect(node, &answer);
        (node, answer["session_id"].as_str().expect("an id").to_owned())
    }

    /// Lets an operator join a robot, and connects it; hands back its number and the id of its joining.
    pub fn join(&mut self, token: &str, session: &str) -> (Node, String) {
        self.join_with(token, session, &json!({}))
    }

    /// The same with more in its body.
    pub fn join_with(&mut self, token: &str, session: &str, more: &Value) -> (Node, String) {
        let (node, offer) = self.net.offering(false);
        let mut body = json!({"role": "operator", "sdp_offer": offer});
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        let (status, answer) = self.operator(token, Method::POST, &format!("/{session}/join"), &body);
        assert_eq!(status, 200, "{answer}");
        self.connect(node, &answer);
        (node, answer["operator_id"].as_str().expect("an id").to_owned())
    }

    fn connect(&mut self, node: Node, answer: &Value) {
        self.net.accept(node, answer["sdp_answer"].as_str().expect("SDP"));
        for _ in 0..100 {
            self.run_for(Duration::from_millis(50));
            if self.net.clients[node].is_connected {
                return self.run_for(Duration::from_millis(100));
            }
        }
        panic!("client {node} does not connect");
    }

    /// Bridges an operator that has joined; hands back its ids.
    pub fn bridge(&mut self, token: &str, session: &str) -> Ids {
        let (status, answer) =
            self.operator(token, Method::POST, &format!("/{session}/bridge-datachannel"), &json!({}));
        assert_eq!(status, 200, "{answer}");
        let names = ["cmd_channel_id", "state_channel_id", "state_back_channel_id", "map_channel_id"];
        names.map(|name| id(&answer, name).unwrap_or_else(|| panic!("no {name} in {answer}")))
    }

    /// A robot's heartbeat: its ids, or `None` while nobody operates it.
    pub fn heartbeat(&mut self, key: &str, session: &str) -> Option<Ids> {
        let (status, answer) = self.robot(key, Method::POST, &format!("/{session}/heartbeat"), &json!({}));
        assert_eq!(status, 200, "{answer}");
        let names = [
            "cmd_channel_subscriber_id",
            "state_channel_subscriber_id",
            "state_back_channel_publisher_id",
            "map_channel_publisher_id",
        ];
        let ids = names.map(|name| id(&answer, name));
        match ids {
            [None, None, None, None] => None,
            ids => Some(ids.map(|id| id.unwrap_or_else(|| panic!("some ids and some not: {answer}")))),
        }
    }

    /// Opens the ends of the four channels.
    pub fn open_ends(&mut self, node: Node, ids: Ids) {
        for (id, lossy) in ids.into_iter().zip([true, false, false, true]) {
            self.net.open_end(node, id, lossy);
        }
        self.run_for(Duration::from_millis(50));
    }

    /// Runs for a time.
    pub fn run_for(&mut self, time: Duration) {
        let until = self.net.now() + time;
        while self.net.now() < until {
            self.settle();
            let now = self.net.now();
            let next = self.deadline.map_or(until, |at| at.max(now + Duration::from_micros(1))).min(until);
            self.net.run_for(STEP.min(next - now));
            self.tick();
        }
        self.settle();
    }

    fn tick(&mut self) {
        let now = self.net.now();
        while let Some(((at, id), after)) = self.late.first_key_value().map(|(key, after)| (*key, *after))
            && at <= now
        {
            self.late.remove(&(at, id));
            self.broker.handle_answer(now, id, Err(Failure::Timeout(after)));
        }
        self.broker.handle_timeout(now);
    }

    /// Lets the broker and the SFU do what they want to do now.
    fn settle(&mut self) {
        loop {
            match self.broker.poll(self.net.now()) {
                Output::Save(record) => drop(self.kept.insert(record.robot.clone(), record)),
                Output::Forget(robot) => drop(self.kept.remove(&robot)),
                Output::SaveUnclosed(session) => {
                    self.unclosed.insert(session);
                }
                Output::ForgetUnclosed(session) => {
                    self.unclosed.remove(&session);
                }
                Output::Response(id, response) => {
                    let body = match response.status {
                        204 => Value::Null,
                        _ => serde_json::from_slice(&response.body).expect("every answer is JSON"),
                    };
                    let before = self.answers.insert(id, (response.status, body));
                    assert!(before.is_none(), "two answers to one request");
                }
                Output::Http(request) => self.pass_on(&request),
                Output::Turn(request) => self.turn.push(request),
                Output::WaitUntil(at, _) => {
                    self.deadline = at;
                    let done: Vec<RequestId> =
                        self.at_sfu.keys().filter(|id| self.net.answers.contains_key(id)).copied().collect();
                    if done.is_empty() {
                        return;
                    }
                    for id in done {
                        self.bring_back(id);
                    }
                }
                _ => {}
            }
        }
    }

    fn pass_on(&mut self, request: &Request) {
        let path = request.url.strip_prefix("http://sfu.test").unwrap_or_default().to_owned();
        let rest = path.strip_prefix("/v1/apps/app/sessions/").unwrap_or_default();
        let (session, call) = rest.split_once('/').unwrap_or((rest, ""));
        let asked = Asked { method: request.method.clone(), session: session.to_owned(), call: call.to_owned() };
        let fate = (self.script)(&asked);
        self.asked.push(asked.clone());
        let now = self.net.now();
        if fate == Fate::Lost || fate == Fate::AnswerLost {
            self.late.insert((now + request.timeout, request.id), request.timeout);
        }
        match fate {
            Fate::Pass | Fate::AnswerLost if request.method == Method::DELETE => {
                let status = if self.net.sfu.end_session(now, &asked.session) { 200 } else { 410 };
                if fate == Fate::Pass {
                    let response = Response { status, body: b"{}".to_vec() };
                    self.broker.handle_answer(now, request.id, Ok(response));
                }
            }
            Fate::Pass | Fate::AnswerLost => {
                let body = request.body.as_deref().unwrap_or_default().as_bytes();
                let authorization = request.header("authorization");
                let at_sfu =
                    self.net.ask_as_it_is(Incoming { method: &request.method, path: &path, authorization, body });
                self.at_sfu.insert(at_sfu, (request.id, fate == Fate::AnswerLost));
            }
            Fate::Answer(status, body) => {
                self.broker.handle_answer(now, request.id, Ok(Response { status, body: body.into() }));
            }
            Fate::Failed(failure) => self.broker.handle_answer(now, request.id, Err(failure)),
            Fate::Lost => {}
        }
    }

    fn bring_back(&mut self, at_sfu: RequestId) {
        let (Some((_, status, body)), Some((id, is_lost))) =
            (self.net.answers.remove(&at_sfu), self.at_sfu.remove(&at_sfu))
        else {
            return;
        };
        if !is_lost {
            let response = Response { status, body: body.to_string().into_bytes() };
            self.broker.handle_answer(self.net.now(), id, Ok(response));
        }
    }
}

impl Default for Teleop {
    fn default() -> Self {
        Teleop::new()
    }
}

fn id(answer: &Value, name: &str) -> Option<u16> {
    answer[name].as_u64().map(|id| id.try_into().expect("a stream id"))
}
