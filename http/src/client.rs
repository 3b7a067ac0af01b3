//! The client by ureq.

use std::ffi::OsString;
#[cfg(feature = "tls")]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use farwire_core::http::{Failure, MAX_RESPONSE, Method, Request, Response};
use ureq::http::{Uri, header};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector};
use ureq::{Agent, Error};

use crate::failure::failure;
use crate::proxy::Proxies;
use crate::redirect;
#[cfg(feature = "tls")]
use crate::tls::TlsConnector;
#[cfg(feature = "tls")]
use crate::trust::{self, TRUST};

/// An HTTP client that keeps its connections open between requests. Clones are the same client.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    proxies: Arc<Proxies>,
    /// Why no server can be trusted.
    fault: Option<Arc<str>>,
}

impl Client {
    /// A client with the settings of the environment, see [`from_env`](Client::from_env).
    pub fn new(is_loopback: bool) -> Client {
        Client::from_env(is_loopback, |name| std::env::var_os(name))
    }

    /// A client for a server on this machine or another one, with settings from variables.
    ///
    /// It trusts the public certificate authorities, or instead those in the PEM file that [`TRUST`] names, and the very
    /// certificates in it. If that file cannot be read, each request over HTTPS says so.
    ///
    /// It goes through the proxy that the first of `ALL_PROXY`, `HTTPS_PROXY` and `HTTP_PROXY` names, in capitals or not,
    /// unless `NO_PROXY` has the server's name; but never for a server on this machine, which a proxy could not reach.
    pub fn from_env(is_loopback: bool, lookup: impl FnMut(&str) -> Option<OsString>) -> Client {
        #[cfg(feature = "tls")]
        let mut lookup = lookup;
        #[cfg(feature = "tls")]
        let (tls, fault) = {
            let file = lookup(TRUST).filter(|file| !file.is_empty());
            match trust::client_config(file.as_deref().map(Path::new)) {
                Ok(tls) => (Some(tls), None),
                Err(fault) => (None, Some(fault.into())),
            }
        };
        #[cfg(not(feature = "tls"))]
        let fault = Some("this program speaks no TLS: build farwire with its feature `tls`".into());
        let proxies = if is_loopback { Proxies::default() } else { Proxies::from_env(lookup) };
        let config = Agent::config_builder()
            .user_agent(concat!("farwire/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            // No API here redirects, and the credentials in a request are for its own server alone.
            .max_redirects(0)
            .proxy(proxies.chosen());
        let connector = ().chain(ConnectProxyConnector::default()).chain(TcpConnector::default());
        #[cfg(feature = "tls")]
        let connector = connector.chain(TlsConnector::new(tls));
        let agent = Agent::with_parts(config.build(), connector, DefaultResolver::default());
        Client { agent, proxies: Arc::new(proxies), fault }
    }

    /// Makes a request, and blocks until its answer is complete or the request's timeout is over. A redirect is not
    /// followed.
    ///
    /// # Errors
    /// When there is no answer, or one larger than [`MAX_RESPONSE`], or one that only says to ask somebody else.
    pub fn perform(&self, request: Request) -> Result<Response, Failure> {
        let timeout = request.timeout;
        if timeout.is_zero() {
            return Err(Failure::Timeout(timeout));
        }
        if let Some(fault) = self.fault.as_ref().filter(|_| request.url.starts_with("https:")) {
            return Err(Failure::Tls(fault.to_string()));
        }
        let url = request.url;
        let mut head = ureq::http::Request::builder().method(request.method.as_str()).uri(&url);
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
        let answer = exchanged.map_err(|error| match url.parse::<Uri>() {
            Ok(target) => self.proxies.explain(&target, error, timeout),
            Err(_) => failure(error, "", timeout),
        })?;
        match answer.location {
            Some(to) => Err(Failure::Redirected { status: answer.response.status, to }),
            None => Ok(answer.response),
        }
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
    ) -> Result<Answer, Error> {
        let request = self.agent.configure_request(request?).timeout_global(Some(timeout)).build();
        let mut response = self.agent.run(request)?;
        let status = response.status().as_u16();
        if let Some(location) = response.headers().get(header::LOCATION).filter(|_| (300..400).contains(&status)) {
            let location = Some(redirect::shown(location.as_bytes()));
            return Ok(Answer { response: Response { status, body: Vec::new() }, location });
        }
        let body = response.body_mut().with_config().limit(MAX_RESPONSE as u64).read_to_vec()?;
        Ok(Answer { response: Response { status, body }, location: None })
    }
}

/// What a server said.
struct Answer {
    response: Response,
    /// Where it sends whoever asked, in a form fit for an error.
    location: Option<String>,
}
