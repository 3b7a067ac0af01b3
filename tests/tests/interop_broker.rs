//! DimOS's robot from PyPI, unmodified, farwire's robot, farwire's operator and operators of aiortc on farwire's broker.

#[path = "script/dialogue.rs"]
mod dialogue;
mod script;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use farwire_blocking::lcm::geometry_msgs::TwistStamped;
use farwire_blocking::lcm::std_msgs::{Header, Time};
use farwire_blocking::{
    ConnectionEvent, Delivery, EndReason, Events, OperatorConfig, OperatorLost, RecvError, RobotConfig,
    SubscribeOptions, Subscription, connect,
};
use farwire_broker::{AdminAnswer, AdminRequest, Config, Grant, HttpSfu, KeyHash, RobotId, Scope, Server, Store};
use farwire_core::broker::{CMD_UNRELIABLE, MAP_UNRELIABLE, STATE_RELIABLE, STATE_RELIABLE_BACK};
use farwire_core::lcm::Message;
use farwire_core::signalling::{HeaderName, Method, Request, RequestId};
use farwire_listener::{Listener, Site};
use serde_json::{Value, json};

use crate::dialogue::Dialogue;

/// The longest that anything may take.
const WITHIN: Duration = Duration::from_secs(20);

/// The time between two looks at what tells nobody when it changes.
const LOOK_EVERY: Duration = Duration::from_millis(50);

const OPERATOR_LOST: &[u8] = br#"{"type": "operator_lost"}"#;

/// A directory that goes away with the test.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // A failed test need not fail again.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A broker and its SFU on loopback.
struct Teleop {
    listener: Listener,
    broker: Server,
    sfu: farwire_sfu::Server,
    directory: Scratch,
}

impl Teleop {
    fn spawn(name: &str) -> Teleop {
        let sfu = farwire_sfu::Server::spawn(farwire_sfu::Config::new("app", "secret")).expect("an SFU on loopback");
        let directory = std::env::temp_dir().join(format!("farwire-interop-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let directory = Scratch(directory);
        let config = farwire_core::Config::new(&sfu.api_root(), "app", "secret").expect("a good config");
        let config = Config::new(config).check_every(Duration::from_millis(500));
        let store = Store::open(&directory.0.join("broker.redb")).expect("a state file");
        let broker = Server::spawn(config, store, HttpSfu::spawn(true).expect("threads")).expect("a broker");
        let listener = Listener::spawn(([127, 0, 0, 1], 0).into(), broker.add_to(Site::new())).expect("a port");
        Teleop { listener, broker, sfu, directory }
    }

    fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr())
    }

    fn robot_key(&self) -> String {
        self.secret(Grant::Robot(RobotId::new("dimos").expect("an id")))
    }

    fn operator_token(&self) -> String {
        self.secret(Grant::Operator(Scope::All))
    }

    fn secret(&self, grant: Grant) -> String {
        match self.broker.administer(AdminRequest::Create { grant, label: String::new() }) {
            AdminAnswer::Created { secret, .. } => secret,
            _ => panic!("no key was created"),
        }
    }

    fn revoke(&self, secret: &str) {
        let answer = self.broker.administer(AdminRequest::Revoke { id: KeyHash::of(secret).id() });
        assert!(matches!(answer, AdminAnswer::Revoked { .. }));
    }

    /// What the broker answers to a heartbeat of a robot's.
    fn heartbeat(&self, key: &str, session: &str) -> Value {
        let url = format!("{}/api/v1/sessions/{session}/heartbeat", self.url());
        let mut request = Request::new(RequestId(0), Method::POST, url, WITHIN);
        request =
            request.with_secret(HeaderName::from_static("x-robot-api-key"), key).with_json(&serde_json::json!({}));
        let response = farwire_http::Client::new(true).perform(request).expect("an answer");
        assert_eq!(response.status, 200);
        serde_json::from_slice(&response.body).expect("JSON")
    }

    /// Waits until nothing is left of anybody.
    fn empties(&self) {
        eventually("no session is left on the SFU", 2 * WITHIN, || self.sfu.sessions() == 0);
    }
}

