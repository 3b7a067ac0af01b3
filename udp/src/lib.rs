//! UDP for programs that send and receive many small datagrams, and a wait that another thread can end.
//!
//! The protocol crates do no I/O; farwire's drivers and its SFU do theirs through the parts of this one:
//!
//! - [`Socket`] receives as many datagrams as one system call can bring (recvmmsg and GRO);
//! - [`SendBatch`] collects outgoing datagrams and sends each run of equal size with one system call (GSO);
//! - [`Sender`] does so from several sockets;
//! - [`bind_towards`] and [`addresses_towards`] find the way to a host;
//! - [`Waiter`] sleeps until a socket is readable, a [`Waker`] calls or a deadline passes.
//!
//! Where the system has no offload (macOS, old kernels) the same calls work, one datagram each. Unix only.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use farwire_udp::{ReceiveBuffers, SendBatch, Socket, Waiter};
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! let loopback = (std::net::Ipv4Addr::LOCALHOST, 0).into();
//! let (alice, bob) = (Socket::bind(loopback)?, Arc::new(Socket::bind(loopback)?));
//!
//! let mut batch = SendBatch::new();
//! batch.push(&alice, bob.local_addr(), b"hello");
//! batch.flush(&alice);
//!
//! let (mut waiter, _waker) = Waiter::new(vec![Arc::clone(&bob)])?;
//! let readiness = waiter.wait(Some(Duration::from_secs(10)))?;
//! assert!(readiness.readable(0));
//!
//! let mut buffers = ReceiveBuffers::new();
//! let count = bob.receive(&mut buffers, |source, datagram| {
//!     assert_eq!((source, datagram), (alice.local_addr(), &b"hello"[..]));
//! })?;
//! assert_eq!(count, 1);
//! # Ok(())
//! # }
//! ```

mod batch;
mod sender;
mod socket;
mod towards;
mod wait;

pub use batch::{MAX_DATAGRAM, SendBatch};
pub use sender::Sender;
pub use socket::{BUFFER_REQUEST, FULL_RECEIVE, ReceiveBuffers, Socket};
pub use towards::{addresses_towards, bind_towards};
pub use wait::{MAX_SOCKETS, Readiness, Waiter, Waker};
