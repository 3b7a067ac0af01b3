//! One request and its response.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use farwire_core::signalling::{Method, Response};
use http_body_util::Full;
use hyper::body::Incoming as Body;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, StatusCode};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::warn;

use crate::connections::{Connections, Slot};
use crate::counters::{self, Counters, Snapshot, count};
use crate::host::Names;
use crate::limits::MAX_URI;
use crate::metrics::{METRICS_CONTENT_TYPE, page};
use crate::origin::Page;
use crate::refusal::Refusal;
use crate::site::{Route, Site};
use crate::upload::{Bodies, Share, Upload};

/// How long a browser may keep a preflight's answer, in seconds; Chrome's upper bound.
pub(crate) const PREFLIGHT_MAX_AGE: &str = "7200";
/// After how many seconds a client may ask again that was told 429 or 503.
const RETRY_AFTER: &str = "1";
/// How often the log is told of hosts and pages that were refused.
const TELL_EVERY: Duration = Duration::from_secs(1);
pub(crate) const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS");

/// A browser's question whether a page from the internet may ask a server of a private network, and the answer (Private
/// Network Access, 3.1.2).
const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// One request as a route's handler takes it.
///
/// Its `Debug` leaves out the headers and the body, which may hold secrets.
#[derive(Clone)]
pub struct Incoming {
    /// Any method but OPTIONS, which the listener answers.
    pub method: Method,
    /// The path without the query, percent-encoded as it came.
    pub path: String,
    /// What follows the question mark, as it came; empty without one.
    pub query: String,
    /// Where the request came from.
    pub peer: SocketAddr,
    /// At most as long as the route allows; empty at the route's gate, since none of it has been read by then.
    pub body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
}

impl Incoming {
    /// One of the headers that the route asked for, if it is there and in visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(of, _)| *of == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("method", &self.method).field("path", &self.path).finish_non_exhaustive()
    }
}

/// Where the response goes. Dropped unused, it makes a 503. Until then the request's body counts as in memory.
#[derive(Debug)]
pub struct Reply {
    to: oneshot::Sender<Response>,
    _body: Share,
}

impl Reply {
    /// Answers the request.
    ///
    /// # Errors
    /// The response, when the client is gone or its time for a reply is over.
    pub fn send(self, response: Response) -> Result<(), Response> {
        self.to.send(response)
    }

    /// Whether nobody waits for the response any more.
    pub fn is_closed(&self) -> bool {
        self.to.is_closed()
    }
}

/// Where a gate's word on a request goes. Dropped unused, it makes a 503.
#[derive(Debug)]
pub struct Pass(oneshot::Sender<Result<(), Response>>);

impl Pass {
    /// Has the body read, and the request handed to the route's handler.
    pub fn admit(self) {
        // Whoever asked may be gone.
        let _ = self.0.send(Ok(()));
    }

    /// Answers the request without reading its body.
    pub fn refuse(self, response: Response) {
        let _ = self.0.send(Err(response));
    }
}

/// What all connections of one listener share.
pub(crate) struct Shared {
    pub(crate) site: Site,
    pub(crate) connections: Arc<Connections>,
    names: Names,
    bodies: Bodies,
    counters: Arc<Counters>,
    /// When the log was last told of a refusal.
    told: Mutex<Option<Instant>>,
}

impl Shared {
    pub(crate) fn new(mut site: Site, listens_on: SocketAddr) -> Shared {
        let connections = Connections::new(site.limits.connections);
        let counters = Arc::new(Counters::default());
        let (open, counted) = (Arc::clone(&connections), Arc::clone(&counters));
        site.contribute(counters::PREFIX, move || Snapshot::new(&counted, open.count()));
        Shared {
            names: Names::new(&site.hosts, listens_on),
            connections,
            bodies: Bodies::new(site.limits.body_memory),
            counters,
            told: Mutex::new(None),
            site,
        }
    }

    /// The page that asks, if it may and by a name of this server's.
    fn admit(&self, head: &Parts, caller: &Caller) -> Result<Page, Refusal> {
        let own = self.names.check((head.version, &head.uri, &head.headers), caller.local);
        let own = own.inspect_err(|_| count(&self.counters.foreign_hosts))?;
        let page = Page::check(&self.site.origins, &head.headers, own.as_ref());
        page.inspect_err(|_| count(&self.counters.foreign_origins))
    }

    /// Tells whoever runs the server, but nobody can fill its log.
    fn tell(&self, peer: SocketAddr, refusal: &Refusal) {
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|at| at + TELL_EVERY <= now) {
            *told = Some(now);
            warn!(peer = %peer.ip(), "refused: {}", refusal.description());
        }
    }
}

/// Who asks, and where.
pub(crate) struct Caller {
    pub(crate) peer: SocketAddr,
    /// The address of this machine at which the connection came in.
    pub(crate) local: SocketAddr,
    pub(crate) slot: Slot,
}

