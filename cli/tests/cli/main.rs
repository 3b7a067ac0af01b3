//! The `farwire` command, run as people run it.

mod commands;
mod process;
mod usage;
