//! Associations over a simulated network in virtual time.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]

mod basics;
mod beside_bulk;
mod bounds;
mod channels;
mod differential;
mod forgetting;
mod hostile;
mod loss;
mod network;
mod parts;
