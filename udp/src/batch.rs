use std::fmt;
use std::io;
use std::net::SocketAddr;

use rustix::io::Errno;

use crate::Socket;

/// The largest datagram that IPv4 can carry and the most that one run may hold, in bytes.
pub const MAX_DATAGRAM: usize = 65_507;

/// Collects outgoing datagrams and sends them with as few system calls as possible.
///
/// Consecutive datagrams to one destination form a run, which leaves with one GSO call, as long as they are of equal
/// size; a shorter one ends the run. Anything else sends the run first, so the order stays.
///
/// Sending never fails: what the kernel will not take (its buffer is full, the destination is unreachable, the datagram
/// exceeds the MTU) is dropped and counted, as the network may drop it too.
///
/// A batch belongs to one socket: [`flush`](Self::flush) it before using it with another.
pub struct SendBatch {
    destination: SocketAddr,
    contents: Vec<u8>,
    /// Datagrams in `contents`.
    count: usize,
    /// Bytes in each of them but the last.
    segment: usize,
    dropped: u64,
}

impl SendBatch {
    /// An empty batch.
    pub fn new() -> Self {
        let destination = SocketAddr::from(([0, 0, 0, 0], 0));
        SendBatch { destination, contents: Vec::new(), count: 0, segment: 0, dropped: 0 }
    }

    /// Appends a datagram, sending the run before it if it cannot join.
    ///
    /// A datagram over [`MAX_DATAGRAM`] bytes is dropped.
    pub fn push(&mut self, socket: &Socket, destination: SocketAddr, datagram: &[u8]) {
        if datagram.len() > MAX_DATAGRAM {
            self.dropped += 1;
            return;
        }
        if !self.takes(socket, destination, datagram) {
            self.flush(socket);
            self.destination = destination;
            self.segment = datagram.len();
        }
        self.contents.extend_from_slice(datagram);
        self.count += 1;
    }

    /// Sends what was pushed. Nothing leaves later than this call.
    pub fn flush(&mut self, socket: &Socket) {
        self.dropped += match self.count {
            0 => 0,
            1 => self.send_singly(socket).refused,
            _ => self.send_run(socket),
        };
        self.contents.clear();
        self.count = 0;
    }

    /// Datagrams dropped since the batch was made.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn takes(&self, socket: &Socket, destination: SocketAddr, datagram: &[u8]) -> bool {
        // GSO cuts at every `segment` bytes: only full segments can be followed, and an empty one would vanish.
        let open = self.contents.len() == self.count * self.segment;
        self.count > 0
            && open
            && !datagram.is_empty()
            && datagram.len() <= self.segment
            && destination == self.destination
            && self.count < socket.max_segments()
            && self.contents.len() + datagram.len() <= MAX_DATAGRAM
    }

    /// Sends the run with one call and returns how many datagrams were dropped.
    fn send_run(&self, socket: &Socket) -> u64 {
        let Err(error) = socket.send(self.destination, &self.contents, Some(self.segment)) else {
            return 0;
        };
        if error.kind() == io::ErrorKind::WouldBlock {
            return self.count as u64;
        }
        let outcome = self.send_singly(socket);
        let blames_gso = [Errno::IO, Errno::INVAL].map(|errno| Some(errno.raw_os_error()));
        // The same errors can come from the destination, but then a plain datagram fails as well.
        if outcome.first_accepted && blames_gso.contains(&error.raw_os_error()) {
            socket.set_max_segments(1);
        }
        outcome.refused
    }

    fn send_singly(&self, socket: &Socket) -> Singly {
        let mut outcome = Singly { first_accepted: false, refused: 0 };
        for index in 0..self.count {
            let start = index * self.segment;
            let end = self.contents.len().min(start + self.segment);
            match socket.send(self.destination, &self.contents[start..end], None) {
                Ok(()) => outcome.first_accepted |= index == 0,
                Err(_) => outcome.refused += 1,
            }
        }
        outcome
    }
}

struct Singly {
    first_accepted: bool,
    refused: u64,
}

