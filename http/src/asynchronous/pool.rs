//! Connections that wait for their next request.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Uri;
use http::uri::{Authority, Scheme};
use http_body_util::Full;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;

use crate::asynchronous::connect::Stream;
use crate::exchange::MAX_HEAD;
use crate::failure::Fault;

/// Connections that are kept at most.
const MAX_IDLE: usize = 4;

/// For how long one is kept: not longer than servers wait for another request.
const MAX_AGE: Duration = Duration::from_secs(15);

/// A connection to a server. Its task ends with it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<Full<Bytes>>,
    _task: Task,
}

impl Connection {
    pub(crate) async fn over(stream: Box<dyn Stream>) -> Result<Connection, Fault> {
        let (sender, connection) = Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream)).await?;
        // What goes wrong is told to the request.
        let task = tokio::spawn(async move { drop(connection.await) });
        Ok(Connection { sender, _task: Task(task) })
    }
}

/// Ends a task when it is dropped.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The connections of one client, bounded by [`MAX_IDLE`]; the oldest give way.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Idle>);

#[derive(Debug, Default)]
struct Idle {
    kept: Vec<Kept>,
    is_closed: bool,
}

#[derive(Debug)]
struct Kept {
    server: Option<(Scheme, Authority)>,
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// The latest connection to a server that may be used again.
    pub(crate) fn take(&self, target: &Uri) -> Option<Connection> {
        let mut idle = self.lock();
        idle.drop_useless();
        let found = idle.kept.iter().rposition(|kept| kept.server == server(target))?;
        Some(idle.kept.remove(found).connection)
    }

    pub(crate) fn keep(&self, target: &Uri, connection: Connection) {
        let mut idle = self.lock();
        idle.drop_useless();
        if idle.is_closed || connection.sender.is_closed() {
            return;
        }
        if idle.kept.len() == MAX_IDLE {
            idle.kept.remove(0);
        }
        idle.kept.push(Kept { server: server(target), connection, since: Instant::now() });
    }

    /// Closes all, and keeps none from now on.
    pub(crate) fn close(&self) {
        let mut idle = self.lock();
        idle.is_closed = true;
        idle.kept.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    fn drop_useless(&mut self) {
        self.kept.retain(|kept| !kept.connection.sender.is_closed() && kept.since.elapsed() < MAX_AGE);
    }
}

fn server(target: &Uri) -> Option<(Scheme, Authority)> {
    target.scheme().cloned().zip(target.authority().cloned())
}
