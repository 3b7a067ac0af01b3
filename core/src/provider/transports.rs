//! A session's transports, what each has counted, and which stream carries which channel.

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;

use super::{ChannelId, SctpStream};
use crate::link::{Certificate, Link, LinkError, LocalAddress, Role, SctpEngine, StreamId};
use crate::{MAX_TRANSPORTS, SessionStats, TransportId};

/// One transport.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) link: Link,
    local: LocalAddress,
    /// The channel that shows, when it opens, that SCTP is up.
    pub(super) placeholder: Option<StreamId>,
    /// SCTP is up.
    pub(super) is_connected: bool,
    /// It is of use to its provider.
    pub(super) is_up: bool,
    pub(super) counted: SessionStats,
    channels: HashMap<StreamId, ChannelId>,
}

impl Transport {
    pub(super) fn note_sent(&mut self, len: usize) {
        self.counted.sent += 1;
        self.counted.sent_bytes += len as u64;
    }

    pub(super) fn channel(&self, stream: StreamId) -> Option<ChannelId> {
        self.channels.get(&stream).copied()
    }

    pub(super) fn stats(&self) -> SessionStats {
        SessionStats {
            up: self.is_up,
            in_flight: self.link.messages_in_flight(),
            in_flight_bytes: self.link.in_flight(),
            round_trip: self.link.round_trip(),
            ..self.counted.clone()
        }
    }
}

/// How a channel's messages go: by a transport, and on a stream of it once the channel has one. It is looked up once for a
/// message.
pub(crate) struct Way<'a> {
    transport: &'a mut Transport,
    stream: Option<StreamId>,
}

impl Way<'_> {
    pub(crate) fn max_message(&self) -> usize {
        self.transport.link.max_message()
    }

    pub(crate) fn has_room(&mut self, len: usize) -> bool {
        self.stream.is_some_and(|stream| self.transport.link.has_room(stream, len))
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.transport.link.in_flight()
    }

    /// See [`Link::write`].
    pub(crate) fn write(&mut self, now: Instant, binary: bool, bytes: Bytes) -> Result<(), LinkError> {
        let stream = self.stream.ok_or(LinkError::NotOpen(0))?;
        let len = bytes.len();
        self.transport.link.write(now, stream, binary, bytes)?;
        self.transport.note_sent(len);
        Ok(())
    }
}

/// All of them, at least one.
#[derive(Debug)]
pub(super) struct Transports {
    all: Vec<Transport>,
    engine: SctpEngine,
    certificate: Option<Certificate>,
    streams: HashMap<ChannelId, SctpStream>,
}

impl Transports {
    /// `wanted` transports, at these addresses; one without an address of its own has the last one.
    pub(super) fn new(
        wanted: usize,
        engine: SctpEngine,
        local: &[LocalAddress],
        certificate: Option<Certificate>,
        now: Instant,
    ) -> Transports {
        let nowhere = LocalAddress::from(std::net::SocketAddr::from(([0, 0, 0, 0], 0)));
        let local = |place: usize| local.get(place).or(local.last()).copied().unwrap_or(nowhere);
        let transport = |place| Transport {
            link: Link::with(engine, Role::Client, local(place), certificate.clone(), now),
            local: local(place),
            placeholder: None,
            is_connected: false,
            is_up: false,
            counted: SessionStats::default(),
            channels: HashMap::new(),
        };
        let all = (0..wanted.clamp(1, MAX_TRANSPORTS)).map(transport).collect();
        Transports { all, engine, certificate, streams: HashMap::new() }
    }

    /// The transport of this id; the last one, if there are not so many.
    pub(super) fn of(&mut self, id: TransportId) -> &mut Transport {
        let place = self.place(id);
        &mut self.all[place]
    }

    /// [`Transports::of`], to read from.
    pub(super) fn peek(&self, id: TransportId) -> &Transport {
        &self.all[self.place(id)]
    }

