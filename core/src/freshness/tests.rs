use proptest::prelude::*;

use super::*;
use crate::clock::{RoundTrips, Stamper, SteadyClock, WallClock};

const KIND: u64 = 7;

fn stamped(at: f64, clock: f64) -> Made {
    Made::Stamped(Stamp {
        kind: KIND,
        at: Duration::try_from_secs_f64(at).expect("after 1970"),
        age: clock - at,
        uncertainty: Duration::ZERO,
    })
}

/// With a deadline of 300 ms.
fn fresh() -> Freshness {
    Freshness::new(Duration::from_millis(300))
}

#[test]
fn a_stamp_is_judged_by_the_clock_of_who_gets_it() {
    let now = Instant::now();
    let clock = 1.8e9;
    let cases = [
        (clock - 0.299, None),
        (clock - 0.301, Some(StampRefusal::Old { by_ms: 301 })),
        (clock - 2.0, Some(StampRefusal::Old { by_ms: 2000 })),
        (clock + 0.049, None),
        (clock + 0.1, Some(StampRefusal::Ahead { by_ms: 100 })),
        (clock + 1e6, Some(StampRefusal::Ahead { by_ms: 1_000_000_000 })),
        (1.0, Some(StampRefusal::Old { by_ms: 1_799_999_999_000 })),
    ];
    for (at, refusal) in cases {
        let mut freshness = fresh();
        assert_eq!(freshness.admit(now, stamped(at, clock)).is_none(), refusal.is_some(), "{at}");
        assert_eq!(freshness.refusals.last, refusal, "{at}");
    }
    let mut freshness = fresh();
    assert_eq!(freshness.admit(now, Made::Unstamped), None);
    assert_eq!(freshness.admit(now, Made::Untold), Some(now + Duration::from_millis(300)));
    let Refusals { stale, ahead, disordered, unstamped, .. } = freshness.refusals;
    assert_eq!([stale, ahead, disordered, unstamped], [0, 0, 0, 1]);
}

#[test]
fn stamps_never_go_back() {
    let now = Instant::now();
    let mut freshness = fresh();
    let clock = 1.8e9;
    assert!(freshness.admit(now, stamped(clock - 0.05, clock)).is_some());
    assert_eq!(freshness.admit(now, stamped(clock - 0.2, clock)), None);
    assert_eq!(freshness.refusals.last, Some(StampRefusal::Disordered { by_ms: 150 }));
    assert_eq!(freshness.admit(now, stamped(clock - 0.05, clock)), None, "nor do they stay");
    assert!(freshness.admit(now, stamped(clock - 0.04, clock)).is_some());
    // Another kind of message has an order of its own.
    let Made::Stamped(stamp) = stamped(clock - 0.1, clock) else { unreachable!() };
    assert!(freshness.admit(now, Made::Stamped(Stamp { kind: 8, ..stamp })).is_some());
    // What was stamped before an emergency stop counts for nothing after it, of whatever kind.
    freshness.outdate(Duration::try_from_secs_f64(clock).expect("after 1970"));
    assert_eq!(freshness.admit(now, stamped(clock - 0.01, clock + 0.1)), None);
    assert_eq!(freshness.admit(now, Made::Stamped(Stamp { kind: 9, ..stamp })), None);
    assert!(freshness.admit(now, stamped(clock + 0.01, clock + 0.1)).is_some());
    assert_eq!(freshness.refusals.disordered, 4);
}

#[test]
fn a_clock_that_was_put_back_takes_the_order_with_it() {
    let now = Instant::now();
    let mut freshness = fresh();
    assert!(freshness.admit(now, stamped(1.8e9, 1.8e9)).is_some());
    freshness.outdate(Duration::from_secs(1_800_000_000));
    freshness.put_back(Duration::from_secs(3600));
    let clock = 1.8e9 - 3600.0;
    assert_eq!(freshness.admit(now, stamped(clock - 0.1, clock)), None);
    assert!(freshness.admit(now, stamped(clock + 0.01, clock)).is_some());
}

/// What happens in a drive, at times in milliseconds.
#[derive(Debug, Clone)]
enum Happening {
    /// A command is made, and arrives so much later.
    Command { delay: u64 },
    /// An emergency stop arrives.
    Stop,
    /// The robot's system clock is set, by seconds.
    Step { by: f64 },
}

fn happenings() -> impl Strategy<Value = Vec<(u64, Happening)>> {
    let happening = prop_oneof![
        40 => (0u64..600).prop_map(|delay| Happening::Command { delay }),
        1 => Just(Happening::Stop),
        1 => prop_oneof![-5.0f64..5.0, -4e3f64..4e3].prop_map(|by| Happening::Step { by }),
    ];
    prop::collection::vec((0u64..60, happening), 1..200).prop_map(|steps| {
        steps
            .into_iter()
            .scan(0, |at, (gap, happening)| {
                *at += gap;
                Some((*at, happening))
            })
            .collect()
    })
}

/// A robot's and an operator's clock, and the pings between them.
struct Pair {
    start: Instant,
    robot: SteadyClock,
    /// What the robot's system clock shows more than true time.
    robot_error: f64,
    operator_error: f64,
    trips: RoundTrips,
    stamper: Stamper,
    ways: Vec<(u64, u64)>,
    pinged: u64,
    longest: f64,
    is_strict: bool,
}

