//! Messages on streams that are not open at this end yet: the far end may know sooner than this one that a channel is to be, by
//! as much as a call's answer takes longer than a datagram.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::StreamId;
use crate::Payload;

/// Messages kept at most, over all streams. Beyond it the oldest give way.
const MAX_MESSAGES: usize = 256;

/// Bytes kept at most, over all streams. Beyond it the oldest give way.
const MAX_BYTES: usize = 1 << 20;

/// How long they are kept: as long as a call's answer takes. A robot learns of a channel a second late, from a heartbeat's answer, and
/// what was said meanwhile would tell it a wrong time.
const MAX_AGE: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
pub(super) struct Early {
    messages: VecDeque<(Instant, StreamId, Payload)>,
    bytes: usize,
    dropped: u64,
}

impl Early {
    /// Keeps a message; older ones give way.
    pub(super) fn keep(&mut self, now: Instant, stream: StreamId, payload: Payload) {
        self.drop_old(now);
        self.bytes += payload.bytes.len();
        self.messages.push_back((now, stream, payload));
        while self.messages.len() > MAX_MESSAGES || self.bytes > MAX_BYTES {
            self.drop_oldest();
        }
    }

    fn drop_old(&mut self, now: Instant) {
        while self.messages.front().is_some_and(|(at, ..)| now.saturating_duration_since(*at) > MAX_AGE) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((.., oldest)) = self.messages.pop_front() {
            self.bytes -= oldest.bytes.len();
            self.dropped += 1;
        }
    }

    /// The messages of a stream, in their order. They are kept no longer.
    pub(super) fn take(&mut self, now: Instant, stream: StreamId) -> Vec<Payload> {
        self.drop_old(now);
        if self.messages.is_empty() {
            return Vec::new();
        }
        let (taken, left) =
            std::mem::take(&mut self.messages).into_iter().partition::<Vec<_>, _>(|(_, of, _)| *of == stream);
        self.messages = left.into();
        self.bytes = self.messages.iter().map(|(.., payload)| payload.bytes.len()).sum();
        taken.into_iter().map(|(.., payload)| payload).collect()
    }

    /// Drops the messages of a stream.
    pub(super) fn forget(&mut self, now: Instant, stream: StreamId) {
        self.take(now, stream);
    }

    /// How many messages gave way, since this was called last.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(len: usize, first: u8) -> Payload {
        let mut bytes = vec![0; len];
        bytes[0] = first;
        Payload { bytes: bytes.into(), binary: true }
    }

    #[test]
    fn what_is_old_is_no_news() {
        let (mut early, start) = (Early::default(), Instant::now());
        early.keep(start, 1, payload(10, 1));
        early.keep(start + MAX_AGE, 1, payload(10, 2));
        assert_eq!(early.take(start + MAX_AGE + Duration::from_millis(1), 1).len(), 1);
        assert_eq!((early.bytes, early.take_dropped()), (0, 1));
    }

    #[test]
    fn a_streams_messages_come_in_their_order_and_once() {
        let now = Instant::now();
        let mut early = Early::default();
        for n in 0..6 {
            early.keep(now, u16::from(n) % 2, payload(10, n));
        }
        let firsts = |payloads: Vec<Payload>| payloads.iter().map(|payload| payload.bytes[0]).collect::<Vec<_>>();
        assert_eq!(firsts(early.take(now, 1)), [1, 3, 5]);
        assert!(early.take(now, 1).is_empty());
        early.forget(now, 0);
        assert_eq!((early.messages.len(), early.bytes), (0, 0));
    }

    #[test]
    fn the_oldest_give_way_and_are_counted() {
        let now = Instant::now();
        let mut early = Early::default();
        for n in 0..=MAX_MESSAGES {
            early.keep(now, 1, payload(1, (n % 256) as u8));
        }
        assert_eq!(early.take_dropped(), 1);
        early.keep(now, 2, payload(MAX_BYTES, 7));
        assert_eq!((early.messages.len(), early.take_dropped()), (1, MAX_MESSAGES as u64));
        early.keep(now, 2, payload(MAX_BYTES + 1, 7));
        assert_eq!((early.messages.len(), early.bytes, early.take_dropped()), (0, 0, 2));
    }
}
