//! One end of an association: what it has, and what its users call.

mod arrivals;
mod channels;
mod departures;
mod handshake;
mod input;
mod output;
mod resets;
mod sending;
mod state;
mod timers;

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use self::resets::Resets;
use self::state::{Acks, Controls, Peer, Phase, Timers};
use crate::allowance::Allowance;
use crate::congestion::{Controller, controller};
use crate::cookie::Secret;
use crate::receive::{Assembly, Inbox, Notice, Tsns};
use crate::send::{Flight, Outbox, RoundTrip};
use crate::wire::{DATA_HEADER, Init};
use crate::{Channel, Config, Delivery, EndReason, Event, Kind, OpenError, Part, Priority, Received, SendError, Stats};

/// One end of an SCTP association.
///
/// After any call: take packets with [`poll_packet`](Self::poll_packet) until there are none, then events with
/// [`poll_event`](Self::poll_event), and call [`handle_timeout`](Self::handle_timeout) at [`poll_timeout`](Self::poll_timeout).
/// Time never goes back; an earlier one counts as the latest.
#[derive(Debug)]
pub struct Association {
    config: Config,
    now: Instant,
    phase: Phase,
    secret: Secret,
    /// What this end says of itself.
    local: Init,
    peer: Option<Peer>,
    controls: Controls,
    timers: Timers,
    events: VecDeque<Event>,
    stats: Stats,
    max_send: usize,

    outbox: Outbox,
    flight: Flight,
    trip: RoundTrip,
    control: Box<dyn Controller>,
    /// Room at the far end, as it said last.
    peer_window: usize,
    /// One packet goes out whatever the window says.
    is_probing: bool,
    /// Everything in flight was taken for lost, and nothing has come since.
    has_timed_out: bool,
    /// The window was made smaller last because of a probe that seemed to be needed.
    has_cut_for_probe: bool,
    /// Something was refused for want of room.
    wants_room: bool,
    /// The far end is to be told what is given up.
    owes_forward: bool,
    /// When the next packet may go, where packets are spread over time.
    paced_until: Instant,

    tsns: Tsns,
    assembly: Assembly,
    inbox: Inbox,
    acks: Acks,
    was_readable: bool,
    drops: Allowance,
    control_chunks: Allowance,

    resets: Resets,
}

impl Association {
    /// An end that is not connected and waits for the far end to begin. All that is drawn by chance comes from the seed, which
    /// is to be secret, and another one for each association.
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Association {
        let mut config = config;
        config.max_packet = config.max_packet.clamp(256, 65_000) & !3;
        config.receive_buffer = config.receive_buffer.clamp(64 * 1024, 1 << 30);
        config.max_whole = config.max_whole.min(config.receive_buffer / 4);
        let secret = Secret::new(seed);
        let local = Init {
            tag: secret.number("tag").max(1),
            window: config.receive_buffer as u32,
            outbound: u16::MAX,
            inbound: u16::MAX,
            tsn: secret.number("tsn"),
            partial_reliability: true,
            reconfig: true,
            interleaving: config.interleaving,
            zero_checksum: config.zero_checksum,
        };
        Association {
            now,
            phase: Phase::Closed,
            peer: None,
            controls: Controls::default(),
            timers: Timers::default(),
            events: VecDeque::new(),
            stats: Stats::default(),
            max_send: usize::MAX,
            outbox: Outbox::new(),
            flight: Flight::new(local.tsn, DATA_HEADER),
            trip: RoundTrip::new(&config, now),
            control: controller(&config, now),
            peer_window: 0,
            is_probing: false,
            has_timed_out: false,
            has_cut_for_probe: false,
            wants_room: false,
            owes_forward: false,
            paced_until: now,
            tsns: Tsns::new(0),
            assembly: Assembly::new(config.max_message, config.max_whole),
            inbox: Inbox::new(config.max_streams),
            acks: Acks::default(),
            was_readable: false,
            drops: Allowance::new(4 * config.receive_buffer as u64, config.receive_buffer as u64, now),
            control_chunks: Allowance::new(8192, 1024, now),
            resets: Resets::new(local.tsn),
            local,
            secret,
            config,
        }
    }

    /// Begins the association. In WebRTC both ends do; one of them is enough.
    pub fn connect(&mut self, now: Instant) {
        self.tell_time(now);
        self.begin();
    }

    /// Takes what came inside one DTLS record. What is no packet of this association is counted and dropped.
    pub fn handle_packet(&mut self, now: Instant, packet: &[u8]) {
        self.tell_time(now);
        self.take_packet(packet);
    }

