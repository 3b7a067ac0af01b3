//! The HTTP/1.1 listener: carries requests to the SFU's state machine and responses back.
//!
//! It knows nothing of the API. It refuses what is out of bounds, answers browsers' preflights, allows every origin
//! (requests carry a bearer token, never a cookie) and hands the rest to a callback. Bytes that are not HTTP, or a header
//! block over [`MAX_HEADER`], get hyper's bare 400 or 431.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use farwire_core::http::{Method, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming as Upload};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};

use crate::METRICS_CONTENT_TYPE;

/// The longest request line and header block, in bytes. Hyper answers a longer one with 431.
pub(crate) const MAX_HEADER: usize = 16 * 1024;
/// The longest path and query, in bytes. A longer one gets 414.
pub(crate) const MAX_URI: usize = 4 * 1024;
/// The longest request body, in bytes. A longer one gets 413.
pub(crate) const MAX_BODY: usize = 1024 * 1024;
/// Connections open at once. Further ones wait in the system's accept queue.
pub(crate) const MAX_CONNECTIONS: usize = 256;
/// From the previous response, or the connection's start, to a request's complete header block. Past it the connection
/// is closed, so it bounds idle keep-alive as well.
pub(crate) const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// From the header block to the complete body. Past it the answer is 408.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// From the complete request to the handler's reply. Past it the answer is 503.
pub(crate) const REPLY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long, at the least, a client may leave a response unread that does not fit the system's buffers. At twice this
/// time the connection is closed.
pub(crate) const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a browser may keep a preflight's answer, in seconds; Chrome's upper bound.
const PREFLIGHT_MAX_AGE: &str = "7200";
/// After how many seconds a client may ask again that was told 429 or 503.
const RETRY_AFTER: &str = "1";
/// How long to go on reading after the last response, so that it is not lost to the reset that unread bytes cause.
const LINGER: Duration = Duration::from_secs(2);
/// Where Prometheus reads counters, without a secret.
const METRICS: &str = "/metrics";
/// The pause after a failed accept, which usually means that there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// One request as the SFU's state machine takes it.
pub(crate) struct Incoming {
    /// Any method but OPTIONS, which the listener answers.
    pub(crate) method: Method,
    /// The path without the query, percent-encoded as it came.
    pub(crate) path: String,
    /// The `Authorization` header, if it is there and in visible ASCII.
    pub(crate) authorization: Option<String>,
    /// At most [`MAX_BODY`] bytes.
    pub(crate) body: Vec<u8>,
}

/// Where the response goes. Dropped unused, it makes a 503; sending fails once the client or [`REPLY_TIMEOUT`] has gone.
pub(crate) type Reply = oneshot::Sender<Response>;

/// Listens on one address and serves it on one thread, until dropped.
pub(crate) struct Listener {
    local_addr: SocketAddr,
    /// Dropped to stop the thread.
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Binds to `addr`, where port 0 lets the system choose one, and starts the thread.
    ///
    /// `handler` is called on that thread for each request and must not block it.
    ///
    /// # Errors
    ///
    /// The address cannot be bound, or the system is out of threads or file descriptors.
    pub(crate) fn spawn(
        addr: SocketAddr,
        metrics: impl Fn() -> String + Send + Sync + 'static,
        handler: impl Fn(Incoming, Reply) + Send + Sync + 'static,
    ) -> io::Result<Listener> {
        Self::spawn_with(addr, Limits::default(), metrics, handler)
    }

    fn spawn_with(
        addr: SocketAddr,
        limits: Limits,
        metrics: impl Fn() -> String + Send + Sync + 'static,
        handler: impl Fn(Incoming, Reply) + Send + Sync + 'static,
    ) -> io::Result<Listener> {
        let socket = std::net::TcpListener::bind(addr)?;
        socket.set_nonblocking(true)?;
        let local_addr = socket.local_addr()?;
        let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let socket = {
            let _registered_with = runtime.enter();
            TcpListener::from_std(socket)?
        };
        let shared = Arc::new(Shared { handler, metrics: Box::new(metrics), limits });
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("farwire-http".into()).spawn(move || {
            runtime.spawn(accept(socket, shared));
            let _ = runtime.block_on(stopped);
            // Every connection is a task of the runtime and ends here with it.
            drop(runtime);
        })?;
        Ok(Listener { local_addr, stop: Some(stop), thread: Some(thread) })
    }

    /// The address that is listened on, with the port that the system chose.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }
}

impl Drop for Listener {
    /// Stops accepting, closes every connection, also one that waits for its reply, and ends the thread.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported there.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

struct Shared<H> {
    handler: H,
    metrics: Box<dyn Fn() -> String + Send + Sync>,
    limits: Limits,
}

/// The bounds that tests shorten.
struct Limits {
    connections: usize,
    header: Duration,
    body: Duration,
    reply: Duration,
    stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: MAX_CONNECTIONS,
            header: HEADER_TIMEOUT,
            body: BODY_TIMEOUT,
            reply: REPLY_TIMEOUT,
            stall: STALL_TIMEOUT,
        }
    }
}

async fn accept<H>(listener: TcpListener, shared: Arc<Shared<H>>)
where
    H: Fn(Incoming, Reply) + Send + Sync + 'static,
{
    let slots = Arc::new(Semaphore::new(shared.limits.connections));
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    serve(stream, shared).await;
                    drop(slot);
                });
            }
            // The client gave up while it waited.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// One connection, from its first byte to its last.
