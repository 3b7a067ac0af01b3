//! One request and its response.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use farwire_core::http::{Method, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming as Upload};
use hyper::header::{self, HeaderValue};
use hyper::{Request, StatusCode};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use crate::limits::{LARGE_BODY, MAX_LARGE_BODIES, MAX_URI};
use crate::metrics::METRICS_CONTENT_TYPE;
use crate::refusal::Refusal;
use crate::site::Site;

/// How long a browser may keep a preflight's answer, in seconds; Chrome's upper bound.
pub(crate) const PREFLIGHT_MAX_AGE: &str = "7200";
/// After how many seconds a client may ask again that was told 429 or 503.
const RETRY_AFTER: &str = "1";
pub(crate) const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS");

/// One request as a route's handler takes it.
///
/// Its `Debug` leaves out the headers and the body, which may hold secrets.
pub struct Incoming {
    /// Any method but OPTIONS, which the listener answers.
    pub method: Method,
    /// The path without the query, percent-encoded as it came.
    pub path: String,
    /// Where the request came from.
    pub peer: SocketAddr,
    /// At most as long as the route allows.
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

/// Where the response goes. Dropped unused, it makes a 503.
#[derive(Debug)]
pub struct Reply(oneshot::Sender<Response>);

impl Reply {
    /// Answers the request.
    ///
    /// # Errors
    /// The response, when the client is gone or its time for a reply is over.
    pub fn send(self, response: Response) -> Result<(), Response> {
        self.0.send(response)
    }

    /// Whether nobody waits for the response any more.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// What all connections of one listener share.
pub(crate) struct Shared {
    pub(crate) site: Site,
    large_bodies: Semaphore,
}

impl Shared {
    pub(crate) fn new(site: Site) -> Shared {
        Shared { site, large_bodies: Semaphore::new(MAX_LARGE_BODIES) }
    }
}

pub(crate) async fn respond(
    request: Request<Upload>,
    peer: SocketAddr,
    shared: &Shared,
) -> hyper::Response<Full<Bytes>> {
    if request.method() == hyper::Method::OPTIONS {
        return preflight();
    }
    let method = Method::parse(request.method().as_str());
    if let Some(text) = method.and_then(|method| shared.site.find_metrics(method, request.uri().path())) {
        return metrics(text);
    }
    match exchange(request, peer, shared).await {
        Ok(reply) => json(status(reply.status), reply.body),
        Err(refusal) => refusal.into_response(),
    }
}

/// Reads the request, hands it to the handler and waits for the reply.
async fn exchange(request: Request<Upload>, peer: SocketAddr, shared: &Shared) -> Result<Response, Refusal> {
    let (head, body) = request.into_parts();
    if head.uri.path_and_query().is_some_and(|uri| uri.as_str().len() > MAX_URI) {
        return Err(Refusal::UriTooLong);
    }
    let method = Method::parse(head.method.as_str()).ok_or(Refusal::UnknownMethod)?;
    let route = shared.site.find(head.uri.path()).ok_or(Refusal::UnknownPath)?;
    // Before the first read, which is what makes hyper invite the body of a client that asked first.
    if body.size_hint().lower() > route.max_body as u64 {
        return Err(Refusal::BodyTooLong);
    }
    let body = timeout(shared.site.limits.body, upload(body, route.max_body, shared))
        .await
        .map_err(|_| Refusal::BodyTooSlow)??;
    let header = |name: &&'static str| Some((*name, head.headers.get(*name)?.to_str().ok()?.to_owned()));
    let headers = route.headers.iter().filter_map(header).collect();
    let incoming = Incoming { method, path: head.uri.path().to_owned(), peer, body: body.into(), headers };

    let (reply, replied) = oneshot::channel();
    (route.handler)(incoming, Reply(reply));
    match timeout(shared.site.limits.reply, replied).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(_)) | Err(_) => Err(Refusal::NoReply),
    }
}

/// Reads a body; a large one when its turn has come.
async fn upload(body: Upload, max_body: usize, shared: &Shared) -> Result<Bytes, Refusal> {
    let is_large = body.size_hint().upper().is_none_or(|length| length > LARGE_BODY as u64);
    let _turn = match is_large {
        true => shared.large_bodies.acquire().await.ok(),
        false => None,
    };
    let body = Limited::new(body, max_body).collect().await.map_err(|error| Refusal::of_body(&*error))?;
    Ok(body.to_bytes())
}

fn preflight() -> hyper::Response<Full<Bytes>> {
    let mut response = json(StatusCode::NO_CONTENT, Vec::new());
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    let allowed = HeaderValue::from_static("authorization, content-type");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_MAX_AGE));
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
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
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
