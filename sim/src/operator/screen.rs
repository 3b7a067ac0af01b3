//! The one screen of an operator, as text.

use std::fmt::Write as _;
use std::time::Duration;

use super::drawing;
use super::pilot::Seat;
use super::report::Report;
use crate::{Minimap, Pose, Velocity};

/// Columns left of the map, where there is room for it.
const TEXT: usize = 64;

const KEYS: &str = "arrows/WASD, SPACE e-stop, r release, +/- speed, h hand over, q";

const WATCHING: &str = "you only watch: no key moves or STOPS the robot; q quits";

const OFFERED: &str = "*** it is YOURS and stands: ENTER drives, SPACE e-stop, q ***";

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
    /// Where it is, by what it said last.
    pub pose: Option<Pose>,
    /// The way there and back, in figures.
    pub way: Option<Way>,
    /// The latest map.
    pub map: Option<&'a Minimap>,
    /// What this end may do.
    pub seat: Seat,
    /// Who drives and who watches, as far as it is known.
    pub who: Option<&'a str>,
    /// What came of a key: a question, or why it did nothing.
    pub notice: Option<&'a str>,
    /// Of the joystick, if there is to be one.
    pub joystick: Option<&'a str>,
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

/// The way to the robot and back, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Way {
    /// From here to the robot, in milliseconds.
    pub there_ms: Option<f64>,
    /// From the robot to here, in milliseconds.
    pub back_ms: Option<f64>,
    /// By how much the way there varies, in milliseconds.
    pub jitter_ms: Option<f64>,
    /// Commands that the robot gets, per second.
    pub rate_hz: Option<f64>,
    /// The share of commands that do not get there, from 0 to 1.
    pub loss: Option<f64>,
}

impl Way {
    fn line(&self) -> String {
        let ways = [("there", self.there_ms), ("back", self.back_ms), ("jitter", self.jitter_ms)];
        let ways: Vec<String> = ways.into_iter().filter_map(|(what, ms)| Some(format!("{what} {:.1}", ms?))).collect();
        let mut parts = Vec::new();
        if !ways.is_empty() {
            parts.push(format!("{} ms", ways.join(", ")));
        }
        parts.extend(self.rate_hz.map(|rate| format!("{rate:.0} Hz")));
        parts.extend(self.loss.map(|loss| format!("lost {:.0} %", loss * 100.0)));
        if parts.is_empty() { unknown() } else { parts.join("; ") }
    }
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
        let is_own = self.seat == Seat::Driving;
        let mut lines = vec![
            format!("farwire drive{}: {robot} at {}", if is_own { "" } else { " --view" }, self.broker),
            format!("link      {}", self.link()),
            format!("way       {}", self.way.unwrap_or_default().line()),
            format!("who       {}", self.who.unwrap_or("not known")),
            format!("robot     {}", self.state()),
            format!("state     {}", self.more()),
            format!("pose      {}", self.pose()),
            format!("velocity  {}", self.report.and_then(|(report, _)| report.velocity).map_or_else(unknown, speeds)),
            format!("command   {}", self.command()),
            self.trouble(),
            self.estop().to_owned(),
            match self.seat {
                Seat::Driving => KEYS,
                Seat::Watching => WATCHING,
                Seat::Offered => OFFERED,
            }
            .to_owned(),
        ];
        for (what, text) in [("", self.notice), ("joystick: ", self.joystick)] {
            lines.extend(text.into_iter().flat_map(|text| wrapped(&format!("{what}{text}"))));
        }
        lines
    }

    fn more(&self) -> String {
        let more = self.report.map_or(&[][..], |(report, _)| &report.more);
        if more.is_empty() { unknown() } else { more.join(", ") }
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
        let Some(Pose { x, y, yaw }) = self.pose.or(self.report.and_then(|(report, _)| report.pose)) else {
            return unknown();
        };
        format!("x {x:+.2} m  y {y:+.2} m  heading {:+.0}°", yaw.to_degrees())
    }

    fn command(&self) -> String {
        if self.seat == Seat::Watching {
            return "none: you only watch".to_owned();
        }
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
            _ if self.seat == Seat::Watching && is_robots => {
                "the robot's EMERGENCY STOP is engaged; who drives can release it"
            }
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

/// A text in lines beside the map, broken where words are.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && line.chars().count() + word.chars().count() + 2 > TEXT {
            lines.push(word.to_owned());
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines
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
                "way       not known",
                "who       not known",
                "robot     answers, driving, battery 88 % (0.1 s ago)",
                "state     not known",
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
        let stopped = |report: &Report, is_estopped| View { is_estopped, ..view(report) }.lines(80, 24)[10].clone();
        assert!(stopped(&report, true).contains("not confirmed"));
        report.state = Some("estopped".to_owned());
        assert!(stopped(&report, true).contains("the robot stands"));
        assert!(stopped(&report, false).contains("r releases it"));
        let clocks = View { clocks: Some("the clock is off"), ..view(&report) }.lines(80, 24)[9].clone();
        assert_eq!(clocks, "clocks    the clock is off");
        report.why = Some("stamped 2.0 s ago".to_owned());
        assert_eq!(view(&report).lines(80, 24)[9], "REFUSED   commands stamped 2.0 s ago");
    }

    #[test]
    fn whoever_watches_reads_that_it_does_and_when_the_robot_is_its_own() {
        let mut report = report();
        report.more = vec!["rage off".to_owned(), "light 0.5".to_owned()];
        let way = Way { there_ms: Some(12.0), rate_hz: Some(19.6), loss: Some(0.026), ..Way::default() };
        let shown = |seat| {
            let (who, notice) = (Some("a1b2c3 drives"), Some("no key moves it"));
            View { seat, who, notice, way: Some(way), pose: Some(Pose { x: 9.0, y: 0.0, yaw: 0.0 }), ..view(&report) }
                .lines(120, 40)
        };
        let watching = shown(Seat::Watching);
        assert_eq!(
            [&watching[2], &watching[3], &watching[5], &watching[8]],
            [
                "way       there 12.0 ms; 20 Hz; lost 3 %",
                "who       a1b2c3 drives",
                "state     rage off, light 0.5",
                "command   none: you only watch"
            ]
        );
        assert!(watching[6].contains("x +9.00 m") && watching[0].starts_with("farwire drive --view"));
        assert_eq!(watching[11..], [WATCHING, "no key moves it"]);
        assert_eq!(shown(Seat::Offered)[11], OFFERED);
        assert!([KEYS, WATCHING, OFFERED].iter().all(|line| line.chars().count() < TEXT), "the map cuts them off");
        report.state = Some("estopped".to_owned());
        let stopped = View { seat: Seat::Watching, ..view(&report) }.lines(120, 40)[10].clone();
        assert!(stopped.contains("EMERGENCY STOP") && !stopped.contains("r releases"), "{stopped}");
        let joystick = View { joystick: Some("pad"), ..view(&report) }.lines(120, 40);
        assert_eq!(joystick.last().map(String::as_str), Some("joystick: pad"));
        let long = "word ".repeat(40);
        let lines = View { notice: Some(&long), ..view(&report) }.lines(120, 40);
        assert!(lines.len() > 14 && lines.iter().all(|line| line.chars().count() < TEXT), "{lines:#?}");
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
        assert_eq!((narrow.len(), narrow[13].as_str()), (14, "▀▀▀"));
        for (columns, rows) in [(80, 24), (20, 5), (1, 1), (0, 0), (500, 200)] {
            let lines = view.lines(columns, rows);
            assert!(lines.len() <= rows && lines.iter().all(|line| line.chars().count() <= columns), "{lines:#?}");
        }
    }
}
