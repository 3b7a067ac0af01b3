use std::array;
use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};

/// The kernel buffers that [`Socket::bind`] asks for in each direction, in bytes. The default of most systems (208 KiB
/// on Linux) loses bursts.
pub const BUFFER_REQUEST: usize = 4 * 1024 * 1024;

/// The smallest kernel buffer worth asking for where the system refuses more, in bytes.
const BUFFER_FLOOR: usize = 256 * 1024;

/// Room for the largest datagram and for everything GRO can coalesce into one, in bytes.
const BUFFER_SIZE: usize = 64 * 1024;

/// Buffers offered to one recvmmsg call.
const BUFFER_COUNT: usize = 8;

/// A [`Socket::receive`] that gives fewer datagrams than this has emptied the socket.
pub const FULL_RECEIVE: usize = if cfg!(target_os = "linux") { BUFFER_COUNT } else { 1 };

/// Pending ICMP errors that one [`Socket::receive`] clears before it calls the socket empty.
const ERRORS_PER_RECEIVE: usize = 8;

/// A non-blocking UDP socket with segmentation offload.
///
/// Fragmentation is off: a datagram larger than the interface's MTU is refused. IPv4 addresses are always in IPv4 form,
/// also on a dual-stack IPv6 socket, which maps them on its way in and out.
pub struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    local_addr: SocketAddr,
    receive_buffer_size: usize,
    /// Kept here because quinn-udp's own limit falls to 1 at any EINVAL, as an unroutable destination can cause.
    max_segments: AtomicUsize,
}

impl Socket {
    /// Binds to `addr`; port 0 lets the system choose one.
    ///
    /// Asks for kernel buffers of [`BUFFER_REQUEST`] bytes and takes what it gets; see
    /// [`receive_buffer_size`](Self::receive_buffer_size).
    ///
    /// # Errors
    ///
    /// What the system says to the bind, for example that the address is in use.
    pub fn bind(addr: SocketAddr) -> io::Result<Socket> {
        let io = UdpSocket::bind(addr)?;
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        enlarge(|bytes| state.set_recv_buffer_size(UdpSockRef::from(&io), bytes));
        enlarge(|bytes| state.set_send_buffer_size(UdpSockRef::from(&io), bytes));

        // Linux reports twice the size, as it counts its own overhead.
        let overhead = if cfg!(target_os = "linux") { 2 } else { 1 };
        let receive_buffer_size = state.recv_buffer_size(UdpSockRef::from(&io))? / overhead;
        let local_addr = io.local_addr()?;
        let max_segments = AtomicUsize::new(state.max_gso_segments());
        Ok(Socket { io, state, local_addr, receive_buffer_size, max_segments })
    }

    /// The address that the socket is bound to, with the port that the system chose.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Whether it reaches hosts in both IP versions: it is bound to all interfaces in IPv6, and the system lets IPv4 in.
    pub fn is_dual_stack(&self) -> bool {
        let is_any = self.local_addr.is_ipv6() && self.local_addr.ip().is_unspecified();
        is_any && socket2::SockRef::from(&self.io).only_v6().is_ok_and(|only_v6| !only_v6)
    }

    /// The same socket once more, for a runtime that is to watch it.
    ///
    /// # Errors
    /// When the system is out of file descriptors.
    pub fn duplicate(&self) -> io::Result<UdpSocket> {
        self.io.try_clone()
    }

    /// The receive buffer that the system granted, in bytes. Below [`BUFFER_REQUEST`], bursts may be lost; on Linux,
    /// raise `net.core.rmem_max`.
    pub fn receive_buffer_size(&self) -> usize {
        self.receive_buffer_size
    }

    /// Makes one system call, gives each datagram that came to `each` with its source, and returns how many there were.
    ///
    /// Fewer than [`FULL_RECEIVE`] means that no more were there; after more, call again. One call gives at most 8
    /// datagrams without GRO and 512 with it. An ICMP error that an earlier datagram caused is passed over.
    ///
    /// # Errors
    ///
    /// The socket is broken, or the system is out of memory.
    pub fn receive(&self, buffers: &mut ReceiveBuffers, mut each: impl FnMut(SocketAddr, &[u8])) -> io::Result<usize> {
        let mut chunks = buffers.memory.chunks_exact_mut(BUFFER_SIZE);
        let mut slices: [_; BUFFER_COUNT] = array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let mut metas = [RecvMeta::default(); BUFFER_COUNT];

        let filled = self.receive_into(&mut slices, &mut metas)?;
        let mut count = 0;
        for (slice, meta) in slices.iter().zip(&metas).take(filled) {
            let source = canonical(meta.addr);
            let received = slice.get(..meta.len).unwrap_or_default();
            if received.is_empty() {
                // An empty datagram is one too, but `chunks` would give none.
                each(source, received);
                count += 1;
            }
            for datagram in received.chunks(meta.stride.max(1)) {
                each(source, datagram);
                count += 1;
            }
        }
        Ok(count)
    }

    fn receive_into(&self, slices: &mut [IoSliceMut<'_>], metas: &mut [RecvMeta]) -> io::Result<usize> {
        for _ in 0..ERRORS_PER_RECEIVE {
            match self.state.recv(UdpSockRef::from(&self.io), slices, metas) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                // Reporting such an error clears it, so what is behind it can be read at once.
                Err(error) if is_icmp(error.kind()) => {}
                result => return result,
            }
        }
        Ok(0)
    }

