//! The channels of a link over `farwire-sctp`, whose packets pass str0m's SCTP at the [seam](super::seam).

use std::collections::{HashMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use farwire_sctp::{Association, Channel, Config, Event, Kind, OpenError, SendError};
use str0m::net::{Protocol, Receive};
use str0m::{Input, Rtc};

use super::early::Early;
use super::seam::{CLOSE, TO_ENCRYPT};
use super::{LinkEnd, LinkError, LinkEvent, LinkOutput, MAX_IN_BAND, MAX_RECEIVED_MESSAGE, State, StreamId};
use crate::{Delivery, Payload, Reliability};

/// How long the end that does not begin waits for the other: both may, and not everybody does.
const PATIENCE: Duration = Duration::from_millis(500);

/// Packets that are given to DTLS between two drains: its queue of what it sends holds 10 records.
const PACKETS_PER_DRAIN: usize = 8;

/// Bytes of small messages that may be unsent: they fill the packets of the next acknowledgement.
const UNSENT: usize = 8 * 1024;

/// What a packet of the link's own says of where it is from and to, which nobody reads.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// The channels, and the association that carries them.
pub(super) struct OwnSctp {
    association: Association,
    channels: HashMap<StreamId, State>,
    /// Channels of which it is not told yet that they are open.
    opening: Vec<StreamId>,
    /// Channels that the far end has opened in band, or the link itself for the far end's sake.
    in_band: Vec<StreamId>,
    /// Messages on streams that are not open here yet.
    early: Early,
    /// The label of the channel that is opened in band once connected.
    label: Option<String>,
    /// Whether this end is the DTLS client.
    is_active: bool,
    connect_at: Option<Instant>,
    /// The far end has closed DTLS.
    pub(super) is_left: bool,
    /// What was refused and is told.
    refused: u64,
    packet: Vec<u8>,
    marked: Vec<u8>,
}

impl OwnSctp {
    /// Everything is drawn by chance from the seed.
    pub(super) fn new(now: Instant, seed: [u8; 32]) -> OwnSctp {
        let mut config = Config::default();
        config.max_message = MAX_RECEIVED_MESSAGE;
        config.max_whole = MAX_RECEIVED_MESSAGE;
        // Connectivity checks tell whether the far end is there.
        (config.heartbeat, config.give_up_after) = (None, None);
        OwnSctp {
            association: Association::new(config, seed, now),
            channels: HashMap::new(),
            opening: Vec::new(),
            in_band: Vec::new(),
            early: Early::default(),
            label: None,
            is_active: false,
            connect_at: None,
            is_left: false,
            refused: 0,
            packet: Vec::new(),
            marked: Vec::new(),
        }
    }

    /// Notes whether this end is the DTLS client.
    pub(super) fn negotiated(&mut self, is_active: bool) {
        self.is_active = is_active;
    }

    /// DTLS is up. The client of DTLS begins.
    pub(super) fn connect(&mut self, now: Instant) {
        match self.is_active {
            true => self.association.connect(now),
            false => self.connect_at = Some(now + PATIENCE),
        }
    }

    pub(super) fn open(&mut self, stream: StreamId, delivery: Delivery) -> Result<(), LinkError> {
        match self.association.open_negotiated(stream, &Channel::new(promise(delivery))) {
            Ok(()) => {
                self.channels.insert(stream, State::Opening);
                self.opening.push(stream);
                Ok(())
            }
            Err(OpenError::InUse(_)) => Err(LinkError::IdInUse(stream)),
            Err(error) => Err(LinkError::Refused(error.to_string())),
        }
    }

    /// Opens a channel in band once connected.
    pub(super) fn open_labelled(&mut self, label: &str) {
        self.label = Some(label.to_owned());
    }

    pub(super) fn close(&mut self, stream: StreamId) {
        if let Some(state) = self.channels.get_mut(&stream) {
            *state = State::Closing;
            self.association.reset(stream);
        }
    }

    pub(super) fn is_open(&self, stream: StreamId) -> bool {
        self.channels.get(&stream) == Some(&State::Open)
    }

    /// A stream has one unsent message, so that what waits behind it can still be replaced by newer state and holds up no
    /// other stream, or several small ones.
    pub(super) fn has_room(&self, stream: StreamId, len: usize) -> bool {
        let is_next = self.association.buffered_amount(stream) == 0;
        (is_next || self.association.unsent() + len <= UNSENT) && self.association.has_room(len)
    }

    /// Gives a message to the association, and says how many bytes it holds for it.
    pub(super) fn write(
        &mut self,
        now: Instant,
        stream: StreamId,
        binary: bool,
        bytes: Bytes,
    ) -> Result<usize, LinkError> {
        if !self.is_open(stream) {
            return Err(LinkError::NotOpen(stream));
        }
        let kind = if binary { Kind::Binary } else { Kind::Text };
        if !binary && std::str::from_utf8(&bytes).is_err() {
            return Err(LinkError::Refused("the text is not UTF-8".into()));
        }
        // An empty message is a byte on the wire.
        let held = bytes.len().max(1);
        self.association.send(now, stream, kind, bytes).map(|()| held).map_err(|error| match error {
            SendError::NotOpen(_) => LinkError::NotOpen(stream),
            SendError::TooLarge { len, max } => LinkError::TooLarge { len, max },
            error => LinkError::Refused(error.to_string()),
        })
    }

    /// Bytes that the far end has not acknowledged.
    pub(super) fn in_flight(&self) -> usize {
        self.association.unacknowledged()
    }

    pub(super) fn is_near(&self) -> bool {
        self.association.is_near()
    }

    /// Takes a packet that DTLS has decrypted.
    pub(super) fn handle_packet(&mut self, now: Instant, packet: &[u8]) {
        self.association.handle_packet(now, packet);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.connect_at.is_some_and(|at| at <= now) {
            self.connect_at = None;
            self.association.connect(now);
        }
        self.association.handle_timeout(now);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.association.poll_timeout().into_iter().chain(self.connect_at).min()
    }

    /// Says what has come and happened since, and how it ended if it did.
    pub(super) fn tell(&mut self, now: Instant, outbox: &mut VecDeque<LinkOutput>) -> Option<LinkEnd> {
        self.notice_opened(now, outbox);
        while let Some(message) = self.association.receive() {
            let binary = message.kind != Kind::Text;
            let payload = Payload { bytes: message.bytes, binary };
            match self.channels.get(&message.stream) {
                Some(_) => outbox.push_back(LinkOutput::Event(LinkEvent::Message(message.stream, payload))),
                None if self.in_band.contains(&message.stream) => {}
                None => self.early.keep(now, message.stream, payload),
            }
        }
        while let Some(event) = self.association.poll_event() {
            match event {
                Event::Connected => {
                    self.connect_at = None;
                    self.open_in_band(now);
                    self.notice_opened(now, outbox);
                }
                Event::Opened(stream, _) if !self.channels.contains_key(&stream) => {
                    self.early.forget(now, stream);
                    match self.in_band.len() < MAX_IN_BAND {
                        true => self.in_band.push(stream),
                        false => self.association.reset(stream),
                    }
                }
                Event::Closed(stream) => {
                    self.in_band.retain(|open| *open != stream);
                    self.opening.retain(|opening| *opening != stream);
                    self.early.forget(now, stream);
                    if self.channels.remove(&stream).is_some() {
                        outbox.push_back(LinkOutput::Event(LinkEvent::Closed(stream)));
                    }
                }
                Event::Ended(why) => return Some(LinkEnd::from(why)),
                _ => {}
            }
        }
        None
    }

    /// Gives packets to DTLS, through str0m. `true`: some, so that there may be more.
    pub(super) fn send(&mut self, now: Instant, rtc: &mut Rtc) -> bool {
        let mut given = 0;
        while given < PACKETS_PER_DRAIN && self.association.poll_packet(now, &mut self.packet) {
            self.marked.clear();
            self.marked.push(TO_ENCRYPT);
            self.marked.extend_from_slice(&self.packet);
            tell_dtls(now, rtc, &self.marked);
            given += 1;
        }
        given > 0
    }

    /// How many packets and chunks were refused, and how many messages on streams that are not open gave way, since this was
    /// called last.
    pub(super) fn take_refused(&mut self) -> u64 {
        let stats = self.association.stats();
        let total = stats.packets_refused + stats.chunks_dropped;
        total - std::mem::replace(&mut self.refused, total) + self.early.take_dropped()
    }

    /// Ends the association at once.
    pub(super) fn abort(&mut self, now: Instant) {
        self.association.abort(now);
    }

    fn open_in_band(&mut self, now: Instant) {
        let Some(label) = self.label.take() else { return };
        // The DTLS client takes even ids, the server odd ones (RFC 8832, section 6).
        let first = u16::from(!self.is_active);
        let free = (first..MAX_IN_BAND as u16 * 2).step_by(2).find(|stream| !self.channels.contains_key(stream));
        if let Some(stream) = free
            && self.association.open(now, stream, &Channel::default().label(label)).is_ok()
        {
            self.in_band.push(stream);
        }
    }

    fn notice_opened(&mut self, now: Instant, outbox: &mut VecDeque<LinkOutput>) {
        if self.opening.is_empty() || !self.association.is_connected() {
            return;
        }
        for stream in self.opening.drain(..) {
            let Some(state @ State::Opening) = self.channels.get_mut(&stream) else { continue };
            *state = State::Open;
            outbox.push_back(LinkOutput::Event(LinkEvent::Opened(stream)));
            for payload in self.early.take(now, stream) {
                outbox.push_back(LinkOutput::Event(LinkEvent::Message(stream, payload)));
            }
        }
    }
}

/// Closes DTLS, and tells the far end.
pub(super) fn close_dtls(now: Instant, rtc: &mut Rtc) {
    tell_dtls(now, rtc, CLOSE);
}

/// Something for the [seam](super::seam). What DTLS does not take is lost, as on the network.
fn tell_dtls(now: Instant, rtc: &mut Rtc, datagram: &[u8]) {
    if let Ok(receive) = Receive::new(Protocol::Udp, NOWHERE, NOWHERE, datagram) {
        let _ = rtc.handle_input(Input::Receive(now, receive));
    }
}

impl From<farwire_sctp::EndReason> for LinkEnd {
    fn from(why: farwire_sctp::EndReason) -> LinkEnd {
        use farwire_sctp::EndReason;
        match why {
            EndReason::Local => LinkEnd::Local,
            EndReason::Remote | EndReason::Aborted(_) => LinkEnd::Remote,
            EndReason::Lost => LinkEnd::Lost,
            EndReason::Violation(violation) => LinkEnd::Breach(violation),
            why => LinkEnd::Failed(why.to_string()),
        }
    }
}

/// A topic's delivery, as SCTP has it.
fn promise(delivery: Delivery) -> farwire_sctp::Delivery {
    use farwire_sctp::Reliability as Partial;
    farwire_sctp::Delivery::reliable().ordered(delivery.ordered).reliability(match delivery.reliability {
        Reliability::Reliable => Partial::Reliable,
        Reliability::MaxRetransmits(times) => Partial::Retransmits(times),
        Reliability::MaxPacketLifeTime(ms) => Partial::Lifetime(Duration::from_millis(ms.into())),
    })
}
