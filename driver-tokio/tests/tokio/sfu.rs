//! The embedded SFU, and connections to it.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use farwire_sfu::Server;
use farwire_tokio::{Config, Connection, connect};
use tokio::runtime::{Builder, Runtime};

/// What any single step of a test may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn start() -> Server {
    Server::spawn(farwire_sfu::Config::new("app", "secret")).expect("an SFU")
}

pub(crate) fn config(sfu: &Server) -> Config {
    Config::new(&sfu.api_root(), "app", "secret").expect("a good config")
}

pub(crate) async fn connection(sfu: &Server) -> Connection {
    connect(config(sfu)).await.expect("a connection")
}

/// A connection that subscribes to what `publisher` publishes.
pub(crate) async fn follower(sfu: &Server, publisher: &Connection) -> Connection {
    let config = config(sfu).publisher_session(publisher.session_id()).expect("a session's id");
    connect(config).await.expect("a connection")
}

/// Asserts that `condition` comes true in time.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The future's value, which is to be there in time.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

/// Both kinds of runtime.
pub(crate) fn runtimes() -> [Runtime; 2] {
    [Builder::new_current_thread(), Builder::new_multi_thread()]
        .map(|mut builder| builder.worker_threads(2).enable_all().build().expect("a runtime"))
}

/// Polls a future once and drops it.
pub(crate) async fn cancel<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        std::task::Poll::Ready(value) => std::task::Poll::Ready(Some(value)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}
