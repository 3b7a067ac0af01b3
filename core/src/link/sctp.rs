//! Whose SCTP carries a link's channels.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use str0m::config::CryptoProvider;
use str0m::{Event, Rtc};

use super::in_flight::InFlight;
use super::intercept::Interceptor;
use super::layer::crypto_provider;
use super::own_sctp::OwnSctp;
use super::seam::Seam;
use super::str0m_sctp::Str0mSctp;
use super::{LinkError, LinkOutput, StreamId};
use crate::Delivery;

/// Which engine a process is to use, whatever its code says.
const VARIABLE: &str = "FARWIRE_SCTP";

/// As much of a wrong name as is shown, in characters.
const MAX_SHOWN: usize = 32;

/// A name that is no engine's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{VARIABLE} names {0:?}, which is no SCTP: it is \"farwire\" or \"str0m\"")]
pub struct UnknownSctp(String);

/// Whose SCTP carries the channels of a link. What is on the wire is the same protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SctpEngine {
    /// The crate `farwire-sctp`.
    #[default]
    Farwire,
    /// str0m's, to compare with.
    Str0m,
}

impl SctpEngine {
    /// The engine that the variable `FARWIRE_SCTP` asks for; `lookup` reads a variable.
    ///
    /// # Errors
    /// When it names none.
    pub fn from_env(lookup: impl FnOnce(&str) -> Option<String>) -> Result<Option<SctpEngine>, UnknownSctp> {
        match lookup(VARIABLE).as_deref() {
            None | Some("") => Ok(None),
            Some("farwire") => Ok(Some(SctpEngine::Farwire)),
            Some("str0m") => Ok(Some(SctpEngine::Str0m)),
            Some(other) => Err(UnknownSctp(other.chars().take(MAX_SHOWN).collect())),
        }
    }

    pub(super) fn crypto_provider(self) -> CryptoProvider {
        match self {
            SctpEngine::Farwire => crypto_provider::<Seam>(),
            SctpEngine::Str0m => crypto_provider::<Interceptor>(),
        }
    }
}

/// The channels of a link.
pub(super) enum Sctp {
    Farwire(Box<OwnSctp>),
    Str0m(Box<Str0mSctp>),
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

    pub(super) fn has_room(&mut self, stream: StreamId, len: usize, in_flight: &InFlight) -> bool {
        match self {
            Sctp::Farwire(own) => own.has_room(stream, len),
            Sctp::Str0m(channels) => channels.window.has_room(len, in_flight),
        }
    }

    /// Gives a message to SCTP.
    pub(super) fn write(
        &mut self,
        rtc: &mut Rtc,
        now: Instant,
        stream: StreamId,
        binary: bool,
        bytes: Bytes,
        in_flight: &mut InFlight,
    ) -> Result<(), LinkError> {
        match self {
            Sctp::Farwire(own) => in_flight.wrote(own.write(now, stream, binary, bytes)?),
            Sctp::Str0m(channels) => {
                in_flight.wrote(channels.write(rtc, stream, binary, &bytes)?);
                channels.window.wrote(now, in_flight);
            }
        }
        Ok(())
    }

    /// Takes in what the far end has acknowledged.
    pub(super) fn count(&mut self, rtc: &mut Rtc, now: Instant, in_flight: &mut InFlight) {
        match self {
            Sctp::Farwire(own) => in_flight.update(own.in_flight()),
            Sctp::Str0m(channels) => {
                in_flight.update(channels.in_flight(rtc));
                channels.window.update(now, in_flight);
            }
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
