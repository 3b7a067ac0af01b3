//! One transport: a PeerConnection that carries nothing but negotiated DataChannels, over [str0m].
//!
//! A link makes and takes session descriptions, opens and closes channels by their stream ids, and turns messages into
//! datagrams and back. It knows neither topics nor who brings two ends together. Both a client's transport and a session of
//! an SFU are links, in different roles:
//!
//! ```text
//!   client: new ── offer ──────────▶ accept_answer ─┐
//!   server: new ── offer_channel ──▶ accept_answer ─┼─▶ handle_* / poll … Connected … open / write … close
//!   either: new ── answer ──────────────────────────┘
//! ```
//!
//! ICE, DTLS and session descriptions are str0m's; SCTP is `farwire-sctp`'s, or str0m's as well ([`SctpEngine`]). The link
//! feeds str0m no more datagrams between two drains than its DTLS queue holds. It keeps little unsent inside SCTP, so that
//! what waits can still be replaced by newer state: whoever writes asks [`Link::has_room`] before. It ends when the far end does
//! what no sender does that keeps SCTP's rules ([`LinkEnd::Breach`], [`LinkEnd::Violation`]).
//!
//! [str0m]: https://docs.rs/str0m

mod check;
mod chunks;
mod codecs;
mod cork;
mod early;
mod empty;
mod error;
mod event;
mod guard;
mod in_flight;
mod intercept;
mod layer;
mod local;
mod negotiation;
mod own_sctp;
mod round_trip;
mod sctp;
mod seam;
mod sections;
mod str0m_sctp;
mod transport;
mod window;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sha1::{Digest, Sha1};
use str0m::change::SdpPendingOffer;
use str0m::config::DtlsCert;
use str0m::net::{Protocol, Receive, Transmit};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig};

pub use self::check::{Check, connectivity_check, is_stun};
use self::cork::Cork;
pub use self::error::LinkError;
pub use self::event::{LinkEnd, LinkEvent, LinkOutput};
pub use self::guard::Violation;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use self::guard::probe::GuardProbe;
use self::in_flight::InFlight;
use self::own_sctp::OwnSctp;
use self::round_trip::RoundTrip;
use self::sctp::Sctp;
pub use self::sctp::{SctpEngine, UnknownSctp};
use self::sections::FarEnd;
use self::str0m_sctp::{Str0mSctp, channel_config};

pub use self::local::LocalAddress;
use crate::Delivery;

/// The SCTP stream id of a channel. Ids belong to one link.
pub type StreamId = u16;

/// The largest message that a link receives, in bytes, as it tells its peer.
pub const MAX_RECEIVED_MESSAGE: usize = 256 * 1024;

/// What a peer that does not say receives at most, in bytes (RFC 8841).
const DEFAULT_MAX_MESSAGE: usize = 64 * 1024;

/// The negotiated channel of the offer, so that the SCTP section exists; DimOS uses the same id.
pub const PLACEHOLDER: StreamId = 100;

/// Channels that the far end may have opened in band, or the link itself for the far end's sake. No message of theirs is
/// read; further ones are closed. Streams that it makes up without opening them str0m does not show.
const MAX_IN_BAND: usize = 16;

/// Datagrams that str0m takes between two drains: its DTLS queue holds 30.
const INPUTS_PER_DRAIN: u32 = 16;

/// How far str0m's time may lag behind at a write: its timers run this much short, and telling it costs a tenth of a
/// message.
const TOLD_OFTEN_ENOUGH: Duration = Duration::from_millis(5);

/// What str0m may buffer at most. The window keeps far below; this only has to hold one message more.
const STR0M_BUFFER: usize = 4 * 1024 * 1024;

/// A certificate that several links of one process can share.
#[derive(Clone)]
pub struct Certificate(DtlsCert);

impl Certificate {
    /// Makes a fresh self-signed ECDSA certificate; `None` if the crypto library cannot.
    pub fn generate() -> Option<Certificate> {
        str0m::crypto::from_feature_flags().dtls_provider.generate_certificate().map(Certificate)
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificate")
    }
}

