//! The listener's thread, and its connections.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use crate::exchange::{Caller, Shared, respond};
use crate::limits::{BACKLOG, MAX_BODY, MAX_HEADER};
use crate::site::Site;

/// How long to go on reading after the last response, and how many bytes, so that it is not lost to the reset that unread
/// bytes cause.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 16 * MAX_BODY;
/// The pause after a failed accept, which usually means that there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Listens on one address and serves it on one thread, until dropped.
pub struct Listener {
    local_addr: SocketAddr,
    is_tls: bool,
    /// Dropped to stop the thread.
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Binds to `addr`, where port 0 lets the system choose one, and starts the thread.
    ///
    /// # Errors
    ///
    /// The address cannot be bound, or the system is out of threads or file descriptors.
    pub fn spawn(addr: SocketAddr, site: Site) -> io::Result<Listener> {
        let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let socket = {
            let _registered_with = runtime.enter();
            let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            // A listener that was just stopped leaves connections behind that hold nobody up.
            socket.set_reuseaddr(true)?;
            socket.bind(addr)?;
            socket.listen(BACKLOG)?
        };
        let local_addr = socket.local_addr()?;
        let is_tls = site.tls.is_some();
        let shared = Arc::new(Shared::new(site, local_addr));
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("farwire-http".into()).spawn(move || {
            runtime.spawn(accept(socket, shared));
            let _ = runtime.block_on(stopped);
            // Every connection is a task of the runtime and ends here with it.
            drop(runtime);
        })?;
        Ok(Listener { local_addr, is_tls, stop: Some(stop), thread: Some(thread) })
    }

    /// The address that is listened on, with the port that the system chose.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// `https` with TLS, else `http`.
    pub fn scheme(&self) -> &'static str {
        if self.is_tls { "https" } else { "http" }
    }
}

impl Drop for Listener {
    /// Stops accepting, closes every connection, also one that waits for its reply, and ends the thread.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported there.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        shared.connections.room().await;
        match listener.accept().await {
            Ok((stream, peer)) => {
                // A socket that has no address is already broken.
                let Ok(local) = stream.local_addr() else { continue };
                let caller = Caller { peer, local, slot: shared.connections.enter(peer) };
                let caller = Arc::new(caller);
                let task = tokio::spawn(secure_and_serve(stream, Arc::clone(&caller), Arc::clone(&shared)));
                caller.slot.is_served_by(task.abort_handle());
                // What had to give way ends now, so that there are never many more than there may be.
                yield_now().await;
            }
            // The client gave up while it waited.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => {
                shared.connections.evict();
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn secure_and_serve(stream: TcpStream, caller: Arc<Caller>, shared: Arc<Shared>) {
    // A response must not wait for the acknowledgement of the one before. A socket that cannot is already broken.
    let _ = stream.set_nodelay(true);
    match &shared.site.tls {
        None => serve(stream, caller, shared).await,
        Some(tls) => {
            let handshake = timeout(shared.site.limits.header, tls.acceptor.accept(stream)).await;
            // Who does not speak TLS has been told so by an alert.
            if let Ok(Ok(stream)) = handshake {
                serve(stream, caller, shared).await;
            }
        }
    }
}

/// One connection, from its first byte to its last.
async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, caller: Arc<Caller>, shared: Arc<Shared>) {
    let limits = shared.site.limits.clone();
    // Counts each request twice, at its arrival and at its response: odd while one is being answered.
    let turns = Arc::new(AtomicU64::new(0));
    let service = {
        let turns = Arc::clone(&turns);
        service_fn(move |request| -> Answer {
            let (shared, caller, turns) = (Arc::clone(&shared), Arc::clone(&caller), Arc::clone(&turns));
            Box::pin(async move {
                turns.fetch_add(1, Ordering::Relaxed);
                caller.slot.begin();
                let response = respond(request, &caller, &shared).await;
                caller.slot.end();
                turns.fetch_add(1, Ordering::Relaxed);
                Ok(response)
            })
        })
    };
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_header_size(MAX_HEADER)
        // Also bounds what is buffered of a body before it is taken.
        .max_buf_size(MAX_HEADER)
        .serve_connection(TokioIo::new(stream), service);

    // Hyper bounds the wait for a request and `respond` the answer; what is left to bound is a client that does not read.
    let mut seen = turns.load(Ordering::Relaxed);
    while timeout(limits.stall, poll_fn(|cx| connection.poll_without_shutdown(cx))).await.is_err() {
        let now = turns.load(Ordering::Relaxed);
        if now == seen && now.is_multiple_of(2) {
            return;
        }
        seen = now;
    }
    linger(connection.into_parts().io.into_inner()).await;
}

type Answer = Pin<Box<dyn Future<Output = Result<hyper::Response<Full<Bytes>>, Infallible>> + Send>>;

/// Says that no more will come, then waits for the client to say the same.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let drained = async {
        stream.shutdown().await?;
        let mut discarded = vec![0; MAX_HEADER];
        let mut left = LINGER_BYTES;
        while left > 0 {
            match stream.read(&mut discarded).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        io::Result::Ok(())
    };
    // However it ends, the connection has served its purpose.
    let _ = timeout(LINGER, drained).await;
}
