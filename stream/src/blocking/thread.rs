//! The life of a stream.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Instant;

use farwire_core::signalling::{Failure, StreamEvent, StreamKey};
use farwire_http::{Trust, io_failure, look_up};
use socket2::{Domain, Socket, Type};

use crate::blocking::Shared;
#[cfg(feature = "tls")]
use crate::blocking::tls::TlsWire;
use crate::blocking::waker::Sleeper;
use crate::blocking::wire::Wire;
use crate::lines::LineReader;
use crate::outgoing::Next;
use crate::target::{Target, Tls, closed_by_server, share, tune};
use crate::{CLOSE_TIMEOUT, CONNECT_TIMEOUT};

/// Bytes that are read at once.
const READ_SIZE: usize = 16 * 1024;

/// Why a stream ends.
enum End {
    /// Its holder said so.
    Closed,
    Failed(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> End {
        End::Failed(failure)
    }
}

/// Runs until the stream is closed.
pub(crate) fn run(
    shared: &Shared,
    sleeper: &Sleeper,
    stream: StreamKey,
    url: &str,
    trust: &Trust,
    mut events: impl FnMut(StreamEvent),
) {
    let mut tell = |event| {
        if !shared.outgoing.is_closing() {
            events(event);
        }
    };
    if let Err(End::Failed(why)) = live(shared, sleeper, stream, url, trust, &mut tell) {
        tell(StreamEvent::Closed { stream, why });
    }
}

fn live(
    shared: &Shared,
    sleeper: &Sleeper,
    stream: StreamKey,
    url: &str,
    trust: &Trust,
    tell: &mut impl FnMut(StreamEvent),
) -> Result<(), End> {
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    let target = Target::new(url, trust)?;
    let socket = connect(shared, sleeper, &target, deadline)?;
    tune(&socket);
    let wire: Box<dyn Wire> = match target.tls {
        None => Box::new(socket),
        Some(tls) => over_tls(socket, tls)?,
    };
    Talk { shared, sleeper, wire, lines: LineReader::default(), rest: Vec::new() }.run(stream, deadline, tell)
}

#[cfg(feature = "tls")]
fn over_tls(socket: TcpStream, tls: Tls) -> Result<Box<dyn Wire>, Failure> {
    Ok(Box::new(TlsWire::over(socket, tls)?))
}

#[cfg(not(feature = "tls"))]
fn over_tls(_: TcpStream, tls: Tls) -> Result<Box<dyn Wire>, Failure> {
    match tls {}
}

/// Connects by TCP.
fn connect(shared: &Shared, sleeper: &Sleeper, target: &Target, deadline: Instant) -> Result<TcpStream, End> {
    shared.is_stuck.store(true, Ordering::Relaxed);
    let found = addresses_of(target, deadline);
    shared.is_stuck.store(false, Ordering::Relaxed);
    let addresses = found?;
    let mut failed = target.nowhere();
    for (tried, address) in addresses.iter().enumerate() {
        let now = Instant::now();
        let until = now + share(deadline.saturating_duration_since(now), tried, &addresses);
        match connect_to(shared, sleeper, *address, until) {
            Ok(Some(socket)) => return Ok(socket),
            Ok(None) => return Err(End::Closed),
            Err(error) => failed = io_failure(&error, CONNECT_TIMEOUT),
        }
    }
    Err(failed.into())
}

fn addresses_of(target: &Target, deadline: Instant) -> Result<Vec<SocketAddr>, Failure> {
    let (tell, told) = mpsc::channel();
    // Who asked may have given up.
    look_up(&target.host, target.port, move |addresses| drop(tell.send(addresses)))
        .map_err(|error| Failure::Connect(format!("the system gives no thread for the look-up: {error}")))?;
    let left = deadline.saturating_duration_since(Instant::now());
    told.recv_timeout(left).map_err(|_| Failure::Timeout(CONNECT_TIMEOUT))
}

/// `None`: the stream was closed meanwhile.
fn connect_to(
    shared: &Shared,
    sleeper: &Sleeper,
    address: SocketAddr,
    until: Instant,
) -> io::Result<Option<TcpStream>> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    // That it is under way is told as an error, and so is that it cannot be.
    let begun = socket.connect(&address.into());
    let socket = TcpStream::from(socket);
    if let Err(error) = begun
        && error.kind() != io::ErrorKind::WouldBlock
        && error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error())
    {
        return Err(error);
    }
    loop {
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        match socket.peer_addr() {
            Ok(_) => return Ok(Some(socket)),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
            Err(error) => return Err(error),
        }
        // What was said before it is open goes nowhere then.
        if shared.outgoing.is_closing() {
            return Ok(None);
        }
        if Instant::now() >= until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        sleeper.sleep(&socket, true, Some(until))?;
    }
}

