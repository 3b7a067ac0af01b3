//! Which drive commands came, by the numbers that the operator gives them.

use crate::wire::teleop::{DriveCounts, number_of};

/// Numbers in a circle, since 0 is none.
const CIRCLE: u64 = u32::MAX as u64;

/// A number that is further ahead of the newest begins a new numbering: at 100 commands a second, the gap would be half a minute.
const LONGEST_GAP: u64 = 3_000;

/// A number that is further behind the newest is not one that comes late. The bits of [`Numbering::seen`].
const WINDOW: u64 = u64::BITS as u64;

/// Counts the drive commands of one operator.
///
/// One that gives them no numbers is not counted. The first number that comes is where counting begins; one that was there before, or
/// that is far from the others, begins it anew, and nothing counts as lost for that. So what an operator says can make the counts
/// wrong, but no number costs more than any other.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    numbering: Option<Numbering>,
    counts: DriveCounts,
    /// At the latest [`Arrivals::loss_since`].
    reported: DriveCounts,
}

/// Numbers that follow each other.
#[derive(Debug, Clone, Copy)]
struct Numbering {
    newest: u64,
    /// How many there were since the first, at most [`WINDOW`].
    length: u64,
    /// Whether the one so many before the newest has come.
    seen: u64,
}

impl Arrivals {
    /// Takes a message of the commands' channel.
    pub(super) fn note(&mut self, message: &[u8]) {
        if let Some(number) = number_of(message) {
            self.arrived(number);
        }
    }

    fn arrived(&mut self, number: i32) {
        let place = u64::from(number.cast_unsigned()) - 1;
        let fresh = Numbering { newest: place, length: 0, seen: 1 };
        let numbering = self.numbering.get_or_insert(fresh);
        let ahead = (place + CIRCLE - numbering.newest) % CIRCLE;
        let behind = (CIRCLE - ahead) % CIRCLE;
        if (1..=LONGEST_GAP).contains(&ahead) {
            let seen =
                u32::try_from(ahead).ok().and_then(|ahead| numbering.seen.checked_shl(ahead)).unwrap_or_default();
            *numbering = Numbering { newest: place, length: (numbering.length + ahead).min(WINDOW), seen: seen | 1 };
            self.counts.sent = self.counts.sent.saturating_add(ahead);
            self.counts.received = self.counts.received.saturating_add(1);
            return;
        }
        let bit = 1_u64.checked_shl(u32::try_from(behind).unwrap_or(u32::MAX)).unwrap_or_default();
        match bit {
            0 => *numbering = fresh,
            // From before the first that came.
            _ if behind > numbering.length => {}
            bit if numbering.seen & bit == 0 => {
                numbering.seen |= bit;
                self.counts.received = self.counts.received.saturating_add(1);
            }
            // No message comes twice, so the operator counts anew.
            _ => *numbering = fresh,
        }
    }

    /// What has been counted; `None` while no number has followed another.
    pub(super) fn counts(&self) -> Option<DriveCounts> {
        (self.counts.sent > 0).then_some(self.counts)
    }

    /// The share that was lost since the last time, from 0 to 1; `None` if nothing was sent.
    pub(super) fn loss_since(&mut self) -> Option<f64> {
        let before = std::mem::replace(&mut self.reported, self.counts);
        self.counts.since(before).and_then(DriveCounts::loss)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::teleop::number_after;

    fn heard(numbers: impl IntoIterator<Item = i32>) -> Arrivals {
        let mut arrivals = Arrivals::default();
        numbers.into_iter().for_each(|number| arrivals.arrived(number));
        arrivals
    }

    fn counts(numbers: impl IntoIterator<Item = i32>) -> Option<(u64, u64)> {
        heard(numbers).counts().map(|counts| (counts.sent, counts.received))
    }

    #[test]
    fn gaps_are_counted_and_what_comes_late_is_not_lost() {
        assert_eq!(counts(1..=20), Some((19, 19)));
        assert_eq!(counts([1, 2, 5]), Some((4, 2)));
        assert_eq!(counts([1, 2, 5, 4, 3]), Some((4, 4)));
        assert_eq!(counts([]), None);
        assert_eq!(counts([7]), None, "one number tells nothing");
        assert_eq!(counts([2, 1, 3]), Some((1, 1)), "what was there before counting began counts for nothing");
        let mut arrivals = heard([1, 2, 4]);
        assert_eq!((arrivals.loss_since(), arrivals.loss_since()), (Some(1.0 / 3.0), None));
        arrivals.arrived(5);
        assert_eq!(arrivals.loss_since(), Some(0.0));
        arrivals.note(&[0; 80]);
        assert_eq!(arrivals.loss_since(), None, "that is no drive command");
    }

    #[test]
    fn an_operator_that_counts_anew_or_not_at_all_loses_nothing() {
        assert_eq!(counts((1..=50).chain(1..=50)), Some((98, 98)));
        assert_eq!(counts((1..=5_000).chain(1..=50)), Some((5_048, 5_048)));
        assert_eq!(counts([1, 2, i32::MAX, i32::MIN, -5, -4]), Some((3, 3)));
        assert_eq!(counts([9; 100]), None, "always the same number is none");
    }

    #[test]
    fn a_gap_counts_up_to_half_a_minute() {
        assert_eq!(counts([1, 3_001]), Some((3_000, 1)));
        assert_eq!(counts([1, 3_002]), None);
        let longest = (0..).map(|step| 1 + 3_000 * step).take(1_000);
        assert_eq!(counts(longest), Some((999 * 3_000, 999)), "no number costs more than the gap before it");
    }

    proptest! {
        /// Whatever was lost and overtaken on the way, the counts are those of the way, wherever the numbers began.
        #[test]
        fn the_counts_are_those_of_the_way(
            start in prop_oneof![any::<i32>(), -40..40_i32, i32::MAX - 20..=i32::MAX],
            fates in prop::collection::vec((any::<bool>(), 0..12_usize), 1..200),
        ) {
            let start = if start == 0 { 1 } else { start };
            let numbers = std::iter::successors(Some(start), |number| Some(number_after(*number)));
            let sent = numbers.zip(fates).enumerate();
            let mut came: Vec<_> = sent
                .filter(|(place, (_, (is_lost, _)))| *place == 0 || !is_lost)
                .map(|(place, (number, (_, late)))| (if place == 0 { 0 } else { place + late }, place, number))
                .collect();
            came.sort_unstable();
            let last = came.iter().map(|(_, place, _)| *place).max().unwrap_or_default() as u64;
            let expected = (last > 0).then_some((last, came.len() as u64 - 1));
            prop_assert_eq!(counts(came.into_iter().map(|(_, _, number)| number)), expected);
        }

        /// Whatever an operator says, the counts are possible, and grow by little.
        #[test]
        fn no_numbers_make_impossible_counts(numbers in prop::collection::vec(
            prop_oneof![any::<i32>(), -3..70_i32, 2_990..3_010_i32], 0..300,
        )) {
            let mut arrivals = Arrivals::default();
            for number in numbers.into_iter().filter(|number| *number != 0) {
                let before = arrivals.counts;
                arrivals.arrived(number);
                let step = arrivals.counts.since(before).expect("they only grow");
                prop_assert!(step.sent <= LONGEST_GAP && arrivals.counts.received - before.received <= 1);
                prop_assert!(arrivals.counts.received <= arrivals.counts.sent);
            }
        }
    }
}
