//! Wrong keys and secrets, counted by the address that they come from.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

use farwire_core::TokenBucket;

use crate::limits::{GUESS_EVERY, GUESSES, MAX_GUESSERS};

/// How many wrong keys each address may still send: [`GUESSES`] at once and one more every [`GUESS_EVERY`]. Good ones are
/// not counted, as robots share addresses. Bounded: see [`MAX_GUESSERS`].
#[derive(Debug, Default)]
pub struct Guesses {
    counts: HashMap<IpAddr, Count>,
    /// The count that all share for whom there is no room.
    others: Option<Count>,
    swept: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    left: TokenBucket,
    /// It was told since it last had a guess left.
    is_told: bool,
}

/// What one more wrong key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    /// To be answered as any wrong key.
    Allowed,
    /// The first one too many since there were guesses left.
    FirstTooMany,
    /// One more beyond.
    TooMany,
}

impl Guesses {
    /// Notes a wrong key.
    pub fn note(&mut self, now: Instant, source: IpAddr) -> Guess {
        let source = network_of(source);
        if self.counts.len() >= MAX_GUESSERS && !self.counts.contains_key(&source) {
            self.sweep(now);
        }
        let unused = Count { left: TokenBucket::new(GUESSES, GUESS_EVERY, now), is_told: false };
        let count = match self.counts.len() < MAX_GUESSERS || self.counts.contains_key(&source) {
            true => self.counts.entry(source).or_insert(unused),
            false => self.others.get_or_insert(unused),
        };
        if count.left.take(now) {
            count.is_told = false;
            return Guess::Allowed;
        }
        match std::mem::replace(&mut count.is_told, true) {
            false => Guess::FirstTooMany,
            true => Guess::TooMany,
        }
    }

    /// Forgets those that have all their guesses back; once a second at most.
    fn sweep(&mut self, now: Instant) {
        if self.swept.is_some_and(|at| now < at + GUESS_EVERY) {
            return;
        }
        self.swept = Some(now);
        self.counts.retain(|_, count| !count.left.is_full(now));
    }
}

/// Whoever has one IPv6 address has the 64 bits behind its prefix.
pub(crate) fn network_of(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn a_burst_then_one_a_second() {
        let start = Instant::now();
        let mut guesses = Guesses::default();
        for n in 0..GUESSES {
            assert_eq!(guesses.note(start, ONE), Guess::Allowed, "{n}");
        }
        assert_eq!(guesses.note(start, ONE), Guess::FirstTooMany);
        for n in 0..100 {
            assert_eq!(guesses.note(start + Duration::from_micros(n), ONE), Guess::TooMany, "told once");
        }
        // Others are not concerned.
        assert_eq!(guesses.note(start, IpAddr::V4(Ipv4Addr::LOCALHOST)), Guess::Allowed);
        let later = start + GUESS_EVERY * 2;
        assert_eq!(guesses.note(later, ONE), Guess::Allowed);
    }

    #[test]
    fn one_network_counts_once() {
        let start = Instant::now();
        let mut guesses = Guesses::default();
        for n in 0..10_000u16 {
            let _ = guesses.note(start, IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, n)));
        }
        assert_eq!(guesses.counts.len(), 1);
    }

    proptest! {
        #[test]
        fn memory_is_bounded(sources in prop::collection::vec((any::<u32>(), 0u64..10), 1..300)) {
            let mut now = Instant::now();
            let mut guesses = Guesses::default();
            for (source, pause) in sources {
                now += Duration::from_millis(pause);
                for n in 0..100u32 {
                    let _ = guesses.note(now, IpAddr::V4(Ipv4Addr::from(source.wrapping_add(n * 7919))));
                }
                prop_assert!(guesses.counts.len() <= MAX_GUESSERS);
            }
        }

        #[test]
        fn never_more_than_the_burst_and_the_refill(pauses in prop::collection::vec(0u64..3_000, 1..300)) {
            let start = Instant::now();
            let (mut now, mut guesses, mut allowed, mut told) = (start, Guesses::default(), 0u64, 0u64);
            for pause in pauses {
                now += Duration::from_millis(pause);
                let guess = guesses.note(now, ONE);
                allowed += u64::from(guess == Guess::Allowed);
                told += u64::from(guess == Guess::FirstTooMany);
                prop_assert!(told <= allowed, "told once between two that were allowed");
                let most = u64::from(GUESSES) + (now - start).as_millis() as u64 / GUESS_EVERY.as_millis() as u64;
                prop_assert!(allowed <= most);
            }
        }
    }
}
