//! `farwire drive --view` beside `farwire drive`, and the robot handed over from the one to the other.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::process::{Running, Scratch};
use crate::terminal::Screen;
use crate::three_terminals::{SOON, has, parsed, serve, start, until};

const UP: &str = "\u{1b}[A";

/// Whether the robot moves, by its telemetry as somebody sees it who watches, in the lines of half a second.
fn moves(watcher: &mut Running) -> bool {
    let until = Instant::now() + Duration::from_millis(500);
    let mut has_moved = false;
    while Instant::now() < until {
        let line = parsed(&watcher.line(SOON));
        let velocity = &line["telemetry"]["velocity"];
        has_moved |=
            ["linear", "angular"].iter().any(|axis| velocity[*axis].as_f64().is_some_and(|speed| speed != 0.0));
    }
    has_moved
}

fn moves_within(watcher: &mut Running, limit: Duration, mut press: impl FnMut()) -> bool {
    let until = Instant::now() + limit;
    while Instant::now() < until {
        press();
        let line = parsed(&watcher.line(SOON));
        if line["telemetry"]["velocity"]["linear"].as_f64().is_some_and(|speed| speed > 0.0) {
            return true;
        }
    }
    false
}

#[test]
fn whoever_watches_without_a_terminal_sees_all_that_the_robot_says() {
    let scratch = Scratch::new();
    let (_broker, _) = serve(&scratch, "127.0.0.1:0");
    let mut robot = start(&scratch, &["robot", "--json"]);
    robot.line(SOON);
    let mut watcher = start(&scratch, &["drive", "--view", "--json"]);
    let seen = until(&mut watcher, &["telemetry"]);
    assert!(has(&seen, &["connected"]) && !has(&seen, &["handed_over"]), "{seen:#?}");
    assert!(!moves(&mut watcher));
    // Beside somebody who drives.
    let drive = start(&scratch, &["drive", "--json", "--script", "left 0.5 6s"]);
    for event in ["map", "odom"] {
        until(&mut watcher, &[event]);
    }
    let begun = Instant::now();
    while !moves(&mut watcher) {
        assert!(begun.elapsed() < SOON, "it does not see that the robot moves");
    }
    drive.end(SOON).expect(0);
    watcher.signal(Signal::INT);
    watcher.end(SOON).expect(0);
    for wrong in [&["drive", "--view", "--takeover"][..], &["drive", "--view", "--script", "stop 1s"]] {
        start(&scratch, wrong).end(SOON).expect(2);
    }
}

#[test]
fn a_robot_is_handed_over_by_two_keys_and_stands_until_a_person_says_to_drive() {
    let scratch = Scratch::new();
    let (_broker, _) = serve(&scratch, "127.0.0.1:0");
    let mut robot = start(&scratch, &["robot", "--json"]);
    robot.line(SOON);
    let mut driver = Screen::start(&scratch, &["drive"]);
    driver.shows("you drive");
    // Nobody watches yet.
    driver.press("h");
    driver.shows("nobody watches this robot");
    let mut viewer = Screen::start(&scratch, &["drive", "--view"]);
    viewer.shows("you only watch: no key moves or STOPS the robot");
    viewer.shows(" drives; you watch as ");
    driver.shows("you drive; ");
    // It sees the map and where the robot is, and its keys do nothing.
    viewer.shows("pose      x ");
    viewer.shows("█");
    viewer.press(UP);
    viewer.shows("keys do nothing");
    viewer.press(" ");
    driver.shows("answers, standing");

    driver.press("h");
    driver.shows("hand over to: 1 ");
    driver.press("1");
    // Whoever holds a key all the while does not drive.
    viewer.shows_while("it is YOURS and stands", |viewer| viewer.press(UP));
    // The former driver watches from here on.
    driver.shows("you only watch: no key moves or STOPS the robot");
    let until = Instant::now() + Duration::from_secs(1);
    viewer.shows_while("it is YOURS and stands", |viewer| viewer.press(UP));
    while Instant::now() < until {
        viewer.press(UP);
        viewer.shows("answers, standing");
    }
    viewer.press("\r");
    viewer.shows("arrows/WASD");
    viewer.shows_while("answers, driving", |viewer| viewer.press(UP));
    driver.shows("answers, driving");
    viewer.press("q");
    assert_eq!(viewer.end(), Some(0));
    driver.press("q");
    assert_eq!(driver.end(), Some(0));
}

#[test]
fn a_watcher_without_a_person_lets_go_of_a_robot_that_is_handed_over_to_it() {
    let scratch = Scratch::new();
    let (_broker, _) = serve(&scratch, "127.0.0.1:0");
    let mut robot = start(&scratch, &["robot", "--json"]);
    robot.line(SOON);
    let mut driver = Screen::start(&scratch, &["drive"]);
    driver.shows("you drive");
    let mut watcher = start(&scratch, &["drive", "--view", "--json"]);
    until(&mut watcher, &["telemetry"]);
    assert!(moves_within(&mut watcher, SOON, || driver.press(UP)));
    driver.shows("you drive; ");
    driver.press("h");
    driver.shows("hand over to: 1 ");
    driver.press("1");
    let ended = watcher.end(SOON).expect(1);
    assert!(ended.stdout.lines().any(|line| parsed(line)["event"] == "handed_over"), "{ended:#?}");
    assert!(ended.stderr.contains("without a terminal"), "{ended:#?}");
    driver.shows("nobody drives");
    // Anybody may join it.
    let drive = start(&scratch, &["drive", "--json", "--script", "left 0.5 1s"]);
    let done: Vec<Value> = drive.end(SOON).expect(0).stdout.lines().map(parsed).collect();
    assert!(has(&done, &["done"]));
    driver.press("q");
    assert_eq!(driver.end(), Some(0));
}
