//! What is to be measured: flags, then the variables of DimOS's benchmark, then the defaults.

use std::time::Duration;

use farwire::Delivery;
use serde::Serialize;

use super::payload;
use crate::failure::Failure;
use crate::pace::{parse_hz, parse_seconds};

/// The sizes of DimOS's benchmark, in bytes.
pub(super) const DIMOS_SIZES: [u32; 12] =
    [64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 512 << 10, 1 << 20, 2 << 20, 5 << 20, 10 << 20];
/// Takes a newcomer half a minute.
const QUICK_SIZES: [u32; 3] = [64, 1024, 16_384];
const QUICK: Duration = Duration::from_secs(3);
const QUICK_DRAIN: Duration = Duration::from_secs(5);
/// As DimOS has it, for a run and for what is under way after it.
const MATRIX: Duration = Duration::from_secs(1);
const MATRIX_DRAIN: Duration = Duration::from_secs(1);

/// No message is larger, since each is held in memory.
const MAX_SIZE: i64 = 64 << 20;
/// More columns than anybody reads.
const MAX_SIZES: usize = 64;
/// What a run keeps of its round trips takes 60 MB an hour.
const MAX_SECONDS: u64 = 3600;
const MAX_DRAIN: u64 = 600;
const MAX_MESSAGES: u64 = 1_000_000_000;

/// The flags that say what is measured.
#[derive(clap::Args, Default)]
pub(super) struct Knobs {
    /// DimOS's matrix, with heat maps: twelve sizes from 64 B to 10 MiB, a second each
    #[arg(long)]
    pub(super) matrix: bool,
    /// Payload sizes in bytes [default: 64,1024,16384; DimOS's twelve with --matrix]
    #[arg(long, value_name = "BYTES,…", value_delimiter = ',',
          value_parser = clap::value_parser!(u32).range(payload::HEADER as i64..=MAX_SIZE))]
    sizes: Vec<u32>,
    /// How long each run takes [default: DIMOS_BENCH_DURATION_S, or 3; 1 with --matrix]
    #[arg(long, value_parser = parse_duration)]
    seconds: Option<Duration>,
    /// Messages per throughput run, instead of --seconds
    #[arg(long, value_name = "N", value_parser = parse_messages)]
    count: Option<u64>,
    /// End a throughput run before its time after this many messages [default: DIMOS_BENCH_MAX_MESSAGES, or no limit]
    #[arg(long, value_name = "N", value_parser = parse_messages, conflicts_with = "count")]
    max_messages: Option<u64>,
    /// How long to wait after a throughput run for what is still under way; what comes later is lost
    /// [default: DIMOS_BENCH_RECEIVE_TIMEOUT_S, or 5; 1 with --matrix]
    #[arg(long, value_name = "SECONDS", value_parser = parse_drain)]
    drain: Option<Duration>,
    /// Publish no faster than this in throughput runs, in messages per second
    #[arg(long, value_name = "HZ", value_parser = parse_hz)]
    rate: Option<f64>,
    /// Only reliable, ordered delivery
    #[arg(long)]
    reliable: bool,
    /// Only lossy, unordered delivery
    #[arg(long)]
    lossy: bool,
}

/// Everything settled.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Plan {
    #[serde(skip)]
    pub(super) sizes: Vec<u32>,
    #[serde(skip)]
    pub(super) deliveries: &'static [Delivery],
    #[serde(serialize_with = "seconds")]
    pub(super) seconds: Duration,
    /// A throughput run ends after so many messages, and not before.
    pub(super) count: Option<u64>,
    /// It ends after so many messages at the latest.
    pub(super) max_messages: Option<u64>,
    pub(super) rate: Option<f64>,
    #[serde(serialize_with = "seconds")]
    pub(super) drain: Duration,
}

