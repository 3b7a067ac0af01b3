//! What a driver is to do.

use std::net::SocketAddr;
use std::time::Instant;

use crate::client::{Changed, Notice, Share};
use crate::signalling::{Request, StreamCommand};
use crate::{Message, TransportId};

/// What a driver is to do after a turn, in the order of the fields.
#[derive(Debug)]
#[must_use = "what is not done is lost"]
pub struct Turn<S: Share> {
    /// Mailboxes that have something new, and somebody who waits for it and is to be woken.
    pub changed: Vec<Changed<S>>,
    /// Datagrams to send.
    pub datagrams: Vec<Datagram>,
    /// Mailboxes whose channels have opened: [`Mailbox::note_opened`](crate::Mailbox::note_opened), then wake. After
    /// the datagrams, since an acknowledgement among them makes the SFU deliver.
    pub opened: Vec<S::Inbox<Message>>,
    /// Requests to make; their answers go to [`Client::handle_response`](crate::Client::handle_response).
    pub requests: Vec<Request>,
    /// What to do with the connection's stream of lines, in this order; what happens to it goes to
    /// [`Client::handle_stream`](crate::Client::handle_stream). What is to be sent goes out although the connection is
    /// over.
    pub stream: Vec<StreamCommand>,
    /// What is worth a line in a log.
    pub notices: Vec<Notice>,
    /// Something happened that callers may wait for: connected, room in a queue, flushed, or over.
    pub news: bool,
    /// When [`Client::handle_timeout`](crate::Client::handle_timeout) is to be called; `None`: no timer is running.
    pub deadline: Option<Instant>,
    /// The connection is over, and nothing follows.
    pub over: bool,
}

impl<S: Share> Default for Turn<S> {
    fn default() -> Self {
        Turn {
            changed: Vec::new(),
            datagrams: Vec::new(),
            opened: Vec::new(),
            requests: Vec::new(),
            stream: Vec::new(),
            notices: Vec::new(),
            news: false,
            deadline: None,
            over: false,
        }
    }
}

/// A datagram that the peer wants sent.
#[derive(Debug)]
pub struct Datagram {
    /// From which transport's socket.
    pub transport: TransportId,
    /// Where to.
    pub destination: SocketAddr,
    /// What.
    pub contents: Vec<u8>,
}

impl Datagram {
    /// The number of its transport, its destination and its contents.
    pub fn parts(&self) -> (usize, SocketAddr, &[u8]) {
        (self.transport.index(), self.destination, &self.contents)
    }
}
