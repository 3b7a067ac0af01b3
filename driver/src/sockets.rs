//! The sockets of one connection.

use std::ops::Deref;
use std::sync::Arc;

use farwire_core::LocalAddress;
use farwire_core::{Dial, TransportId};
use farwire_udp::{Socket, addresses_towards, bind_towards};

use crate::error::ConnectError;

/// The sockets of one connection, in the order in which core counts its transports. Clones are the same sockets.
#[derive(Debug, Clone)]
pub struct Sockets(Arc<[Arc<Socket>]>);

impl Sockets {
    /// Binds as many as a connection needs, to whatever interfaces lead to what is dialed.
    ///
    /// # Errors
    /// [`ConnectError::Socket`], when the system gives no socket.
    pub fn bind(dial: &Dial) -> Result<Sockets, ConnectError> {
        let bind = |_| bind_towards(dial.host_ip()).map(Arc::new).map_err(ConnectError::socket);
        Ok(Sockets((0..dial.transports()).map(bind).collect::<Result<_, _>>()?))
    }

    /// Each, with the transport that it is for.
    pub fn by_transport(&self) -> impl Iterator<Item = (TransportId, &Arc<Socket>)> {
        self.iter().enumerate().filter_map(|(number, socket)| Some((TransportId::new(number)?, socket)))
    }

    /// Where each can be reached by what is dialed.
    pub(crate) fn local(&self, dial: &Dial) -> impl Iterator<Item = LocalAddress> {
        self.iter().map(|socket| {
            let (offered, other) = addresses_towards(socket, dial.host_ip());
            LocalAddress::dual(offered, other)
        })
    }
}

impl Deref for Sockets {
    type Target = [Arc<Socket>];

    fn deref(&self) -> &[Arc<Socket>] {
        &self.0
    }
}
