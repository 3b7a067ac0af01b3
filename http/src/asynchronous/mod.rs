//! The client for tasks, by hyper.

mod connect;
mod pool;
mod tunnel;

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use farwire_core::signalling::{Failure, MAX_RESPONSE, Request, Response};
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::time::timeout_at;

use crate::asynchronous::connect::connect;
use crate::asynchronous::pool::{Connection, Pool};
use crate::exchange::{self, Answer, USER_AGENT};
use crate::failure::Fault;
use crate::settings::Settings;

/// An HTTP client for the tasks of a tokio runtime, which keeps its connections open between requests. Clones are the same
/// client.
///
/// It waits in the runtime, whose I/O and time drivers it needs; only the look-up of a name has a thread of its
/// own, since nothing cuts one off.
#[derive(Debug, Clone)]
pub struct AsyncClient {
    settings: Arc<Settings>,
    pool: Arc<Pool>,
}

impl AsyncClient {
    /// A client with the settings of the environment, see [`from_env`](AsyncClient::from_env).
    pub fn new(is_loopback: bool) -> AsyncClient {
        AsyncClient::from_env(is_loopback, |name| std::env::var_os(name))
    }

    /// A client for a server on this machine or another one, with settings from variables: those that the blocking client
    /// takes. It reads the file that [`TRUST`](crate::TRUST) names at once.
    pub fn from_env(is_loopback: bool, lookup: impl FnMut(&str) -> Option<OsString>) -> AsyncClient {
        AsyncClient { settings: Arc::new(Settings::from_env(is_loopback, lookup)), pool: Arc::default() }
    }

    /// A client with the same settings and connections of its own.
    #[must_use]
    pub fn apart(&self) -> AsyncClient {
        AsyncClient { settings: Arc::clone(&self.settings), pool: Arc::default() }
    }

    /// Makes a request, and waits until its answer is complete or the request's timeout is over. A redirect is not followed.
    /// Dropping the future cuts the request off.
    ///
    /// # Errors
    /// When there is no answer, or one larger than [`MAX_RESPONSE`], or one that only says
    /// to ask somebody else.
    ///
    /// # Panics
    /// Outside of a tokio runtime that has an I/O and a time driver.
    pub async fn perform(&self, request: Request) -> Result<Response, Failure> {
        let timeout = request.timeout;
        let (head, body) = exchange::begin(request, &self.settings)?;
        let target = head.uri().clone();
        // A time beyond the clock's range is never reached either.
        let deadline = Instant::now().checked_add(timeout);
        let exchange = self.exchange(head, body, deadline);
        let exchanged = match deadline {
            Some(deadline) => timeout_at(deadline.into(), exchange).await.unwrap_or(Err(Fault::Timeout)),
            None => exchange.await,
        };
        exchanged.unwrap_or_else(|fault| Err(self.settings.proxies.explain(&target, fault, timeout)))
    }

    async fn exchange(
        &self,
        head: http::Request<()>,
        body: Option<String>,
        deadline: Option<Instant>,
    ) -> Result<Result<Response, Failure>, Fault> {
        let target = head.uri().clone();
        let mut request = on_the_wire(head, body)?;
        // One that was kept may turn out to be closed before anything of the request was sent.
        while let Some(mut kept) = self.pool.take(&target) {
            if kept.sender.ready().await.is_err() {
                continue;
            }
            match kept.sender.try_send_request(request).await {
                Ok(answer) => return self.finish(&target, kept, answer).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(error.into_error().into()),
                },
            }
        }
        let mut connection = Connection::over(connect(&self.settings, &target, deadline).await?).await?;
        let answer = connection.sender.send_request(request).await?;
        self.finish(&target, connection, answer).await
    }

    /// Reads the answer's body, and keeps the connection if it can be used again.
    async fn finish(
        &self,
        target: &Uri,
        connection: Connection,
        answer: http::Response<Incoming>,
    ) -> Result<Result<Response, Failure>, Fault> {
        let status = match Answer::of(answer.status(), answer.headers()) {
            Answer::Elsewhere(failure) => return Ok(Err(failure)),
            Answer::Body(status) => status,
        };
        let body = Limited::new(answer.into_body(), MAX_RESPONSE).collect().await.map_err(|error| match error
            .downcast::<hyper::Error>(
        ) {
            Ok(error) => Fault::from(*error),
            Err(error) if error.is::<LengthLimitError>() => Fault::TooLarge,
            Err(error) => Fault::Other(error.to_string()),
        })?;
        self.pool.keep(target, connection);
        Ok(Ok(Response { status, body: body.to_bytes().to_vec() }))
    }

    /// Closes the connections that are kept, and keeps none any more. A request that is under way is cut off by dropping it.
    pub fn shut_down(&self) {
        self.pool.close();
    }
}

/// The request in the form that a server gets: a path, and the host as a header.
fn on_the_wire(head: http::Request<()>, body: Option<String>) -> Result<http::Request<Full<Bytes>>, Fault> {
    let host = head.uri().authority().map(|authority| {
        let authority = authority.as_str();
        HeaderValue::from_str(authority.rsplit_once('@').map_or(authority, |(_, host)| host))
    });
    let Some(Ok(host)) = host else { return Err(Fault::Other("the URL names no host".to_owned())) };
    let path = head.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let length = body.as_ref().map(String::len);
    let mut request = head.map(|()| Full::from(body.unwrap_or_default()));
    *request.uri_mut() = path.into();
    let headers = request.headers_mut();
    headers.insert(header::HOST, host);
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Ok(request)
}

impl From<hyper::Error> for Fault {
    fn from(error: hyper::Error) -> Fault {
        use std::error::Error;
        use std::io;
        if error.is_parse() {
            return Fault::NotHttp(error.to_string());
        }
        if error.is_incomplete_message() {
            return Fault::Io(io::ErrorKind::UnexpectedEof.into());
        }
        let mut source = error.source();
        while let Some(inner) = source {
            if let Some(inner) = inner.downcast_ref::<io::Error>() {
                #[cfg(feature = "tls")]
                if let Some(tls) = inner.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                    return Fault::Tls(tls.clone());
                }
                return Fault::Io(io::Error::new(inner.kind(), inner.to_string()));
            }
            source = inner.source();
        }
        Fault::Other(error.to_string())
    }
}
