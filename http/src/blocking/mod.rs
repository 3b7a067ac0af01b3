//! The client that blocks, by ureq.

mod fault;
#[cfg(feature = "tls")]
mod tls;

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use farwire_core::signalling::{Failure, MAX_RESPONSE, Request, Response};
use http::Uri;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector};
use ureq::{Agent, Error};

#[cfg(feature = "tls")]
use crate::blocking::tls::TlsConnector;
use crate::exchange::{self, Answer, MAX_HEAD, USER_AGENT};
use crate::proxy::Proxy;
use crate::settings::Settings;

/// An HTTP client that keeps its connections open between requests, and blocks whoever asks. It has no thread of its own.
/// Clones are the same client.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    settings: Arc<Settings>,
}

impl Client {
    /// A client with the settings of the environment, see [`from_env`](Client::from_env).
    pub fn new(is_loopback: bool) -> Client {
        Client::from_env(is_loopback, |name| std::env::var_os(name))
    }

    /// A client for a server on this machine or another one, with settings from variables.
    ///
    /// It trusts the public certificate authorities, or instead those in the PEM file that [`TRUST`](crate::TRUST) names, and
    /// the very certificates in it. If that file cannot be read, each request over HTTPS says so.
    ///
    /// It goes through the proxy that the first of `ALL_PROXY`, `HTTPS_PROXY` and `HTTP_PROXY` names, in capitals or not,
    /// unless `NO_PROXY` has the server's name; but never for a server on this machine, which a proxy could not reach.
    pub fn from_env(is_loopback: bool, lookup: impl FnMut(&str) -> Option<OsString>) -> Client {
        let settings = Settings::from_env(is_loopback, lookup);
        let config = Agent::config_builder()
            .user_agent(USER_AGENT)
            .http_status_as_error(false)
            .max_response_header_size(MAX_HEAD)
            // No API here redirects, and the credentials in a request are for its own server alone.
            .max_redirects(0)
            // Whether there is one depends on the server.
            .proxy(None);
        let connector = ().chain(ConnectProxyConnector::default()).chain(TcpConnector::default());
        #[cfg(feature = "tls")]
        let connector = connector.chain(TlsConnector::new(settings.trust.config().ok().cloned()));
        let agent = Agent::with_parts(config.build(), connector, DefaultResolver::default());
        Client { agent, settings: Arc::new(settings) }
    }

    /// Makes a request, and blocks until its answer is complete or the request's timeout is over. A redirect is not
    /// followed.
    ///
    /// # Errors
    /// When there is no answer, or one larger than [`MAX_RESPONSE`], or one that only says
    /// to ask somebody else.
    pub fn perform(&self, request: Request) -> Result<Response, Failure> {
        let timeout = request.timeout;
        let (head, body) = exchange::begin(request, &self.settings)?;
        let target = head.uri().clone();
        let exchanged = match body {
            Some(body) => self.exchange(head.map(|()| body), timeout),
            None => self.exchange(head, timeout),
        };
        exchanged.unwrap_or_else(|error| Err(self.settings.proxies.explain(&target, error.into(), timeout)))
    }

    /// Cuts off what is in flight. What is still connecting its TCP stream or looking up a name cannot be cut off, and
    /// ends with its request's own timeout.
    pub fn shut_down(self) {
        self.agent.shutdown();
    }

    fn exchange(
        &self,
        request: http::Request<impl ureq::AsSendBody>,
        timeout: Duration,
    ) -> Result<Result<Response, Failure>, Error> {
        let proxy = self.proxy_towards(request.uri())?;
        let request = self.agent.configure_request(request).timeout_global(Some(timeout)).proxy(proxy).build();
        let mut response = self.agent.run(request)?;
        match Answer::of(response.status(), response.headers()) {
            Answer::Elsewhere(failure) => Ok(Err(failure)),
            Answer::Body(status) => {
                let body = response.body_mut().with_config().limit(MAX_RESPONSE as u64).read_to_vec()?;
                Ok(Ok(Response { status, body }))
            }
        }
    }

    fn proxy_towards(&self, target: &Uri) -> Result<Option<ureq::Proxy>, Error> {
        self.settings.proxies.towards(target).map(as_ureq_has_it).transpose()
    }
}

fn as_ureq_has_it(proxy: &Proxy) -> Result<ureq::Proxy, Error> {
    let protocol = if proxy.is_tls { ureq::ProxyProtocol::Https } else { ureq::ProxyProtocol::Http };
    let mut builder = ureq::Proxy::builder(protocol).host(&proxy.host).port(proxy.port);
    if let Some((user, password)) = &proxy.credentials {
        builder = builder.username(user).password(password);
    }
    builder.build()
}