    /// To be called when the time of [`poll_timeout`](Self::poll_timeout) has come; harmless at any other time.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.tell_time(now);
        self.run_timers();
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called at the latest, if nothing happens before. After it,
    /// there may be packets. `None`: no timer is running.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Writes the next packet to be sent into `packet`, in place of what is there: the contents of one DTLS record, of at most
    /// [`max_packet`](Config::max_packet) bytes. `false` and nothing written: none for now.
    pub fn poll_packet(&mut self, now: Instant, packet: &mut Vec<u8>) -> bool {
        self.tell_time(now);
        packet.clear();
        let has_written = self.write_packet(packet);
        if has_written {
            self.stats.packets_sent += 1;
            self.stats.bytes_sent += packet.len() as u64;
        }
        has_written
    }

    /// What happened since, in its order.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Opens a stream for sending that the far end opens as well, without a word on the wire; before or after the association is
    /// connected. Only sending needs it: messages are received on any stream.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_negotiated(&mut self, stream: u16, channel: &Channel) -> Result<(), OpenError> {
        self.open_stream(stream, channel)
    }

    /// Opens a stream and tells the far end what it is (RFC 8832). Messages may be sent at once. Of the two ends, the DTLS client
    /// takes even ids and the server odd ones.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&mut self, now: Instant, stream: u16, channel: &Channel) -> Result<(), OpenError> {
        self.tell_time(now);
        self.open_stream(stream, channel)?;
        self.announce(stream, channel);
        Ok(())
    }

    /// Gives a message to be sent as its stream was opened, in the order of the calls for ordered ones.
    ///
    /// # Errors
    /// [`SendError`]: the message was not taken.
    pub fn send(&mut self, now: Instant, stream: u16, kind: Kind, bytes: Bytes) -> Result<(), SendError> {
        self.tell_time(now);
        self.send_whole(stream, kind, bytes, None)
    }

    /// Like [`send`](Self::send), but delivered like this.
    ///
    /// # Errors
    /// [`SendError`]: the message was not taken.
    pub fn send_with(
        &mut self,
        now: Instant,
        stream: u16,
        kind: Kind,
        bytes: Bytes,
        delivery: Delivery,
    ) -> Result<(), SendError> {
        self.tell_time(now);
        self.send_whole(stream, kind, bytes, Some(delivery))
    }

    /// Gives a part of a message, so that a large one need not be in memory: [`Part::First`], any number of [`Part::Middle`],
    /// [`Part::Last`], or [`Part::Aborted`] instead of what is missing. Parts of one message follow each other on its stream; those
    /// of different streams may alternate. Without [interleaving](Stats::interleaving), a message that has begun holds up all
    /// streams until its last part is there. Of a message that was given up meanwhile, parts are taken and dropped. Not before the
    /// association is connected.
    ///
    /// # Errors
    /// [`SendError`]: the part was not taken.
    pub fn send_part(
        &mut self,
        now: Instant,
        stream: u16,
        kind: Kind,
        part: Part,
        bytes: Bytes,
    ) -> Result<(), SendError> {
        self.tell_time(now);
        self.send_one_part(stream, kind, part, bytes)
    }

    /// Takes the next message, or the next part of a large one: ordered messages of a stream in their order. What is not taken fills
    /// the window, and the far end waits.
    pub fn receive(&mut self) -> Option<Received> {
        let mut notices = Vec::new();
        let received = self.inbox.take(&mut notices);
        self.received(notices);
        received
    }

    /// Takes the next message of this stream alone. Messages of others stay, in their order.
    pub fn receive_from(&mut self, stream: u16) -> Option<Received> {
        let mut notices = Vec::new();
        let received = self.inbox.take_from(stream, &mut notices);
        self.received(notices);
        received
    }

    /// Ends sending on a stream once what was sent before is out, and with it the channel: the far end is to reset its direction
    /// as well. [`Event::ResetDone`] and [`Event::Closed`] follow.
    pub fn reset(&mut self, stream: u16) {
        self.close_stream(stream);
    }

    /// Ends the association once everything is acknowledged. Nothing more can be sent.
    pub fn shutdown(&mut self, now: Instant) {
        self.tell_time(now);
        self.begin_shutdown();
    }

    /// Ends the association at once; one last packet tells the far end.
    pub fn abort(&mut self, now: Instant) {
        self.tell_time(now);
        self.end(EndReason::Local);
    }

    /// The largest message, in bytes, that the far end takes, as its SDP says; without a limit before this is called.
    pub fn set_max_send(&mut self, max: usize) {
        self.max_send = max;
    }

    /// When [`buffered_amount`](Self::buffered_amount) falls from above to this, [`Event::BufferedAmountLow`] says so. It is 0 at
    /// first.
    pub fn set_buffered_amount_low_threshold(&mut self, stream: u16, threshold: usize) {
        if let Some(stream) = self.outbox.streams.get_mut(stream) {
            stream.low = threshold;
        }
    }

    /// Changes who goes first, for what is not yet sent.
    pub fn set_priority(&mut self, stream: u16, priority: Priority) {
        self.outbox.set_priority(stream, priority);
    }

    /// Bytes that wait on the stream and of which no packet was made.
    pub fn buffered_amount(&self, stream: u16) -> usize {
        self.outbox.streams.get(stream).map_or(0, |stream| stream.queued)
    }

    /// Bytes that wait and of which no packet was made, over all streams, each message with 64 of overhead.
    pub fn unsent(&self) -> usize {
        self.outbox.charge()
    }

    /// Bytes that were given to be sent and are not acknowledged, over all streams.
    pub fn unacknowledged(&self) -> usize {
        self.outbox.queued + self.flight.payload()
    }

    /// Whether a message of `len` bytes would be taken. Anything is when nothing is waiting.
    pub fn has_room(&self, len: usize) -> bool {
        let used = self.outbox.charge() + self.flight.charge();
        used == 0 || used + len + crate::send::OVERHEAD <= self.config.send_buffer
    }

    /// Whether a round trip has taken less than 2 ms of late, as on a LAN.
    pub fn is_near(&self) -> bool {
        self.trip.is_near()
    }

    /// Whether everything that was given is acknowledged or given up.
    pub fn is_flushed(&self) -> bool {
        self.outbox.is_empty() && self.flight.is_empty()
    }

    /// Whether both ends have agreed, and it is not over.
    pub fn is_connected(&self) -> bool {
        !matches!(self.phase, Phase::Closed | Phase::CookieWait | Phase::CookieEchoed | Phase::Ended)
    }

    /// Whether it is over.
    pub fn is_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// How many streams there are in our direction; 65,535 before the far end has said.
    pub fn streams(&self) -> u16 {
        self.peer.as_ref().map_or(u16::MAX, |peer| peer.streams)
    }

    /// The counters, and how things are now.
    pub fn stats(&self) -> Stats {
        Stats {
            messages_abandoned: self.flight.abandoned,
            messages_expired: self.outbox.expired + self.stats.messages_expired,
            messages_skipped: self.inbox.skipped,
            messages_received: self.inbox.received,
            round_trip: self.trip.smoothed(),
            min_round_trip: self.trip.least(),
            rto: self.trip.timeout(self.flight.is_thin()),
            peer_ack_delay: self.trip.ack_delay(),
            window: self.window(),
            in_flight: self.flight.in_flight(),
            peer_window: self.peer_window,
            own_window: self.own_window(),
            queued: self.outbox.queued,
            held: self.held(),
            interleaving: self.outbox.interleaving,
            zero_checksum: self.peer.as_ref().is_some_and(|peer| peer.zero_checksum),
            ..self.stats
        }
    }

    fn tell_time(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Memory that the far end's data takes, as it counts in the window.
    fn held(&self) -> usize {
        self.assembly.held() + self.inbox.held()
    }

    fn own_window(&self) -> usize {
        let room = self.config.receive_buffer.saturating_sub(self.held());
        // A window that takes no packet is none.
        if room < self.config.max_packet { 0 } else { room }
    }

    /// Something was taken from the inbox.
    fn received(&mut self, notices: Vec<Notice>) {
        for notice in notices {
            self.tell(notice);
        }
        self.was_readable &= self.inbox.has_ready();
        // A window that was nearly closed is told as soon as it is open again.
        let window = self.own_window();
        if self.acks.told_window < self.config.receive_buffer / 4
            && window >= self.acks.told_window + self.config.receive_buffer / 4
            && self.is_connected()
        {
            self.acks.is_due = true;
        }
    }

    /// It is over. A last packet tells the far end, unless that knows.
    fn end(&mut self, why: EndReason) {
        if self.phase == Phase::Ended {
            return;
        }
        self.controls.farewell = self.farewell(&why);
        self.phase = Phase::Ended;
        self.timers = Timers::default();
        self.events.push_back(Event::Ended(why));
    }
}
