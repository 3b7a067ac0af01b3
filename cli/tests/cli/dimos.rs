//! What DimOS has on either end: its Go2 obeys `farwire drive`, and `farwire robot` an operator that speaks as its page does,
//! whatever their clocks say. Each needs Python with what tests/tests/script/mod.rs says.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::dialogue::Dialogue;
use crate::process::{Running, Scratch};
use crate::three_terminals::{SOON, has, parsed, serve, start, until};

/// By how many seconds the clocks of both ends are apart.
const APART: [f64; 7] = [-2.0, -0.5, -0.02, 0.0, 0.02, 0.5, 2.0];

/// The time between two looks at what tells nobody when it changes.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How many of the commands that were sent have to be obeyed.
const OBEYED: f64 = 0.95;

/// What a Go2 makes of being driven.
struct Go2 {
    process: Dialogue,
}

impl Go2 {
    fn start(ready: &Value, clock_ahead: f64, damp_takes: f64) -> Go2 {
        let [url, key] = ["broker", "robot_key"].map(|name| ready[name].as_str().expect("text"));
        let arguments = [url, key, &clock_ahead.to_string(), &damp_takes.to_string()];
        let mut process = Dialogue::start("dimos_go2.py", &arguments);
        process.ask(&json!({"do": "start"}));
        Go2 { process }
    }

    /// What happened so far, in order.
    fn notes(&mut self) -> Vec<Value> {
        let Value::Array(notes) = self.process.ask(&json!({"do": "notes"}))["notes"].take() else { panic!("notes") };
        notes
    }

    /// The same, once it has stopped.
    fn stop(mut self) -> Vec<Value> {
        self.process.ask(&json!({"do": "stop"}));
        self.notes()
    }
}

/// Drives, stops, tries to drive on, releases, and drives again.
const STEPS: &str = "forward 0.3 1500ms, estop 1s, forward 0.3 500ms, release 500ms, left 0.5 1500ms";

/// What `farwire drive` saw.
fn seen(drive: Running) -> Vec<Value> {
    let ended = drive.end(SOON);
    assert!(ended.status.success(), "{ended:#?}");
    ended.stdout.lines().map(parsed).collect()
}

fn is(note: &Value, kind: &str) -> bool {
    note["note"] == kind
}

fn is_moving(note: &Value) -> bool {
    is(note, "motion") && (note["linear"] != 0.0 || note["angular"] != 0.0)
}

fn is_driving(note: &Value) -> bool {
    is(note, "command") && note["moves"] == true
}

fn count(notes: &[Value], is_it: impl Fn(&Value) -> bool) -> usize {
    notes.iter().filter(|note| is_it(note)).count()
}

/// Where an order is among the notes.
fn places<'a>(notes: &'a [Value], kind: &'a str) -> impl Iterator<Item = usize> + 'a {
    (0..notes.len()).filter(move |&place| is(&notes[place], "order") && notes[place]["type"] == kind)
}

/// Notes as a person wants them after a failure: what is like the one before it is counted, and orders are whole.
fn told(notes: &[Value]) -> String {
    let mut lines: Vec<(String, u32)> = Vec::new();
    for note in notes {
        let line = match note["note"].as_str() {
            Some("command") if note["moves"] == true => "command to move".to_owned(),
            Some("command") => "command to stand".to_owned(),
            Some("motion") if is_moving(note) => "motion".to_owned(),
            Some("motion") => "standing".to_owned(),
            _ => note.to_string(),
        };
        match lines.last_mut() {
            Some((last, times)) if *last == line => *times += 1,
            _ => lines.push((line, 1)),
        }
    }
    let olds: Vec<f64> = notes.iter().filter_map(|note| note["old"].as_f64()).collect();
    let (youngest, oldest) =
        (olds.iter().copied().fold(f64::NAN, f64::min), olds.iter().copied().fold(f64::NAN, f64::max));
    let lines: Vec<String> = lines.into_iter().map(|(line, times)| format!("{times} x {line}")).collect();
    format!("commands {youngest} to {oldest} s old\n{}", lines.join("\n"))
}