impl Knobs {
    /// Settles everything; `variable` looks into the environment.
    pub(super) fn plan(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Plan, Failure> {
        let sizes: &[u32] = match (&*self.sizes, self.matrix) {
            ([], false) => &QUICK_SIZES,
            ([], true) => &DIMOS_SIZES,
            (given, _) => given,
        };
        if sizes.len() > MAX_SIZES {
            return Err(Failure::usage(format_args!("--sizes has {} sizes; take {MAX_SIZES} at most", sizes.len())));
        }
        let (seconds, drain) = if self.matrix { (MATRIX, MATRIX_DRAIN) } else { (QUICK, QUICK_DRAIN) };
        let given = |name| variable(name).filter(|value| !value.is_empty()).map(|value| (name, value));
        let seconds_given = self.seconds.map_or_else(
            || read(given("DIMOS_BENCH_DURATION_S"), "--seconds", parse_duration),
            |flag| Ok(Some(flag)),
        )?;
        let drain_given = self.drain.map_or_else(
            || read(given("DIMOS_BENCH_RECEIVE_TIMEOUT_S"), "--drain", parse_drain),
            |flag| Ok(Some(flag)),
        )?;
        let max_messages = match (self.count, self.max_messages) {
            (Some(_), _) => None,
            (None, Some(flag)) => Some(flag),
            (None, None) => read(given("DIMOS_BENCH_MAX_MESSAGES"), "--max-messages", parse_messages)?,
        };
        Ok(Plan {
            sizes: sizes.to_vec(),
            deliveries: self.deliveries(),
            seconds: seconds_given.unwrap_or(seconds),
            count: self.count,
            max_messages,
            rate: self.rate,
            drain: drain_given.unwrap_or(drain),
        })
    }

    fn deliveries(&self) -> &'static [Delivery] {
        match (self.reliable, self.lossy) {
            (true, false) => &[Delivery::RELIABLE],
            (false, true) => &[Delivery::LOSSY],
            _ => &[Delivery::RELIABLE, Delivery::LOSSY],
        }
    }
}

impl Plan {
    /// How long a throughput run goes on publishing at most.
    pub(super) fn time_to_publish(&self) -> Duration {
        match (self.count, self.rate) {
            (Some(count), Some(rate)) => Duration::from_secs_f64(count as f64 / rate),
            // A thousand messages a second is slow for every SFU there is.
            (Some(count), None) => Duration::from_secs(count / 1000),
            (None, _) => self.seconds,
        }
    }
}

/// A variable as its flag would be read, or what to do about it.
fn read<T>(
    given: Option<(&str, String)>,
    flag: &str,
    parse: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Failure> {
    let Some((name, value)) = given else { return Ok(None) };
    match parse(&value) {
        Ok(value) => Ok(Some(value)),
        Err(wanted) => Err(Failure::usage(format_args!("{name} is {value:?}, not {wanted}: unset it, or pass {flag}"))),
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let seconds = parse_seconds(text).ok().filter(|seconds| *seconds <= Duration::from_secs(MAX_SECONDS));
    seconds.ok_or_else(|| format!("a number of seconds from 0.001 to {MAX_SECONDS}"))
}

fn parse_drain(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=MAX_DRAIN as f64).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("a number of seconds from 0 to {MAX_DRAIN}")),
    }
}

