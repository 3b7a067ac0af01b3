//! The driver against real sockets: servers that misbehave, and the embedded SFU.

mod failures;
mod handles;
mod leftovers;
mod lifecycle;
mod pressure;
mod receivers;
mod script;
mod sfu;
mod traffic;
mod typed;