/// Checks that at least so many of the commands to move that were sent became motion.
fn check_obeyed(notes: &[Value], seen: &[Value], clock: &str) {
    // What was lost on the way counts as sent to drive. After this count one more is sent, to stand.
    let sent = seen.last().and_then(|done| done["commands_sent"].as_u64()).expect("the script is done");
    let lost = (sent as usize).saturating_sub(count(notes, |note| is(note, "command")));
    let driving = lost + count(notes, is_driving);
    let obeyed = count(notes, is_moving) as f64 / driving as f64;
    println!("clock {clock}: {:.1} % of {driving} commands obeyed", obeyed * 100.0);
    assert!(driving > 40 && obeyed >= OBEYED, "clock {clock}: {obeyed} of {driving}; {}", told(notes));
}

/// Checks that the emergency stop stopped, and its release released.
fn check_stop(notes: &[Value], seen: &[Value]) {
    let why = || told(notes);
    // Each order has a nonce of its own, and each nonce one acknowledgement.
    let nonces: Vec<&Value> = notes.iter().filter(|note| is(note, "order")).map(|order| &order["nonce"]).collect();
    for nonce in &nonces {
        let with_it = |kind| count(notes, |note| is(note, kind) && note["nonce"] == **nonce);
        assert!(!nonce.is_null() && with_it("order") == 1 && with_it("ack") == 1, "nonce {nonce}; {}", why());
    }
    assert_eq!(count(notes, |note| is(note, "ack") && note["ok"] == true), nonces.len(), "{}", why());

    // It is stopped, stands while it is, and drives again once it is released.
    let stops: Vec<usize> = places(notes, "estop").collect();
    let releases: Vec<usize> = places(notes, "estop_clear").collect();
    let (Some(&stop), [release]) = (stops.first(), &releases[..]) else { panic!("one release of a stop; {}", why()) };
    assert!(stops.iter().all(|stop| stop < release), "{}", why());
    assert!(notes[..stop].iter().any(is_moving), "{}", why());
    assert!(!notes[stop..*release].iter().any(is_moving), "{}", why());
    assert!(notes[*release..].iter().any(is_moving), "{}", why());
    assert!(notes.iter().any(|note| is(note, "damp")), "{}", why());

    // The last that it is told is to stand, and whoever drives is told that it obeyed.
    assert!(notes.iter().rfind(|note| is(note, "motion")).is_some_and(|last| !is_moving(last)), "{}", why());
    for engaged in [true, false] {
        let is_told = |sight: &Value| sight["event"] == "estop_acknowledged" && sight["engaged"] == engaged;
        assert!(seen.iter().any(is_told), "{engaged}: {seen:#?}");
    }
}

#[test]
#[ignore = "needs DimOS from PyPI: see tests/tests/script/mod.rs"]
fn a_go2_of_dimos_obeys_whatever_its_clock_says() {
    let scratch = Scratch::new();
    let (_broker, ready) = serve(&scratch, "127.0.0.1:0");
    for apart in APART {
        let go2 = Go2::start(&ready, apart, 0.1);
        let seen = seen(start(&scratch, &["drive", "--json", "--script", STEPS]));
        let notes = go2.stop();
        check_obeyed(&notes, &seen, &format!("{apart:+} s"));
        check_stop(&notes, &seen);
    }
}

/// Each thing that `farwire drive` can tell a robot to do.
const ALL_STEPS: &str = "forward 1s, back 0.25 1s, left 0.5 1s, right 0.75 1s, forward 0.25 left 0.5 1s, \
                         back 0.5 right 0.25 1s, stop 1s, forward 0.25 1s, estop 1s, left 0.5 1s, release 1s, right 0.5 1s";

/// What a Go2's motors have to be told for that: what is said while the emergency stop is engaged is not among it.
const ALL_MOTIONS: [[f64; 2]; 8] =
    [[0.5, 0.0], [-0.25, 0.0], [0.0, 0.5], [0.0, -0.75], [0.25, 0.5], [-0.5, -0.25], [0.25, 0.0], [0.0, -0.5]];

