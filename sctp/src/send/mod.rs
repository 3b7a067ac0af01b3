//! What goes to the far end: what waits on each stream, what is in flight, and when that counts as lost.

mod flight;
mod outbox;
mod round_trip;
mod stream;

pub(crate) use self::flight::{Flight, Verdict, doubt};
pub(crate) use self::outbox::{Outbox, Rest, Taken};
pub(crate) use self::round_trip::RoundTrip;
pub(crate) use self::stream::{OutPhase, OutStream, Outgoing};

/// What a message costs beside its bytes, as it counts in the send buffer.
pub(crate) const OVERHEAD: usize = 64;
