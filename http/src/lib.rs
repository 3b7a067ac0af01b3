//! Carries the requests of [`farwire_core`] over HTTP and HTTPS, by ureq: what farwire's drivers have in common.
//!
//! What to ask, how long to wait and what to make of an answer is core's. This crate carries bytes, blocks while it does,
//! and has no thread of its own.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use farwire_core::http::{Failure, MAX_RESPONSE, Method, Request, Response};
use ureq::http::header;
use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Error};

/// The variable that names a PEM file with the certificates to trust instead of the public ones, as OpenSSL has it.
pub const TRUST: &str = "SSL_CERT_FILE";

/// An HTTP client that keeps its connections open between requests. Clones are the same client.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    /// Why no server can be trusted.
    fault: Option<Arc<str>>,
}

impl Client {
    /// A client; for a server on this machine, one that ignores the proxy of the environment, which could not reach it.
    ///
    /// It trusts the public certificate authorities, or those in the file that [`TRUST`] names.
    pub fn new(is_loopback: bool) -> Client {
        let file = std::env::var_os(TRUST).filter(|file| !file.is_empty());
        Client::trusting(file.as_deref().map(Path::new), is_loopback)
    }

    /// [`new`](Client::new), trusting the certificates in a PEM file. If that cannot be read, each request over HTTPS says so.
    pub fn trusting(file: Option<&Path>, is_loopback: bool) -> Client {
        let (roots, fault) = match file.map(roots) {
            None => (RootCerts::WebPki, None),
            Some(Ok(roots)) => (roots, None),
            Some(Err(fault)) => (RootCerts::new_with_certs(&[]), Some(fault.into())),
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(roots)
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
        Client { agent: config.build().new_agent(), fault }
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
        if let Some(fault) = self.fault.as_ref().filter(|_| request.url.starts_with("https:")) {
            return Err(Failure::Connect(fault.to_string()));
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

/// The certificates in a PEM file, or what is wrong with it.
fn roots(file: &Path) -> Result<RootCerts, String> {
    let shown = file.display();
    let pem = std::fs::read(file).map_err(|error| format!("{TRUST} is {shown}, which cannot be read: {error}"))?;
    let certificates = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<_> = certificates.collect();
    match certificates.is_empty() {
        true => Err(format!("{TRUST} is {shown}, which has no certificate in PEM")),
        false => Ok(RootCerts::new_with_certs(&certificates)),
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