#[test]
#[ignore = "needs DimOS from PyPI: see tests/tests/script/mod.rs"]
fn a_go2_of_dimos_takes_every_command_and_drive_shows_what_it_says() {
    let scratch = Scratch::new();
    let (_broker, ready) = serve(&scratch, "127.0.0.1:0");
    let go2 = Go2::start(&ready, 0.0, 0.1);
    let seen = seen(start(&scratch, &["drive", "--json", "--script", ALL_STEPS]));
    let notes = go2.stop();
    let motion = |note: &Value| [&note["linear"], &note["angular"]].map(|axis| axis.as_f64().expect("a number"));
    let mut motions: Vec<[f64; 2]> = notes.iter().filter(|note| is_moving(note)).map(motion).collect();
    motions.dedup();
    assert_eq!(motions, ALL_MOTIONS, "{}", told(&notes));
    check_stop(&notes, &seen);

    // Its telemetry as it comes, and of that the news.
    let telemetry: Vec<&Value> = seen.iter().filter_map(|sight| sight.get("telemetry")).collect();
    for report in &telemetry {
        assert_eq!((&report["type"], &report["soc"]), (&json!("robot_telemetry"), &json!(87)), "{report}");
        for field in ["posture", "rage", "obstacle_avoidance", "light", "estopped"] {
            assert!(report["state"].get(field).is_some(), "no {field} in {report}");
        }
    }
    assert!(telemetry.iter().any(|report| report["cmd"]["rate_hz"].is_number()), "{telemetry:#?}");
    let mut stops: Vec<&Value> = telemetry.iter().map(|report| &report["state"]["estopped"]).collect();
    stops.dedup();
    assert_eq!(stops, [false, true, false], "{telemetry:#?}");
    let states: Vec<&str> = seen.iter().filter_map(|sight| sight["state"].as_str()).collect();
    assert_eq!(states, ["StandReady", "estopped", "Damp"], "{seen:#?}");
    let acks: Vec<&Value> = seen.iter().filter(|sight| sight["event"] == "estop_acknowledged").collect();
    assert!(acks.iter().all(|ack| ack["ok"] == true), "{acks:?}");
}

#[test]
#[ignore = "needs DimOS from PyPI: see tests/tests/script/mod.rs"]
fn a_go2_of_dimos_whose_motors_do_not_stop_is_told_again_until_they_do() {
    let scratch = Scratch::new();
    let (_broker, ready) = serve(&scratch, "127.0.0.1:0");
    let mut go2 = Go2::start(&ready, 0.0, 0.1);
    go2.process.ask(&json!({"do": "fail", "fails": true}));
    let mut drive = start(&scratch, &["drive", "--json", "--script", "forward 0.3 1s, estop 10000s"]);
    // It reports meanwhile that it is stopped, which says nothing of its motors.
    for _ in 0..4 {
        let ack = until(&mut drive, &["estop_acknowledged"]).pop().expect("it was found");
        assert_eq!((&ack["engaged"], &ack["ok"]), (&json!(true), &json!(false)), "{ack}");
    }
    go2.process.ask(&json!({"do": "fail", "fails": false}));
    while until(&mut drive, &["estop_acknowledged"]).last().is_none_or(|ack| ack["ok"] == false) {}
    // What is on its way has arrived by the next report, and then it is quiet for seconds.
    let mut stops_after = |reports: usize| {
        (0..reports).for_each(|_| drop(until(&mut drive, &["telemetry"])));
        places(&go2.notes(), "estop").count()
    };
    let (stops, later) = (stops_after(3), stops_after(9));
    assert!(stops > 4 && stops == later, "{stops} stops, and then {later}");
    drive.signal(Signal::INT);
    drive.end(SOON).expect(0);
}

