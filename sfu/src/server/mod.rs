//! Runs an [`Sfu`] on an HTTP listener and a UDP socket: one thread for each.

mod http;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use farwire_core::http::RequestId;
use farwire_udp::{FULL_RECEIVE, ReceiveBuffers, SendBatch, Socket, Waiter, Waker};

use self::http::{Incoming, Listener, Reply};
use crate::{Config, Output, Sfu, Stats};

/// Requests on their way to the SFU's thread. Past this bound they are answered 503.
const MAX_REQUESTS: usize = 1024;

/// Receive calls before what they brought is sent on.
const RECEIVES_PER_TURN: usize = 4;

/// An SFU that runs until it is dropped. Dropping it ends all sessions, tells their clients, and joins its threads.
pub struct Server {
    api_root: String,
    udp: SocketAddr,
    shared: Arc<Shared>,
    /// Dropped before the SFU's thread ends, so that no request comes any more.
    listener: Option<Listener>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    stop: AtomicBool,
    stats: Mutex<Stats>,
    waker: Waker,
}

/// Why an SFU does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The address of the API.
    #[error("cannot listen for HTTP on {0}: {1}")]
    Http(SocketAddr, #[source] io::Error),
    /// The address for datagrams.
    #[error("cannot receive datagrams on {0}: {1}")]
    Udp(SocketAddr, #[source] io::Error),
    /// Clients cannot send to an unspecified address.
    #[error("datagrams are received on {0}, which clients cannot send to: announce an address of this machine")]
    Announce(SocketAddr),
    /// The system gives no thread or pipe.
    #[error("cannot start: {0}")]
    System(#[source] io::Error),
}

impl Server {
    /// Starts an SFU.
    ///
    /// # Errors
    /// When an address is taken or cannot be announced, or the system is out of threads or file descriptors.
    pub fn spawn(config: Config) -> Result<Server, SpawnError> {
        let socket = Socket::bind(config.udp).map_err(|error| SpawnError::Udp(config.udp, error))?;
        let udp = socket.local_addr();
        let announced = SocketAddr::new(config.announce.unwrap_or(udp.ip()), udp.port());
        if announced.ip().is_unspecified() {
            return Err(SpawnError::Announce(udp));
        }
        let socket = Arc::new(socket);
        let (waiter, waker) = Waiter::new(vec![Arc::clone(&socket)]).map_err(SpawnError::System)?;
        let shared = Arc::new(Shared { stop: AtomicBool::new(false), stats: Mutex::default(), waker: waker.clone() });
        let (requests, incoming) = sync_channel(MAX_REQUESTS);
        let http = config.http;
        let metrics = {
            let shared = Arc::clone(&shared);
            move || shared.stats().to_prometheus()
        };
        let listener =
            Listener::spawn(http, metrics, hand_over(requests, waker)).map_err(|e| SpawnError::Http(http, e))?;
        let api_root = format!("http://{}/v1", reachable(listener.local_addr()));
        let sfu = Sfu::new(config, announced, random_seed());
        let mut driver = Driver { sfu, socket, incoming, replies: HashMap::new(), next: 0, shared: shared.clone() };
        let thread = std::thread::Builder::new()
            .name("farwire-sfu".into())
            .spawn(move || driver.run(waiter))
            .map_err(SpawnError::System)?;
        Ok(Server { api_root, udp, shared, listener: Some(listener), thread: Some(thread) })
    }

    /// The root of the API, which ends in `/v1`.
    pub fn api_root(&self) -> String {
        self.api_root.clone()
    }

    /// Where datagrams arrive.
    pub fn udp_addr(&self) -> SocketAddr {
        self.udp
    }

    /// Sessions that exist now.
    pub fn sessions(&self) -> usize {
        self.stats().sessions
    }

    /// Counters, as of the last turn of the SFU's thread.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }
}

impl Shared {
    fn stats(&self) -> Stats {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listener = None;
        self.shared.stop.store(true, Ordering::Release);
        self.shared.waker.wake();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by its own message.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("api_root", &self.api_root).field("udp", &self.udp).finish_non_exhaustive()
    }
}

/// What the listener's thread does with a request: hands it over, or drops the reply, which makes a 503.
fn hand_over(requests: SyncSender<(Incoming, Reply)>, waker: Waker) -> impl Fn(Incoming, Reply) + Send + Sync {
    move |request, reply| {
        if requests.try_send((request, reply)).is_ok() {
            waker.wake();
        }
    }
}

/// An address that this machine's own clients can use.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
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
    incoming: Receiver<(Incoming, Reply)>,
    replies: HashMap<RequestId, Reply>,
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
                self.take_requests();
            }
            for _ in 0..RECEIVES_PER_TURN {
                let (now, sfu) = (Instant::now(), &mut self.sfu);
                let received = match ready.readable(0) {
                    true => self.socket.receive(&mut buffers, |source, datagram| {
                        sfu.handle_datagram(now, source, datagram);
                    }),
                    false => Ok(0),
                };
                self.sfu.handle_timeout(now);
                wait_until = self.turn(&mut batch);
                if received.is_ok_and(|count| count < FULL_RECEIVE) {
                    break;
                }
            }
        }
        self.sfu.close(Instant::now());
        self.turn(&mut batch);
    }

    fn take_requests(&mut self) {
        while let Ok((request, reply)) = self.incoming.try_recv() {
            let id = RequestId(self.next);
            self.next += 1;
            self.replies.insert(id, reply);
            let Incoming { method, path, authorization, body } = &request;
            let incoming = crate::Incoming {
                method: *method,
                path,
                authorization: authorization.as_deref(),
                body: body.as_slice(),
            };
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
                    if let Some(reply) = self.replies.remove(&id) {
                        // The client may have gone meanwhile.
                        let _ = reply.send(response);
                    }
                }
                Output::WaitUntil(at) => break at,
            }
        };
        batch.flush(&self.socket);
        *self.shared.stats.lock().unwrap_or_else(PoisonError::into_inner) = self.sfu.stats();
        wait_until
    }
}