fn parse_messages(text: &str) -> Result<u64, String> {
    let messages = text.parse().ok().filter(|messages| (1..=MAX_MESSAGES).contains(messages));
    messages.ok_or_else(|| format!("a number of messages from 1 to {MAX_MESSAGES}"))
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIMOS: [(&str, &str); 3] = [
        ("DIMOS_BENCH_DURATION_S", "0.5"),
        ("DIMOS_BENCH_MAX_MESSAGES", "5000"),
        ("DIMOS_BENCH_RECEIVE_TIMEOUT_S", "2"),
    ];

    fn plan(knobs: &Knobs, variables: &[(&str, &str)]) -> Result<Plan, Failure> {
        knobs.plan(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    fn settled(knobs: &Knobs, variables: &[(&str, &str)]) -> Plan {
        plan(knobs, variables).expect("a plan")
    }

    #[test]
    fn a_newcomer_waits_for_three_sizes_and_a_matrix_has_twelve() {
        let quick = settled(&Knobs::default(), &[]);
        assert_eq!(quick.sizes, QUICK_SIZES);
        assert_eq!((quick.seconds, quick.drain, quick.max_messages), (QUICK, QUICK_DRAIN, None));
        assert_eq!(quick.deliveries, [Delivery::RELIABLE, Delivery::LOSSY]);
        let matrix = settled(&Knobs { matrix: true, ..Knobs::default() }, &[]);
        assert_eq!((matrix.sizes.len(), matrix.sizes[0], matrix.sizes[11]), (12, 64, 10_485_760));
        assert_eq!((matrix.seconds, matrix.drain), (Duration::from_secs(1), Duration::from_secs(1)));
        let own = settled(&Knobs { matrix: true, sizes: vec![100], lossy: true, ..Knobs::default() }, &[]);
        assert_eq!((&*own.sizes, own.deliveries), (&[100][..], &[Delivery::LOSSY][..]));
    }

    #[test]
    fn flags_go_before_variables_and_those_before_defaults() {
        for matrix in [false, true] {
            let variables = settled(&Knobs { matrix, ..Knobs::default() }, &DIMOS);
            let expected = (Duration::from_millis(500), Duration::from_secs(2), Some(5000));
            assert_eq!((variables.seconds, variables.drain, variables.max_messages), expected);
        }
        let [seconds, drain] = [4, 0].map(|seconds| Some(Duration::from_secs(seconds)));
        let flags = Knobs { seconds, drain, max_messages: Some(7), ..Knobs::default() };
        let expected = (Duration::from_secs(4), Duration::ZERO, Some(7));
        for variables in [&DIMOS[..], &DIMOS.map(|(name, _)| (name, "nonsense"))] {
            let flags = settled(&flags, variables);
            assert_eq!((flags.seconds, flags.drain, flags.max_messages), expected);
        }
        // A count of one's own is neither cut short nor a conflict.
        let count = settled(&Knobs { count: Some(9000), ..Knobs::default() }, &DIMOS);
        assert_eq!((count.count, count.max_messages), (Some(9000), None));
        let empty = DIMOS.map(|(name, _)| (name, ""));
        assert_eq!(settled(&Knobs::default(), &empty), settled(&Knobs::default(), &[]));
    }

    #[test]
    fn a_variable_that_cannot_be_read_is_named_with_the_way_out() {
        for (name, flag, wrong) in [
            ("DIMOS_BENCH_DURATION_S", "--seconds", ["0", "3601", "NaN", "soon"]),
            ("DIMOS_BENCH_MAX_MESSAGES", "--max-messages", ["0", "1000000001", "1.5", "-1"]),
            ("DIMOS_BENCH_RECEIVE_TIMEOUT_S", "--drain", ["-1", "601", "inf", "1s"]),
        ] {
            for wrong in wrong {
                let Err(Failure::Usage(why)) = plan(&Knobs::default(), &[(name, wrong)]) else {
                    panic!("{name}={wrong} was taken")
                };
                assert!(why.contains(name) && why.contains(wrong) && why.contains(flag), "{why}");
            }
        }
        let too_many = Knobs { sizes: vec![64; MAX_SIZES + 1], ..Knobs::default() };
        assert!(matches!(plan(&too_many, &[]), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_run_has_a_longest_time() {
        let time = |knobs: Knobs| settled(&knobs, &[]).time_to_publish();
        assert_eq!(time(Knobs::default()), QUICK);
        assert_eq!(time(Knobs { count: Some(5000), ..Knobs::default() }), Duration::from_secs(5));
        let slow = Knobs { count: Some(5), rate: Some(0.5), ..Knobs::default() };
        assert_eq!(time(slow), Duration::from_secs(10));
    }
}
