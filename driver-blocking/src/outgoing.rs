//! Datagrams on their way to the sockets.

use std::net::SocketAddr;

use farwire_core::Side;
use farwire_udp::SendBatch;

use crate::sockets::Sockets;

/// A datagram that the peer wants sent.
pub(crate) struct Datagram {
    pub(crate) side: Side,
    pub(crate) destination: SocketAddr,
    pub(crate) contents: Vec<u8>,
}

/// Sends, behind a lock of its own: whoever has it need not keep others from the engine meanwhile. It is taken while
/// the engine's is held, so that datagrams leave in the order in which the peer made them.
pub(crate) struct Outgoing {
    /// `None` once the connection is over.
    sockets: Option<Sockets>,
    batches: [SendBatch; 2],
    /// What is to be sent next; empty while nobody holds the lock.
    datagrams: Vec<Datagram>,
}

impl Outgoing {
    pub(crate) fn new(sockets: Sockets) -> Outgoing {
        Outgoing { sockets: Some(sockets), batches: [SendBatch::new(), SendBatch::new()], datagrams: Vec::new() }
    }

    /// Takes datagrams from the engine, and leaves it an empty list.
    pub(crate) fn take_over(&mut self, datagrams: &mut Vec<Datagram>) {
        std::mem::swap(&mut self.datagrams, datagrams);
    }

    /// Sends what was taken over.
    pub(crate) fn send(&mut self) {
        let Some(sockets) = &self.sockets else { return self.datagrams.clear() };
        for Datagram { side, destination, contents } in self.datagrams.drain(..) {
            let side = side as usize;
            self.batches[side].push(&sockets[side], destination, &contents);
        }
        for (batch, socket) in self.batches.iter_mut().zip(sockets.iter()) {
            batch.flush(socket);
        }
    }

    /// Lets go of the sockets.
    pub(crate) fn close(&mut self) {
        self.sockets = None;
    }
}
