//! What farwire's drivers tell of a connection: logs by [`tracing`], and counters by the `metrics` crate.
//!
//! Neither has payloads or secrets in it. Both go where the application says, and nowhere if it says nothing; core itself
//! has no global state.

mod log;
mod meter;

pub use crate::log::{log, log_trouble};
pub use crate::meter::{METER_EVERY, Meter};
