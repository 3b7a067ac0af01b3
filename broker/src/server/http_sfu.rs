//! Carries requests to an SFU elsewhere, on a few threads.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use farwire_core::signalling::{Failure, Request};
use farwire_http::Client;

use super::{Answer, SfuTransport};

/// Requests at once.
const THREADS: usize = 16;

/// Requests that wait for a thread. Past this bound they fail, and are tried again if they may be.
const MAX_WAITING: usize = 4096;

/// An SFU that is reached by HTTP, such as Cloudflare's.
#[derive(Debug)]
pub struct HttpSfu {
    jobs: Option<SyncSender<(Instant, Request, Answer)>>,
    client: Client,
    threads: Vec<JoinHandle<()>>,
}

impl HttpSfu {
    /// Starts the threads. `is_loopback`: the SFU is on this machine, so no proxy is asked.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(is_loopback: bool) -> std::io::Result<HttpSfu> {
        HttpSfu::with_threads(THREADS, is_loopback)
    }

    pub(super) fn with_threads(threads: usize, is_loopback: bool) -> std::io::Result<HttpSfu> {
        let client = Client::new(is_loopback);
        let (jobs, waiting) = sync_channel(MAX_WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        let spawn = |_| {
            let (client, waiting) = (client.clone(), Arc::clone(&waiting));
            std::thread::Builder::new().name("farwire-request".into()).spawn(move || work(&client, &waiting))
        };
        let threads = (0..threads).map(spawn).collect::<Result<_, _>>()?;
        Ok(HttpSfu { jobs: Some(jobs), client, threads })
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
        self.client.clone().shut_down();
        for thread in self.threads.drain(..) {
            // One that cannot be cut off, as while it looks up a name, ends with its request's timeout.
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}

fn work(client: &Client, waiting: &Mutex<Receiver<(Instant, Request, Answer)>>) {
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((since, mut request, answer)) = job else { return };
        request.timeout = request.timeout.saturating_sub(since.elapsed());
        answer.send(match request.timeout.is_zero() {
            true => Err(Failure::Connect("too many requests wait".into())),
            false => client.perform(request),
        });
    }
}
