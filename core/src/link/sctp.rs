//! Whose SCTP carries a link's channels.

use std::collections::VecDeque;
use std::time::Instant;

use str0m::config::CryptoProvider;
use str0m::{Event, Rtc};

use super::own_sctp::OwnSctp;
use super::str0m_sctp::Str0mSctp;
use super::{LinkError, LinkOutput, StreamId, intercept, seam};
use crate::Delivery;

/// Whose SCTP carries the channels of a link. What is on the wire is the same protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SctpEngine {
    /// str0m's.
    #[default]
    Str0m,
    /// The crate `farwire-sctp`, on trial: it takes lossy messages for lost that come out of order.
    Farwire,
}

impl SctpEngine {
    /// The engine of this name, `farwire` or `str0m`, as the variable `FARWIRE_SCTP` has it.
    pub fn named(name: &str) -> Option<SctpEngine> {
        match name {
            "farwire" => Some(SctpEngine::Farwire),
            "str0m" => Some(SctpEngine::Str0m),
            _ => None,
        }
    }

    pub(super) fn crypto_provider(self) -> CryptoProvider {
        match self {
            SctpEngine::Farwire => seam::crypto_provider(),
            SctpEngine::Str0m => intercept::crypto_provider(),
        }
    }
}

/// The channels of a link.
pub(super) enum Sctp {
    Farwire(Box<OwnSctp>),
    Str0m(Str0mSctp),
}

impl Sctp {
    pub(super) fn open(&mut self, rtc: &mut Rtc, stream: StreamId, delivery: Delivery) -> Result<(), LinkError> {
        match self {
            Sctp::Farwire(own) => own.open(stream, delivery),
            Sctp::Str0m(channels) => channels.open(rtc, stream, delivery),
        }
    }

    pub(super) fn close(&mut self, rtc: &mut Rtc, stream: StreamId) {
        match self {
            Sctp::Farwire(own) => own.close(stream),
            Sctp::Str0m(channels) => channels.close(rtc, stream),
        }
    }

    pub(super) fn is_open(&self, stream: StreamId) -> bool {
        match self {
            Sctp::Farwire(own) => own.is_open(stream),
            Sctp::Str0m(channels) => channels.is_open(stream),
        }
    }

    pub(super) fn has_room(&self, len: usize) -> bool {
        match self {
            Sctp::Farwire(own) => own.has_room(len),
            Sctp::Str0m(_) => true,
        }
    }

    /// Gives a message to SCTP, and says how many bytes it holds for it.
    pub(super) fn write(
        &mut self,
        rtc: &mut Rtc,
        now: Instant,
        stream: StreamId,
        binary: bool,
        bytes: &[u8],
    ) -> Result<usize, LinkError> {
        match self {
            Sctp::Farwire(own) => own.write(now, stream, binary, bytes).map(|()| bytes.len()),
            Sctp::Str0m(channels) => channels.write(rtc, stream, binary, bytes),
        }
    }

    /// Bytes that the far end has not acknowledged.
    pub(super) fn in_flight(&mut self, rtc: &mut Rtc) -> usize {
        match self {
            Sctp::Farwire(own) => own.in_flight(),
            Sctp::Str0m(channels) => channels.in_flight(rtc),
        }
    }

    /// Takes an event of str0m's about channels.
    pub(super) fn handle_event(&mut self, rtc: &mut Rtc, event: Event, outbox: &mut VecDeque<LinkOutput>) {
        if let Sctp::Str0m(channels) = self {
            channels.handle_event(rtc, event, outbox);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if let Sctp::Farwire(own) = self {
            own.handle_timeout(now);
        }
    }
}

#[cfg(test)]
mod tests;
