//! The stream that is a task.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use farwire_core::signalling::{Failure, StreamEvent, StreamKey};
use farwire_http::{Trust, io_failure, look_up};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
#[cfg(feature = "tokio-tls")]
use tokio_rustls::TlsConnector;

use crate::lines::LineReader;
use crate::outgoing::{Next, Outgoing};
use crate::target::{Target, Tls, closed_by_server, share, tune};
use crate::{CLOSE_TIMEOUT, CONNECT_TIMEOUT, Lines};

/// Bytes that are read at once.
const READ_SIZE: usize = 16 * 1024;

/// A stream of lines, with a task that lives as long as the stream. Dropping it closes it. What still waits when its runtime
/// ends is not sent.
pub struct AsyncLineStream {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    outgoing: Outgoing,
    wake: Notify,
}

impl AsyncLineStream {
    /// Begins to connect, on this runtime, which needs its I/O and time drivers. What happens comes to `events`, in the stream's
    /// task; after [`close`](Lines::close), nothing does.
    pub fn connect(
        runtime: &Handle,
        stream: StreamKey,
        url: String,
        trust: Trust,
        events: impl FnMut(StreamEvent) + Send + 'static,
    ) -> AsyncLineStream {
        let shared = Arc::<Shared>::default();
        runtime.spawn(run(Arc::clone(&shared), stream, url, trust, events));
        AsyncLineStream { shared }
    }
}

impl Lines for AsyncLineStream {
    fn send(&self, line: String) {
        self.shared.outgoing.push(line);
        self.shared.wake.notify_waiters();
    }

    fn close(&self) {
        self.shared.outgoing.close();
        self.shared.wake.notify_waiters();
    }
}

impl Drop for AsyncLineStream {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for AsyncLineStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncLineStream").finish_non_exhaustive()
    }
}

/// What lines go over.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<W: AsyncRead + AsyncWrite + Send + Unpin> Wire for W {}

async fn run(
    shared: Arc<Shared>,
    stream: StreamKey,
    url: String,
    trust: Trust,
    mut events: impl FnMut(StreamEvent) + Send,
) {
    let mut tell = |event| {
        if !shared.outgoing.is_closing() {
            events(event);
        }
    };
    let ended = async {
        let wire = tokio::select! {
            wire = open(&url, &trust) => wire?,
            // What was said before it is open goes nowhere then.
            ended = ended_early(&shared) => return ended,
        };
        tell(StreamEvent::Opened { stream });
        let (reader, writer) = split(wire);
        tokio::select! {
            failure = read(reader, |line| tell(StreamEvent::Line { stream, line })) => Err(failure),
            ended = write(&shared, writer) => ended,
            () = give_up(&shared) => Ok(()),
        }
    };
    if let Err(why) = ended.await {
        tell(StreamEvent::Closed { stream, why });
    }
}

async fn open(url: &str, trust: &Trust) -> Result<Box<dyn Wire>, Failure> {
    let target = Target::new(url, trust)?;
    let opening = async {
        let socket = connect(&target).await?;
        let socket = socket.into_std().and_then(|socket| {
            tune(&socket);
            TcpStream::from_std(socket)
        });
        let socket = socket.map_err(|error| broken(&error))?;
        match &target.tls {
            None => Ok(Box::new(socket) as Box<dyn Wire>),
            Some(tls) => over_tls(socket, tls).await,
        }
    };
    timeout(CONNECT_TIMEOUT, opening).await.unwrap_or(Err(Failure::Timeout(CONNECT_TIMEOUT)))
}

#[cfg(feature = "tokio-tls")]
async fn over_tls(socket: TcpStream, (config, name): &Tls) -> Result<Box<dyn Wire>, Failure> {
    let wire =
        TlsConnector::from(Arc::clone(config)).connect(name.clone(), socket).await.map_err(|error| broken(&error))?;
    Ok(Box::new(wire))
}

#[cfg(not(feature = "tokio-tls"))]
async fn over_tls(_: TcpStream, _: &Tls) -> Result<Box<dyn Wire>, Failure> {
    Err(Failure::Tls("this program speaks no TLS on streams".to_owned()))
}

async fn connect(target: &Target) -> Result<TcpStream, Failure> {
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    let (tell, told) = oneshot::channel::<Vec<SocketAddr>>();
    // Who asked may have given up.
    let asked = look_up(&target.host, target.port, |addresses| drop(tell.send(addresses)));
    let addresses = match asked {
        Ok(()) => told.await.unwrap_or_default(),
        Err(error) => return Err(broken(&error)),
    };
    let mut failed = target.nowhere();
    for (tried, address) in addresses.iter().enumerate() {
        let now = Instant::now();
        let until = now + share(deadline.saturating_duration_since(now), tried, &addresses);
        match timeout_at(until, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => failed = broken(&error),
            Err(_) => failed = Failure::Timeout(CONNECT_TIMEOUT),
        }
    }
    Err(failed)
}

/// Waits until a stream that is not open yet is to be closed.
async fn ended_early(shared: &Shared) -> Result<(), Failure> {
    loop {
        let woken = shared.wake.notified();
        if let Some(failure) = shared.outgoing.failed() {
            return Err(failure);
        }
        if shared.outgoing.is_closing() {
            return Ok(());
        }
        woken.await;
    }
}

/// Reads lines until there are no more.
async fn read(mut reader: ReadHalf<Box<dyn Wire>>, mut take: impl FnMut(String)) -> Failure {
    let mut lines = LineReader::default();
    let mut buffer = vec![0; READ_SIZE];
    loop {
        match reader.read(&mut buffer).await {
            Ok(0) => return closed_by_server(),
            Ok(length) => lines.push(&buffer[..length]),
            // A server that is gone without TLS's own goodbye.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return closed_by_server(),
            Err(error) => return broken(&error),
        }
        loop {
            match lines.next() {
                Ok(Some(line)) => take(line),
                Ok(None) => break,
                Err(failure) => return failure,
            }
        }
    }
}

/// Sends lines until all is sent that is to be.
async fn write(shared: &Shared, mut writer: WriteHalf<Box<dyn Wire>>) -> Result<(), Failure> {
    loop {
        let woken = shared.wake.notified();
        match shared.outgoing.next() {
            Next::Send(bytes) => {
                // While a server takes none, lines too many still end it.
                tokio::select! {
                    written = async { writer.write_all(&bytes).await?; writer.flush().await } => written.map_err(|error| broken(&error))?,
                    failure = overflow(shared) => return Err(failure),
                }
            }
            Next::Wait => woken.await,
            Next::Close => {
                // What cannot be said is of no use.
                let _ = writer.shutdown().await;
                // Until the server has closed too, or `give_up`: what came and is not read would make the system drop what it
                // has not sent yet.
                return std::future::pending().await;
            }
            Next::Fail(failure) => return Err(failure),
        }
    }
}

/// Waits until more was said than may wait.
async fn overflow(shared: &Shared) -> Failure {
    loop {
        let woken = shared.wake.notified();
        if let Some(failure) = shared.outgoing.failed() {
            return failure;
        }
        woken.await;
    }
}

/// Waits until the time is over in which a stream that is closed may still send.
async fn give_up(shared: &Shared) {
    loop {
        let woken = shared.wake.notified();
        if shared.outgoing.is_closing() {
            break;
        }
        woken.await;
    }
    tokio::time::sleep(CLOSE_TIMEOUT).await;
}

fn broken(error: &io::Error) -> Failure {
    io_failure(error, CONNECT_TIMEOUT)
}
