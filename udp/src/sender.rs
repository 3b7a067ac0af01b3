//! Sending from several sockets, in batches.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::{SendBatch, Socket};

/// Sends datagrams from one of several sockets each, and holds the sockets until it is closed.
#[derive(Debug)]
pub struct Sender {
    /// None once it is closed.
    sockets: Vec<(Arc<Socket>, SendBatch)>,
}

impl Sender {
    /// A sender for these sockets.
    pub fn new(sockets: &[Arc<Socket>]) -> Sender {
        Sender { sockets: sockets.iter().map(|socket| (Arc::clone(socket), SendBatch::new())).collect() }
    }

    /// Sends all: each is the number of its socket, its destination and its contents. Those for a socket that is not
    /// there are not sent, and nothing is once it is closed.
    pub fn send<'a>(&mut self, datagrams: impl IntoIterator<Item = (usize, SocketAddr, &'a [u8])>) {
        for (number, destination, contents) in datagrams {
            if let Some((socket, batch)) = self.sockets.get_mut(number) {
                batch.push(socket, destination, contents);
            }
        }
        for (socket, batch) in &mut self.sockets {
            batch.flush(socket);
        }
    }

    /// Lets go of the sockets.
    pub fn close(&mut self) {
        self.sockets.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::ReceiveBuffers;

    #[test]
    fn sends_from_the_socket_that_was_named_until_it_is_closed() {
        let bind = || Arc::new(Socket::bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a socket"));
        let (one, two, receiver) = (bind(), bind(), bind());
        let mut sender = Sender::new(&[Arc::clone(&one), Arc::clone(&two)]);
        let to = receiver.local_addr();
        sender.send([(0, to, &b"a"[..]), (1, to, b"b"), (2, to, b"c")]);
        sender.close();
        sender.send([(0, to, &b"d"[..])]);
        assert_eq!((Arc::strong_count(&one), Arc::strong_count(&two)), (1, 1));
        let mut received = Vec::new();
        let (mut waiter, _waker) = crate::Waiter::new(vec![Arc::clone(&receiver)]).expect("a waiter");
        while received.len() < 2 {
            let ready = waiter.wait(Some(std::time::Duration::from_secs(10))).expect("waits");
            assert!(ready.readable(0), "nothing came after {received:?}");
            let mut buffers = ReceiveBuffers::new();
            receiver
                .receive(&mut buffers, |source, datagram| received.push((source, datagram.to_vec())))
                .expect("receives");
        }
        received.sort_by_key(|(_, datagram)| datagram.clone());
        assert_eq!(received, [(one.local_addr(), b"a".to_vec()), (two.local_addr(), b"b".to_vec())]);
    }
}
