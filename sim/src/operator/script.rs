//! A drive that is written down: `forward 2s, left 1s, stop 1s, estop`.

use std::time::Duration;

use super::pilot::FULL;
use crate::Velocity;
use crate::parse_span;

/// Steps of the longest script.
const MAX_STEPS: usize = 256;

/// How long a step takes that does not say so: enough for the robot to answer.
const SHORT: Duration = Duration::from_secs(1);

/// Steps, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Script(Vec<Step>);

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// As it was written.
    pub text: String,
    /// The velocity to drive with.
    pub velocity: Velocity,
    /// The emergency stop to engage, or to release.
    pub estop: Option<bool>,
    lasts: Duration,
}

impl Script {
    /// Reads a script: steps with commas between them. A step is what to do and for how long, or `estop` or `release`.
    ///
    /// What to do is `stop`, or one or more of `forward`, `back`, `left` and `right`, each with a speed in m/s or rad/s
    /// after it, or half of what is possible.
    ///
    /// # Errors
    /// When a step cannot be read, or there are more than 256; the text says which and how to write it.
    pub fn parse(text: &str) -> Result<Script, String> {
        let steps: Vec<Step> = text.split(',').map(step).collect::<Result<_, _>>()?;
        match steps.len() {
            0..=MAX_STEPS => Ok(Script(steps)),
            many => Err(format!("{many} steps are too many: {MAX_STEPS} at most")),
        }
    }

    /// One velocity for a while.
    pub fn steady(velocity: Velocity, lasts: Duration) -> Script {
        let Velocity { linear, angular } = velocity;
        let text = format!("{linear} m/s, {angular} rad/s for {lasts:?}");
        Script(vec![Step { text, velocity, estop: None, lasts }])
    }
}

fn step(text: &str) -> Result<Step, String> {
    let text = text.trim();
    let wrong =
        |why: &str| format!("step {text:?}: {why}; write it like \"forward 2s\" or \"forward 0.3 left 0.5 2s\"");
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let lasts = words.last().and_then(|word| parse_span(word).ok());
    if lasts.is_some() {
        words.pop();
    }
    let (mut velocity, mut estop) = (Velocity::ZERO, None);
    match words[..] {
        [] => return Err(wrong("it does nothing")),
        ["stop"] => {}
        ["estop"] => estop = Some(true),
        ["release"] => estop = Some(false),
        _ => velocity = directions(&words).map_err(|why| wrong(&why))?,
    }
    match (lasts, estop) {
        (None, None) => Err(wrong("it does not say for how long")),
        _ => Ok(Step { text: text.to_owned(), velocity, estop, lasts: lasts.unwrap_or(SHORT) }),
    }
}

fn directions(words: &[&str]) -> Result<Velocity, String> {
    let mut velocity = Velocity::ZERO;
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let (axis, sign, full) = match *word {
            "forward" => (&mut velocity.linear, 1.0, FULL.linear),
            "back" => (&mut velocity.linear, -1.0, FULL.linear),
            "left" => (&mut velocity.angular, 1.0, FULL.angular),
            "right" => (&mut velocity.angular, -1.0, FULL.angular),
            _ => return Err(format!("{word:?} is no direction")),
        };
        let speed = words.peek().and_then(|word| word.parse::<f64>().ok());
        if speed.is_some() {
            words.next();
        }
        let speed = speed.unwrap_or(full / 2.0);
        if !(0.0..=full).contains(&speed) {
            return Err(format!("{word} can be from 0 to {full}"));
        }
        *axis = sign * speed;
    }
    Ok(velocity)
}

/// A script that is being driven.
#[derive(Debug)]
pub struct Performance {
    script: Script,
    /// Steps that have begun.
    begun: usize,
    /// When the latest of them ends, from the start.
    until: Duration,
    is_estopped: bool,
}

