//! The `farwire` command, run as people run it.

mod broker;
mod commands;
mod process;
mod serve;
mod three_terminals;
mod usage;
