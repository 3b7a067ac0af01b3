//! LCM messages: fingerprints, bytes, and what hostile bytes do.

mod allocations;
mod definitions;
mod dimos;
mod fingerprints;
mod golden;
mod hostile;
mod round_trips;
mod serde;