/// What goes on on a stream whose socket is connected.
struct Talk<'a> {
    shared: &'a Shared,
    sleeper: &'a Sleeper,
    wire: Box<dyn Wire>,
    lines: LineReader,
    /// The rest of a line that is being sent.
    rest: Vec<u8>,
}

impl Talk<'_> {
    fn run(mut self, stream: StreamKey, deadline: Instant, tell: &mut impl FnMut(StreamEvent)) -> Result<(), End> {
        let broken = |error: io::Error| End::from(io_failure(&error, CONNECT_TIMEOUT));
        let mut buffer = vec![0; READ_SIZE];
        let mut is_open = false;
        let mut closes_by = None;
        loop {
            if let Some(failure) = self.shared.outgoing.failed() {
                return Err(failure.into());
            }
            self.wire.flush().map_err(broken)?;
            if self.wire.is_open() && !is_open {
                is_open = true;
                tell(StreamEvent::Opened { stream });
            }
            if is_open && self.send().map_err(broken)? {
                self.wire.close();
                self.drain(closes_by.unwrap_or_else(|| Instant::now() + CLOSE_TIMEOUT));
                return Err(End::Closed);
            }
            if self.shared.outgoing.is_closing() && closes_by.is_none() {
                closes_by = Some(Instant::now() + CLOSE_TIMEOUT);
            }
            let until = closes_by.or((!is_open).then_some(deadline));
            if until.is_some_and(|until| Instant::now() >= until) {
                return Err(if closes_by.is_some() { End::Closed } else { Failure::Timeout(CONNECT_TIMEOUT).into() });
            }
            match self.wire.read(&mut buffer) {
                Ok(0) => return Err(closed_by_server().into()),
                Ok(length) => {
                    self.lines.push(&buffer[..length]);
                    while let Some(line) = self.lines.next()? {
                        tell(StreamEvent::Line { stream, line });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let wants_write = !self.rest.is_empty() || self.wire.wants_write();
                    self.sleeper.sleep(self.wire.socket(), wants_write, until).map_err(broken)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(error)),
            }
        }
    }

    /// Waits until the server has closed too: of a socket that is closed with something unread, the system drops what it has
    /// not sent yet.
    fn drain(&self, until: Instant) {
        let (mut socket, mut buffer) = (self.wire.socket(), [0; 4096]);
        let _ = socket.shutdown(Shutdown::Write);
        while Instant::now() < until {
            match io::Read::read(&mut socket, &mut buffer) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.sleeper.sleep(socket, false, Some(until)).is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }

    /// Sends as many lines as the socket has room for. `true`: all that is to be sent, and no more will be.
    fn send(&mut self) -> io::Result<bool> {
        loop {
            while !self.rest.is_empty() {
                match self.wire.write(&self.rest) {
                    Ok(written) => drop(self.rest.drain(..written)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.wire.flush()?;
                        return Ok(false);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            match self.shared.outgoing.next() {
                Next::Send(bytes) => self.rest = bytes,
                Next::Wait | Next::Fail(_) => {
                    self.wire.flush()?;
                    return Ok(false);
                }
                Next::Close => {
                    self.wire.flush()?;
                    return Ok(!self.wire.wants_write());
                }
            }
        }
    }
}