/// Which end of the connection a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Offers, checks connectivity, and collects small writes of a flood into packets.
    Client,
    /// Answers from a public address (ICE lite), or offers from there. It does not end because the contact is lost, since
    /// it comes back with the client's next connectivity check, from whatever address: how long to wait is the owner's
    /// to say.
    Server,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Opening,
    Open,
    Closing,
}

/// One PeerConnection. See the [module](self) for its life.
pub struct Link {
    rtc: Rtc,
    role: Role,
    local: LocalAddress,
    pending: Option<SdpPendingOffer>,
    /// As its latest description says.
    far_end: Option<FarEnd>,
    /// The data's section, as str0m knows it; the far end's descriptions may call it something else.
    mid: Option<String>,
    sctp: Sctp,
    max_message: usize,
    in_flight: InFlight,
    cork: Cork,
    round_trip: RoundTrip,
    outbox: VecDeque<LinkOutput>,
    /// Datagrams fed since the last drain.
    undrained: u32,
    /// str0m may have output that does not wait for the cork.
    dirty: bool,
    deadline: Option<Instant>,
    /// The latest time that str0m was told.
    told: Instant,
    is_interrupted: bool,
    /// The far end is only where this link's socket cannot send.
    is_apart: bool,
    /// Packets that were kept from SCTP and are not told yet.
    refused: u64,
    /// [`Link::close`] was called.
    is_closing: bool,
    ended: bool,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("local", &self.local).finish_non_exhaustive()
    }
}

impl Link {
    /// A link that sends from and receives on `local`, the address of a UDP socket. A client's may be any address that
    /// the socket could have: the far end learns the real one from the connectivity checks.
    pub fn new(role: Role, local: impl Into<LocalAddress>, certificate: Option<Certificate>, now: Instant) -> Link {
        Link::with(SctpEngine::default(), role, local, certificate, now)
    }

    /// [`Link::new`] over the SCTP of somebody's.
    pub fn with(
        engine: SctpEngine,
        role: Role,
        local: impl Into<LocalAddress>,
        certificate: Option<Certificate>,
        now: Instant,
    ) -> Link {
        let local = local.into();
        let mut config = RtcConfig::new()
            .set_crypto_provider(Arc::new(engine.crypto_provider()))
            .clear_codecs()
            .set_sctp_max_buffered_amount(STR0M_BUFFER)
            .set_sctp_max_message_size(MAX_RECEIVED_MESSAGE as u32)
            .set_ice_lite(role == Role::Server);
        // Contact lost is noticed after 4.5 s instead of str0m's 21.5 s.
        config.set_initial_stun_rto(Duration::from_millis(250));
        config.set_max_stun_rto(Duration::from_secs(1));
        config.set_max_stun_retransmits(5);
        let certificate = certificate.or_else(Certificate::generate);
        if let Some(Certificate(certificate)) = &certificate {
            config = config.set_dtls_cert(certificate.clone());
        }
        let mut rtc = config.build(now);
        let sctp = match engine {
            SctpEngine::Farwire => Sctp::Farwire(Box::new(OwnSctp::new(now, seed(&mut rtc, certificate.as_ref())))),
            SctpEngine::Str0m => Sctp::Str0m(Box::new(Str0mSctp::new(now))),
        };
        if let Ok(candidate) = Candidate::host(local.offered(), "udp") {
            rtc.add_local_candidate(candidate);
        }
        Link {
            rtc,
            role,
            local,
            pending: None,
            far_end: None,
            mid: None,
            sctp,
            max_message: DEFAULT_MAX_MESSAGE,
            in_flight: InFlight::default(),
            cork: Cork::new(now),
            round_trip: RoundTrip::default(),
            outbox: VecDeque::new(),
            undrained: 0,
            dirty: true,
            deadline: None,
            told: now,
            is_interrupted: false,
            is_apart: false,
            refused: 0,
            is_closing: false,
            ended: false,
        }
    }

