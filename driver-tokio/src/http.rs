//! Carries the API's requests, on the runtime's threads for blocking work.

use std::sync::{Mutex, PoisonError, Weak};

use farwire_core::signalling::{Failure, Request, RequestId, Response};
use farwire_http::Client;
use tokio::runtime;

use crate::shared::Shared;

/// One connection's requests.
pub(crate) struct Requests {
    runtime: runtime::Handle,
    is_loopback: bool,
    /// Where the answers go. Weak, so that a request does not keep the connection alive.
    shared: Weak<Shared>,
    /// `None` once the connection is over.
    client: Mutex<Option<Client>>,
}

impl Requests {
    pub(crate) fn new(is_loopback: bool, runtime: runtime::Handle, shared: Weak<Shared>) -> Requests {
        Requests { runtime, is_loopback, shared, client: Mutex::new(Some(Client::new(is_loopback))) }
    }

    /// Starts a request. Its answer goes to [`Shared::answer`], perhaps before this returns.
    pub(crate) fn start(&self, request: Request) {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(client) = client else { return };
        let answer = Answer { shared: self.shared.clone(), id: request.id, result: None };
        // A runtime that has been shut down drops it, and with it the answer.
        self.runtime.spawn_blocking(move || answer.give(client.perform(request)));
    }

    /// Starts a request that nothing but the runtime's end cuts off, and whose answer is of no use.
    pub(crate) fn start_farewell(&self, request: Request) {
        let is_loopback = self.is_loopback;
        // Making a client may read a file.
        self.runtime.spawn_blocking(move || drop(Client::new(is_loopback).perform(request)));
    }

    /// Cuts off what is in flight, and refuses what would follow.
    pub(crate) fn shut_down(&self) {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(client) = client {
            client.shut_down();
        }
    }
}

/// Answers a request when it is dropped, so that one that panics or is never run is answered too.
struct Answer {
    shared: Weak<Shared>,
    id: RequestId,
    result: Option<Result<Response, Failure>>,
}

impl Answer {
    fn give(mut self, result: Result<Response, Failure>) {
        self.result = Some(result);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let failed = || Err(Failure::Broken("the request was given up".to_owned()));
        shared.answer(self.id, self.result.take().unwrap_or_else(failed));
    }
}
