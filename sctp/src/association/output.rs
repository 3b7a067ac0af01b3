//! Packets: what goes into the next one.

use std::time::Duration;

use super::Association;
use super::state::Phase;
use crate::wire::{
    BEGIN, CHUNK_HEADER, COMMON_HEADER, COOKIE_ACK, COOKIE_ECHO, DATA, DATA_HEADER, END, FORWARD_TSN, Forward,
    HEARTBEAT, I_DATA, I_DATA_HEADER, I_FORWARD_TSN, INIT, INIT_ACK, RECONFIG, SACK, SHUTDOWN, SHUTDOWN_ACK, Writer,
    write_init, write_sack,
};

/// What packets that are spread over time may be ahead of it, so that not each needs a timer of its own.
const PACE_AHEAD: Duration = Duration::from_millis(1);

/// Gaps that an acknowledgement tells of at most.
const MAX_GAPS: usize = 256;

impl Association {
    pub(super) fn write_packet(&mut self, packet: &mut Vec<u8>) -> bool {
        let (port, max) = (self.config.port, self.config.max_packet);
        if let Some((tag, kind, flags, value)) = self.controls.farewell.take() {
            let mut writer = Writer::new(packet, max, port, tag);
            writer.put(kind, flags, &value);
            writer.finish(true);
            return true;
        }
        if self.phase == Phase::Ended {
            return false;
        }
        if let Some((tag, value)) = self.controls.init_ack.take() {
            let mut writer = Writer::new(packet, max, port, tag);
            writer.put(INIT_ACK, 0, &value);
            if self.phase == Phase::Closed {
                self.controls.handshake_sent = Some(self.now);
            }
            writer.finish(true);
            return true;
        }
        if std::mem::take(&mut self.controls.init) {
            let mut writer = Writer::new(packet, max, port, 0);
            writer.put(INIT, 0, &write_init(&self.local, None));
            writer.finish(true);
            return true;
        }
        let Some(peer) = &self.peer else { return false };
        let (tag, zero_checksum) = (peer.tag, peer.zero_checksum);
        if std::mem::take(&mut self.controls.cookie_echo)
            && let Some(cookie) = &self.controls.cookie
        {
            let mut writer = Writer::new(packet, max.max(COMMON_HEADER + CHUNK_HEADER + cookie.len() + 3), port, tag);
            writer.put(COOKIE_ECHO, 0, cookie);
            writer.finish(true);
            return true;
        }
        if !self.is_connected() {
            return false;
        }
        let mut writer = Writer::new(packet, max, port, tag);
        self.write_controls(&mut writer);
        let last_data = self.write_data(&mut writer);
        if writer.is_empty() {
            packet.clear();
            return false;
        }
        if let Some(flags) = last_data {
            writer.ask_at_once(flags);
        }
        writer.finish(!zero_checksum);
        true
    }

    /// Everything but data.
    fn write_controls(&mut self, writer: &mut Writer<'_>) {
        if std::mem::take(&mut self.controls.cookie_ack) {
            writer.put(COOKIE_ACK, 0, &[]);
        }
        // Data that is about to go carries what is owed.
        if self.acks.is_due || self.acks.packets > 0 && self.is_about_to_send() {
            self.write_ack(writer);
        }
        while let Some((kind, value)) = self.controls.replies.front() {
            if value.len() + CHUNK_HEADER + 3 > writer.room() {
                break;
            }
            writer.put(*kind, 0, value);
            self.controls.replies.pop_front();
        }
        if self.resets.is_due() {
            // It fits a packet that has nothing else.
            if writer.is_empty() || writer.room() >= self.config.max_packet / 2 {
                let value = self.resets.write();
                writer.put(RECONFIG, 0, &value);
            }
        }
        if self.owes_forward {
            self.write_forward(writer);
        }
        if std::mem::take(&mut self.controls.shutdown) {
            writer.put(SHUTDOWN, 0, &self.tsns.cumulative().to_be_bytes());
        }
        if std::mem::take(&mut self.controls.shutdown_ack) {
            writer.put(SHUTDOWN_ACK, 0, &[]);
        }
        if std::mem::take(&mut self.controls.heartbeat) {
            let sent = self.heartbeat_info();
            writer.put(HEARTBEAT, 0, &sent);
        }
    }

    fn write_ack(&mut self, writer: &mut Writer<'_>) {
        self.acks.is_due = false;
        self.acks.is_urgent = false;
        self.acks.packets = 0;
        self.timers.ack = None;
        let window = self.own_window();
        self.acks.told_window = window;
        let duplicates = self.tsns.take_duplicates();
        let room = writer.room().saturating_sub(CHUNK_HEADER + 12 + 4 * duplicates.len());
        let mut value = Vec::new();
        let gaps = self.tsns.gaps(MAX_GAPS.min(room / 4));
        write_sack(&mut value, self.tsns.cumulative(), window as u32, gaps, &duplicates);
        writer.put(SACK, 0, &value);
    }