/// Waits for what nobody is told of.
fn eventually(what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < within, "it does not come to this: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Waits for an event, and passes over others.
fn wait_for(events: &Subscription<Events>, what: &str, is_it: impl Fn(&ConnectionEvent) -> bool) {
    let begun = Instant::now();
    loop {
        let left = WITHIN.saturating_sub(begun.elapsed());
        match events.recv_timeout(left) {
            Ok(event) if is_it(&event) => return,
            Ok(_) => {}
            Err(error) => panic!("{error}, but not this: {what}"),
        }
    }
}

/// The next message that is no ping and no pong, whatever was missed before it.
fn hear(subscription: &Subscription) -> Vec<u8> {
    let begun = Instant::now();
    loop {
        match subscription.recv_timeout(WITHIN.saturating_sub(begun.elapsed())) {
            Ok(message) if message.starts_with(br#"{"type": "p"#) => {}
            Ok(message) => return message.to_vec(),
            Err(RecvError::Interrupted) => {}
            Err(error) => panic!("{}: {error}", subscription.topic()),
        }
    }
}

/// A command of a moment.
fn command(made: SystemTime) -> Vec<u8> {
    let unix = made.duration_since(UNIX_EPOCH).expect("it is past 1970");
    let stamp = Time { sec: unix.as_secs().try_into().expect("before 2038"), nsec: unix.subsec_nanos() as i32 };
    let mut command = TwistStamped { header: Header { stamp, ..Header::default() }, ..TwistStamped::default() };
    (command.twist.linear.x, command.twist.angular.z) = (0.25, -1.5);
    command.to_bytes().expect("it has an encoding")
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
#[ignore = "needs DimOS from PyPI: see tests/script/mod.rs"]
fn a_robot_of_dimos_and_operators_of_aiortc() {
    // The script that takes the SFU alone is another test's.
    let _ = script::passes;
    let teleop = Teleop::spawn("foreign");
    let secrets = [teleop.robot_key(), teleop.robot_key(), teleop.operator_token(), teleop.operator_token()];
    let (url, orders) = (teleop.url(), teleop.directory.0.join("broker.redb.d/orders"));
    let mut arguments = vec![url.as_str(), orders.to_str().expect("UTF-8")];
    arguments.extend(secrets.iter().map(String::as_str));
    script::passes_with("dimos_broker.py", &arguments, Duration::from_secs(120));
    teleop.empties();
}

#[test]
#[ignore = "needs DimOS from PyPI: see tests/script/mod.rs"]
fn farwires_operator_and_a_robot_of_dimos() {
    let teleop = Teleop::spawn("operator");
    let (url, key, token) = (teleop.url(), teleop.robot_key(), teleop.operator_token());
    let mut robot = Dialogue::start("broker_robot.py", &[&url, &key]);
    let session = robot.ask(&json!({"do": "start"}))["session"].take();
    let mut used = BTreeSet::new();
    for _ in 0..2 {
        let config = OperatorConfig::new(&url, &token).expect("a good config").ping_every(Duration::from_millis(50));
        let operator = connect(config).expect("the robot answers");
        assert!(operator.is_connected() && operator.robot_present());
        assert_eq!(operator.session_id(), session);
        let clock = operator.clock().expect("it has answered a ping");
        let bound = clock.uncertainty.as_secs_f64() + 0.05;
        assert!(clock.offset.abs() <= bound, "one machine has one clock: {clock:?}");
        assert!(clock.round_trip > Duration::ZERO && clock.round_trip < WITHIN, "{clock:?}");

        let telemetry = operator.subscribe_with(STATE_RELIABLE_BACK, Delivery::RELIABLE).expect("a topic");
        let map = operator.subscribe(MAP_UNRELIABLE).expect("a topic");
        let commands = operator.publisher(CMD_UNRELIABLE).expect("a topic");
        let state = operator.publisher_with(STATE_RELIABLE, Delivery::RELIABLE).expect("a topic");

        let driven = command(SystemTime::now());
        commands.publish(&driven).expect("taken");
        assert_eq!(robot.ask(&json!({"do": "hear"})), json!({"topic": CMD_UNRELIABLE, "hex": to_hex(&driven)}));
        let stop = r#"{"type": "estop", "text": "ß🤖"}"#;
        state.publish_text(stop).expect("taken");
        assert_eq!(robot.ask(&json!({"do": "hear"})), json!({"topic": STATE_RELIABLE, "hex": to_hex(stop.as_bytes())}));

        for (topic, subscription, message) in [
            (STATE_RELIABLE_BACK, &telemetry, r#"{"type": "robot_telemetry", "battery": 0.5}"#),
            (MAP_UNRELIABLE, &map, r#"{"map": []}"#),
        ] {
            robot.ask(&json!({"do": "publish", "topic": topic, "hex": to_hex(message.as_bytes())}));
            assert_eq!(hear(subscription), message.as_bytes(), "{topic}");
        }
        let report = robot.ask(&json!({"do": "report"}))["report"].take();
        let round_trip = report["rtt_ms"].as_f64().expect("a number");
        assert!(round_trip > 0.0 && round_trip < 1000.0, "{report}");
        assert!(report["offset_ms"].as_f64().expect("a number").abs() < round_trip / 2.0 + 50.0, "{report}");

        let ids = robot.ask(&json!({"do": "ids"}))["ids"].take();
        let ids: Vec<u64> = ids.as_object().expect("ids").values().filter_map(Value::as_u64).collect();
        assert_eq!(ids.len(), 4);
        assert!(ids.into_iter().all(|id| used.insert(id)), "a stream id is used twice");
        operator.close();
        assert_eq!(robot.ask(&json!({"do": "hear"})), json!({"topic": STATE_RELIABLE, "hex": to_hex(OPERATOR_LOST)}));
    }
    robot.ask(&json!({"do": "stop"}));
    teleop.empties();
}

#[test]
#[ignore = "needs aiortc: see tests/script/mod.rs"]
fn farwires_robot_and_operators_of_aiortc() {
    let teleop = Teleop::spawn("robot");
    let (url, key) = (teleop.url(), teleop.robot_key());
    let tokens = [teleop.operator_token(), teleop.operator_token()];
    let mut operators = Dialogue::start("broker_operator.py", &[&url]);
    let config = RobotConfig::new(&url, &key).expect("a good config").robot_name("Robbie");
    // What an operator that is silent is told to the robot as is not looked at here.
    let config = config.heartbeat(Duration::from_millis(50)).operator_silence(3 * WITHIN);
    let robot = connect(config.clone()).expect("the broker takes it");
    let events = robot.events().expect("room");
    let fresh = Duration::from_secs(1);
    let options = SubscribeOptions::default().stale_after(fresh);
    let commands = robot.subscribe_with(CMD_UNRELIABLE, options).expect("a topic");
    let state = robot.subscribe_with(STATE_RELIABLE, Delivery::RELIABLE).expect("a topic");
    let telemetry = robot.publisher_with(STATE_RELIABLE_BACK, Delivery::RELIABLE).expect("a topic");
    let map = robot.publisher(MAP_UNRELIABLE).expect("a topic");
    let mut used = BTreeSet::new();

    // One joins, drives and leaves; the same token again; another one takes over.
    for (turn, token, takeover) in [(0, 0, false), (1, 0, false), (2, 1, true)] {
        let token = &tokens[token];
        if takeover {
            assert_eq!(operators.ask(&json!({"do": "join", "token": token}))["status"], 409);
            assert!(robot.operator_present());
        }
        let joined = operators.ask(&json!({"do": "join", "token": token, "takeover": takeover}));
        assert_eq!(joined["status"], 200);
        let operator = &joined["operator"];
        if takeover {
            wait_for(&events, "the operator is replaced", |event| is_lost(event, OperatorLost::TakenOver));
            assert_eq!(hear(&state), OPERATOR_LOST);
            assert_eq!(robot.operator_lost(), Some(OperatorLost::TakenOver));
        }
        assert!(!robot.operator_present(), "it has no channels yet");
        operators.ask(&json!({"do": "bridge", "operator": operator}));

        let unix = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970");
        for client_ts in [json!(unix.as_millis()), json!(7), json!("as it was")] {
            let pong =
                operators.ask(&json!({"do": "ping", "operator": operator, "client_ts": client_ts}))["pong"].take();
            assert_eq!(pong["client_ts"], client_ts);
            let robot_ts = pong["robot_ts"].as_f64().expect("a number");
            assert!((robot_ts - unix.as_secs_f64()).abs() < WITHIN.as_secs_f64(), "{pong}");
        }
        wait_for(&events, "an operator is there", |event| matches!(event, ConnectionEvent::OperatorPresent));
        assert!(robot.operator_present() && robot.operator_lost().is_none());
        let ids = teleop.heartbeat(&key, &robot.session_id());
        let ids: Vec<u64> = ids.as_object().expect("ids").values().filter_map(Value::as_u64).collect();
        assert_eq!(ids.len(), 4);
        assert!(ids.into_iter().all(|id| used.insert(id)), "a stream id is used twice");

        let stale = commands.stale();
        let old = command(SystemTime::now() - Duration::from_secs(10));
        let mut send = |channel: &str, message: &[u8]| {
            let message = to_hex(message);
            operators.ask(&json!({"do": "send", "operator": operator, "channel": channel, "hex": message}));
        };
        let mut drives = |is_old: bool| {
            let made = command(SystemTime::now());
            if is_old {
                send(CMD_UNRELIABLE, &old);
            }
            send(CMD_UNRELIABLE, &made);
            let message = commands.recv_timeout(WITHIN).expect("a fresh command");
            assert_eq!(&message[..], made);
        };
        drives(false);
        drives(true);
        assert_eq!(commands.stale(), stale + 1);
        drives(false);
        assert!(matches!(commands.recv_timeout(WITHIN), Err(RecvError::Stale)), "nothing fresh is there");
        assert!(matches!(commands.recv_timeout(fresh), Err(RecvError::Timeout)), "it is told once");

        send(STATE_RELIABLE, br#"{"type": "estop"}"#);
        assert_eq!(hear(&state), br#"{"type": "estop"}"#);
        telemetry.publish_text(r#"{"type": "robot_telemetry"}"#).expect("taken");
        let heard = operators.ask(&json!({"do": "hear", "operator": operator}));
        assert_eq!(heard, json!({"channel": STATE_RELIABLE_BACK, "text": r#"{"type": "robot_telemetry"}"#}));
        map.publish(b"map").expect("taken");
        let heard = operators.ask(&json!({"do": "hear", "operator": operator}));
        assert_eq!(heard, json!({"channel": MAP_UNRELIABLE, "hex": to_hex(b"map")}));

        if turn == 0 {
            operators.ask(&json!({"do": "leave", "operator": operator}));
            wait_for(&events, "the operator has left", |event| is_lost(event, OperatorLost::Left));
            assert!(!robot.operator_present());
            assert_eq!(robot.operator_lost(), Some(OperatorLost::Left));
            assert_eq!(hear(&state), OPERATOR_LOST);
        }
    }

    drop((robot, events, commands, state, telemetry, map));
    operators.ask(&json!({"do": "close"}));
    let listed =
        |operators: &mut Dialogue| operators.ask(&json!({"do": "robots", "token": tokens[0]}))["robots"][0].take();
    eventually("the robot is off the list", WITHIN, || {
        let robot = listed(&mut operators);
        robot["state"] == "disconnected" && robot["session_id"].is_null()
    });

    let robot = connect(config).expect("the broker takes it");
    let events = robot.events().expect("room");
    assert_eq!(listed(&mut operators)["session_id"], robot.session_id());
    teleop.revoke(&key);
    wait_for(&events, "the robot has ended", |event| matches!(event, ConnectionEvent::Ended { .. }));
    let ended = robot.ended();
    assert!(matches!(&ended, Some(EndReason::Api(error)) if error.refusal_status() == Some(401)), "{ended:?}");
    teleop.empties();
}

/// Whether an operator is lost for this reason, which a heartbeat may say only after the channels have closed.
fn is_lost(event: &ConnectionEvent, why: OperatorLost) -> bool {
    matches!(event, ConnectionEvent::OperatorLost { reason } if *reason == why)
}
