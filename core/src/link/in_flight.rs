//! What was written and is not acknowledged, in bytes and in messages.

use std::collections::VecDeque;

#[derive(Debug, Default)]
pub(super) struct InFlight {
    bytes: usize,
    /// The sizes of the messages, oldest first.
    messages: VecDeque<usize>,
    /// Acknowledged bytes of the first of them.
    partial: usize,
    written: u64,
    acked: u64,
}

impl InFlight {
    /// Bytes written and not yet acknowledged.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Messages written and not yet acknowledged.
    pub(super) fn messages(&self) -> usize {
        self.messages.len()
    }

    /// Bytes written since the beginning.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Bytes acknowledged since the beginning.
    pub(super) fn acked(&self) -> u64 {
        self.acked
    }

    /// Notes that a message of `len` bytes was written.
    pub(super) fn wrote(&mut self, len: usize) {
        self.written += len as u64;
        self.bytes += len;
        self.messages.push_back(len);
    }

    /// Takes in how many bytes are in flight after acknowledgements may have come. They count against the oldest messages,
    /// which is exact but for the order among channels.
    pub(super) fn update(&mut self, bytes: usize) {
        self.partial += self.bytes.saturating_sub(bytes);
        while let Some(first) = self.messages.front().filter(|first| **first <= self.partial) {
            self.partial -= first;
            self.messages.pop_front();
        }
        self.bytes = bytes;
        if bytes == 0 {
            self.messages.clear();
            self.partial = 0;
        }
        self.acked = self.written.saturating_sub(bytes as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledged_bytes_count_against_the_oldest_messages() {
        let mut in_flight = InFlight::default();
        (0..128).for_each(|_| in_flight.wrote(64));
        in_flight.update(127 * 64 - 1);
        assert_eq!((in_flight.messages(), in_flight.bytes(), in_flight.acked()), (127, 127 * 64 - 1, 65));
        in_flight.update(126 * 64);
        assert_eq!((in_flight.messages(), in_flight.written()), (126, 128 * 64));
        in_flight.update(0);
        assert_eq!((in_flight.messages(), in_flight.bytes(), in_flight.acked()), (0, 0, 128 * 64));
    }
}
