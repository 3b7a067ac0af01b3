//! The one screen of an operator, as text.

use std::fmt::Write as _;
use std::time::Duration;

use super::drawing;
use super::report::Report;
use crate::{Minimap, Pose, Velocity};

/// Columns left of the map, where there is room for it.
const TEXT: usize = 64;

const KEYS: &str = "arrows/WASD drive, SPACE e-stop, r releases, +/- speed, q quits";

/// Everything that is shown.
#[derive(Debug, Default)]
pub struct View<'a> {
    /// The robot's id if one was asked for, or what the robot calls itself.
    pub robot: Option<&'a str>,
    /// The broker's root.
    pub broker: &'a str,
    /// Whether the connection is up.
    pub is_connected: bool,
    /// Why it is not.
    pub trouble: Option<&'a str>,
    /// Whether the robot answers.
    pub is_robot_present: bool,
    /// What is known of the robot's clock.
    pub clock: Option<Clock>,
    /// What is wrong with the clocks, if something is.
    pub clocks: Option<&'a str>,
    /// The latest telemetry and its age.
    pub report: Option<(&'a Report, Duration)>,
    /// The latest map.
    pub map: Option<&'a Minimap>,
    /// The velocity that is asked for.
    pub target: Velocity,
    /// The speed scale, in percent.
    pub percent: u32,
    /// Whether this operator engaged the emergency stop.
    pub is_estopped: bool,
    /// Commands that were sent.
    pub sent: u64,
    /// Commands that nobody could get.
    pub dropped: u64,
}

/// What is known of the robot's clock and the way there.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// The fastest round trip of late.
    pub round_trip: Duration,
    /// The robot's clock minus ours, in seconds.
    pub offset: f64,
    /// By how much the offset may be wrong.
    pub uncertainty: Duration,
}

impl View<'_> {
    /// The lines, no more and no longer than the terminal has room for.
    pub fn lines(&self, columns: usize, rows: usize) -> Vec<String> {
        let mut lines = self.figures();
        let drawn = self.map.map(drawing::draw).unwrap_or_default();
        let width = drawn.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        if columns >= TEXT + width {
            beside(&mut lines, &drawn);
        } else {
            lines.extend(drawn);
        }
        lines.truncate(rows);
        for line in &mut lines {
            // Some of it comes from afar, and control characters move cursors and worse.
            *line = line.replace(char::is_control, "?");
            cut(line, columns);
        }
        lines
    }

    fn figures(&self) -> Vec<String> {
        let robot = self.robot.unwrap_or("the robot");
        vec![
            format!("farwire drive: {robot} at {}", self.broker),
            format!("link      {}", self.link()),
            format!("robot     {}", self.state()),
            format!("pose      {}", self.pose()),
            format!("velocity  {}", self.report.and_then(|(report, _)| report.velocity).map_or_else(unknown, speeds)),
            format!("command   {}", self.command()),
            self.trouble(),
            self.estop().to_owned(),
            KEYS.to_owned(),
        ]
    }

    fn link(&self) -> String {
        match (self.is_connected, self.trouble, self.clock) {
            (false, why, _) => format!("DOWN, reconnecting: {}", why.unwrap_or("the connection is lost")),
            (true, _, None) => "up, nothing measured yet".to_owned(),
            (true, _, Some(clock)) => format!(
                "round trip {:.1} ms, clock {:+.1} ± {:.1} ms",
                millis(clock.round_trip.as_secs_f64()),
                millis(clock.offset),
                millis(clock.uncertainty.as_secs_f64())
            ),
        }
    }

    fn state(&self) -> String {
        let mut text = if self.is_robot_present { "answers" } else { "DOES NOT ANSWER" }.to_owned();
        let Some((report, age)) = self.report else { return text };
        if let Some(state) = &report.state {
            let _ = write!(text, ", {state}");
        }
        if report.is_blocked {
            text.push_str(", BLOCKED");
        }
        if let Some(battery) = report.battery {
            let _ = write!(text, ", battery {:.0} %", battery * 100.0);
        }
        let _ = write!(text, " ({:.1} s ago)", age.as_secs_f64());
        text
    }

    /// Why the robot does not obey, or what is wrong with the clocks.
    fn trouble(&self) -> String {
        match self.report.and_then(|(report, _)| report.why.as_deref()) {
            Some(why) => format!("REFUSED   commands {why}"),
            None => self.clocks.map_or_else(String::new, |what| format!("clocks    {what}")),
        }
    }

    fn pose(&self) -> String {
        let Some(Pose { x, y, yaw }) = self.report.and_then(|(report, _)| report.pose) else { return unknown() };
        format!("x {x:+.2} m  y {y:+.2} m  heading {:+.0}°", yaw.to_degrees())
    }

    fn command(&self) -> String {
        let (sent, dropped, percent) = (self.sent, self.dropped, self.percent);
        let mut text = format!("{}  at {percent} %, {sent} sent", speeds(self.target));
        if dropped > 0 {
            let _ = write!(text, ", {dropped} dropped");
        }
        text
    }

    fn estop(&self) -> &'static str {
        let is_robots = self.report.is_some_and(|(report, _)| report.state.as_deref() == Some("estopped"));
        match (self.is_estopped, is_robots) {
            (true, true) => "*** EMERGENCY STOP: the robot stands; r releases it ***",
            (true, false) => "*** EMERGENCY STOP sent, not confirmed yet ***",
            (false, true) => "*** the robot's EMERGENCY STOP is engaged; r releases it ***",
            (false, false) => "",
        }
    }
}

