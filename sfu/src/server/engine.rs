//! An SFU on a UDP socket and a thread, for a listener that may serve more than it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use farwire_core::SctpEngine;
use farwire_core::signalling::{Method, RequestId, Response};
use farwire_listener::{Route, Site};
use farwire_udp::{FULL_RECEIVE, ReceiveBuffers, SendBatch, Socket, Waiter, Waker};

use super::SpawnError;
use super::gate::Gate;
use crate::metrics::PREFIX;
use crate::{Config, Output, Sfu, Stats};

/// Calls on their way to the SFU's thread. Past this bound they are not taken.
const MAX_COMMANDS: usize = 1024;

/// Datagrams that are received before what they brought is sent on, about. Whoever sends little is found among them, and
/// has its turn before the others.
const RECEIVED_PER_TURN: usize = 256;

/// An SFU without a listener of its own, until it is dropped: see [`Engine::site`] and [`Engine::caller`]. Dropping it ends
/// all sessions, tells their clients, and joins its thread.
pub struct Engine {
    udp: SocketAddr,
    shared: Arc<Shared>,
    caller: Caller,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    stop: AtomicBool,
    stats: Mutex<Stats>,
    gate: Gate,
    waker: Waker,
}

/// What is to be done with a response. Dropped unused when the SFU stops.
type Done = Box<dyn FnOnce(Response) + Send>;

enum Command {
    Call(Request),
    EndSession(String, Box<dyn FnOnce(bool) + Send>),
}

struct Request {
    method: Method,
    path: String,
    authorization: Option<String>,
    body: Vec<u8>,
    done: Done,
}

impl Engine {
    /// Starts an SFU; the address for HTTP in `config` is not used.
    ///
    /// # Errors
    /// When the address for datagrams is taken or cannot be announced, or the system is out of threads or file descriptors.
    pub fn spawn(config: Config) -> Result<Engine, SpawnError> {
        let config = match SctpEngine::from_env(|name| std::env::var(name).ok())? {
            Some(engine) => config.sctp(engine),
            None => config,
        };
        let socket = Socket::bind(config.udp).map_err(|error| SpawnError::Udp(config.udp, error))?;
        let udp = socket.local_addr();
        let announced = SocketAddr::new(config.announce.unwrap_or(udp.ip()), udp.port());
        if announced.ip().is_unspecified() {
            return Err(SpawnError::Announce(udp));
        }
        let socket = Arc::new(socket);
        let (waiter, waker) = Waiter::new(vec![Arc::clone(&socket)]).map_err(SpawnError::System)?;
        let gate = Gate::new(&config);
        let shared = Shared { stop: AtomicBool::new(false), stats: Mutex::default(), gate, waker: waker.clone() };
        let shared = Arc::new(shared);
        let (commands, incoming) = sync_channel(MAX_COMMANDS);
        let sfu = Sfu::new(config, announced, random_seed());
        let mut driver = Driver { sfu, socket, incoming, waiting: HashMap::new(), next: 0, shared: shared.clone() };
        let thread = std::thread::Builder::new()
            .name("farwire-sfu".into())
            .spawn(move || driver.run(waiter))
            .map_err(SpawnError::System)?;
        Ok(Engine { udp, shared, caller: Caller { commands, waker }, thread: Some(thread) })
    }

    /// Where datagrams arrive.
    pub fn udp_addr(&self) -> SocketAddr {
        self.udp
    }

    /// Counters, as of the last turn of the SFU's thread.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Calls the API from within the process.
    pub fn caller(&self) -> Caller {
        self.caller.clone()
    }

    /// The API and the counters, for a listener. What has no other route there gets the API's 404.
    pub fn site(&self) -> Site {
        let (caller, shared, gate) = (self.caller(), Arc::clone(&self.shared), Arc::clone(&self.shared));
        let api = Route::new("/", move |request, reply| {
            let authorization = request.header("authorization").map(str::to_owned);
            // The client may have gone meanwhile. A request that is not taken drops its reply, which makes a 503.
            let done = |response| drop(reply.send(response));
            caller.call(request.method, request.path, authorization, request.body, done);
        });
        let api = api.header("authorization").gate(move |head, pass| match gate.gate.refuse(head) {
            Some(response) => pass.refuse(response),
            None => pass.admit(),
        });
        Site::new().route(api).metrics(PREFIX, move || shared.stats())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.waker.wake();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by its own message.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("udp", &self.udp).finish_non_exhaustive()
    }
}

