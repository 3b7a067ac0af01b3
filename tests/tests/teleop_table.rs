//! Kind by kind and call by call: farwire's JSON has DimOS's names of fields and DimOS's types, in both directions.
//!
//! What is here as DimOS's is as its robots (package 0.0.15), its hosted broker and its page write it. What farwire has on top of
//! that is named.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use farwire_core::broker::{OperatorConfig, RobotConfig};
use farwire_core::signalling::Method;
use farwire_core::teleop::{
    Asked, Command, Grid, Heard, Limits, Mode, Now, Operator, Output, Report, Robot, RobotOptions, Say,
};
use farwire_core::wire::teleop::{
    Acknowledged, Bridged, DriveCounts, HeartbeatAnswer, IceServers, Joined, Kind, Listed, OPERATOR_LOST, Order,
    Ordered, Received, Registered, StateMessage,
};
use farwire_tests::{Teleop, World};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// The type of each field, and of those inside. Whether a number is a whole one is not JSON's to say.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("boolean"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("string"),
        Value::Array(items) => Value::Array(items.first().map(shape).into_iter().collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect())
        }
    }
}

/// Takes off what farwire has on top, and makes sure that it is all there is.
fn without(mut value: Value, own: &[&str]) -> Value {
    own.iter().for_each(|name| drop(value.as_object_mut().and_then(|fields| fields.remove(*name))));
    value
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Every kind that an operator says, as DimOS's page says it.
fn from_operators() -> Vec<(Kind, Value)> {
    vec![
        (Kind::Ping, json!({"type": "ping", "client_ts": 1_754_300_000.25})),
        (Kind::ClockReport, json!({"type": "clock_report", "rtt_ms": 12.5, "offset_ms": -3.5})),
        (Kind::Estop, json!({"type": "estop", "nonce": 1})),
        (Kind::EstopClear, json!({"type": "estop_clear", "nonce": 2})),
        (Kind::SportCmd, json!({"type": "sport_cmd", "name": "Hello", "nonce": 3})),
        (Kind::SetMode, json!({"type": "set_mode", "mode": "rage", "nonce": 4})),
        (Kind::ObstacleAvoidance, json!({"type": "obstacle_avoidance", "enabled": true, "nonce": 5})),
        (Kind::Light, json!({"type": "light", "brightness": 0.5, "nonce": 6})),
        (Kind::NavGoal, json!({"type": "nav_goal", "x": 1.5, "y": -2.5, "nonce": 7})),
        (Kind::NavCancel, json!({"type": "nav_cancel", "nonce": 8})),
        (Kind::Gripper, json!({"type": "gripper", "closed": true, "nonce": 9})),
        (Kind::TeleopScale, json!({"type": "teleop_scale", "scale": 0.5, "nonce": 10})),
        (Kind::CameraSelect, json!({"type": "camera_select", "cams": ["front"]})),
        (
            Kind::VideoStats,
            json!({"type": "video_stats", "fps": 29.5, "kbps": 2_500.5, "width": 1_280, "height": 720, "loss_pct": 0.5,
                "jitter_ms": 1.5, "frames_dropped": 3, "freezes": 1, "jitter_buffer_ms": 40.5, "decode_ms": 2.5,
                "e2e_latency_ms": 120.5, "codec": "H264", "decoder": "libvpx"}),
        ),
    ]
}

/// Every kind that a robot says, as DimOS's says it.
fn from_robots() -> Vec<(Kind, Value)> {
    let cmd = json!({"latency_ms": 12.5, "jitter_ms": 50.5, "rate_hz": 19.5, "throughput_bps": 12_320.5});
    let state = json!({"posture": "stand", "rage": false, "obstacle_avoidance": true, "light": 0.5, "estopped": false});
    vec![
        (Kind::Pong, json!({"type": "pong", "client_ts": 1.25, "robot_ts": 2.5})),
        (Kind::CmdAck, json!({"type": "cmd_ack", "nonce": 3, "ok": true})),
        (
            Kind::RobotTelemetry,
            json!({"type": "robot_telemetry", "cmd": cmd, "soc": 81.5, "state": state, "robot_ts": 1.5}),
        ),
        (
            Kind::Map,
            json!({"type": "map", "fmt": "png", "w": 2, "h": 1, "res": 0.05, "origin": [-1.5, 2.5], "stamp": 1.5,
                "png_b64": "iVBO"}),
        ),
        (Kind::Odom, json!({"type": "odom", "x": 1.5, "y": -2.5, "yaw": 0.5, "ts": 1.5})),
    ]
}

#[test]
fn every_kind_has_a_row() {
    let rows = from_operators().into_iter().chain(from_robots());
    let mut kinds: BTreeSet<String> = BTreeSet::new();
    for (kind, message) in rows {
        let name = message["type"].as_str().expect("a type").to_owned();
        assert_eq!(Kind::of(&name), Some(kind), "{name}");
        assert!(kinds.insert(name));
    }
    let lost = read(OPERATOR_LOST)["type"].as_str().map(str::to_owned).expect("a type");
    assert_eq!(Kind::of(&lost), Some(Kind::OperatorLost));
    kinds.insert(lost);
    // Those of `Kind`, whose list is closed: what is not in it is of no kind.
    assert_eq!(kinds.len(), 20);
    assert_eq!(Kind::of("robot_state"), None);
}

#[test]
fn what_farwires_operator_says_is_what_dimos_page_says() {
    let now = Instant::now();
    let mut operator = Operator::new(now, Duration::from_secs(1), 20.0);
    operator.estop(now);
    operator.estop_clear(now);
    for command in [
        Command::Sport { name: "Hello".to_owned() },
        Command::SetMode { mode: Mode::Rage },
        Command::ObstacleAvoidance { enabled: true },
        Command::Light { brightness: 0.5 },
        Command::NavGoal { x: 1.5, y: -2.5 },
        Command::NavCancel,
        Command::Gripper { closed: true },
        Command::TeleopScale { scale: 0.5 },
    ] {
        operator.ask(now, command);
    }
    let mut said = BTreeMap::new();
    let mut note = |message: Value| said.insert(message["type"].as_str().expect("a type").to_owned(), shape(&message));
    while let Some(say) = operator.poll() {
        if let Say::State(text) = say {
            note(read(&text));
        }
    }
    note(read(&StateMessage::Ping { client_ts: 1.5 }.to_json()));
    note(read(&StateMessage::ClockReport { rtt_ms: 1.5, offset_ms: 0.5 }.to_json()));
    // What it has no pictures for, it does not say.
    let silent = [Kind::CameraSelect, Kind::VideoStats];
    for (kind, of_dimos) in from_operators().into_iter().filter(|(kind, _)| !silent.contains(kind)) {
        let name = of_dimos["type"].as_str().expect("a type");
        assert_eq!(said.remove(name), Some(shape(&of_dimos)), "{kind:?}");
    }
    assert!(said.is_empty(), "no kind of its own: {said:?}");
}

#[test]
fn what_dimos_page_says_farwires_robot_reads() {
    for (kind, message) in from_operators() {
        let text = message.to_string();
        let order = Ordered::parse(text.as_bytes());
        let nonce = order.as_ref().and_then(|ordered| ordered.nonce.clone());
        assert_eq!(nonce.as_ref(), message.get("nonce"), "{kind:?}");
        let order = order.map(|ordered| ordered.order);
        let as_said = match (&kind, &order) {
            (Kind::Ping | Kind::ClockReport, None) => {
                let received = Received::parse(text.as_bytes(), 4096).expect("a message");
                let ts = received.client_ts.map(RawValue::get).map(read);
                (received.kind, ts.as_ref(), received.rtt_ms)
                    == (Some(kind), message.get("client_ts"), message["rtt_ms"].as_f64())
            }
            (Kind::Estop, Some(Order::Estop)) | (Kind::EstopClear, Some(Order::EstopClear)) => true,
            (Kind::CameraSelect, Some(Order::CameraSelect(names))) => *names == ["front"],
            (Kind::VideoStats, Some(Order::VideoStats(stats))) => {
                let figures = [stats.fps, stats.kbps, stats.loss_pct, stats.jitter_buffer_ms, stats.decode_ms];
                let counts = [stats.dropped, stats.freezes, stats.end_to_end_ms];
                (figures, counts) == ([29.5, 2_500.5, 0.5, 40.5, 2.5].map(Some), [3.0, 1.0, 120.5].map(Some))
            }
            // Back to what was said, nonce aside.
            (_, Some(Order::Command(command))) => {
                Value::Object(command.to_message()) == without(message.clone(), &["nonce"])
            }
            _ => false,
        };
        assert!(as_said, "{kind:?}: {order:?}");
    }
}

fn grid() -> Grid {
    Grid { width: 2, height: 1, resolution: 0.05, origin: [-1.5, 2.5], cells: vec![0, 100] }
}

/// What farwire's robot says, with an operator who drives it and asks for something.
fn said_by_robot() -> BTreeMap<String, Value> {
    let at = Instant::now();
    let mut robot = Robot::new(RobotOptions::new(Limits::planar(1.0, 1.0)), at);
    let time = |step: u32| Now {
        at: at + Duration::from_millis(50) * step,
        robot_time: Some(Duration::from_secs(9) + Duration::from_millis(50) * step),
    };
    robot.handle_operator(time(0), Ok(()));
    let state = json!({"posture": "stand", "rage": false, "obstacle_avoidance": true, "light": 0.5});
    robot.set_report(
        state
            .as_object()
            .into_iter()
            .flatten()
            .fold(Report::default().soc(81.5), |report, (name, value)| report.state(name, value.clone())),
    );
    robot.handle_drive_counts(Some(DriveCounts { sent: 2, received: 1 }));
    for step in 1..4 {
        let stamp =
            farwire_core::lcm::std_msgs::Time::from_unix(time(step).robot_time.expect("a time")).expect("a stamp");
        let header = farwire_core::lcm::std_msgs::Header { stamp, ..Default::default() };
        let command = farwire_core::lcm::geometry_msgs::TwistStamped { header, ..Default::default() };
        robot.handle_drive(time(step), &command, 77);
    }
    robot.handle_message(time(4), br#"{"type":"nav_cancel","nonce":3}"#);
    robot.publish_map(grid().to_json(1.5)).expect("a map");
    robot.publish_odom(time(4), 1.5, -2.5, 0.5);
    robot.handle_timeout(time(20));
    let mut said = BTreeMap::new();
    while let Some(output) = robot.poll() {
        if let Output::State(text) | Output::Map(text) = output {
            let message = read(&text);
            said.insert(message["type"].as_str().expect("a type").to_owned(), message);
        }
    }
    let client_ts = RawValue::from_string("1.25".to_owned()).expect("JSON");
    said.insert("pong".to_owned(), read(&StateMessage::Pong { client_ts: &client_ts, robot_ts: 2.5 }.to_json()));
    said
}

#[test]
fn what_farwires_robot_says_is_what_dimos_robots_say() {
    let mut said = said_by_robot();
    for (kind, of_dimos) in from_robots() {
        let name = of_dimos["type"].as_str().expect("a type");
        let mut own = said.remove(name).unwrap_or_else(|| panic!("no {kind:?}"));
        if kind == Kind::RobotTelemetry {
            // The object is the robot's to fill.
            own["state"] = without(own["state"].clone(), &["mode", "why", "drive_counts"]);
        }
        assert_eq!(shape(&own), shape(&of_dimos), "{kind:?}");
    }
    assert!(said.is_empty(), "no kind of its own: {said:?}");
}

#[test]
fn what_dimos_robots_say_farwires_operator_reads() {
    let now = Instant::now();
    let mut operator = Operator::new(now, Duration::from_secs(1), 20.0);
    for (kind, mut message) in from_robots() {
        match kind {
            Kind::Pong => {
                let text = message.to_string();
                let received = Received::parse(text.as_bytes(), 4096).expect("a message");
                assert_eq!((received.kind, received.robot_ts), (Some(kind), Some(2.5)));
                continue;
            }
            Kind::CmdAck => message["nonce"] = operator.ask(now, Command::NavCancel).into(),
            Kind::Map => message = read(&grid().to_json(1.5).expect("a map")),
            _ => {}
        }
        match kind {
            Kind::Map | Kind::Odom => operator.handle_map(message.to_string().as_bytes()),
            _ => operator.handle_state(None, message.to_string().as_bytes()),
        }
        let heard = operator.hear_next();
        let as_said = match (&kind, &heard) {
            (Kind::CmdAck, Some(Heard::Acknowledged { asked: Asked::Command(Command::NavCancel), ok: true, .. })) => {
                true
            }
            (Kind::RobotTelemetry, Some(Heard::Telemetry(told))) => {
                let cmd = told.cmd.map(|cmd| [cmd.latency_ms, cmd.jitter_ms, cmd.rate_hz, cmd.throughput_bps]);
                cmd == Some([12.5, 50.5, 19.5, 12_320.5])
                    && (told.soc, told.is_estopped, told.robot_ts) == (Some(81.5), Some(false), Some(1.5))
                    && told.state["posture"] == "stand"
            }
            (Kind::Map, Some(Heard::Map(grid))) => (grid.width, grid.height) == (2, 1),
            (Kind::Odom, Some(Heard::Odom(odom))) => [odom.x, odom.y, odom.yaw, odom.ts] == [1.5, -2.5, 0.5, 1.5],
            _ => false,
        };
        assert!(as_said, "{kind:?}: {heard:?}");
    }
    operator.handle_state(None, br#"{"type":"robot_telemetry","cmd":null,"soc":null,"state":{},"robot_ts":1.5}"#);
    assert!(matches!(operator.hear_next(), Some(Heard::Telemetry(told)) if told.cmd.is_none() && told.soc.is_none()));
}

// ── the broker's calls

fn stun() -> Value {
    json!([{"urls": "stun:stun.cloudflare.com:3478"}])
}

/// What the hosted broker answers, by call.
fn hosted_answers() -> Vec<(&'static str, Value)> {
    vec![
        ("turn-credentials", json!({"ice_servers": stun()})),
        ("register", json!({"session_id": "s", "cf_session_id": "c", "sdp_answer": "v=0", "ice_servers": stun()})),
        (
            "heartbeat",
            json!({"ack": true, "cmd_channel_subscriber_id": 2, "state_channel_subscriber_id": 3,
                "state_back_channel_publisher_id": 4, "map_channel_publisher_id": 5, "renegotiate_offer": null}),
        ),
        (
            "list",
            json!([{"session_id": "s", "robot_id": "r", "robot_name": "R", "state": "active", "transport": "cloudflare",
                "operator_id": "o", "rtt_ms": 1.5, "packet_loss_pct": 0.5, "created_at": "2026-01-01T00:00:00Z"}]),
        ),
        (
            "join",
            json!({"cf_session_id": "c", "sdp_answer": "v=0", "robot_cf_session_id": "c", "ice_servers": stun(),
                "role": "operator"}),
        ),
        (
            "bridge",
            json!({"cmd_channel_id": 2, "state_channel_id": 3, "state_back_channel_id": 4, "map_channel_id": 5,
                "video_offer": null, "video_status": "no_published_track"}),
        ),
        ("op-heartbeat", json!({"ack": true})),
        ("leave", json!({"session_id": "s", "state": "idle"})),
        ("refused", json!({"detail": "Session not found"})),
    ]
}

/// What farwire's broker answers, by call.
fn answers() -> BTreeMap<&'static str, Value> {
    let server = farwire_broker::IceServer::new("stun:stun.test");
    let mut world = Teleop::with(Teleop::config().ends_sessions().ice_server(server));
    let (key, token) = (world.robot_key("r"), world.operator_token(&[]));
    let mut told = BTreeMap::new();
    let mut tell = |call, expected: u16, (status, answer): (u16, Value)| {
        assert_eq!(status, expected, "{call}: {answer}");
        told.insert(call, answer.clone());
        answer
    };
    let (node, offer) = world.net.offering(true);
    let body = json!({"robot_name": "R", "sdp_offer": offer});
    let registered = tell("register", 201, world.robot(&key, Method::POST, "", &body));
    let session = registered["session_id"].as_str().expect("an id").to_owned();
    world.net.accept(node, registered["sdp_answer"].as_str().expect("SDP"));
    world.run_for(Duration::from_secs(2));
    let (node, offer) = world.net.offering(false);
    let body = json!({"role": "operator", "sdp_offer": offer});
    let joined = tell("join", 200, world.operator(&token, Method::POST, &format!("/{session}/join"), &body));
    world.net.accept(node, joined["sdp_answer"].as_str().expect("SDP"));
    world.run_for(Duration::from_secs(2));
    let path = |call: &str| format!("/{session}/{call}");
    tell("bridge", 200, world.operator(&token, Method::POST, &path("bridge-datachannel"), &json!({})));
    let figures = json!({"rtt_ms": 1.5, "packet_loss_pct": 0.5});
    tell("heartbeat", 200, world.robot(&key, Method::POST, &path("heartbeat"), &figures));
    tell("list", 200, world.operator(&token, Method::GET, "", &Value::Null));
    tell("status", 200, world.operator(&token, Method::GET, &path("status"), &Value::Null));
    tell("turn-credentials", 200, world.operator(&token, Method::GET, "/turn-credentials", &Value::Null));
    tell("op-heartbeat", 200, world.operator(&token, Method::POST, &path("op-heartbeat"), &json!({})));
    tell("leave", 200, world.operator(&token, Method::POST, &path("leave"), &json!({"reason": "user_initiated"})));
    tell("refused", 404, world.operator(&token, Method::GET, "/nobody/status", &Value::Null));
    assert_eq!(world.robot(&key, Method::DELETE, &format!("/{session}"), &Value::Null), (204, Value::Null));
    told
}

#[test]
fn farwires_broker_answers_as_the_hosted_one() {
    let own: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("list", ["operated_by_you", "heard_seconds_ago"].as_slice()),
        ("join", &["operator_id"]),
        ("refused", &["errorCode", "errorDescription"]),
    ]);
    let mut answers = answers();
    assert_eq!(answers.remove("status").as_ref(), answers["list"].get(0), "one of the list");
    for (call, of_hosted) in hosted_answers() {
        let mut answer = answers.remove(call).unwrap_or_else(|| panic!("no {call}"));
        let own = own.get(call).copied().unwrap_or_default();
        answer = match answer {
            Value::Array(items) => items.into_iter().map(|item| without(item, own)).collect(),
            answer => without(answer, own),
        };
        // A browser takes one URL or a list of them, and so do DimOS's robots.
        let mut expected = shape(&of_hosted);
        if let Some(servers) = expected.get_mut("ice_servers") {
            servers[0]["urls"] = json!(["string"]);
        }
        assert_eq!(shape(&answer), expected, "{call}");
    }
    assert!(answers.is_empty(), "{answers:?}");
}