impl Default for SendBatch {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SendBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendBatch")
            .field("destination", &self.destination)
            .field("count", &self.count)
            .field("dropped", &self.dropped)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReceiveBuffers, Waiter};
    use std::net::Ipv4Addr;
    use std::sync::Arc;
    use std::time::Duration;

    fn loopback() -> Arc<Socket> {
        Arc::new(Socket::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap())
    }

    /// A datagram whose bytes all depend on its index.
    fn datagram(index: usize, size: usize) -> Vec<u8> {
        (0..size).map(|at| (index * 31 + at) as u8).collect()
    }

    fn push_all(batch: &mut SendBatch, from: &Socket, to: &Socket, datagrams: &[Vec<u8>]) {
        for datagram in datagrams {
            batch.push(from, to.local_addr(), datagram);
        }
        batch.flush(from);
    }

    /// Waits for `count` datagrams.
    fn collect(from: &Socket, to: &Arc<Socket>, count: usize) -> Vec<Vec<u8>> {
        let (mut waiter, _waker) = Waiter::new(vec![Arc::clone(to)]).unwrap();
        let mut buffers = ReceiveBuffers::new();
        let mut received = Vec::new();
        while received.len() < count {
            let readiness = waiter.wait(Some(Duration::from_secs(10))).unwrap();
            assert!(readiness.readable(0), "{} of {count} came", received.len());
            to.receive(&mut buffers, |source, datagram| {
                assert_eq!(source, from.local_addr());
                received.push(datagram.to_vec());
            })
            .unwrap();
        }
        received
    }

    #[test]
    fn a_hundred_datagrams_of_mixed_sizes_arrive_as_they_were() {
        let (alice, bob) = (loopback(), loopback());
        let sizes = [1200, 1200, 1200, 64, 64, 64, 64, 1, 0, 0, 1200, 1300, 1300, 1299, 1300, 8, 8, 9000, 9000, 2];
        let sent: Vec<_> = (0..100).map(|index| datagram(index, sizes[index % sizes.len()])).collect();

        let mut batch = SendBatch::new();
        push_all(&mut batch, &alice, &bob, &sent);
        assert_eq!(collect(&alice, &bob, sent.len()), sent);
        assert_eq!(batch.dropped(), 0);
    }

    #[test]
    fn a_run_ends_at_the_segment_limit_and_at_the_byte_limit() {
        let (alice, bob) = (loopback(), loopback());
        let mut batch = SendBatch::new();

        let many: Vec<_> = (0..150).map(|index| datagram(index, 10)).collect();
        push_all(&mut batch, &alice, &bob, &many);
        assert_eq!(collect(&alice, &bob, many.len()), many);

        // macOS refuses larger ones than 9216 bytes by default.
        let large: Vec<_> = (0..10).map(|index| datagram(index, 9000)).collect();
        push_all(&mut batch, &alice, &bob, &large);
        assert_eq!(collect(&alice, &bob, large.len()), large);
        assert_eq!(batch.dropped(), 0);
    }

    #[test]
    fn destinations_do_not_mix() {
        let (alice, bob, carol) = (loopback(), loopback(), loopback());
        let sent: Vec<_> = (0..20).map(|index| datagram(index, 100)).collect();
        let mut batch = SendBatch::new();
        for datagram in &sent {
            batch.push(&alice, bob.local_addr(), datagram);
            batch.push(&alice, carol.local_addr(), datagram);
        }
        batch.flush(&alice);
        assert_eq!(collect(&alice, &bob, sent.len()), sent);
        assert_eq!(collect(&alice, &carol, sent.len()), sent);
    }

    #[test]
    fn what_cannot_be_sent_is_dropped_and_counted() {
        let (alice, bob) = (loopback(), loopback());
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let segments = alice.max_segments();
        let mut batch = SendBatch::new();

        batch.push(&alice, bob.local_addr(), &vec![0; MAX_DATAGRAM + 1]);
        assert_eq!(batch.dropped(), 1);
        for _ in 0..3 {
            batch.push(&alice, nowhere, b"port zero does not exist");
        }
        batch.push(&alice, bob.local_addr(), b"the next one");
        assert_eq!(batch.dropped(), 4);

        batch.flush(&alice);
        assert_eq!(collect(&alice, &bob, 1), [b"the next one"]);
        assert_eq!(batch.dropped(), 4);
        assert_eq!(alice.max_segments(), segments, "a bad destination must not turn GSO off");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_run_that_gso_refuses_goes_out_singly() {
        let (alice, bob) = (loopback(), loopback());
        // More than any kernel takes in one call, so that it answers EINVAL.
        alice.set_max_segments(200);
        let sent: Vec<_> = (0..200).map(|index| datagram(index, 10)).collect();
        let mut batch = SendBatch::new();
        push_all(&mut batch, &alice, &bob, &sent);
        assert_eq!(collect(&alice, &bob, sent.len()), sent);
        assert_eq!(batch.dropped(), 0);
        assert_eq!(alice.max_segments(), 1);
    }
}
