//! The driver for tokio with the embedded SFU.

mod example;
mod futures;
mod lifecycle;
mod sfu;
mod traffic;
