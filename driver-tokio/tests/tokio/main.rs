//! The driver for tokio with the embedded SFU.

mod futures;
mod lifecycle;
mod sfu;
mod traffic;
