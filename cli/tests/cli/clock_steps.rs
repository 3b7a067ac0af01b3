//! A robot whose system clock is set while it is driven, over real sockets.

use std::time::Duration;

use rustix::process::Signal;

use crate::process::{Running, Scratch};
use crate::three_terminals::{SOON, has, serve, start, until};

#[test]
#[ignore = "needs faketime: FARWIRE_FAKETIME names its libfaketime.so.1"]
fn a_robot_whose_clock_is_set_is_driven_on() {
    let library = std::env::var("FARWIRE_FAKETIME").expect("FARWIRE_FAKETIME");
    let scratch = Scratch::new();
    let (_broker, _) = serve(&scratch, "127.0.0.1:0");
    let offset = scratch.file("offset", "+0");
    let mut command = scratch.farwire(&["robot", "--json"]);
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", &offset).env("FAKETIME_NO_CACHE", "1");
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
    let mut robot = Running::start(command);
    until(&mut robot, &["connected"]);
    let drive = start(&scratch, &["drive", "--json", "--forward", "0", "--turn", "0.6", "--for", "10000s"]);
    until(&mut robot, &["driving"]);
    for (set_to, word) in
        [("+2", "2.00 s forward"), ("+7", "5.00 s forward"), ("+3607", "60.0 min forward"), ("-3600", "back")]
    {
        scratch.file("offset", set_to);
        let seen = until(&mut robot, &["clock"]);
        let what = seen.last().and_then(|line| line["what"].as_str()).expect("what it was");
        assert!(what.contains(word), "{what}");
        assert!(!has(&seen, &["stale", "refusing", "operator_lost", "stands"]), "{seen:#?}");
        // For longer than a command stays fresh.
        std::thread::sleep(Duration::from_secs(1));
    }
    drive.signal(Signal::INT);
    drive.end(SOON).expect(0);
    let seen = until(&mut robot, &["operator_lost"]);
    assert!(!has(&seen, &["stale", "refusing"]), "{seen:#?}");
}