#[test]
fn farwires_clients_read_what_the_hosted_broker_answers() {
    let answers: BTreeMap<_, _> = hosted_answers().into_iter().collect();
    let text = |call: &str| answers[call].to_string();
    assert!(serde_json::from_str::<Registered>(&text("register")).is_ok_and(|read| read.session_id == "s"));
    assert!(serde_json::from_str::<Joined>(&text("join")).is_ok_and(|read| read.sdp_answer == "v=0"));
    assert!(
        serde_json::from_str::<Acknowledged>(&text("op-heartbeat")).is_ok_and(|read| read.ack && read.role.is_none())
    );
    let servers = serde_json::from_str::<IceServers>(&text("turn-credentials")).expect("servers");
    assert_eq!(servers.ice_servers[0].urls, ["stun:stun.cloudflare.com:3478"]);
    let Listed(robots) = serde_json::from_str(&text("list")).expect("a list");
    assert_eq!((robots.len(), robots[0].robot_id.as_str()), (1, "r"));
    let beat: HeartbeatAnswer = serde_json::from_str(&text("heartbeat")).expect("an answer");
    assert_eq!(serde_json::to_value(&beat).expect("plain data"), answers["heartbeat"]);
    let bridged: Bridged = serde_json::from_str(&text("bridge")).expect("a bridge");
    assert_eq!(serde_json::to_value(&bridged).expect("plain data"), answers["bridge"]);
}

