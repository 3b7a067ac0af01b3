//! dcsctp, with interleaving and without checksums.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use dcsctp::api::{
    DcSctpSocket, Message, Options, PpId, SendOptions, SocketEvent, SocketState, SocketTime, StreamId,
    ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS,
};

use super::Foreign;
use crate::network::Node;

pub(super) struct DcSctp {
    socket: Box<dyn DcSctpSocket>,
    begun: Instant,
    packets: VecDeque<Vec<u8>>,
    lossy: HashSet<u16>,
    resets: Vec<u16>,
}

impl DcSctp {
    fn drain(&mut self) {
        while let Some(event) = self.socket.poll_event() {
            match event {
                SocketEvent::SendPacket(packet) => self.packets.push_back(packet),
                SocketEvent::OnIncomingStreamReset(streams) => self.resets.extend(streams.iter().map(|id| id.0)),
                SocketEvent::OnStreamsResetPerformed(_) => {}
                SocketEvent::OnAborted(kind, why) => panic!("dcsctp aborted: {kind:?} {why}"),
                _ => {}
            }
        }
    }

    fn tell_time(&mut self, now: Instant) {
        self.socket.advance_time(SocketTime::zero() + (now - self.begun));
    }
}

impl Node for DcSctp {
    fn receive(&mut self, now: Instant, packet: &[u8]) {
        self.tell_time(now);
        self.socket.handle_input(packet);
        self.drain();
    }

    fn poll(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.tell_time(now);
        self.drain();
        self.packets.pop_front()
    }

    fn deadline(&mut self) -> Option<Instant> {
        let at = self.socket.poll_timeout();
        if at == SocketTime::infinite_future() {
            return None;
        }
        let wait: Duration = at - SocketTime::zero();
        Some(self.begun + wait)
    }

    fn expire(&mut self, now: Instant) {
        self.tell_time(now);
        self.drain();
    }
}

impl Foreign for DcSctp {
    fn new(now: Instant) -> DcSctp {
        let options = Options {
            enable_message_interleaving: true,
            zero_checksum_alternate_error_detection_method:
                ZERO_CHECKSUM_ALTERNATE_ERROR_DETECTION_METHOD_LOWER_LAYER_DTLS,
            max_message_size: 1 << 20,
            max_retransmissions: None,
            max_init_retransmits: None,
            ..dcsctp::api::Options::default()
        };
        DcSctp {
            socket: dcsctp::new_socket("", &options),
            begun: now,
            packets: VecDeque::new(),
            lossy: HashSet::new(),
            resets: Vec::new(),
        }
    }

    fn connect(&mut self, now: Instant) {
        self.tell_time(now);
        self.socket.connect();
    }

    fn is_connected(&self) -> bool {
        self.socket.state() == SocketState::Connected
    }

    fn open(&mut self, stream: u16, lossy: bool) {
        if lossy {
            self.lossy.insert(stream);
        }
    }

    fn send(&mut self, stream: u16, bytes: &[u8]) -> bool {
        let lossy = self.lossy.contains(&stream);
        let options =
            SendOptions { unordered: lossy, max_retransmissions: lossy.then_some(0), ..SendOptions::default() };
        self.socket.send(Message::new(StreamId(stream), PpId(53), bytes.to_vec()), &options).is_ok()
    }

    fn receive_message(&mut self) -> Option<(u16, Vec<u8>)> {
        let message = self.socket.get_next_message()?;
        Some((message.stream_id.0, message.payload))
    }

    fn reset(&mut self, stream: u16) {
        self.socket.reset_streams(&[StreamId(stream)]).expect("connected");
    }

    fn take_resets(&mut self) -> Vec<u16> {
        std::mem::take(&mut self.resets)
    }
}
