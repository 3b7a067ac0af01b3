//! Pages of our own in headless Chromium, which speak as DimOS's operator page does, on `farwire serve` and `farwire robot`.
//! `FARWIRE_CHROMIUM` names the browser, when it is not `chromium`, and `FARWIRE_PYTHON` any Python that is not `python3`.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::dialogue::Dialogue;
use crate::process::{Running, Scratch};
use crate::three_terminals::{SOON, parsed, start, until};

/// The time between two looks at what tells nobody when it changes.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// In the middle of the room, with a radius of 0.5 m.
const CIRCLE: [f64; 2] = [0.3, 0.6];

/// How far it goes to be seen moving, in m.
const FAR: f64 = 0.05;

/// Reports and commands for which it has to keep still to be seen standing: a second of them.
const REPORTS: u64 = 10;
const COMMANDS: u64 = 60;

struct Stage {
    scratch: Scratch,
    broker: Running,
    ready: Value,
    robot: Running,
    page: Page,
    /// The STUN server that never answers.
    _silent: UdpSocket,
}

impl Stage {
    /// A broker that names two STUN servers, one of which never answers, so that pages are never done with gathering; a robot;
    /// and a page.
    fn new() -> Stage {
        let mut page = Page::open();
        let silent = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let silent_url = format!("stun:{}", silent.local_addr().expect("bound"));
        let stun = page.ask(&json!({"do": "stun"}))["url"].take();
        let scratch = Scratch::new();
        let stun = ["--ice-server", &silent_url, "--ice-server", stun.as_str().expect("a URL")];
        let mut broker = start(&scratch, &[&["serve", "--http", "127.0.0.1:0", "--json"] as &[&str], &stun].concat());
        let ready = parsed(&broker.line(SOON));
        let mut robot = start(&scratch, &["robot", "--json"]);
        until(&mut robot, &["connected"]);
        Stage { scratch, broker, ready, robot, page, _silent: silent }
    }

    /// How the first operator comes to the broker.
    fn account(&self) -> Value {
        json!({"broker": self.ready["broker"], "token": self.ready["operator_token"]})
    }

    /// How another one does.
    fn another_account(&self) -> Value {
        let made = start(&self.scratch, &["keys", "create", "operator", "--all", "--json"]).end(SOON).expect(0).stdout;
        json!({"broker": self.ready["broker"], "token": parsed(&made)["secret"]})
    }

    /// Lets the page join as the operator, whose clock is so many seconds ahead.
    fn join(&mut self, clock_ahead: f64) -> Value {
        let mut account = self.account();
        account["clock_ahead"] = clock_ahead.into();
        self.page.joins(account, "operator")
    }
}

/// A page in a browser of its own.
struct Page(Dialogue);

impl Page {
    fn open() -> Page {
        Page(Dialogue::start("chromium_operator.py", &[]))
    }

    fn ask(&mut self, command: &Value) -> Value {
        self.0.ask(command)
    }

    fn join(&mut self, mut account: Value, role: &str) -> Value {
        (account["do"], account["role"]) = ("join".into(), role.into());
        self.ask(&account)
    }

    fn joins(&mut self, account: Value, role: &str) -> Value {
        let joined = self.join(account, role);
        assert_eq!((&joined["status"], &joined["role"]), (&json!(200), &json!(role)), "{joined}");
        joined
    }

    fn drive(&mut self, [linear, angular]: [f64; 2]) {
        self.ask(&json!({"do": "drive", "linear": linear, "angular": angular}));
    }

    /// Whether the robot does what it is told.
    fn order(&mut self, order: &Value) -> bool {
        self.ask(&json!({"do": "order", "order": order}))["ok"].as_bool().expect("an answer")
    }

    fn say(&mut self, message: &Value) {
        self.ask(&json!({"do": "say", "message": message}));
    }

    fn see(&mut self) -> Value {
        self.ask(&json!({"do": "see"}))
    }

