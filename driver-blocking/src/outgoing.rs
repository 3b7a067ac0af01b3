//! Datagrams on their way to the sockets.

use std::sync::Arc;

use farwire_core::client::Datagram;
use farwire_udp::{SendBatch, Socket};

/// The sockets, in the order of `farwire_core::Side::ALL`.
pub(crate) type Sockets = [Arc<Socket>; 2];

/// Sends, behind a lock of its own: whoever has it need not keep others from the engine meanwhile.
pub(crate) struct Outgoing {
    /// `None` once the connection is over.
    sockets: Option<Sockets>,
    batches: [SendBatch; 2],
}

impl Outgoing {
    pub(crate) fn new(sockets: Sockets) -> Outgoing {
        Outgoing { sockets: Some(sockets), batches: [SendBatch::new(), SendBatch::new()] }
    }

    pub(crate) fn send(&mut self, datagrams: &[Datagram]) {
        let Some(sockets) = &self.sockets else { return };
        for Datagram { side, destination, contents } in datagrams {
            let side = *side as usize;
            self.batches[side].push(&sockets[side], *destination, contents);
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