impl Caller {
    /// Whether it is a program on this machine, which may ask itself at an address that others reach as well.
    fn is_local(&self) -> bool {
        let (peer, local) = (self.peer.ip().to_canonical(), self.local.ip().to_canonical());
        peer.is_loopback() || peer == local
    }
}

/// Whether a proxy on this machine asks for somebody else, and says so (RFC 7239).
fn is_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "via"].iter().any(|name| headers.contains_key(*name))
}

pub(crate) async fn respond(request: Request<Body>, caller: &Caller, shared: &Shared) -> hyper::Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let mut body = Upload::new(body, &head.headers);
    let (page, answered) = match shared.admit(&head, caller) {
        Ok(page) => (page, answer(&head, &mut body, caller, shared).await),
        Err(refusal) => {
            shared.tell(caller.peer, &refusal);
            (Page::None, Err(refusal))
        }
    };
    let mut response = answered.unwrap_or_else(Refusal::into_response);
    if !body.discard().await {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    page.mark(response.headers_mut());
    response
}

/// The answer to one who may ask.
async fn answer(
    head: &Parts,
    body: &mut Upload,
    caller: &Caller,
    shared: &Shared,
) -> Result<hyper::Response<Full<Bytes>>, Refusal> {
    if head.method == hyper::Method::OPTIONS {
        return Ok(preflight(&head.headers));
    }
    if head.uri.path_and_query().is_some_and(|uri| uri.as_str().len() > MAX_URI) {
        return Err(Refusal::uri_too_long());
    }
    let method = head.method.clone();
    if ![Method::GET, Method::POST, Method::PUT, Method::DELETE].contains(&method) {
        return Err(Refusal::unknown_method());
    }
    if shared.site.has_metrics(&method, head.uri.path()) {
        let is_allowed = shared.site.has_public_metrics || (caller.is_local() && !is_forwarded(&head.headers));
        return if is_allowed { Ok(metrics(page(&shared.site.registry))) } else { Err(Refusal::metrics()) };
    }
    let route = shared.site.find(head.uri.path()).ok_or_else(Refusal::unknown_path)?;
    let header = |name: &&'static str| Some((*name, head.headers.get(*name)?.to_str().ok()?.to_owned()));
    let headers = route.headers.iter().filter_map(header).collect();
    let (path, query) = (head.uri.path().to_owned(), head.uri.query().unwrap_or_default().to_owned());
    let incoming = Incoming { method, path, query, peer: caller.peer, body: Vec::new(), headers };

    let reply = exchange(incoming, body, route, (caller, shared)).await?;
    if reply.status < 400 {
        caller.slot.prove();
    }
    Ok(json(status(reply.status), reply.body))
}

/// Asks the gate, reads the body, hands both to the handler and waits for the reply.
async fn exchange(
    mut incoming: Incoming,
    body: &mut Upload,
    route: &Route,
    (caller, shared): (&Caller, &Shared),
) -> Result<Response, Refusal> {
    let limits = &shared.site.limits;
    if let Some(gate) = &route.gate {
        let (pass, passed) = oneshot::channel();
        gate(&incoming, Pass(pass));
        match timeout(limits.reply, passed).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(response))) => {
                count(&shared.counters.turned_away);
                return Ok(response);
            }
            Ok(Err(_)) | Err(_) => return Err(Refusal::no_reply()),
        }
    }
    // Before the first read, which is what makes hyper invite the body of a client that asked first.
    let read = match body.length_at_least() > route.max_body as u64 {
        true => Err(Refusal::body_too_long()),
        false => {
            caller.slot.await_body();
            body.read(route.max_body, limits, &shared.bodies).await
        }
    };
    caller.slot.begin();
    let (bytes, share) = read.inspect_err(|_| count(&shared.counters.bodies))?;
    incoming.body = bytes;

    let (reply, replied) = oneshot::channel();
    (route.handler)(incoming, Reply { to: reply, _body: share });
    match timeout(limits.reply, replied).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(_)) | Err(_) => Err(Refusal::no_reply()),
    }
}

/// The answer to a browser that asks before it lets a page ask (Fetch Standard, 3.2.2).
fn preflight(asked: &HeaderMap) -> hyper::Response<Full<Bytes>> {
    let mut response = json(StatusCode::NO_CONTENT, Vec::new());
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    let allowed = HeaderValue::from_static("authorization, content-type");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_MAX_AGE));
    if asked.get(REQUEST_PRIVATE_NETWORK).is_some_and(|value| value == "true") {
        headers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    response
}

fn metrics(text: String) -> hyper::Response<Full<Bytes>> {
    let mut response = json(StatusCode::OK, text.into_bytes());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(METRICS_CONTENT_TYPE));
    response
}

/// A response with the headers that all have. An empty body is no JSON, so it is not called that.
pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> hyper::Response<Full<Bytes>> {
    let is_empty = body.is_empty();
    let mut response = hyper::Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
    }
    if !is_empty {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}

/// The handler's status code; 500 in place of one that ends no exchange.
pub(crate) fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code)
        .ok()
        .filter(|status| !status.is_informational())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
