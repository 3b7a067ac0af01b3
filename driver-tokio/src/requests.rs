//! Carries the API's requests, each in a task of its own.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use farwire_core::signalling::Request;
use farwire_driver::Answer;
use farwire_http::AsyncClient;
use tokio::runtime::{Builder, Handle};
use tokio::task::AbortHandle;

/// One connection's requests.
pub(crate) struct Requests {
    runtime: Handle,
    client: AsyncClient,
    /// `None` once the connection is over.
    under_way: Mutex<Option<Vec<AbortHandle>>>,
}

impl Requests {
    pub(crate) fn new(is_loopback: bool, runtime: Handle) -> Requests {
        Requests { runtime, client: AsyncClient::new(is_loopback), under_way: Mutex::new(Some(Vec::new())) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<AbortHandle>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl farwire_driver::Requests for Requests {
    /// A task that is cut off, or never runs since its runtime was shut down, drops the answer, which is then
    /// given.
    fn start(&self, request: Request, answer: Answer) {
        if self.lock().is_none() {
            return;
        }
        let client = self.client.clone();
        // Without the lock, since an answer may start the next request right here.
        let task = self.runtime.spawn(async move { answer.give(client.perform(request).await) }).abort_handle();
        match &mut *self.lock() {
            Some(under_way) => {
                under_way.retain(|task| !task.is_finished());
                under_way.push(task);
            }
            None => task.abort(),
        }
    }

    fn start_farewell(&self, request: Request) {
        let farewell = Farewell { client: self.client.apart(), request: Some(request) };
        // Dropped on a thread it is said there: a runtime of one thread may not be driven any more.
        self.runtime.spawn_blocking(move || drop(farewell));
    }

    fn shut_down(&self) {
        let under_way = self.lock().take();
        // Without the lock, since a task that never ran may be dropped right here.
        under_way.into_iter().flatten().for_each(|task| task.abort());
        self.client.shut_down();
    }
}

/// A request that is to go out, even if the runtime ends first, as it does at the end of a `main` whose last act is to drop its
/// connection. Then the runtime's end waits for it, for the request's timeout at most.
struct Farewell {
    client: AsyncClient,
    /// `None` once it is said.
    request: Option<Request>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let Some(request) = self.request.take() else { return };
        let client = self.client.apart();
        let say = move || {
            if let Ok(runtime) = Builder::new_current_thread().enable_all().build() {
                let _ = runtime.block_on(client.perform(request));
            }
        };
        if let Ok(thread) = thread::Builder::new().name("farwire-farewell".into()).spawn(say) {
            // A panic has said nothing, which is allowed.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc;
    use std::time::Duration;

    use farwire_core::signalling::{Method, RequestId};
    use farwire_driver::Requests as _;

    use super::*;

    #[test]
    fn a_farewell_goes_out_although_the_runtime_ends() {
        for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let url = format!("http://{}/farewell", listener.local_addr().expect("an address"));
            let (heard, told) = mpsc::channel();
            thread::spawn(move || {
                // An attempt that the runtime's end cuts off says nothing.
                for mut stream in listener.incoming().map_while(Result::ok) {
                    let mut request = [0; 4096];
                    if stream.read(&mut request).is_ok_and(|length| request[..length].starts_with(b"DELETE /farewell"))
                    {
                        // Before the answer, after which nobody waits.
                        heard.send(()).expect("somebody waits");
                        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").expect("written");
                    }
                }
            });
            let runtime = builder.worker_threads(1).enable_all().build().expect("a runtime");
            let requests = Requests::new(true, runtime.handle().clone());
            let timeout = Duration::from_secs(10);
            requests.start_farewell(Request::new(RequestId(0), Method::DELETE, url, timeout));
            drop(runtime);
            assert_eq!(told.try_recv(), Ok(()), "it was said when the runtime had ended");
        }
    }
}
