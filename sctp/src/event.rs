//! What happened to an association, and why it is over.

use crate::Channel;

/// What [`poll_event`](crate::Association::poll_event) has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Both ends have agreed.
    Connected,
    /// The far end opened a channel in band. It can be written to, in the way that it asked for; ordered messages that come
    /// before its first one are of the stream's former use.
    Opened(u16, Channel),
    /// The far end knows the channel that was opened in band.
    Acknowledged(u16),
    /// [`receive`](crate::Association::receive) has something, after it had nothing.
    Readable,
    /// There is room, after a message was refused with [`SendError::Full`](crate::SendError::Full).
    Writable,
    /// What the stream has to send fell to its
    /// [threshold](crate::Association::set_buffered_amount_low_threshold).
    BufferedAmountLow(u16),
    /// The far end will send no more on the stream; what it sent before has been received. This end is reset as well, in turn.
    ResetByPeer(u16),
    /// Nothing can be sent on the stream any more, and the far end knows.
    ResetDone(u16),
    /// Both directions of a stream are reset: its id is free.
    Closed(u16),
    /// It is over; nothing follows.
    Ended(EndReason),
}

/// Why an association is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndReason {
    /// [`shutdown`](crate::Association::shutdown) or [`abort`](crate::Association::abort) was called.
    #[error("closed")]
    Local,
    /// The far end has shut it down in order.
    #[error("closed by the other end")]
    Remote,
    /// The far end has aborted it, for this cause (RFC 9260, section 3.3.10; 0 for none).
    #[error("aborted by the other end, cause {0}")]
    Aborted(u16),
    /// Nothing was heard for [`give_up_after`](crate::Config::give_up_after).
    #[error("no answer from the other end")]
    Lost,
    /// The far end started anew, which under DTLS only a broken one does.
    #[error("the other end started anew")]
    Restarted,
    /// The far end sent what no sender does that keeps the rules, and what would cost without bound.
    #[error("ended for the other end's breach of SCTP: {0}")]
    Violation(Violation),
}

/// A bound that no sender reaches that keeps the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Data beyond the window, and on.
    #[error("it went on sending beyond the window")]
    Window,
    /// Incomplete messages that fill twice the receive buffer.
    #[error("its incomplete messages fill the memory")]
    Memory,
    /// A message larger than allowed.
    #[error("a message was too large")]
    MessageSize,
    /// More streams than allowed.
    #[error("it used too many streams")]
    Streams,
    /// Fragments that contradict each other, or messages out of their stream's numbers.
    #[error("its fragments contradict each other")]
    Fragments,
    /// A chunk that cannot be, such as an acknowledgement of what was never sent.
    #[error("its chunks cannot be")]
    Protocol,
    /// More control chunks than anybody needs.
    #[error("it sent too many control chunks")]
    Controls,
}