    /// Sends `contents` as one datagram, or as datagrams of `segment_size` bytes of which the last may be shorter.
    pub(crate) fn send(&self, destination: SocketAddr, contents: &[u8], segment_size: Option<usize>) -> io::Result<()> {
        let destination = match self.local_addr {
            SocketAddr::V4(_) => canonical(destination),
            SocketAddr::V6(_) => mapped(destination),
        };
        let transmit = Transmit { destination, ecn: None, contents, segment_size, src_ip: None };
        self.state.try_send(UdpSockRef::from(&self.io), &transmit)
    }

    /// Datagrams that one [`send`](Self::send) may hold; 1 without GSO.
    pub(crate) fn max_segments(&self) -> usize {
        self.max_segments.load(Ordering::Relaxed)
    }

    pub(crate) fn set_max_segments(&self, segments: usize) {
        self.max_segments.store(segments, Ordering::Relaxed);
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

/// Memory that [`Socket::receive`] reads into: 512 KiB of address space, of which only the pages that datagrams reach
/// are ever backed.
pub struct ReceiveBuffers {
    memory: Box<[u8]>,
}

impl ReceiveBuffers {
    /// Allocates the buffers. They serve any number of calls and sockets.
    pub fn new() -> Self {
        // `vec!` of zeros asks for zeroed pages and writes none.
        ReceiveBuffers { memory: vec![0; BUFFER_COUNT * BUFFER_SIZE].into_boxed_slice() }
    }
}

impl Default for ReceiveBuffers {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ReceiveBuffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveBuffers").finish_non_exhaustive()
    }
}

/// Halves the request until the system grants it. Linux caps silently, the BSDs refuse.
fn enlarge(mut set: impl FnMut(usize) -> io::Result<()>) {
    let mut bytes = BUFFER_REQUEST;
    while set(bytes).is_err() && bytes > BUFFER_FLOOR {
        bytes /= 2;
    }
}

fn is_icmp(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::*;
    matches!(kind, ConnectionRefused | ConnectionReset | HostUnreachable | NetworkUnreachable | NetworkDown)
}

/// `address` with an IPv4-mapped IP as IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::from((ip, address.port())),
        // As it came, since building it anew would lose the scope of a link-local address.
        IpAddr::V6(_) => address,
    }
}

/// `address` as an IPv6 socket takes it.
fn mapped(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) => SocketAddr::from((v4.ip().to_ipv6_mapped(), v4.port())),
        SocketAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SendBatch, Waiter};
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::sync::Arc;
    use std::time::Duration;

    fn loopback() -> Arc<Socket> {
        Arc::new(Socket::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap())
    }

    #[test]
    fn the_local_address_is_the_bound_one() {
        let socket = loopback();
        assert_eq!(socket.local_addr().ip(), Ipv4Addr::LOCALHOST);
        assert_ne!(socket.local_addr().port(), 0);
        assert_eq!(socket.local_addr(), socket.io.local_addr().unwrap());
    }

    #[test]
    fn a_taken_port_is_an_error() {
        let taken = loopback();
        assert_eq!(Socket::bind(taken.local_addr()).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn the_receive_buffer_is_at_least_the_default_of_any_system() {
        let granted = loopback().receive_buffer_size();
        assert!((64 * 1024..=BUFFER_REQUEST).contains(&granted), "{granted}");
    }

    #[test]
    fn nothing_there_is_zero() {
        let count = loopback().receive(&mut ReceiveBuffers::new(), |_, _| panic!("nothing was sent")).unwrap();
        assert_eq!(count, 0);
    }

    #[test]
    fn an_unreachable_peer_does_not_disturb_receiving() {
        let (alice, bob) = (loopback(), loopback());
        // A connected socket reports ICMP errors on its next call, as unconnected ones do on some systems.
        let closed = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        alice.io.connect(closed).unwrap();
        alice.io.send(b"to nobody").unwrap();
        assert_eq!(alice.receive(&mut ReceiveBuffers::new(), |_, _| panic!("nothing was sent")).unwrap(), 0);

        alice.io.connect(bob.local_addr()).unwrap();
        let mut batch = SendBatch::new();
        batch.push(&bob, alice.local_addr(), b"to alice");
        batch.flush(&bob);
        assert_eq!(one(&alice), (bob.local_addr(), b"to alice".to_vec()));
    }

    #[test]
    fn ipv4_stays_ipv4_on_a_dual_stack_socket() {
        let v4 = loopback();
        // A machine without IPv6 has nothing to test here.
        let Ok(dual) = Socket::bind((Ipv6Addr::UNSPECIFIED, 0).into()) else { return };
        let dual = Arc::new(dual);
        let dual_addr = SocketAddr::from((Ipv4Addr::LOCALHOST, dual.local_addr().port()));

        let mut batch = SendBatch::new();
        batch.push(&dual, v4.local_addr(), b"out");
        batch.flush(&dual);
        assert_eq!(one(&v4), (dual_addr, b"out".to_vec()));

        batch.push(&v4, dual_addr, b"in");
        batch.flush(&v4);
        assert_eq!(one(&dual), (v4.local_addr(), b"in".to_vec()));
    }

    /// Waits for one datagram.
    fn one(socket: &Arc<Socket>) -> (SocketAddr, Vec<u8>) {
        let (mut waiter, _waker) = Waiter::new(vec![Arc::clone(socket)]).unwrap();
        let mut buffers = ReceiveBuffers::new();
        let mut received = Vec::new();
        while received.is_empty() {
            assert!(waiter.wait(Some(Duration::from_secs(10))).unwrap().readable(0), "nothing came");
            socket.receive(&mut buffers, |source, datagram| received.push((source, datagram.to_vec()))).unwrap();
        }
        assert_eq!(received.len(), 1);
        received.remove(0)
    }
}