    /// Looks until it sees this.
    fn sees(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let seen = self.see();
            if is_it(&seen) {
                return seen;
            }
            assert!(begun.elapsed() < SOON, "it does not come to this: {what}; {seen}");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Sees in odometry and in telemetry that the robot moves.
    fn sees_it_move(&mut self) -> Value {
        let from = self.sees("odometry", |seen| seen["odom"].is_object())["odom"].take();
        let is_far = |to: &Value| ["x", "y"].iter().any(|axis| (number(&to[axis]) - number(&from[axis])).abs() > FAR);
        self.sees("it moves", |seen| is_far(&seen["odom"]) && is_moving(&seen["telemetry"]))
    }

    /// Sees that the robot comes to stand, and keeps still while commands go on.
    fn sees_it_stand(&mut self) -> Value {
        let is_still = |seen: &Value| {
            let pose = &seen["telemetry"]["pose"];
            !is_moving(&seen["telemetry"]) && ["x", "y", "yaw"].iter().all(|axis| seen["odom"][axis] == pose[axis])
        };
        let first = self.sees("it stands", is_still);
        let is_later = |seen: &Value, [reports, commands]: [u64; 2]| {
            count(seen, "robot_telemetry") >= count(&first, "robot_telemetry") + reports
                && count(seen, "odom") >= count(&first, "odom") + reports
                && seen["sent"].as_u64() >= first["sent"].as_u64().map(|sent| sent + commands)
        };
        let last = self.sees("reports go on", |seen| is_later(seen, [REPORTS, COMMANDS]));
        assert_eq!(last["telemetry"]["pose"], first["telemetry"]["pose"], "{last}");
        assert!(is_still(&last), "{last}");
        last
    }

    fn status(&mut self) -> Value {
        self.ask(&json!({"do": "status"}))
    }

    fn leave(&mut self) {
        self.ask(&json!({"do": "leave", "reason": "user_initiated"}));
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn count(seen: &Value, kind: &str) -> u64 {
    seen["counts"][kind].as_u64().unwrap_or_default()
}

fn is_moving(telemetry: &Value) -> bool {
    ["linear", "angular"].iter().any(|axis| number(&telemetry["velocity"][axis]) != 0.0)
}

fn events(told: &[Value], name: &str) -> usize {
    told.iter().filter(|line| line["event"] == name).count()
}

/// Checks the figures that DimOS's robots have in their telemetry.
fn check_telemetry(telemetry: &Value) {
    for figure in ["/cmd/latency_ms", "/cmd/jitter_ms", "/cmd/rate_hz", "/cmd/throughput_bps", "/soc", "/robot_ts"] {
        assert!(telemetry.pointer(figure).is_some_and(Value::is_number), "{figure} of {telemetry}");
    }
    assert_eq!(telemetry["state"]["estopped"], false, "{telemetry}");
}

/// Checks the room as the page would draw it.
fn check_map(map: &Value) {
    assert_eq!((&map["w"], &map["h"], &map["fmt"]), (&json!(32), &json!(32), &json!("png")), "{map}");
    assert_eq!((number(&map["res"]), &map["origin"]), (0.25, &json!([-4, -4])), "{map}");
    let rows: Vec<&str> = map["rows"].as_array().expect("rows").iter().filter_map(Value::as_str).collect();
    assert!(rows.len() == 32 && rows.iter().all(|row| row.len() == 32), "{map}");
    let cell = |column: usize, row: usize| rows[row].as_bytes()[column];
    let (wall, floor) = (cell(0, 0), cell(16, 16));
    assert!(wall != floor && rows.concat().bytes().all(|cell| [wall, floor].contains(&cell)), "{rows:#?}");
    // Row 0 has the lowest y: the shelf is in the upper left, the table in the lower right.
    let corners = [cell(8, 25), cell(24, 25), cell(24, 7), cell(8, 7)];
    assert_eq!(corners, [wall, floor, wall, floor], "{rows:#?}");
}

#[test]
#[ignore = "needs Chromium: apt-get install chromium"]
fn a_page_drives_stops_clears_and_leaves() {
    let mut stage = Stage::new();
    for clock_ahead in [1.5, -1.5] {
        let joined = stage.join(clock_ahead);
        // The servers were known before the offer was made, and one of them answered.
        let gathered = &joined["gathered"];
        assert!(gathered["why"] == "settled" && gathered["candidates"]["srflx"].is_number(), "{joined}");
        assert_eq!(joined["ids"].as_object().map(serde_json::Map::len), Some(4), "{joined}");

        let page = &mut stage.page;
        page.drive(CIRCLE);
        let seen = page.sees_it_move();
        let off = number(&seen["offset_ms"]) / 1000.0 + clock_ahead;
        assert!(off.abs() < 0.2, "the robot's clock is not where it was found: {off} s");
        check_telemetry(&seen["telemetry"]);
        check_map(&page.sees("a map", |seen| seen["map"].is_object())["map"]);
        until(&mut stage.robot, &["driving"]);

        page.drive([0.0, 0.0]);
        page.sees_it_stand();
        page.drive(CIRCLE);
        page.sees_it_move();

        // It stops, and stays so, though the page goes on; and nothing else than its own word releases.
        assert!(page.order(&json!({"type": "estop"})));
        page.sees("that it is stopped", |seen| seen["telemetry"]["state"]["estopped"] == true);
        assert!(page.order(&json!({"type": "estop", "engaged": false})));
        for order in [json!({"type": "sport_cmd", "name": "Damp"}), json!({"type": "nav_goal", "x": 1, "y": 1})] {
            assert!(!page.order(&order));
        }
        let seen = page.sees_it_stand();
        let state = &seen["telemetry"]["state"];
        assert!(state["estopped"] == true && state["mode"] == "estopped", "{seen}");
        // A page numbers its commands, so the robot counts them.
        let counts = ["received", "sent"].map(|name| number(&state["drive_counts"][name]));
        assert!(counts[0] > 0.0 && counts[0] <= counts[1], "{seen}");
        until(&mut stage.robot, &["estop_engaged"]);
        until(&mut stage.robot, &["stands"]);

        page.drive([0.0, 0.0]);
        assert!(page.order(&json!({"type": "estop_clear"})));
        page.sees("that it is released", |seen| seen["telemetry"]["state"]["estopped"] == false);
        page.sees_it_stand();
        let told = until(&mut stage.robot, &["estop_released"]);
        assert_eq!(["driving", "estop_engaged"].map(|name| events(&told, name)), [0, 0], "{told:#?}");
        page.drive(CIRCLE);
        page.sees_it_move();
        until(&mut stage.robot, &["driving"]);

        check_orders(page);
        page.leave();
        let told = until(&mut stage.robot, &["operator_lost"]);
        assert_eq!(told.last().map(|lost| &lost["why"]), Some(&json!("it left, or was put out")), "{told:#?}");
        until(&mut stage.robot, &["stands"]);
        stage.broker.note("its user left", SOON);
        let status = page.status();
        assert_eq!((&status["state"], &status["operator_id"]), (&json!("idle"), &Value::Null), "{status}");
    }
}

/// What this robot cannot do is answered so, once each; what nobody knows is not answered, and nothing of it disturbs the drive.
fn check_orders(page: &mut Page) {
    page.say(&json!({"type": "dance", "nonce": "dance"}));
    page.say(&json!({"type": "camera_select", "cams": ["cam1", "cam2"]}));
    for order in [
        json!({"type": "sport_cmd", "name": "Hello"}),
        json!({"type": "set_mode", "mode": "rage"}),
        json!({"type": "obstacle_avoidance", "enabled": false}),
        json!({"type": "light", "brightness": 0.5}),
        json!({"type": "nav_goal", "x": 1.5, "y": -0.5}),
        json!({"type": "nav_cancel"}),
    ] {
        assert!(!page.order(&order), "{order}");
    }
    let seen = page.sees_it_move();
    let acks = seen["acks"].as_object().expect("acknowledgements");
    assert!(!acks.contains_key("dance") && acks.len() == 11, "{acks:?}");
    assert!(acks.values().all(|ack| ack.as_array().is_some_and(|times| times.len() == 1)), "{acks:?}");
}

#[test]
#[ignore = "needs Chromium: apt-get install chromium"]
fn a_page_that_drives_for_a_minute_is_not_put_out() {
    let mut stage = Stage::new();
    stage.join(0.0);
    stage.page.drive(CIRCLE);
    let operator = stage.page.status()["operator_id"].take();
    assert!(operator.is_string());
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        stage.page.sees_it_move();
        let status = stage.page.status();
        assert_eq!((&status["state"], &status["operator_id"]), (&json!("active"), &operator), "{status}");
        std::thread::sleep(Duration::from_millis(500));
    }
    let seen = stage.page.see();
    let heartbeats = seen["heartbeats"].as_array().expect("statuses");
    assert!(heartbeats.len() > 4 && heartbeats.iter().all(|status| status == 200), "{heartbeats:?}");
    assert_eq!(seen["connection"], "connected");
    stage.page.leave();
    let told = until(&mut stage.robot, &["operator_lost"]);
    assert_eq!(events(&told, "operator_came"), 1, "{told:#?}");
    println!("{} commands, {} heartbeats, {} stales", seen["sent"], heartbeats.len(), events(&told, "stale"));
}

#[test]
#[ignore = "needs Chromium: apt-get install chromium"]
fn a_page_that_watches_sees_all_and_moves_nothing() {
    let mut stage = Stage::new();
    let joined = stage.join(0.0);
    stage.page.drive(CIRCLE);
    stage.page.sees_it_move();
    let operator = stage.page.status()["operator_id"].take();

    let (mut viewer, account) = (Page::open(), stage.another_account());
    let refused = viewer.join(account.clone(), "operator");
    let detail = refused["detail"].as_str().unwrap_or_default();
    assert!(refused["status"] == 409 && detail.contains("already has operator"), "{refused}");
    let watching = viewer.joins(account, "viewer");
    let names: Vec<&String> = watching["ids"].as_object().expect("channels").keys().collect();
    assert_eq!(names, ["map_unreliable", "state_reliable_back"], "{watching}");
    let seen = viewer.sees_it_move();
    check_telemetry(&seen["telemetry"]);
    assert_eq!(seen["telemetry"]["state"]["mode"], "driving", "{seen}");
    check_map(&viewer.sees("a map", |seen| seen["map"].is_object())["map"]);
    let status = viewer.status();
    assert_eq!((&status["operator_id"], &status["operated_by_you"]), (&operator, &json!(false)), "{status}");
    assert_eq!(status["viewers"].as_array().map(Vec::len), Some(1), "{status}");

    stage.page.drive([0.0, 0.0]);
    stage.page.sees_it_stand();
    let ids: Vec<u16> = (0..=32).collect();
    assert!(joined["ids"].as_object().is_some_and(|own| own.values().all(|id| ids.iter().any(|other| id == other))));
    let intruded = viewer.ask(&json!({"do": "intrude", "ids": ids, "velocity": {"linear": 0.3, "angular": 0.6}}));
    assert!(number(&intruded["sent"]) > 0.0, "{intruded}");
    let seen = stage.page.sees_it_stand();
    assert_eq!(seen["telemetry"]["state"]["estopped"], false, "{seen}");

    stage.page.drive(CIRCLE);
    stage.page.sees_it_move();
    viewer.sees_it_move();
    assert_eq!(stage.page.status()["operator_id"], operator);
    stage.page.leave();
    let told = until(&mut stage.robot, &["operator_lost"]);
    let counts = ["operator_came", "estop_engaged"].map(|name| events(&told, name));
    assert_eq!(counts, [1, 0], "{told:#?}");

    // It sees on without an operator.
    let left = viewer.sees("that nobody drives", |seen| seen["telemetry"]["state"]["mode"] == "no_operator");
    let kinds = ["robot_telemetry", "map", "odom"];
    viewer.sees("reports go on", |seen| kinds.iter().all(|kind| count(seen, kind) >= count(&left, kind) + 3));
    viewer.leave();
    let status = viewer.status();
    assert_eq!((&status["state"], &status["viewers"]), (&json!("idle"), &Value::Null), "{status}");
}

#[test]
#[ignore = "needs Chromium: apt-get install chromium"]
fn a_page_that_is_closed_or_crashes_lets_the_robot_stand() {
    let mut stage = Stage::new();
    stage.join(0.0);
    stage.page.drive(CIRCLE);
    stage.page.sees_it_move();
    stage.page.ask(&json!({"do": "away"}));
    until(&mut stage.robot, &["operator_lost"]);
    until(&mut stage.robot, &["stands"]);
    // It still said so itself.
    stage.broker.note("its page was closed", SOON);

    let (mut crashing, account) = (Page::open(), stage.another_account());
    crashing.joins(account.clone(), "operator");
    crashing.drive(CIRCLE);
    crashing.sees_it_move();
    let mut again = Page::open();
    again.ask(&json!({"do": "stun"}));
    until(&mut stage.robot, &["driving"]);
    crashing.ask(&json!({"do": "crash"}));
    // It waits for nobody to find out.
    until(&mut stage.robot, &["stale"]);
    until(&mut stage.robot, &["stands"]);
    // Whose page crashed need not wait either.
    again.joins(account, "operator");
    until(&mut stage.robot, &["operator_lost"]);
    again.drive(CIRCLE);
    again.sees_it_move();
}
