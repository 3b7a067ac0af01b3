//! What comes from the far end, chunk by chunk.

use super::Association;
use super::state::Phase;
use crate::wire::{
    ABORT, CAUSE_UNRECOGNIZED_CHUNK, CHUNK_HEADER, COOKIE_ACK, COOKIE_ECHO, Chunk, DATA, Data, ERROR, FORWARD_TSN,
    Forward, HEARTBEAT, HEARTBEAT_ACK, I_DATA, I_FORWARD_TSN, INIT, INIT_ACK, PAD, Packet, RECONFIG, SACK, SHUTDOWN,
    SHUTDOWN_ACK, SHUTDOWN_COMPLETE, Sack, put_item, short, word,
};
use crate::{EndReason, Violation};

/// Chunks of a packet that are looked at: as many as a packet of 1,500 bytes can have of data.
const MAX_CHUNKS: usize = 96;

/// Bytes of a chunk that nobody knows, as they are told back.
const MAX_TOLD_BACK: usize = 64;

/// A bit of ABORT and SHUTDOWN COMPLETE: the tag is the receiver's own to send with, since the sender knows none.
const REFLECTED: u8 = 1;

/// Whether the packet's other chunks are to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    Stop,
}

impl Association {
    pub(super) fn take_packet(&mut self, bytes: &[u8]) {
        let packet = Packet::read(bytes).filter(|packet| self.is_ours(packet));
        let Some(packet) = packet else {
            self.stats.packets_refused += 1;
            return;
        };
        self.stats.packets_received += 1;
        self.stats.bytes_received += bytes.len() as u64;
        self.controls.unanswered_since = None;
        if self.is_connected() {
            self.restart_heartbeat();
        }
        let duplicates = self.stats.duplicates;
        let mut has_data = false;
        for chunk in packet.chunks().take(MAX_CHUNKS) {
            let Ok(chunk) = chunk else { break };
            has_data |= matches!(chunk.kind, DATA | I_DATA);
            match self.take_chunk(&chunk) {
                Ok(Next::GoOn) => {}
                Ok(Next::Stop) => break,
                Err(violation) => self.end(EndReason::Violation(violation)),
            }
            if self.phase == Phase::Ended {
                return;
            }
        }
        if has_data {
            let is_full = bytes.len() > self.config.max_packet / 2;
            self.data_arrived(self.stats.duplicates > duplicates, is_full);
        }
        self.finish_input();
    }

    /// Whether a packet belongs to this association and is whole.
    fn is_ours(&self, packet: &Packet<'_>) -> bool {
        let first = packet.first_kind();
        let may_lack_checksum = self.local.zero_checksum && !matches!(first, INIT | COOKIE_ECHO);
        let is_whole = (may_lack_checksum && packet.has_no_checksum()) || packet.is_intact();
        let is_tagged = match first {
            INIT => packet.tag == 0,
            ABORT | SHUTDOWN_COMPLETE => {
                packet.tag == self.local.tag || self.peer.as_ref().is_some_and(|peer| peer.tag == packet.tag)
            }
            _ => packet.tag == self.local.tag,
        };
        packet.destination == self.config.port && is_whole && is_tagged && self.phase != Phase::Ended
    }

    fn take_chunk(&mut self, chunk: &Chunk<'_>) -> Result<Next, Violation> {
        if !matches!(chunk.kind, DATA | I_DATA | SACK | FORWARD_TSN | I_FORWARD_TSN | PAD)
            && !self.control_chunks.take(self.now, 1)
        {
            return Err(Violation::Controls);
        }
        match chunk.kind {
            DATA | I_DATA => self.on_data(chunk)?,
            SACK => {
                let Some(sack) = Sack::read(chunk.value) else { return Ok(Next::Stop) };
                self.on_sack(&sack)?;
            }
            FORWARD_TSN | I_FORWARD_TSN => {
                let Some(forward) = Forward::read(chunk) else { return Ok(Next::Stop) };
                self.on_forward(&forward, chunk.kind == I_FORWARD_TSN)?;
            }
            INIT => {
                self.on_init(chunk.value);
                return Ok(Next::Stop);
            }
            INIT_ACK => {
                self.on_init_ack(chunk.value);
                return Ok(Next::Stop);
            }
            COOKIE_ECHO => self.on_cookie_echo(chunk.value),
            COOKIE_ACK => self.on_cookie_ack(),
            HEARTBEAT => {
                if self.is_connected() && chunk.value.len() <= self.config.max_packet / 2 {
                    self.controls.reply(HEARTBEAT_ACK, chunk.value.to_vec());
                }
            }
            HEARTBEAT_ACK => self.on_heartbeat_ack(chunk.value),
            RECONFIG => self.on_reconfig(chunk.value)?,
            SHUTDOWN => self.on_shutdown_chunk(chunk.value)?,
            SHUTDOWN_ACK => self.on_shutdown_ack(),
            SHUTDOWN_COMPLETE => self.on_shutdown_complete(),
            ABORT => {
                if self.peer.is_some() || chunk.flags & REFLECTED == 0 {
                    self.end(EndReason::Aborted(short(chunk.value, 0).unwrap_or(0)));
                }
            }
            ERROR | PAD => {}
            _ => return Ok(self.on_unknown(chunk)),
        }
        Ok(Next::GoOn)
    }

    /// The two highest bits of the type say what is to be done (RFC 9260, section 3.2).
    fn on_unknown(&mut self, chunk: &Chunk<'_>) -> Next {
        if chunk.kind & 0x40 != 0 && self.is_connected() {
            let head = [chunk.kind, chunk.flags];
            let len = ((CHUNK_HEADER + chunk.value.len()) as u16).to_be_bytes();
            let value = &chunk.value[..chunk.value.len().min(MAX_TOLD_BACK)];
            let mut error = Vec::new();
            put_item(&mut error, CAUSE_UNRECOGNIZED_CHUNK, &[&head, &len, value]);
            self.controls.reply(ERROR, error);
        }
        if chunk.kind & 0x80 == 0 { Next::Stop } else { Next::GoOn }
    }

    /// A SHUTDOWN acknowledges like a SACK without gaps.
    fn on_shutdown_chunk(&mut self, value: &[u8]) -> Result<(), Violation> {
        let Some(cumulative) = word(value, 0) else { return Ok(()) };
        if !self.is_connected() {
            return Ok(());
        }
        let mut sack = Vec::new();
        crate::wire::write_sack(&mut sack, cumulative, self.peer_window as u32, std::iter::empty(), &[]);
        if let Some(sack) = Sack::read(&sack) {
            self.on_sack(&sack)?;
        }
        self.on_shutdown();
        Ok(())
    }

    pub(super) fn on_data(&mut self, chunk: &Chunk<'_>) -> Result<(), Violation> {
        if !matches!(
            self.phase,
            Phase::Established | Phase::ShutdownPending | Phase::ShutdownSent | Phase::CookieEchoed
        ) {
            return Ok(());
        }
        if (chunk.kind == I_DATA) != self.outbox.interleaving {
            return Err(Violation::Protocol);
        }
        let Some(data) = Data::read(chunk) else { return Err(Violation::Protocol) };
        self.take_data(&data, chunk.kind == I_DATA)
    }
}