    fn place(&self, id: TransportId) -> usize {
        id.index().min(self.all.len() - 1)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = TransportId> + use<> {
        (0..self.all.len()).filter_map(TransportId::new)
    }

    /// Starts a transport over, and says which channels it carried.
    pub(super) fn restart(&mut self, id: TransportId, now: Instant) -> Vec<ChannelId> {
        let mut streams: Vec<StreamId> = self.of(id).channels.keys().copied().collect();
        streams.sort_unstable();
        let parted =
            streams.into_iter().flat_map(|stream| self.detach(SctpStream { transport: id, id: stream })).collect();
        let (engine, certificate) = (self.engine, self.certificate.clone());
        let transport = self.of(id);
        transport.link = Link::with(engine, Role::Client, transport.local, certificate, now);
        (transport.placeholder, transport.is_connected, transport.is_up) = (None, false, false);
        parted
    }

    pub(super) fn attach(&mut self, channel: ChannelId, stream: SctpStream) {
        self.forget(channel);
        self.streams.insert(channel, stream);
        self.of(stream.transport).channels.insert(stream.id, channel);
    }

    /// Parts a stream from its channels, and says which they were: one that goes both ways may have one for each.
    pub(super) fn detach(&mut self, stream: SctpStream) -> Vec<ChannelId> {
        let place = |stream: SctpStream| (self.place(stream.transport), stream.id);
        let is_on_it = |(channel, on): (&ChannelId, &SctpStream)| (place(*on) == place(stream)).then_some(*channel);
        let mut parted: Vec<ChannelId> = self.streams.iter().filter_map(is_on_it).collect();
        parted.sort_unstable();
        for channel in &parted {
            self.streams.remove(channel);
        }
        self.of(stream.transport).channels.remove(&stream.id);
        parted
    }

    /// Parts a channel that is not wanted any more from its stream.
    pub(super) fn forget(&mut self, channel: ChannelId) {
        if let Some(stream) = self.streams.remove(&channel) {
            let channels = &mut self.of(stream.transport).channels;
            // A stream that goes both ways has a channel for each; it tells of the one that came last.
            if channels.get(&stream.id) == Some(&channel) {
                channels.remove(&stream.id);
            }
        }
    }

    /// The way of a channel's messages; until the channel has a stream, by the transport `publishing`.
    pub(super) fn way(&mut self, channel: ChannelId, publishing: TransportId) -> Way<'_> {
        let stream = self.streams.get(&channel).copied();
        let transport = self.of(stream.map_or(publishing, |stream| stream.transport));
        Way { transport, stream: stream.map(|stream| stream.id) }
    }

    pub(super) fn are_up(&self) -> bool {
        self.all.iter().all(|transport| transport.is_up)
    }

    pub(super) fn note_down(&mut self) {
        self.all.iter_mut().for_each(|transport| transport.is_up = false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_is_parted_leaves_the_others_of_its_stream() {
        let local = [LocalAddress::from(std::net::SocketAddr::from(([127, 0, 0, 1], 1)))];
        let mut transports = Transports::new(1, SctpEngine::default(), &local, None, Instant::now());
        let stream = SctpStream { transport: TransportId::FIRST, id: 2 };
        let (publishes, subscribes) = (ChannelId(1), ChannelId(2));
        transports.attach(publishes, stream);
        transports.attach(subscribes, stream);
        transports.forget(publishes);
        assert_eq!(transports.of(stream.transport).channel(2), Some(subscribes));
    }

    #[test]
    fn a_stream_that_closes_leaves_none_of_its_channels() {
        let local = [LocalAddress::from(std::net::SocketAddr::from(([127, 0, 0, 1], 1)))];
        let mut transports = Transports::new(1, SctpEngine::default(), &local, None, Instant::now());
        let [stream, other] = [2, 3].map(|id| SctpStream { transport: TransportId::FIRST, id });
        transports.attach(ChannelId(1), stream);
        transports.attach(ChannelId(2), stream);
        transports.attach(ChannelId(3), other);
        assert_eq!(transports.detach(stream), [ChannelId(1), ChannelId(2)]);
        // Whoever has the number next shares it with nobody.
        assert_eq!(transports.way(ChannelId(1), TransportId::FIRST).stream, None);
        assert_eq!(transports.way(ChannelId(3), TransportId::FIRST).stream, Some(3));
        assert!(transports.detach(stream).is_empty());
    }
}
