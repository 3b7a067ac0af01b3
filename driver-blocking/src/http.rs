//! Carries the API's requests, each on a thread of its own, so that none waits for a server but those threads.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::sync::{Arc, Weak, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use farwire_core::Config;
use farwire_core::http::{Failure, MAX_RESPONSE, Request, RequestId, Response};
use ureq::http::header;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Error};

use crate::engine::Shared;
use crate::sockets;

/// How long the end of a connection waits for requests that were cut off. One that is still connecting its TCP stream
/// or looking up a name cannot be cut off; its thread ends with the request's own timeout.
const PATIENCE: Duration = Duration::from_millis(50);

/// One connection's HTTP client.
#[derive(Debug)]
pub(crate) struct Client {
    /// `None` once the connection is over.
    agent: Option<Agent>,
    /// Where the answers go. Weak, so that a request does not keep the connection alive.
    shared: Weak<Shared>,
    requests: Requests,
}

/// The threads of requests in flight.
#[derive(Debug)]
pub(crate) struct Requests {
    threads: Vec<JoinHandle<()>>,
    /// Each thread holds a clone; the channel is disconnected when the last is gone.
    alive: mpsc::Sender<Infallible>,
    all_gone: mpsc::Receiver<Infallible>,
}

impl Client {
    pub(crate) fn new(config: &Config, shared: Weak<Shared>) -> Client {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::WebPki)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .build();
        let mut http = Agent::config_builder()
            .tls_config(tls)
            .user_agent(concat!("farwire/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0);
        if sockets::is_loopback(config) {
            // A proxy from the environment could not reach this machine's own server.
            http = http.proxy(None);
        }
        Client { agent: Some(http.build().new_agent()), shared, requests: Requests::new() }
    }

    /// Starts a request; its answer goes to [`Shared::answer`].
    ///
    /// # Errors
    /// The answer, when there can be no request.
    pub(crate) fn start(&mut self, request: Request) -> Result<(), (RequestId, Failure)> {
        let Some(agent) = self.agent.clone() else { return Ok(()) };
        let id = request.id;
        let shared = self.shared.clone();
        self.requests
            .spawn(move || {
                // Made here, since a thread that does not start must not answer: the caller holds the engine's lock.
                let mut answer = Answer { shared, id, result: None };
                answer.result = Some(perform(&agent, request));
            })
            .map_err(|error| (id, Failure::Connect(format!("cannot start a thread for the request: {error}"))))
    }

    /// Cuts off what is in flight, and refuses what would follow.
    pub(crate) fn shut_down(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.shutdown();
        }
    }

    /// The threads, for [`Requests::join`] without the engine's lock.
    pub(crate) fn take_requests(&mut self) -> Requests {
        std::mem::replace(&mut self.requests, Requests::new())
    }
}

impl Requests {
    fn new() -> Requests {
        let (alive, all_gone) = mpsc::channel();
        Requests { threads: Vec::new(), alive, all_gone }
    }

    fn spawn(&mut self, request: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        self.threads.retain(|thread| !thread.is_finished());
        let alive = self.alive.clone();
        let work = move || {
            request();
            drop(alive);
        };
        self.threads.push(thread::Builder::new().name("farwire-request".into()).spawn(work)?);
        Ok(())
    }

    /// Waits for the threads, a moment at most.
    pub(crate) fn join(self) {
        drop(self.alive);
        if let Err(mpsc::RecvTimeoutError::Disconnected) = self.all_gone.recv_timeout(PATIENCE) {
            for thread in self.threads {
                // A panic was answered for by `Answer`.
                let _ = thread.join();
            }
        }
    }
}

/// Answers a request when it is dropped, so that one whose thread panics is answered too.
struct Answer {
    shared: Weak<Shared>,
    id: RequestId,
    result: Option<Result<Response, Failure>>,
}

impl Drop for Answer {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let panicked = || Err(Failure::Broken("the HTTP client failed".to_owned()));
        shared.answer(self.id, self.result.take().unwrap_or_else(panicked));
    }
}

fn perform(agent: &Agent, request: Request) -> Result<Response, Failure> {
    let timeout = request.timeout;
    if timeout.is_zero() {
        return Err(Failure::Timeout(timeout));
    }
    let mut head = ureq::http::Request::builder().method(request.method.as_str()).uri(&request.url);
    if let Some(authorization) = request.authorization {
        head = head.header(header::AUTHORIZATION, authorization);
    }
    let exchanged = match (request.body, request.method) {
        (Some(body), _) => {
            let request = head.header(header::CONTENT_TYPE, "application/json").body(body);
            exchange(agent, request, timeout)
        }
        // Without a body these still say that its length is 0.
        (None, farwire_core::http::Method::Post | farwire_core::http::Method::Put) => {
            exchange(agent, head.body(String::new()), timeout)
        }
        (None, _) => exchange(agent, head.body(()), timeout),
    };
    exchanged.map_err(|error| failure(error, timeout))
}

fn exchange(
    agent: &Agent,
    request: Result<ureq::http::Request<impl ureq::AsSendBody>, ureq::http::Error>,
    timeout: Duration,
) -> Result<Response, Error> {
    let request = agent.configure_request(request?).timeout_global(Some(timeout)).build();
    let mut response = agent.run(request)?;
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(MAX_RESPONSE as u64).read_to_vec()?;
    Ok(Response { status, body })
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
