//! What comes from the far end: which chunks are there, what messages they are, and what waits to be taken.

mod assembly;
mod inbox;
mod tsns;

pub(crate) use self::assembly::{Assembled, Assembly, Fragment};
pub(crate) use self::inbox::{Inbox, Notice, Turn, ppid};
pub(crate) use self::tsns::{Arrival, Tsns};

/// What keeping anything costs beside its bytes, as it counts in the window.
pub(crate) const OVERHEAD: usize = 64;