    /// The ICE user fragment by which STUN messages name this link.
    pub fn local_ufrag(&mut self) -> String {
        self.rtc.direct_api().local_ice_credentials().ufrag
    }

    /// Opens a channel on a negotiated stream id, which both ends do. [`LinkEvent::Opened`] follows.
    ///
    /// # Errors
    /// [`LinkError::IdInUse`] while a channel with this id exists, opened here or by the far end.
    pub fn open(&mut self, now: Instant, stream: StreamId, delivery: Delivery) -> Result<(), LinkError> {
        self.sctp.open(&mut self.rtc, stream, delivery)?;
        self.tell_time(now);
        self.dirty = true;
        Ok(())
    }

    /// Closes a channel at both ends. [`LinkEvent::Closed`] follows; the id is not free before.
    pub fn close_channel(&mut self, stream: StreamId) {
        self.sctp.close(&mut self.rtc, stream);
        self.dirty = true;
    }

    /// Whether a message of `len` bytes may be written to a channel now. One that may not is to wait in a queue of the caller's.
    pub fn has_room(&mut self, stream: StreamId, len: usize) -> bool {
        self.sctp.has_room(stream, len, &self.in_flight)
    }

    /// Gives a message to SCTP, which sends it at the next [`Link::poll`]s.
    ///
    /// # Errors
    /// [`LinkError::NotOpen`], [`LinkError::TooLarge`], or [`LinkError::Refused`] when SCTP cannot take it.
    pub fn write(&mut self, now: Instant, stream: StreamId, binary: bool, bytes: Bytes) -> Result<(), LinkError> {
        if bytes.len() > self.max_message {
            return Err(LinkError::TooLarge { len: bytes.len(), max: self.max_message });
        }
        // Timers of str0m's SCTP run on the time that it was told last.
        if now.saturating_duration_since(self.told) > TOLD_OFTEN_ENOUGH {
            self.tell_time(now);
        }
        let len = bytes.len();
        self.sctp.write(&mut self.rtc, now, stream, binary, bytes, &mut self.in_flight)?;
        match self.role {
            Role::Client => self.cork.wrote(now, len),
            Role::Server => self.dirty = true,
        }
        Ok(())
    }

    /// Sends what was written at the next [`Link::poll`], without waiting for more to share its packet.
    pub fn flush(&mut self) {
        self.dirty = true;
    }

    /// Whether a channel can be written to.
    pub fn is_open(&self, stream: StreamId) -> bool {
        self.sctp.is_open(stream)
    }

    /// Whether the contact with the far end is lost, for now at least: there was no connectivity check for about 15 s.
    pub fn is_interrupted(&self) -> bool {
        self.is_interrupted
    }

    /// Whether the answer named only addresses in an IP version that the link's socket does not have.
    pub fn is_apart(&self) -> bool {
        self.is_apart
    }

    /// The largest message, in bytes, that the far end receives; 64 KiB until its SDP is known.
    pub fn max_message(&self) -> usize {
        self.max_message
    }

    /// Bytes written that the far end has not acknowledged yet.
    pub fn in_flight(&self) -> usize {
        self.in_flight.bytes()
    }

    /// Messages written that the far end has not acknowledged yet.
    pub fn messages_in_flight(&self) -> usize {
        self.in_flight.messages()
    }

    /// How many packets of the far end SCTP has not got, since this was called last: they came too far after data that is
    /// missing, or were too many. Counted within a second.
    pub fn take_refused(&mut self) -> u64 {
        match &mut self.sctp {
            Sctp::Farwire(own) => own.take_refused(),
            Sctp::Str0m(_) => std::mem::take(&mut self.refused),
        }
    }

    /// Whether the far end was less than 2 ms away of late, there and back; `false` as well where SCTP does not say.
    pub fn is_near(&self) -> bool {
        match &self.sctp {
            Sctp::Farwire(own) => own.is_near(),
            Sctp::Str0m(_) => false,
        }
    }

