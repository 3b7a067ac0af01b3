//! What a listener serves: routes and counters.

use std::fmt;

use farwire_core::signalling::Method;
use prometheus_client::collector::Collector;
use prometheus_client::registry::Registry;

use crate::limits::{Limits, MAX_BODY};
use crate::metrics::Snapshots;
use crate::{Host, Incoming, Origin, Pass, Reply, Tls, metrics};

/// Paths that begin alike, and who answers for them.
pub struct Route {
    pub(crate) prefix: &'static str,
    pub(crate) headers: Vec<&'static str>,
    pub(crate) max_body: usize,
    pub(crate) gate: Option<Gate>,
    pub(crate) handler: Box<dyn Fn(Incoming, Reply) + Send + Sync>,
}

/// Judges a request before its body is read.
pub(crate) type Gate = Box<dyn Fn(&Incoming, Pass) + Send + Sync>;

impl Route {
    /// Hands requests whose path begins with `prefix` to `handler`, which is called on the listener's thread and must not
    /// block it.
    pub fn new(prefix: &'static str, handler: impl Fn(Incoming, Reply) + Send + Sync + 'static) -> Route {
        Route { prefix, headers: Vec::new(), max_body: MAX_BODY, gate: None, handler: Box::new(handler) }
    }

    /// Hands over this header as well, by its name in lower case.
    pub fn header(mut self, name: &'static str) -> Route {
        self.headers.push(name);
        self
    }

    /// Has `gate` judge every request by its head, before anything of its body is read: who may not ask costs no memory. It
    /// is called on the listener's thread and must not block it.
    pub fn gate(mut self, gate: impl Fn(&Incoming, Pass) + Send + Sync + 'static) -> Route {
        self.gate = Some(Box::new(gate));
        self
    }

    /// Sets the longest body, in bytes.
    pub fn max_body(mut self, bytes: usize) -> Route {
        self.max_body = bytes;
        self
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Everything that one listener serves.
#[derive(Default)]
pub struct Site {
    pub(crate) routes: Vec<Route>,
    /// All counters that `GET /metrics` answers with; none of them tells a secret.
    pub(crate) registry: Registry,
    /// Somebody has added counters, so there is a page of them.
    has_counters: bool,
    /// Who may read them: programs on this machine, or everybody.
    pub(crate) has_public_metrics: bool,
    pub(crate) hosts: Vec<Host>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) tls: Option<Tls>,
    pub(crate) limits: Limits,
}

impl Site {
    /// Nothing yet: every path is 404.
    pub fn new() -> Site {
        Site::default()
    }

    /// Adds a route. Of several that fit a path, the one with the longest prefix is taken.
    pub fn route(mut self, route: Route) -> Site {
        self.routes.push(route);
        self.routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        self
    }

    /// Adds counters to what `GET /metrics` answers: `snapshot` is called on the listener's thread whenever somebody asks,
    /// and what it returns says them; their names get `prefix` and an underscore in front. Programs on this machine may
    /// ask, unless [`Site::public_metrics`] lets everybody; a proxy on it is taken for one, unless it says for whom it asks.
    pub fn metrics<C: Collector>(mut self, prefix: &str, snapshot: impl Fn() -> C + Send + Sync + 'static) -> Site {
        self.contribute(prefix, snapshot);
        self.has_counters = true;
        self
    }

    /// Lets everybody read the counters who reaches the listener.
    pub fn public_metrics(mut self) -> Site {
        self.has_public_metrics = true;
        self
    }

    /// Lets itself be asked by this name as well. Without it, by loopback names, by the address at which a connection came
    /// in and, beyond loopback, by the machine's own name; all other names are answered 421.
    pub fn allow_host(mut self, host: Host) -> Site {
        self.hosts.push(host);
        self
    }

    /// Lets pages from there ask as well. Without it, those on loopback and its own; all others are answered 403.
    pub fn allow_origin(mut self, origin: Origin) -> Site {
        self.origins.push(origin);
        self
    }

    /// Speaks TLS, and nothing else.
    pub fn tls(mut self, tls: Tls) -> Site {
        self.tls = Some(tls);
        self
    }

    /// Sets the bounds.
    pub fn limits(mut self, limits: Limits) -> Site {
        self.limits = limits;
        self
    }

    /// Sets how many connections may be open at once.
    pub fn max_connections(mut self, connections: usize) -> Site {
        self.limits.connections = connections;
        self
    }

    /// Adds counters, which alone make no page.
    pub(crate) fn contribute<C: Collector>(&mut self, prefix: &str, snapshot: impl Fn() -> C + Send + Sync + 'static) {
        let registry = self.registry.sub_registry_with_prefix(prefix);
        registry.register_collector(Box::new(Snapshots(snapshot)));
    }

    pub(crate) fn find(&self, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| path.starts_with(route.prefix))
    }

    /// Whether it is the counters that are asked for.
    pub(crate) fn has_metrics(&self, method: &Method, path: &str) -> bool {
        *method == Method::GET && path == metrics::PATH && self.has_counters
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("routes", &self.routes).finish_non_exhaustive()
    }
}
