//! Carries requests to an SFU elsewhere, on a few threads.

use std::io::ErrorKind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use farwire_core::http::{Failure, MAX_RESPONSE, Method, Request, Response};
use ureq::http::header;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Error};

use super::{Answer, SfuTransport};

/// Requests at once.
const THREADS: usize = 16;

/// Requests that wait for a thread. Past this bound they fail, and are tried again if they may be.
const MAX_WAITING: usize = 4096;

/// An SFU that is reached by HTTP, such as Cloudflare's.
#[derive(Debug)]
pub struct HttpSfu {
    jobs: Option<SyncSender<(Instant, Request, Answer)>>,
    agent: Agent,
    threads: Vec<JoinHandle<()>>,
}

impl HttpSfu {
    /// Starts the threads. `is_loopback`: the SFU is on this machine, so no proxy is asked.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(is_loopback: bool) -> std::io::Result<HttpSfu> {
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
        if is_loopback {
            http = http.proxy(None);
        }
        let agent = http.build().new_agent();
        let (jobs, waiting) = sync_channel(MAX_WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        let spawn = |_| {
            let (agent, waiting) = (agent.clone(), Arc::clone(&waiting));
            std::thread::Builder::new().name("farwire-request".into()).spawn(move || work(&agent, &waiting))
        };
        let threads = (0..THREADS).map(spawn).collect::<Result<_, _>>()?;
        Ok(HttpSfu { jobs: Some(jobs), agent, threads })
    }
}

impl SfuTransport for HttpSfu {
    fn start(&mut self, request: Request, answer: Answer) {
        if let Some(jobs) = &self.jobs {
            // A job that is not taken drops its answer, which tells the broker.
            let _ = jobs.try_send((Instant::now(), request, answer));
        }
    }
}

impl Drop for HttpSfu {
    /// Cuts off what is under way.
    fn drop(&mut self) {
        self.jobs = None;
        self.agent.clone().shutdown();
        for thread in self.threads.drain(..) {
            // One that cannot be cut off, as while it looks up a name, ends with its request's timeout.
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}

fn work(agent: &Agent, waiting: &Mutex<Receiver<(Instant, Request, Answer)>>) {
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((since, request, answer)) = job else { return };
        let timeout = request.timeout;
        let left = timeout.saturating_sub(since.elapsed());
        answer.send(match left.is_zero() {
            true => Err(Failure::Connect("too many requests wait".into())),
            false => perform(agent, request, left).map_err(|error| failure(error, timeout)),
        });
    }
}

fn perform(agent: &Agent, request: Request, timeout: Duration) -> Result<Response, Error> {
    let mut head = ureq::http::Request::builder().method(request.method.as_str()).uri(&request.url);
    if let Some(authorization) = request.authorization {
        head = head.header(header::AUTHORIZATION, authorization);
    }
    let body = match (request.body, request.method) {
        (Some(body), _) => {
            head = head.header(header::CONTENT_TYPE, "application/json");
            Some(body)
        }
        // Without a body these still say that its length is 0.
        (None, Method::Post | Method::Put) => Some(String::new()),
        (None, _) => None,
    };
    let mut response = match body {
        Some(body) => agent.run(agent.configure_request(head.body(body)?).timeout_global(Some(timeout)).build())?,
        None => agent.run(agent.configure_request(head.body(())?).timeout_global(Some(timeout)).build())?,
    };
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(MAX_RESPONSE as u64).read_to_vec()?;
    Ok(Response { status, body })
}

/// Says why there is no response. What is not known to be a failure to connect may have reached the server.
fn failure(error: Error, timeout: Duration) -> Failure {
    match error {
        Error::Timeout(_) => Failure::Timeout(timeout),
        Error::BodyExceedsLimit(_) => Failure::TooLarge,
        Error::HostNotFound => Failure::Connect("the host has no address".into()),
        Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
            Failure::Connect("connection refused".into())
        }
        Error::Io(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
            Failure::Timeout(timeout)
        }
        error => Failure::Broken(error.to_string()),
    }
}