    /// What the latest connectivity check took to the far end and back; `None` before the first, and for a server, which
    /// sends none.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip.latest()
    }

    /// Bytes that the far end has acknowledged, or the transport has given up, since the beginning.
    pub fn acked(&self) -> u64 {
        self.in_flight.acked()
    }

    /// Takes a datagram from the link's socket. `false`: it is not for this link, or not one that WebRTC knows.
    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> bool {
        let local = self.local.facing(source);
        let Ok(receive) = Receive::new(Protocol::Udp, source, local, datagram) else { return false };
        let input = Input::Receive(now, receive);
        if self.ended || seam::is_posing(datagram) || !self.rtc.accepts(&input) {
            return false;
        }
        self.told = self.told.max(now);
        self.dirty = true;
        // An error here is about this datagram; one that is fatal shows in `is_alive` or the next drain.
        let understood = self.rtc.handle_input(input).is_ok();
        if understood {
            self.round_trip.received(now, datagram);
        }
        self.undrained += 1;
        if self.undrained >= INPUTS_PER_DRAIN {
            self.drain(now);
        }
        understood
    }

    /// To be called when the time that [`Link::poll`] named has come; harmless at any other time.
    pub fn handle_timeout(&mut self, now: Instant) {
        if !self.ended && self.deadline.is_some_and(|deadline| deadline <= now) {
            self.tell_time(now);
            self.sctp.handle_timeout(now);
            self.dirty = true;
        }
    }

    /// Says what is to be done. Call it until it answers [`LinkOutput::WaitUntil`] after anything that was called here.
    pub fn poll(&mut self, now: Instant) -> LinkOutput {
        loop {
            if let Some(output) = self.outbox.pop_front() {
                return output;
            }
            let corked = self.cork.deadline();
            if self.dirty || corked.is_some_and(|at| at <= now) {
                self.drain(now);
                continue;
            }
            return LinkOutput::WaitUntil(match (self.deadline, corked) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            });
        }
    }

    /// Ends the connection and tells the far end; [`Link::poll`] has its last datagrams.
    pub fn close(&mut self, now: Instant) {
        if !self.ended {
            self.is_closing = true;
            match &mut self.sctp {
                Sctp::Farwire(own) => {
                    own.abort(now);
                    self.drain(now);
                }
                Sctp::Str0m(_) => {
                    // Fails only on a transport that is already beyond use.
                    let _ = self.rtc.close();
                    self.drain(now);
                }
            }
            self.end(LinkEnd::Local);
        }
    }

    fn tell_time(&mut self, now: Instant) {
        self.told = self.told.max(now);
        if let Err(error) = self.rtc.handle_input(Input::Timeout(now)) {
            self.fail(now, &error.to_string());
        }
    }

    /// str0m cannot go on, or is not to.
    fn fail(&mut self, now: Instant, error: &str) {
        let Some(violation) = intercept::violation(error) else { return self.end(LinkEnd::Failed(error.to_owned())) };
        // The far end is told that it is over; of its own it would not stop sending.
        let _ = self.rtc.close();
        self.send_closing(now);
        self.end(LinkEnd::Violation(violation));
    }

    /// Sends what str0m has left: that it closes.
    fn send_closing(&mut self, now: Instant) {
        while let Ok(Output::Transmit(transmit)) = self.rtc.poll_output() {
            self.transmit(now, transmit);
        }
    }

    fn transmit(&mut self, now: Instant, transmit: Transmit) {
        if let Sctp::Farwire(own) = &mut self.sctp {
            match seam::decrypted(&transmit.contents) {
                Some(packet) => own.handle_packet(now, packet),
                None if seam::is_farewell(&transmit.contents) => own.is_left = true,
                None => self.outbox.push_back(LinkOutput::Transmit(transmit.destination, transmit.contents.into())),
            }
            return;
        }
        match intercept::report(&transmit.contents) {
            Some(dropped) => self.refused += dropped,
            None => self.outbox.push_back(LinkOutput::Transmit(transmit.destination, transmit.contents.into())),
        }
    }

    /// Moves everything that str0m and SCTP have into the outbox.
    fn drain(&mut self, now: Instant) {
        self.undrained = 0;
        self.dirty = false;
        self.cork.flushed();
        let mut over = None;
        loop {
            self.drain_str0m(now);
            let Sctp::Farwire(own) = &mut self.sctp else { break };
            if self.ended {
                break;
            }
            over = over.or(own.tell(now, &mut self.outbox));
            if own.send(now, &mut self.rtc) {
                self.told = self.told.max(now);
                continue;
            }
            self.deadline = self.deadline.into_iter().chain(own.deadline()).min();
            let over = over.or(own.is_left.then_some(LinkEnd::Remote));
            if let Some(over) = over {
                own_sctp::close_dtls(now, &mut self.rtc);
                self.send_closing(now);
                self.end(over);
            }
            break;
        }
        self.count_in_flight(now);
        if !self.rtc.is_alive() {
            self.end(LinkEnd::Remote);
        }
    }

    fn drain_str0m(&mut self, now: Instant) {
        while !self.ended {
            match self.rtc.poll_output() {
                Ok(Output::Transmit(transmit)) => {
                    self.round_trip.sent(now, &transmit.contents);
                    self.transmit(now, transmit);
                }
                Ok(Output::Event(event)) => self.translate(now, event),
                Ok(Output::Timeout(at)) => {
                    // str0m says a hundred years for "never".
                    let never = now + Duration::from_secs(365 * 86_400);
                    self.deadline = Some(at).filter(|at| *at < never);
                    break;
                }
                Err(error) => self.fail(now, &error.to_string()),
            }
        }
        if let Sctp::Str0m(channels) = &mut self.sctp {
            channels.notice_opened(&mut self.rtc, &mut self.outbox);
        }
    }

    fn translate(&mut self, now: Instant, event: Event) {
        match event {
            Event::Connected => {
                if let Sctp::Farwire(own) = &mut self.sctp {
                    own.connect(now);
                }
                self.outbox.push_back(LinkOutput::Event(LinkEvent::Connected));
            }
            Event::IceConnectionStateChange(state) => match state {
                IceConnectionState::Disconnected if self.role == Role::Client => self.end(LinkEnd::Lost),
                IceConnectionState::Disconnected => self.is_interrupted = true,
                IceConnectionState::Connected | IceConnectionState::Completed => self.is_interrupted = false,
                _ => {}
            },
            Event::Closed => {
                self.send_closing(now);
                self.end(LinkEnd::Remote);
            }
            event => self.sctp.handle_event(&mut self.rtc, event, &mut self.outbox),
        }
    }

    fn count_in_flight(&mut self, now: Instant) {
        if self.in_flight.bytes() > 0 {
            self.sctp.count(&mut self.rtc, now, &mut self.in_flight);
        }
    }

    fn end(&mut self, why: LinkEnd) {
        if !self.ended {
            let why = if self.is_closing { LinkEnd::Local } else { why };
            self.ended = true;
            self.deadline = None;
            self.dirty = false;
            self.cork.flushed();
            self.rtc.disconnect();
            self.outbox.push_back(LinkOutput::Event(LinkEvent::Ended(why)));
        }
    }
}

/// What SCTP draws by chance, from what str0m has drawn: nobody else knows the key.
fn seed(rtc: &mut Rtc, certificate: Option<&Certificate>) -> [u8; 32] {
    let credentials = rtc.direct_api().local_ice_credentials();
    let mut seed = [0; 32];
    for (half, part) in seed.chunks_exact_mut(16).enumerate() {
        let mut digest = Sha1::new().chain_update([half as u8]).chain_update(&credentials.ufrag);
        digest.update(&credentials.pass);
        if let Some(Certificate(certificate)) = certificate {
            digest.update(&certificate.private_key);
        }
        part.copy_from_slice(&digest.finalize()[..16]);
    }
    seed
}