    fn write_forward(&mut self, writer: &mut Writer<'_>) {
        let interleaved = self.outbox.interleaving;
        let size = if interleaved { 8 } else { 4 };
        let Some(room) = writer.room().checked_sub(CHUNK_HEADER + 4 + size) else { return };
        self.owes_forward = false;
        let Some((to, skips)) = self.flight.forward(interleaved, room / size + 1) else { return };
        let mut value = Vec::new();
        Forward::write(&mut value, to, interleaved, skips.into_iter());
        writer.put(if interleaved { I_FORWARD_TSN } else { FORWARD_TSN }, 0, &value);
        self.controls.unanswered_since.get_or_insert(self.now);
        if self.timers.data.is_none() {
            self.timers.data = Some(self.now + self.trip.timeout(true));
        }
    }

    /// Data that is to be sent again, then new data. Where the last chunk's flags are, if an acknowledgement is to come at once
    /// because nothing follows.
    fn write_data(&mut self, writer: &mut Writer<'_>) -> Option<usize> {
        if !matches!(self.phase, Phase::Established | Phase::ShutdownPending | Phase::ShutdownReceived) {
            return None;
        }
        self.notice_idling();
        if !self.is_paced_in() {
            return None;
        }
        let interleaved = self.outbox.interleaving;
        let header = if interleaved { I_DATA_HEADER } else { DATA_HEADER };
        let kind = if interleaved { I_DATA } else { DATA };
        let full = self.config.max_packet - COMMON_HEADER - header;
        let before = writer.room();
        let is_probing = std::mem::take(&mut self.is_probing);
        let mut last = None;
        if is_probing || self.flight.in_flight() < self.window() {
            self.flight.begin_transmission();
        }
        while is_probing || self.flight.in_flight() < self.window() {
            let Some(sent) = self.flight.take_lost(self.now, writer.room()) else { break };
            self.stats.retransmits += 1;
            self.stats.chunks_sent += 1;
            last = Some(writer.put_data(kind, sent.flags, &sent.header, interleaved, &sent.bytes));
        }
        while !self.flight.has_lost() && self.may_send_new() {
            let Some(room) = writer.room().checked_sub(header) else { break };
            let Some(taken) = self.outbox.take(self.now, room, full) else { break };
            let (stream, begins, ends) = (taken.stream, taken.begins, taken.ends);
            let ticket = self.flight.push(self.now, taken, interleaved);
            if let Some(ticket) = ticket.filter(|_| begins && !ends) {
                self.outbox.set_ticket(stream, ticket);
            }
            let Some(sent) = self.flight.last() else { break };
            self.stats.chunks_sent += 1;
            debug_assert_eq!(sent.flags & (BEGIN | END) == BEGIN | END, begins && ends);
            last = Some(writer.put_data(kind, sent.flags, &sent.header, interleaved, &sent.bytes));
        }
        self.drop_abandoned();
        last?;
        while let Some(sent) = self.flight.take_copy(writer.room()) {
            self.stats.retransmits += 1;
            self.stats.chunks_sent += 1;
            last = Some(writer.put_data(kind, sent.flags, &sent.header, interleaved, &sent.bytes));
        }
        let len = before - writer.room();
        self.pace(len);
        self.controls.unanswered_since.get_or_insert(self.now);
        if self.timers.data.is_none() {
            self.timers.data = Some(self.now + self.trip.timeout(self.flight.is_thin()));
        }
        last.filter(|_| !self.is_about_to_send())
    }

    /// The congestion window, as far as it may be used.
    pub(super) fn window(&self) -> usize {
        self.control.window().min(if self.is_near() { self.config.max_near_window } else { usize::MAX })
    }

    fn is_about_to_send(&self) -> bool {
        (self.flight.has_lost() || !self.outbox.is_empty()) && self.may_send_new()
    }

    /// Whether the windows of the path and of the far end have room. Something is always on the way.
    fn may_send_new(&self) -> bool {
        let in_flight = self.flight.in_flight();
        let has_room = in_flight < self.window() && in_flight < self.peer_window;
        (has_room || self.flight.is_empty()) && !self.flight.is_full()
    }

    /// After a pause, what is known of the path is old.
    fn notice_idling(&mut self) {
        if self.flight.is_empty()
            && let Some(sent) = self.flight.last_sent()
            && self.now.saturating_duration_since(sent) > self.trip.base().max(Duration::from_secs(1))
        {
            self.control.idled();
        }
    }

    /// Whether a packet may go now, where they are spread over time.
    fn is_paced_in(&mut self) -> bool {
        let is_in = self.is_probing || self.control.pace().is_none() || self.paced_until <= self.now;
        self.timers.pace = if is_in { None } else { Some(self.paced_until) };
        is_in
    }

    fn pace(&mut self, len: usize) {
        let Some(rate) = self.control.pace() else { return };
        let from = self.paced_until.max(self.now.checked_sub(PACE_AHEAD).unwrap_or(self.now));
        self.paced_until = from + Duration::from_secs_f64((len as f64 / rate.max(1.0)).min(1.0));
    }
}