/// Puts the map to the right of the text.
fn beside(lines: &mut Vec<String>, drawn: &[String]) {
    lines.resize(lines.len().max(drawn.len()), String::new());
    for (line, map) in lines.iter_mut().zip(drawn) {
        cut(line, TEXT - 1);
        let gap = TEXT - line.chars().count();
        let _ = write!(line, "{:gap$}{map}", "");
    }
}

fn cut(line: &mut String, columns: usize) {
    if let Some((end, _)) = line.char_indices().nth(columns) {
        line.truncate(end);
    }
}

fn speeds(velocity: Velocity) -> String {
    format!("{:+.2} m/s  {:+.2} rad/s", velocity.linear, velocity.angular)
}

fn unknown() -> String {
    "not known".to_owned()
}

fn millis(seconds: f64) -> f64 {
    seconds * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::minimap::tests::map_of;

    fn report() -> Report {
        Report {
            robot: Some("rover".to_owned()),
            state: Some("driving".to_owned()),
            pose: Some(Pose { x: 1.0, y: -2.5, yaw: 0.0 }),
            velocity: Some(Velocity { linear: 0.5, angular: -0.25 }),
            battery: Some(0.875),
            ..Report::default()
        }
    }

    fn view(report: &Report) -> View<'_> {
        let ms = Duration::from_millis;
        View {
            robot: Some("rover"),
            broker: "http://127.0.0.1:8787",
            is_connected: true,
            is_robot_present: true,
            clock: Some(Clock { round_trip: ms(2), offset: -0.0015, uncertainty: ms(1) }),
            report: Some((report, ms(150))),
            percent: 50,
            sent: 1234,
            ..View::default()
        }
    }

    #[test]
    fn all_figures_are_on_it() {
        let report = report();
        let lines = view(&report).lines(100, 40);
        assert_eq!(
            lines,
            [
                "farwire drive: rover at http://127.0.0.1:8787",
                "link      round trip 2.0 ms, clock -1.5 ± 1.0 ms",
                "robot     answers, driving, battery 88 % (0.1 s ago)",
                "pose      x +1.00 m  y -2.50 m  heading +0°",
                "velocity  +0.50 m/s  -0.25 rad/s",
                "command   +0.00 m/s  +0.00 rad/s  at 50 %, 1234 sent",
                "",
                "",
                KEYS,
            ]
        );
    }

    #[test]
    fn trouble_is_in_capitals() {
        let screen = View { trouble: Some("no\x1b answer"), dropped: 3, ..View::default() }.lines(80, 24).join("\n");
        for word in ["DOWN, reconnecting: no? answer", "DOES NOT ANSWER", "not known", "3 dropped"] {
            assert!(screen.contains(word), "no {word} in {screen}");
        }
        let mut report = report();
        let stopped = |report: &Report, is_estopped| View { is_estopped, ..view(report) }.lines(80, 24)[7].clone();
        assert!(stopped(&report, true).contains("not confirmed"));
        report.state = Some("estopped".to_owned());
        assert!(stopped(&report, true).contains("the robot stands"));
        assert!(stopped(&report, false).contains("r releases it"));
        let clocks = View { clocks: Some("the clock is off"), ..view(&report) }.lines(80, 24)[6].clone();
        assert_eq!(clocks, "clocks    the clock is off");
        report.why = Some("stamped 2.0 s ago".to_owned());
        assert_eq!(view(&report).lines(80, 24)[6], "REFUSED   commands stamped 2.0 s ago");
    }

    #[test]
    fn it_fits_wherever_it_is_shown() {
        let map = map_of(&["###", "#.#", "###"], [1, 1], 0.0);
        let report = report();
        let view = View { map: Some(&map), ..view(&report) };
        // At the right where it is wide enough, below where not.
        let wide = view.lines(100, 40);
        assert!(wide[0].ends_with("█→█") && wide[0].chars().count() == TEXT + 3, "{wide:#?}");
        let narrow = view.lines(40, 40);
        assert_eq!((narrow.len(), narrow[10].as_str()), (11, "▀▀▀"));
        for (columns, rows) in [(80, 24), (20, 5), (1, 1), (0, 0), (500, 200)] {
            let lines = view.lines(columns, rows);
            assert!(lines.len() <= rows && lines.iter().all(|line| line.chars().count() <= columns), "{lines:#?}");
        }
    }
}