#[test]
#[ignore = "needs DimOS from PyPI: see tests/tests/script/mod.rs"]
fn a_go2_of_dimos_that_is_slow_to_stop_is_released() {
    let scratch = Scratch::new();
    let (_broker, ready) = serve(&scratch, "127.0.0.1:0");
    // It acknowledges the stop only after its release.
    let go2 = Go2::start(&ready, 0.0, 2.0);
    let seen = seen(start(&scratch, &["drive", "--json", "--script", STEPS]));
    let notes = go2.stop();
    check_obeyed(&notes, &seen, "+0 s, slow to stop");
    check_stop(&notes, &seen);
}

#[test]
#[ignore = "needs DimOS from PyPI: see tests/tests/script/mod.rs"]
fn a_go2_of_dimos_whose_clock_is_put_forward_drives_on() {
    let scratch = Scratch::new();
    let (_broker, ready) = serve(&scratch, "127.0.0.1:0");
    let mut go2 = Go2::start(&ready, 0.0, 0.1);
    let drive = start(&scratch, &["drive", "--json", "--script", "left 0.5 12s"]);
    let by = Instant::now() + SOON;
    while !go2.notes().iter().any(is_moving) {
        assert!(Instant::now() < by, "it does not drive");
        std::thread::sleep(LOOK_EVERY);
    }
    go2.process.ask(&json!({"do": "step", "seconds": 5}));
    seen(drive);
    let notes = go2.stop();
    let commands: Vec<usize> = (0..notes.len()).filter(|&place| is_driving(&notes[place])).collect();
    // Two seconds' commands may be lost to it; the last two seconds' are not.
    let obeyed = |commands: &[usize]| count(&notes[commands[0]..], is_moving) as f64 / commands.len() as f64;
    let (all, last) = (obeyed(&commands), obeyed(&commands[commands.len() - 40..]));
    println!("clock put 5 s forward: {:.1} % of {} commands obeyed", all * 100.0, commands.len());
    assert!(last >= OBEYED && all >= 0.75, "{last} of the last, {all} of all; {}", told(&notes));
}

/// The page of DimOS, in somebody's browser.
struct Page(Dialogue);

impl Page {
    fn open(ready: &Value) -> Page {
        let [url, token] = ["broker", "operator_token"].map(|name| ready[name].as_str().expect("text"));
        Page(Dialogue::start("dimos_page.py", &[url, token]))
    }

    /// Joins with a clock that is so many seconds ahead of the machine's; the robot's has to turn out as far ahead of it.
    fn join(&mut self, clock_ahead: f64, robot_ahead: f64) {
        let joined = self.0.ask(&json!({"do": "join", "clock_ahead": clock_ahead}));
        let offset = joined["offset"].as_f64().expect("a number");
        assert!((offset - robot_ahead).abs() < 0.2, "not {robot_ahead} but {offset} s");
    }

    fn drive(&mut self, commands: u32, in_robot_time: bool) -> Value {
        self.0.ask(&json!({"do": "drive", "commands": commands, "in_robot_time": in_robot_time}))
    }

    /// Drives, and is obeyed.
    fn drives(&mut self, commands: u32) -> f64 {
        let drove = self.drive(commands, true);
        let obeyed = drove["obeyed"].as_f64().expect("a number") / f64::from(commands);
        assert!(obeyed >= OBEYED, "{obeyed} of {commands}: {drove}");
        obeyed
    }

    fn order(&mut self, mut order: Value) {
        order["do"] = "order".into();
        assert_eq!(self.0.ask(&order)["ok"], true, "{order}");
    }

    /// Leaves; each order was acknowledged once.
    fn leave(&mut self) {
        let acks = self.0.ask(&json!({"do": "leave"}))["acks"].take();
        let acks: Vec<u64> = acks.as_array().expect("numbers").iter().filter_map(Value::as_u64).collect();
        assert!(acks.iter().all(|&times| times == 1), "{acks:?}");
    }
}

/// A simulated robot whose every step is reported.
fn robot(scratch: &Scratch) -> Running {
    let mut robot = start(scratch, &["robot", "--json", "--hz", "50"]);
    until(&mut robot, &["connected"]);
    robot
}

