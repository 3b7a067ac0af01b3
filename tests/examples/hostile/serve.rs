//! The SFU's process, and that of a port where everything is dropped.

use std::io::Read;
use std::net::Ipv4Addr;
use std::sync::Arc;

use farwire_udp::{ReceiveBuffers, Socket, Waiter};

use crate::{Outcome, SECRET};

/// Serves until its standard input ends. Says where the API is.
pub(crate) fn serve() -> Outcome<()> {
    let server = farwire_sfu::Server::spawn(farwire_sfu::Config::new("app", SECRET))?;
    println!("{}", server.api_root());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Reads datagrams as an SFU does, and drops them. Says where.
pub(crate) fn sink() -> Outcome<()> {
    let socket = Arc::new(Socket::bind((Ipv4Addr::LOCALHOST, 0).into())?);
    println!("{}", socket.local_addr());
    let (mut waiter, _waker) = Waiter::new(vec![socket.clone()])?;
    let mut buffers = ReceiveBuffers::new();
    loop {
        waiter.wait(None)?;
        socket.receive(&mut buffers, |_, _| {})?;
    }
}
