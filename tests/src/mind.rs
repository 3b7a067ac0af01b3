//! What acts for an inhabitant of a world.

use std::net::SocketAddr;
use std::time::Instant;

use farwire_core::signalling::{Failure, RequestId, Response, StreamEvent};
use farwire_core::{Client, Peer, TransportId};

use crate::Sharing;

/// A peer as it is, or with the mailboxes that a driver gives it.
pub(crate) enum Mind {
    Peer(Box<Peer>),
    Client(Box<Client<Sharing>>),
}

impl Mind {
    /// The peer of a node that is nothing else.
    pub(crate) fn peer(&mut self) -> &mut Peer {
        match self {
            Mind::Peer(peer) => peer,
            Mind::Client(_) => panic!("this node is a client"),
        }
    }

    pub(crate) fn client(&mut self) -> &mut Client<Sharing> {
        match self {
            Mind::Peer(_) => panic!("this node is a bare peer"),
            Mind::Client(client) => client,
        }
    }

    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        transport: TransportId,
        source: SocketAddr,
        datagram: &[u8],
    ) {
        match self {
            Mind::Peer(peer) => {
                peer.handle_datagram(now, transport, source, datagram);
            }
            Mind::Client(client) => client.handle_datagram(now, transport, source, datagram),
        }
    }

    pub(crate) fn handle_response(&mut self, now: Instant, id: RequestId, result: Result<Response, Failure>) {
        match self {
            Mind::Peer(peer) => peer.handle_response(now, id, result),
            Mind::Client(client) => client.handle_response(now, id, result),
        }
    }

    pub(crate) fn handle_stream(&mut self, now: Instant, event: StreamEvent) {
        match self {
            Mind::Peer(peer) => peer.handle_stream(now, event),
            Mind::Client(client) => client.handle_stream(now, event),
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        match self {
            Mind::Peer(peer) => peer.handle_timeout(now),
            Mind::Client(client) => client.handle_timeout(now),
        }
    }
}