impl Shared {
    fn stats(&self) -> Stats {
        self.gate.add_to(*self.stats.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Calls an SFU's API from within its process.
#[derive(Clone)]
pub struct Caller {
    commands: SyncSender<Command>,
    waker: Waker,
}

impl Caller {
    /// Makes a call: `path` from `/v1` on, `authorization` as the header would have it. `done` gets the response on the
    /// SFU's thread, which it must not block. It is dropped uncalled when too many calls wait or the SFU stops.
    pub fn call(
        &self,
        method: Method,
        path: String,
        authorization: Option<String>,
        body: Vec<u8>,
        done: impl FnOnce(Response) + Send + 'static,
    ) {
        self.send(Command::Call(Request { method, path, authorization, body, done: Box::new(done) }));
    }

    /// Ends a session; see [`Sfu::end_session`]. `done` is told whether there was one, as with [`Caller::call`].
    pub fn end_session(&self, id: String, done: impl FnOnce(bool) + Send + 'static) {
        self.send(Command::EndSession(id, Box::new(done)));
    }

    fn send(&self, command: Command) {
        if self.commands.try_send(command).is_ok() {
            self.waker.wake();
        }
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").finish_non_exhaustive()
    }
}

/// A secret of 128 bits: the keys that the standard library draws from the system for its hash maps.
fn random_seed() -> [u8; 32] {
    use std::hash::{BuildHasher, RandomState};
    let mut seed = [0; 32];
    for (i, part) in seed.chunks_exact_mut(8).enumerate() {
        part.copy_from_slice(&RandomState::new().hash_one(i).to_be_bytes());
    }
    seed
}

struct Driver {
    sfu: Sfu,
    socket: Arc<Socket>,
    incoming: Receiver<Command>,
    waiting: HashMap<RequestId, Done>,
    next: u64,
    shared: Arc<Shared>,
}

impl Driver {
    fn run(&mut self, mut waiter: Waiter) {
        let (mut buffers, mut batch) = (ReceiveBuffers::new(), SendBatch::new());
        let mut wait_until = None;
        while !self.shared.stop.load(Ordering::Acquire) {
            let timeout = wait_until.map(|at: Instant| at.saturating_duration_since(Instant::now()));
            let Ok(ready) = waiter.wait(timeout) else {
                // Only a broken descriptor gets here, and nothing is served without it.
                break;
            };
            if ready.woken() {
                self.take_commands();
            }
            let (now, mut received) = (Instant::now(), 0);
            while ready.readable(0) && received < RECEIVED_PER_TURN {
                let sfu = &mut self.sfu;
                let count = self.socket.receive(&mut buffers, |source, datagram| {
                    sfu.handle_datagram(now, source, datagram);
                });
                let count = count.unwrap_or(0);
                received += count;
                if count < FULL_RECEIVE {
                    break;
                }
            }
            self.sfu.handle_timeout(now);
            wait_until = self.turn(&mut batch);
        }
        self.sfu.close(Instant::now());
        self.turn(&mut batch);
    }

    fn take_commands(&mut self) {
        while let Ok(command) = self.incoming.try_recv() {
            let request = match command {
                Command::Call(request) => request,
                Command::EndSession(id, done) => {
                    done(self.sfu.end_session(Instant::now(), &id));
                    continue;
                }
            };
            let Request { method, path, authorization, body, done } = request;
            let id = RequestId(self.next);
            self.next += 1;
            self.waiting.insert(id, done);
            let (path, authorization) = (path.as_str(), authorization.as_deref());
            let incoming = crate::Incoming { method: &method, path, authorization, body: &body };
            self.sfu.handle_request(Instant::now(), id, incoming);
        }
    }

    /// Does what the SFU says until it waits.
    fn turn(&mut self, batch: &mut SendBatch) -> Option<Instant> {
        let now = Instant::now();
        let wait_until = loop {
            match self.sfu.poll(now) {
                Output::Transmit(to, datagram) => batch.push(&self.socket, to, &datagram),
                Output::Response(id, response) => {
                    if let Some(done) = self.waiting.remove(&id) {
                        done(response);
                    }
                }
                Output::WaitUntil(at) => break at,
            }
        };
        batch.flush(&self.socket);
        let stats = Stats { unsent: batch.dropped(), ..self.sfu.stats() };
        *self.shared.stats.lock().unwrap_or_else(PoisonError::into_inner) = stats;
        wait_until
    }
}
