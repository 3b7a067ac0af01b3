//! Carries the API's requests, each on a thread of its own, so that none waits for a server but those threads.

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use farwire_core::signalling::{Failure, Request, RequestId, Response};
use farwire_http::Client;

use crate::shared::Shared;

/// How long the end of a connection waits for requests that were cut off. One that is still connecting its TCP stream
/// or looking up a name cannot be cut off; its thread ends with the request's own timeout.
const PATIENCE: Duration = Duration::from_millis(50);

/// One connection's requests.
#[derive(Debug)]
pub(crate) struct Requests {
    /// Where the answers go. Weak, so that a request does not keep the connection alive.
    shared: Weak<Shared>,
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
    pub(crate) fn new(is_loopback: bool, shared: Weak<Shared>) -> Requests {
        let (alive, all_gone) = mpsc::channel();
        let client = Some(Client::new(is_loopback));
        let state = State { client, farewells: Vec::new(), threads: Vec::new(), alive, all_gone };
        Requests { shared, is_loopback, state: Mutex::new(state) }
    }

    /// Starts a request. Its answer goes to [`Shared::answer`], perhaps before this returns.
    pub(crate) fn start(&self, request: Request) {
        let (client, alive) = {
            let state = self.lock();
            (state.client.clone(), state.alive.clone())
        };
        let Some(client) = client else { return };
        let mut answer = Answer { shared: self.shared.clone(), id: request.id, result: None };
        let work = move || {
            answer.result = Some(client.perform(request));
            drop(answer);
            drop(alive);
        };
        // Without the lock, since an answer starts the next request. If there is no thread, it is answered right here.
        if let Ok(thread) = thread::Builder::new().name("farwire-request".into()).spawn(work) {
            let mut state = self.lock();
            state.threads.retain(|thread| !thread.is_finished());
            state.threads.push(thread);
        }
    }

    /// Starts a request that nothing cuts off and whose answer is of no use. Without a thread it is not made: it is a
    /// courtesy.
    pub(crate) fn start_farewell(&self, request: Request) {
        let is_loopback = self.is_loopback;
        let work = move || drop(Client::new(is_loopback).perform(request));
        if let Ok(thread) = thread::Builder::new().name("farwire-farewell".into()).spawn(work) {
            self.lock().farewells.push(thread);
        }
    }

    /// Cuts off what is in flight, and refuses what would follow.
    pub(crate) fn shut_down(&self) {
        let client = self.lock().client.take();
        if let Some(client) = client {
            client.shut_down();
        }
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

/// Answers a request when it is dropped, so that one whose thread panics or does not start is answered too.
struct Answer {
    shared: Weak<Shared>,
    id: RequestId,
    result: Option<Result<Response, Failure>>,
}

impl Drop for Answer {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let failed = || Err(Failure::Connect("the system gives no thread for the request".to_owned()));
        shared.answer(self.id, self.result.take().unwrap_or_else(failed));
    }
}
