//! The channels of a link over str0m's own SCTP.
//!
//! It keeps a table of stream ids of its own, because str0m panics when an id is used twice. What SCTP sends and receives passes the
//! [interceptor](super::intercept).

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use str0m::channel::{ChannelConfig, ChannelData, ChannelId};
use str0m::{Event, Rtc};

use super::empty;
use super::window::Window;
use super::{LinkError, LinkEvent, LinkOutput, MAX_IN_BAND, State, StreamId};
use crate::{Delivery, Payload};

#[derive(Debug)]
struct Channel {
    id: ChannelId,
    state: State,
    /// Whether it is among `unacked`.
    has_unacked: bool,
}

#[derive(Debug)]
pub(super) struct Str0mSctp {
    channels: HashMap<StreamId, Channel>,
    streams: HashMap<ChannelId, StreamId>,
    in_band: Vec<ChannelId>,
    opening: Vec<StreamId>,
    unacked: Vec<StreamId>,
    pub(super) window: Window,
}

impl Str0mSctp {
    pub(super) fn new(now: Instant) -> Str0mSctp {
        Str0mSctp {
            channels: HashMap::new(),
            streams: HashMap::new(),
            in_band: Vec::new(),
            opening: Vec::new(),
            unacked: Vec::new(),
            window: Window::new(now),
        }
    }

    pub(super) fn open(&mut self, rtc: &mut Rtc, stream: StreamId, delivery: Delivery) -> Result<(), LinkError> {
        let taken = rtc.direct_api().channel_id_by_sctp_stream_id(stream).is_some();
        if taken || self.channels.contains_key(&stream) {
            return Err(LinkError::IdInUse(stream));
        }
        let id = rtc.direct_api().create_data_channel(channel_config(stream, delivery));
        self.insert(stream, id);
        Ok(())
    }

    pub(super) fn insert(&mut self, stream: StreamId, id: ChannelId) {
        self.channels.insert(stream, Channel { id, state: State::Opening, has_unacked: false });
        self.streams.insert(id, stream);
        self.opening.push(stream);
    }

    pub(super) fn close(&mut self, rtc: &mut Rtc, stream: StreamId) {
        if let Some(channel) = self.channels.get_mut(&stream) {
            channel.state = State::Closing;
            rtc.direct_api().close_data_channel(channel.id);
        }
    }

    pub(super) fn is_open(&self, stream: StreamId) -> bool {
        self.channels.get(&stream).is_some_and(|channel| channel.state == State::Open)
    }

    /// Gives a message to SCTP, and says how many bytes it holds for it.
    pub(super) fn write(
        &mut self,
        rtc: &mut Rtc,
        stream: StreamId,
        binary: bool,
        bytes: &[u8],
    ) -> Result<usize, LinkError> {
        let channel = self.channels.get_mut(&stream).filter(|channel| channel.state == State::Open);
        let Some(channel) = channel else { return Err(LinkError::NotOpen(stream)) };
        let Some(mut writer) = rtc.channel(channel.id) else { return Err(LinkError::NotOpen(stream)) };
        let Some((as_binary, written)) = empty::stand_in(binary, bytes) else {
            return Err(LinkError::Refused("the text is not UTF-8".into()));
        };
        match writer.write(as_binary, written) {
            Ok(true) => {}
            Ok(false) => return Err(LinkError::Refused("SCTP's buffer is full".into())),
            Err(error) => return Err(LinkError::Refused(error.to_string())),
        }
        if !channel.has_unacked {
            channel.has_unacked = true;
            self.unacked.push(stream);
        }
        Ok(written.len())
    }

    /// Bytes that the far end has not acknowledged.
    pub(super) fn in_flight(&mut self, rtc: &mut Rtc) -> usize {
        let (mut total, mut i) = (0, 0);
        while let Some(&stream) = self.unacked.get(i) {
            let channel = self.channels.get_mut(&stream);
            let buffered = channel.as_ref().and_then(|c| rtc.channel(c.id)).map_or(0, |mut c| c.buffered_amount());
            if buffered == 0 {
                if let Some(channel) = channel {
                    channel.has_unacked = false;
                }
                self.unacked.swap_remove(i);
            } else {
                total += buffered;
                i += 1;
            }
        }
        total
    }

    /// Takes an event of str0m's about channels.
    pub(super) fn handle_event(&mut self, rtc: &mut Rtc, event: Event, outbox: &mut VecDeque<LinkOutput>) {
        match event {
            Event::ChannelData(ChannelData { id, binary, data, .. }) => {
                if let Some(stream) = self.streams.get(&id).copied() {
                    // A channel may open with its first message, and is told before it.
                    self.notice_opened(rtc, outbox);
                    let payload = Payload { bytes: Bytes::from(data), binary };
                    outbox.push_back(LinkOutput::Event(LinkEvent::Message(stream, payload)));
                }
            }
            Event::ChannelOpen(id, _) if !self.streams.contains_key(&id) => {
                if self.in_band.len() < MAX_IN_BAND {
                    self.in_band.push(id);
                } else {
                    rtc.direct_api().close_data_channel(id);
                }
            }
            Event::ChannelClose(id) => {
                self.in_band.retain(|open| *open != id);
                if let Some(stream) = self.streams.remove(&id) {
                    self.channels.remove(&stream);
                    self.opening.retain(|opening| *opening != stream);
                    self.unacked.retain(|unacked| *unacked != stream);
                    outbox.push_back(LinkOutput::Event(LinkEvent::Closed(stream)));
                }
            }
            _ => {}
        }
    }

    /// `ChannelOpen` does not come for a channel on which data arrived early, so the channel itself is asked.
    pub(super) fn notice_opened(&mut self, rtc: &mut Rtc, outbox: &mut VecDeque<LinkOutput>) {
        let mut i = 0;
        while let Some(&stream) = self.opening.get(i) {
            let channel = self.channels.get_mut(&stream).filter(|channel| channel.state == State::Opening);
            match channel {
                Some(channel) if rtc.channel(channel.id).is_some() => {
                    channel.state = State::Open;
                    self.opening.swap_remove(i);
                    outbox.push_back(LinkOutput::Event(LinkEvent::Opened(stream)));
                }
                Some(_) => i += 1,
                None => {
                    self.opening.swap_remove(i);
                }
            }
        }
    }
}

pub(super) fn channel_config(stream: StreamId, delivery: Delivery) -> ChannelConfig {
    ChannelConfig {
        label: String::new(),
        ordered: delivery.ordered,
        reliability: delivery.as_str0m(),
        negotiated: Some(stream),
        protocol: String::new(),
    }
}
