//! What to connect to, whatever the provider.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use super::Connect;
use crate::MAX_TRANSPORTS;
use crate::config::host_ip;
use crate::link::SctpEngine;

/// What a connection is to: an SFU itself, a robot's or an operator's end of a broker's bridge, or whatever has a
/// provider. Publishing and subscribing are the same in all of them.
#[derive(Clone)]
pub struct Dial {
    connect: Arc<dyn Connect>,
    engine: SctpEngine,
}

impl Dial {
    /// What somebody's own provider connects to. [`Connect`] is public with the feature `provider`.
    pub fn new(connect: impl Connect) -> Dial {
        Dial { connect: Arc::new(connect), engine: SctpEngine::default() }
    }

    /// Whose SCTP carries the channels. The far end need not have the same one.
    #[must_use]
    pub fn sctp(self, engine: SctpEngine) -> Dial {
        Dial { engine, ..self }
    }

    pub(crate) fn engine(&self) -> SctpEngine {
        self.engine
    }

    /// The URL that is faced.
    pub fn url(&self) -> &str {
        self.connect.url()
    }

    /// How many UDP sockets a connection needs, one for each of its transports.
    pub fn transports(&self) -> usize {
        self.connect.transports().clamp(1, MAX_TRANSPORTS)
    }

    /// The address of the URL's host, if it needs no look-up: `localhost` is 127.0.0.1.
    pub fn host_ip(&self) -> Option<IpAddr> {
        host_ip(self.url())
    }

    /// Whether what is faced is on this machine, out of the reach of others.
    pub fn is_loopback(&self) -> bool {
        self.host_ip().is_some_and(|ip| ip.is_loopback())
    }

    pub(crate) fn connect(&self) -> &dyn Connect {
        &*self.connect
    }
}

impl<T: Clone + Into<Dial>> From<&T> for Dial {
    fn from(config: &T) -> Dial {
        config.clone().into()
    }
}

impl PartialEq for Dial {
    fn eq(&self, other: &Dial) -> bool {
        self.engine == other.engine && self.connect.is_same(other.connect.as_any())
    }
}

impl Eq for Dial {}

impl Hash for Dial {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.connect.add_to(hasher);
        self.engine.hash(hasher);
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.connect.fmt(f)
    }
}