fn stood(report: &Value) -> bool {
    report["fastest"] == 0.0
}

#[test]
#[ignore = "needs DimOS from PyPI: see tests/tests/script/mod.rs"]
fn the_page_is_one_that_a_go2_of_dimos_obeys() {
    let scratch = Scratch::new();
    let (_broker, ready) = serve(&scratch, "127.0.0.1:0");
    let go2 = Go2::start(&ready, 1.0, 0.1);
    let mut page = Page::open(&ready);
    page.join(-1.0, 2.0);
    page.drive(20, true);
    page.order(json!({"type": "estop"}));
    page.drive(20, true);
    page.order(json!({"type": "estop_clear"}));
    page.drive(20, true);
    page.drive(20, false);
    page.leave();
    let notes = go2.stop();
    let obeyed = count(&notes, is_moving);
    assert!((38..=40).contains(&obeyed), "{obeyed} of 40; {}", told(&notes));
}

#[test]
#[ignore = "needs aiortc: see tests/tests/script/mod.rs"]
fn a_page_of_dimos_drives_whatever_its_clock_says() {
    let scratch = Scratch::new();
    let (_broker, ready) = serve(&scratch, "127.0.0.1:0");
    let mut robot = robot(&scratch);
    let mut page = Page::open(&ready);
    for apart in APART {
        page.join(apart, -apart);
        let obeyed = page.drives(60);
        println!("clock {apart:+} s: {:.1} % of 60 commands obeyed", obeyed * 100.0);
        page.order(json!({"type": "estop"}));
        // Nothing else than its own word releases.
        page.order(json!({"type": "estop", "engaged": false}));
        let latched = page.drive(10, true);
        assert!(stood(&latched) && latched["obeyed"] == 0, "{latched}");
        page.order(json!({"type": "estop_clear"}));
        page.drives(20);
        let late = page.0.ask(&json!({"do": "late"}));
        assert!(late["old"].as_f64().is_some_and(|old| old < 0.25), "too old to show anything: {late}");
        assert!(stood(&late), "{late}");
        page.drives(20);
        page.leave();
        let seen = until(&mut robot, &["operator_lost"]);
        let names: Vec<&str> = seen.iter().filter_map(|line| line["event"].as_str()).collect();
        let count = |name: &str| names.iter().filter(|event| **event == name).count();
        assert_eq!((count("estop_engaged"), count("estop_released")), (2, 2), "{names:?}");
        // The late one alone was refused, because of the stop.
        let whys: Vec<&str> = seen.iter().filter_map(|line| line["why"].as_str()).collect();
        let refused = whys.iter().filter(|why| why.contains("before something newer")).count();
        assert_eq!((count("refusing"), refused), (1, 1), "{seen:#?}");
    }
}

#[test]
#[ignore = "needs aiortc: see tests/tests/script/mod.rs"]
fn a_page_with_a_wrong_clock_moves_nothing_and_the_robot_says_why() {
    let scratch = Scratch::new();
    let (_broker, ready) = serve(&scratch, "127.0.0.1:0");
    let mut robot = robot(&scratch);
    let mut page = Page::open(&ready);
    for apart in [-2.0, 2.0] {
        page.join(apart, -apart);
        let drove = page.drive(20, false);
        assert!(stood(&drove) && drove["obeyed"] == 0, "{drove}");
        // What was dropped does not keep the robot from what is right.
        page.drives(20);
        page.leave();
        let seen = until(&mut robot, &["operator_lost"]);
        let refusal = seen.iter().position(|line| line["event"] == "refusing").expect("it tells that it refuses");
        let why = seen[refusal]["why"].as_str().unwrap_or_default();
        let word = if apart < 0.0 { " s ago" } else { " s ahead" };
        assert!(why.contains(word), "{why}");
        assert!(!has(&seen[..refusal], &["driving"]) && has(&seen[refusal..], &["driving"]), "{seen:#?}");
    }
}
