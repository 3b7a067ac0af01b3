//! What there is a heat map of.

use super::STEPS;
use crate::bench::outcome::Run;

pub(super) struct Metric {
    /// With its unit.
    pub(super) name: &'static str,
    /// What the name leaves open.
    pub(super) note: &'static str,
    pub(super) more_is_better: bool,
    scale: Scale,
    pub(super) of: fn(&Run) -> Option<f64>,
}

/// How values are compared.
enum Scale {
    /// By factors, from the least to the greatest there is: sizes differ by the hundred thousand, and so do rates.
    Factors,
    /// By how far from 0 to 100.
    Percent,
}

pub(super) const METRICS: [Metric; 7] = [
    Metric {
        name: "messages/s",
        note: "",
        more_is_better: true,
        scale: Scale::Factors,
        of: |run| Some(run.messages_per_s),
    },
    Metric {
        name: "MB/s",
        note: "payload alone, in millions of bytes",
        more_is_better: true,
        scale: Scale::Factors,
        of: |run| Some(run.megabytes_per_s),
    },
    Metric { name: "loss %", note: "", more_is_better: false, scale: Scale::Percent, of: |run| Some(run.loss_percent) },
    Metric {
        name: "CPU us per message",
        note: "publisher, subscriber, and an SFU of our own",
        more_is_better: false,
        scale: Scale::Factors,
        of: |run| {
            let cpu = &run.cpu_us_per_message;
            // Of what nobody got there is no cost for each.
            (run.delivered > 0).then(|| cpu.sum.unwrap_or(cpu.publisher + cpu.subscriber))
        },
    },
    Metric {
        name: "round trip us, p50",
        note: "",
        more_is_better: false,
        scale: Scale::Factors,
        of: |run| run.round_trip_us.p50,
    },
    Metric {
        name: "round trip us, p99",
        note: "",
        more_is_better: false,
        scale: Scale::Factors,
        of: |run| run.round_trip_us.p99,
    },
    Metric {
        name: "drain ms",
        note: "from the last message published to the last received: DimOS's latency",
        more_is_better: false,
        scale: Scale::Factors,
        of: |run| run.drain_ms,
    },
];

impl Metric {
    /// How good a value is among all of them: 0 is the worst. All of them are finite and not negative.
    pub(super) fn step(&self, value: f64, all: &[f64]) -> u8 {
        let share = match self.scale {
            Scale::Percent => value / 100.0,
            Scale::Factors => {
                let positive = || all.iter().copied().filter(|value| *value > 0.0);
                let (least, most) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
                if value <= 0.0 {
                    0.0
                } else if least < most {
                    (value.ln() - least.ln()) / (most.ln() - least.ln())
                } else {
                    // All alike, so none is worse.
                    f64::from(u8::from(self.more_is_better))
                }
            }
        };
        let goodness = if self.more_is_better { share } else { 1.0 - share };
        // A cast takes what is no number for 0.
        (goodness.clamp(0.0, 1.0) * f64::from(STEPS - 1)).round() as u8
    }
}
