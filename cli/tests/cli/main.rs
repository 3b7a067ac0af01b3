//! The `farwire` command, run as people run it.

mod bench;
mod broker;
mod chromium;
mod clock_steps;
mod commands;
#[path = "../../../tests/tests/script/dialogue.rs"]
mod dialogue;
mod dimos;
mod process;
mod serve;
mod terminal;
mod three_terminals;
mod usage;
mod watching;