impl Performance {
    /// A script that has not begun.
    pub fn new(script: Script) -> Performance {
        Performance { script, begun: 0, until: Duration::ZERO, is_estopped: false }
    }

    /// The next step, if it is due by now. Asked again until there is none, so that no step is left out.
    pub fn next_step(&mut self, elapsed: Duration) -> Option<&Step> {
        if elapsed < self.until {
            return None;
        }
        let step = self.script.0.get(self.begun)?;
        self.begun += 1;
        self.until += step.lasts;
        self.is_estopped = step.estop.unwrap_or(self.is_estopped);
        Some(step)
    }

    /// The velocity of the step that is on.
    pub fn velocity(&self) -> Velocity {
        let step = self.begun.checked_sub(1).and_then(|latest| self.script.0.get(latest));
        step.filter(|_| !self.is_estopped).map_or(Velocity::ZERO, |step| step.velocity)
    }

    /// Whether the last step is over.
    pub fn is_over(&self, elapsed: Duration) -> bool {
        self.begun == self.script.0.len() && elapsed >= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn scripts_are_read() {
        let Script(steps) =
            Script::parse("forward 2s, left 1s , stop 500ms,forward 0.3 right 0.5 2s, estop, release 3s")
                .expect("a script");
        let read: Vec<_> = steps.iter().map(|step| (step.velocity.linear, step.velocity.angular, step.lasts)).collect();
        let ms = Duration::from_millis;
        assert_eq!(
            read,
            [
                (0.5, 0.0, ms(2000)),
                (0.0, 1.0, ms(1000)),
                (0.0, 0.0, ms(500)),
                (0.3, -0.5, ms(2000)),
                (0.0, 0.0, ms(1000)),
                (0.0, 0.0, ms(3000)),
            ]
        );
        assert_eq!((steps[4].estop, steps[5].estop, &steps[1].text), (Some(true), Some(false), &"left 1s".to_owned()));
    }

    #[test]
    fn what_is_no_script_is_said() {
        for (text, why) in [
            ("", "does nothing"),
            ("forward 2s,", "does nothing"),
            ("2s", "does nothing"),
            ("forward", "for how long"),
            ("forward 2", "from 0 to 1"),
            ("stop", "for how long"),
            ("sideways 2s", "no direction"),
            ("forward 9 2s", "from 0 to 1"),
            ("forward -1 2s", "from 0 to 1"),
            ("forward NaN 2s", "from 0 to 1"),
            ("stop forward 2s", "no direction"),
        ] {
            let error = Script::parse(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(Script::parse(&vec!["stop 1s"; MAX_STEPS].join(",")).is_ok());
        assert!(Script::parse(&vec!["stop 1s"; MAX_STEPS + 1].join(",")).is_err());
    }

    #[test]
    fn steps_follow_each_other_and_none_is_left_out() {
        let mut performance =
            Performance::new(Script::parse("forward 2s, estop, forward 1s, release 1s").expect("one"));
        assert_eq!(performance.velocity(), Velocity::ZERO);
        assert_eq!(performance.next_step(seconds(0)).expect("a step").text, "forward 2s");
        assert_eq!(performance.next_step(seconds(1)), None);
        assert_eq!(performance.velocity().linear, 0.5);
        // A stall: both that follow are due.
        assert_eq!(performance.next_step(seconds(3)).expect("a step").estop, Some(true));
        assert_eq!(performance.next_step(seconds(3)).expect("a step").text, "forward 1s");
        assert_eq!(performance.next_step(seconds(3)), None);
        // Latched until it is released.
        assert_eq!(performance.velocity(), Velocity::ZERO);
        assert!(!performance.is_over(seconds(3)));
        assert_eq!(performance.next_step(seconds(4)).expect("a step").estop, Some(false));
        assert!(!performance.is_over(seconds(4)) && performance.is_over(seconds(5)));
        assert_eq!(performance.next_step(seconds(9)), None);
    }
}
