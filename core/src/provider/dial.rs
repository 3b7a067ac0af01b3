//! What to connect to, whatever the provider.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use super::Connect;
use crate::MAX_TRANSPORTS;
use crate::config::host_ip;

/// What a connection is to: an SFU itself, a robot's or an operator's end of a broker's bridge, or whatever has a
/// provider. Publishing and subscribing are the same in all of them.
#[derive(Clone)]
pub struct Dial(Arc<dyn Connect>);

impl Dial {
    /// What somebody's own provider connects to. [`Connect`] is public with the feature `provider`.
    pub fn new(connect: impl Connect) -> Dial {
        Dial(Arc::new(connect))
    }

    /// The URL that is faced.
    pub fn url(&self) -> &str {
        self.0.url()
    }

    /// How many UDP sockets a connection needs, one for each of its transports.
    pub fn transports(&self) -> usize {
        self.0.transports().clamp(1, MAX_TRANSPORTS)
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
        &*self.0
    }
}

impl<T: Clone + Into<Dial>> From<&T> for Dial {
    fn from(config: &T) -> Dial {
        config.clone().into()
    }
}

impl PartialEq for Dial {
    fn eq(&self, other: &Dial) -> bool {
        self.0.is_same(other.0.as_any())
    }
}

impl Eq for Dial {}

impl Hash for Dial {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.add_to(hasher);
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
