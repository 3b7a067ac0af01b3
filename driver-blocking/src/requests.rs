//! Carries the API's requests, each on a thread of its own, so that none waits for a server but those threads.

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use farwire_core::signalling::{Failure, Request};
use farwire_driver::Answer;
use farwire_http::Client;

/// How long the end of a connection waits for requests that were cut off. One that is still connecting its TCP stream
/// or looking up a name cannot be cut off; its thread ends with the request's own timeout.
const PATIENCE: Duration = Duration::from_millis(50);

/// One connection's requests.
#[derive(Debug)]
pub(crate) struct Requests {
    is_loopback: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// `None` once the connection is over.
    client: Option<Client>,
    /// Requests that go out although the connection is over.
    farewells: Vec<JoinHandle<()>>,
    threads: Vec<JoinHandle<()>>,
    /// Each thread holds a clone; the channel is disconnected when the last is gone.
    alive: mpsc::Sender<Infallible>,
    all_gone: mpsc::Receiver<Infallible>,
}

impl Requests {
    pub(crate) fn new(is_loopback: bool) -> Requests {
        let (alive, all_gone) = mpsc::channel();
        let client = Some(Client::new(is_loopback));
        let state = State { client, farewells: Vec::new(), threads: Vec::new(), alive, all_gone };
        Requests { is_loopback, state: Mutex::new(state) }
    }

    /// Waits for the threads: a moment at most, and for farewells until they are done or their time is over.
    pub(crate) fn join(&self) {
        let mut state = self.lock();
        let farewells = std::mem::take(&mut state.farewells);
        let (alive, all_gone) = mpsc::channel();
        drop(std::mem::replace(&mut state.alive, alive));
        let all_gone = std::mem::replace(&mut state.all_gone, all_gone);
        let threads = std::mem::take(&mut state.threads);
        drop(state);
        for thread in farewells {
            // One that panicked has said nothing, which is allowed.
            let _ = thread.join();
        }
        if let Err(mpsc::RecvTimeoutError::Disconnected) = all_gone.recv_timeout(PATIENCE) {
            for thread in threads {
                // A panic was answered for by `Answer`.
                let _ = thread.join();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl farwire_driver::Requests for Requests {
    fn start(&self, request: Request, answer: Answer) {
        let answer = answer.or(Failure::Connect("the system gives no thread for the request".to_owned()));
        let (client, alive) = {
            let state = self.lock();
            (state.client.clone(), state.alive.clone())
        };
        let Some(client) = client else { return };
        let work = move || {
            answer.give(client.perform(request));
            drop(alive);
        };
        // Without the lock, since an answer starts the next request. If there is no thread, it is answered right here.
        if let Ok(thread) = thread::Builder::new().name("farwire-request".into()).spawn(work) {
            let mut state = self.lock();
            state.threads.retain(|thread| !thread.is_finished());
            state.threads.push(thread);
        }
    }

    /// Without a thread it is not made: it is a courtesy.
    fn start_farewell(&self, request: Request) {
        let is_loopback = self.is_loopback;
        let work = move || drop(Client::new(is_loopback).perform(request));
        if let Ok(thread) = thread::Builder::new().name("farwire-farewell".into()).spawn(work) {
            self.lock().farewells.push(thread);
        }
    }

    fn shut_down(&self) {
        let client = self.lock().client.take();
        if let Some(client) = client {
            client.shut_down();
        }
    }
}
