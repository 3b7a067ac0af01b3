//! Carries the requests of [`farwire_core`] over HTTP and HTTPS, by ureq: what farwire's drivers have in common.
//!
//! What to ask, how long to wait and what to make of an answer is core's. This crate carries bytes, blocks while it does,
//! and has no thread of its own.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use farwire_core::http::{Failure, MAX_RESPONSE, Method, Request, Response};
use ureq::http::header;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Error};

/// An HTTP client that keeps its connections open between requests. Clones are the same client.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
}

impl Client {
    /// A client; for a server on this machine, one that ignores the proxy of the environment, which could not reach it.
    pub fn new(is_loopback: bool) -> Client {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::WebPki)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .build();
        let mut config = Agent::config_builder()
            .tls_config(tls)
            .user_agent(concat!("farwire/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0);
        if is_loopback {
            config = config.proxy(None);
        }
        Client { agent: config.build().new_agent() }
    }

    /// Makes a request, and blocks until its answer is complete or the request's timeout is over.
    ///
    /// # Errors
    /// When there is no answer, or one larger than [`MAX_RESPONSE`].
    pub fn perform(&self, request: Request) -> Result<Response, Failure> {
        let timeout = request.timeout;
        if timeout.is_zero() {
            return Err(Failure::Timeout(timeout));
        }
        let mut head = ureq::http::Request::builder().method(request.method.as_str()).uri(&request.url);
        if let Some(authorization) = request.authorization {
            head = head.header(header::AUTHORIZATION, authorization);
        }
        if let Some(key) = request.robot_key {
            head = head.header("X-Robot-API-Key", key);
        }
        let exchanged = match (request.body, request.method) {
            (Some(body), _) => {
                let request = head.header(header::CONTENT_TYPE, "application/json").body(body);
                self.exchange(request, timeout)
            }
            // Without a body these still say that its length is 0.
            (None, Method::Post | Method::Put) => self.exchange(head.body(String::new()), timeout),
            (None, _) => self.exchange(head.body(()), timeout),
        };
        exchanged.map_err(|error| failure(error, timeout))
    }

    /// Cuts off what is in flight. What is still connecting its TCP stream or looking up a name cannot be cut off, and
    /// ends with its request's own timeout.
    pub fn shut_down(self) {
        self.agent.shutdown();
    }

    fn exchange(
        &self,
        request: Result<ureq::http::Request<impl ureq::AsSendBody>, ureq::http::Error>,
        timeout: Duration,
    ) -> Result<Response, Error> {
        let request = self.agent.configure_request(request?).timeout_global(Some(timeout)).build();
        let mut response = self.agent.run(request)?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(MAX_RESPONSE as u64).read_to_vec()?;
        Ok(Response { status, body })
    }
}

/// Says why there is no response. What is not known to be a failure to connect may have reached the server.
fn failure(error: Error, timeout: Duration) -> Failure {
    use ErrorKind::*;
    match error {
        Error::Timeout(_) => Failure::Timeout(timeout),
        Error::BodyExceedsLimit(_) => Failure::TooLarge,
        Error::HostNotFound => Failure::Connect("the host has no address".into()),
        Error::ConnectProxyFailed(text) => Failure::Connect(format!("the proxy refuses: {text}")),
        Error::Protocol(text) => Failure::Broken(format!("the answer is not HTTP: {text}")),
        Error::Io(error) => match error.kind() {
            ConnectionRefused => Failure::Connect("connection refused".into()),
            TimedOut | WouldBlock => Failure::Timeout(timeout),
            UnexpectedEof => Failure::Broken("the server closed the connection before its answer was complete".into()),
            ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected | InvalidData | Interrupted => {
                Failure::Broken(error.to_string())
            }
            _ => Failure::Connect(error.to_string()),
        },
        error => Failure::Broken(error.to_string()),
    }
}