impl Pair {
    fn new(robot_error: f64, operator_error: f64, ways: Vec<(u64, u64)>, is_strict: bool) -> Pair {
        let start = Instant::now();
        let mut pair = Pair {
            start,
            robot: SteadyClock::new(start),
            robot_error,
            operator_error,
            trips: RoundTrips::default(),
            stamper: Stamper::default(),
            ways,
            pinged: 0,
            longest: 0.0,
            is_strict,
        };
        pair.read_robot(0.0);
        pair.robot.follow();
        pair.ping();
        pair
    }

    fn at(&self, time: f64) -> Instant {
        self.start + Duration::try_from_secs_f64(time).expect("not before the start")
    }

    fn read_robot(&mut self, time: f64) {
        let unix = Duration::try_from_secs_f64(1.8e9 + time + self.robot_error).expect("after 1970");
        self.robot.read(WallClock::new(self.at(time), unix));
    }

    /// What the robot judges by: a strict one goes by its system's clock at every moment.
    fn robot_time(&self, time: f64) -> f64 {
        if self.is_strict { 1.8e9 + time + self.robot_error } else { self.robot.kept().unix(self.at(time)) }
    }

    /// The next ping and its answer.
    fn ping(&mut self) -> f64 {
        let (there, back) = self.ways[self.pinged as usize % self.ways.len()];
        let sent = self.pinged as f64 * 0.5;
        let (there, back) = (there as f64 / 1e3, back as f64 / 1e3);
        let far = self.robot_time(sent + there);
        let round_trip = Duration::try_from_secs_f64(there + back).expect("short");
        let heard = sent + there + back;
        self.trips.note(self.at(heard), 1.8e9 + sent + self.operator_error, far, round_trip);
        self.pinged += 1;
        self.longest = self.longest.max(there + back);
        heard
    }

    /// The operator's stamp for a command that is made now.
    fn stamp(&mut self, time: f64) -> f64 {
        let clock = self.trips.estimate(self.at(time)).expect("a pong has come");
        let unix = 1.8e9 + time + self.operator_error + clock.offset - clock.uncertainty.as_secs_f64();
        self.stamper.stamp(unix).as_secs_f64()
    }
}

proptest! {
    /// Whatever the delays, the clocks and their steps: the robot obeys nothing that is older than its deadline, nothing older
    /// than what it obeyed before, and nothing that was made before an emergency stop came; and it obeys all the rest.
    #[test]
    fn a_robot_obeys_what_is_fresh_and_nothing_else(
        robot_error in -1e5f64..1e5,
        operator_error in -1e5f64..1e5,
        ways in prop::collection::vec((0u64..60, 0u64..60), 1..20),
        happenings in happenings(),
    ) {
        let mut pair = Pair::new(robot_error, operator_error, ways, false);
        let mut freshness = fresh();
        // The first pong has come.
        let mut arrivals: Vec<(f64, Option<(f64, f64)>)> = Vec::new();
        for (at, happening) in happenings {
            let time = 0.2 + at as f64 / 1e3;
            while pair.pinged as f64 * 0.5 + 0.12 < time {
                pair.ping();
            }
            match happening {
                Happening::Command { delay } => {
                    let stamp = pair.stamp(time);
                    arrivals.push((time + delay as f64 / 1e3, Some((time, stamp))));
                }
                Happening::Stop => arrivals.push((time, None)),
                Happening::Step { by } => {
                    pair.robot_error += by;
                    pair.read_robot(time);
                }
            }
        }
        arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
        let slack = pair.longest + 0.02;
        let (mut newest, mut stopped) = (f64::MIN, f64::MIN);
        for (arrived, command) in arrivals {
            let Some((made, stamp)) = command else {
                stopped = arrived;
                freshness.outdate(Duration::try_from_secs_f64(pair.robot_time(arrived)).expect("after 1970"));
                continue;
            };
            let is_obeyed = freshness.admit(pair.at(arrived), stamped(stamp, pair.robot_time(arrived))).is_some();
            if is_obeyed {
                prop_assert!(arrived - made < 0.3, "{} s old", arrived - made);
                prop_assert!(made >= newest, "older than what was obeyed before");
                prop_assert!(made > stopped, "older than the emergency stop");
                newest = made;
            } else {
                let is_fresh = arrived - made < 0.3 - slack;
                prop_assert!(!is_fresh || made <= newest || made < stopped + slack, "{:?}", freshness.refusals.last);
            }
        }
        prop_assert_eq!(freshness.refusals.ahead, 0);
    }

    /// No stamp of an operator's lies in the future of a robot that judges by its system's clock, but for the moment until a
    /// pong has shown that this was set.
    #[test]
    fn no_stamp_lies_in_a_strict_robots_future(
        robot_error in -1e5f64..1e5,
        step in -4e3f64..4e3,
        ways in prop::collection::vec((0u64..200, 0u64..200), 1..20),
        stepped in 1u64..20,
    ) {
        let mut pair = Pair::new(robot_error, 0.0, ways, true);
        let mut shown = 0;
        for command in 1..400u64 {
            let time = 0.5 + command as f64 * 0.05;
            if command == stepped * 10 {
                pair.robot_error += step;
                shown = command + 19;
            }
            while pair.pinged as f64 * 0.5 + 0.4 < time {
                pair.ping();
            }
            let stamp = pair.stamp(time);
            if command > shown {
                // A step that round trips do not show is within what they take.
                let ahead = stamp - pair.robot_time(time);
                prop_assert!(ahead < if step.abs() > 0.81 { 1e-5 } else { 0.41 }, "{ahead} s ahead");
                prop_assert!(ahead > -0.85, "{ahead} s behind");
            }
        }
    }
}