async fn serve<H>(stream: TcpStream, shared: Arc<Shared<H>>)
where
    H: Fn(Incoming, Reply) + Send + Sync + 'static,
{
    // A response must not wait for the acknowledgement of the one before. A socket that cannot is already broken.
    let _ = stream.set_nodelay(true);
    let limits = &shared.limits;
    // Counts each request twice, at its arrival and at its response: odd while one is being answered.
    let turns = Arc::new(AtomicU64::new(0));
    let service = {
        let (shared, turns) = (Arc::clone(&shared), Arc::clone(&turns));
        service_fn(move |request| -> Answer {
            let (shared, turns) = (Arc::clone(&shared), Arc::clone(&turns));
            Box::pin(async move {
                turns.fetch_add(1, Ordering::Relaxed);
                let response = respond(request, &shared).await;
                turns.fetch_add(1, Ordering::Relaxed);
                Ok(response)
            })
        })
    };
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_header_size(MAX_HEADER)
        // Also bounds what is buffered of a body before it is taken.
        .max_buf_size(MAX_HEADER)
        .serve_connection(TokioIo::new(stream), service);

    // Hyper bounds the wait for a request and `respond` the answer; what is left to bound is a client that does not read.
    let mut seen = turns.load(Ordering::Relaxed);
    while timeout(limits.stall, poll_fn(|cx| connection.poll_without_shutdown(cx))).await.is_err() {
        let now = turns.load(Ordering::Relaxed);
        if now == seen && now.is_multiple_of(2) {
            return;
        }
        seen = now;
    }
    linger(connection.into_parts().io.into_inner()).await;
}

type Answer = Pin<Box<dyn Future<Output = Result<hyper::Response<Full<Bytes>>, Infallible>> + Send>>;

/// Says that no more will come, then waits for the client to say the same.
async fn linger(mut stream: TcpStream) {
    let drained = async {
        stream.shutdown().await?;
        let mut discarded = vec![0; MAX_HEADER];
        while stream.read(&mut discarded).await? > 0 {}
        io::Result::Ok(())
    };
    // However it ends, the connection has served its purpose.
    let _ = timeout(LINGER, drained).await;
}

async fn respond<H>(request: Request<Upload>, shared: &Shared<H>) -> hyper::Response<Full<Bytes>>
where
    H: Fn(Incoming, Reply),
{
    if request.method() == hyper::Method::OPTIONS {
        return preflight();
    }
    if request.method() == hyper::Method::GET && request.uri().path() == METRICS {
        return metrics((shared.metrics)());
    }
    match exchange(request, shared).await {
        Ok(reply) => json(status(reply.status), reply.body),
        Err(refusal) => refusal.into_response(),
    }
}

/// Reads the request, hands it to the handler and waits for the reply.
async fn exchange<H>(request: Request<Upload>, shared: &Shared<H>) -> Result<Response, Refusal>
where
    H: Fn(Incoming, Reply),
{
    let (head, body) = request.into_parts();
    if head.uri.path_and_query().is_some_and(|uri| uri.as_str().len() > MAX_URI) {
        return Err(Refusal::UriTooLong);
    }
    let method = Method::parse(head.method.as_str()).ok_or(Refusal::UnknownMethod)?;
    // Before the first read, which is what makes hyper invite the body of a client that asked first.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(Refusal::BodyTooLong);
    }
    let body = timeout(shared.limits.body, Limited::new(body, MAX_BODY).collect())
        .await
        .map_err(|_| Refusal::BodyTooSlow)?
        .map_err(|error| Refusal::of_body(&*error))?;
    let authorization = head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let incoming = Incoming {
        method,
        path: head.uri.path().to_owned(),
        authorization: authorization.map(str::to_owned),
        body: body.to_bytes().into(),
    };

    let (reply, replied) = oneshot::channel();
    (shared.handler)(incoming, reply);
    match timeout(shared.limits.reply, replied).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(_)) | Err(_) => Err(Refusal::NoReply),
    }
}

/// Why the listener answers by itself.
enum Refusal {
    UnknownMethod,
    UriTooLong,
    BodyTooLong,
    BodyTooSlow,
    BodyBroken,
    NoReply,
}

impl Refusal {
    fn of_body(error: &(dyn Error + Send + Sync + 'static)) -> Refusal {
        if error.is::<LengthLimitError>() { Refusal::BodyTooLong } else { Refusal::BodyBroken }
    }

    fn into_response(self) -> hyper::Response<Full<Bytes>> {
        let (status, description) = match self {
            Refusal::UnknownMethod => (StatusCode::METHOD_NOT_ALLOWED, "method not supported"),
            Refusal::UriTooLong => (StatusCode::URI_TOO_LONG, "URI too long"),
            Refusal::BodyTooLong => (StatusCode::PAYLOAD_TOO_LARGE, "body too long"),
            Refusal::BodyTooSlow => (StatusCode::REQUEST_TIMEOUT, "body did not arrive in time"),
            Refusal::BodyBroken => (StatusCode::BAD_REQUEST, "body could not be read"),
            Refusal::NoReply => (StatusCode::SERVICE_UNAVAILABLE, "no answer in time"),
        };
        let code = match self {
            Refusal::BodyTooLong => "payload_too_large",
            _ if status.is_server_error() => "temporarily_unavailable_error",
            _ => "decoding_error",
        };
        let body = format!(r#"{{"errorCode":"{code}","errorDescription":"{description}"}}"#);
        let mut response = json(status, body.into_bytes());
        let headers = response.headers_mut();
        match self {
            Refusal::UnknownMethod => {
                headers.insert(header::ALLOW, METHODS);
            }
            // The rest of the body stands between here and the next request.
            Refusal::BodyTooLong | Refusal::BodyTooSlow | Refusal::BodyBroken => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Refusal::UriTooLong | Refusal::NoReply => {}
        }
        response
    }
}

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS");

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
fn json(status: StatusCode, body: Vec<u8>) -> hyper::Response<Full<Bytes>> {
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
fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code)
        .ok()
        .filter(|status| !status.is_informational())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests;
