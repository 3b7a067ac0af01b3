//! Whose SCTP a world's peers and its SFU have: `FARWIRE_SCTP` says it, as for a program.

use farwire_core::{Dial, SctpEngine};

fn asked_for() -> Option<SctpEngine> {
    SctpEngine::from_env(|name| std::env::var(name).ok()).expect("a good FARWIRE_SCTP")
}

pub(crate) fn dial(dial: impl Into<Dial>) -> Dial {
    match asked_for() {
        Some(engine) => dial.into().sctp(engine),
        None => dial.into(),
    }
}

pub(crate) fn sfu(config: farwire_sfu::Config) -> farwire_sfu::Config {
    match asked_for() {
        Some(engine) => config.sctp(engine),
        None => config,
    }
}
