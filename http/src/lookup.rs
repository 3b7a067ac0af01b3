//! The look-up of a name.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::thread;

/// Looks a host up on a thread of its own, and tells its addresses there, none if it has none. Nothing cuts a look-up off, so
/// whoever waits for it gives up by itself, and a runtime that ends does not wait for it; its
/// thread lasts until the system has given up, some tens of seconds at most. An address is told at once.
///
/// # Errors
/// When the system gives no thread.
pub fn look_up(host: &str, port: u16, tell: impl FnOnce(Vec<SocketAddr>) + Send + 'static) -> io::Result<()> {
    if let Ok(address) = host.parse::<IpAddr>() {
        tell(vec![SocketAddr::new(address, port)]);
        return Ok(());
    }
    let host = host.to_owned();
    let ask = move || tell((host.as_str(), port).to_socket_addrs().map(Iterator::collect).unwrap_or_default());
    thread::Builder::new().name("farwire-lookup".into()).spawn(ask).map(drop)
}