#[test]
fn farwires_clients_ask_as_the_hosted_broker_wants_it() {
    let mut world = World::new(1);
    world.open_broker();
    let (key, token) = (world.robot_key("r"), world.operator_token());
    let robot = RobotConfig::new("http://broker.test", &key).expect("a good config").robot_id("r");
    let robot = world.connect(robot.robot_type("rover"));
    let operator = world.connect(OperatorConfig::new("http://broker.test", &token).expect("a good config"));
    world.run_for(Duration::from_secs(8));
    world.close(operator);
    world.run_for(Duration::from_secs(1));
    world.close(robot);
    world.run_for(Duration::from_secs(1));
    // The hosted broker's fields, those that it insists on first; then farwire's own.
    type Fields = &'static [&'static str];
    let calls: [(&str, Fields, Fields, Fields); 6] = [
        ("", &["robot_name", "sdp_offer"], &["robot_id"], &["robot_type", "instance"]),
        (
            "heartbeat",
            &[],
            &["rtt_ms", "packet_loss_pct", "video_bitrate_kbps", "command_rate_hz", "safety_state"],
            &[],
        ),
        ("join", &["role", "sdp_offer"], &[], &[]),
        ("bridge-datachannel", &[], &[], &["role", "operator_id"]),
        ("op-heartbeat", &[], &[], &["role", "operator_id"]),
        ("leave", &["reason"], &[], &["role", "operator_id"]),
    ];
    for (call, wanted, more, own) in calls {
        let bodies = world.http.iter().filter(|log| log.call == call && !log.body.is_empty());
        let bodies: Vec<Map<String, Value>> = bodies.filter_map(|log| serde_json::from_str(&log.body).ok()).collect();
        assert!(!bodies.is_empty(), "{call:?} of {:?}", world.http.iter().map(|log| &log.call).collect::<Vec<_>>());
        for body in bodies {
            assert!(wanted.iter().all(|name| body.contains_key(*name)), "{call}: {:?}", body.keys());
            for (name, value) in &body {
                let is_known = [wanted, more, own].concat().contains(&name.as_str());
                let is_number =
                    ["rtt_ms", "packet_loss_pct", "video_bitrate_kbps", "command_rate_hz"].contains(&name.as_str());
                assert!(
                    is_known && if is_number { value.is_number() } else { value.is_string() },
                    "{call}: {name}: {value}"
                );
            }
        }
    }
}
