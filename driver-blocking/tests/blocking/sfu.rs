//! The embedded SFU, and connections to it.

use std::thread;
use std::time::{Duration, Instant};

use farwire_blocking::{Config, Connection, connect};
use farwire_sfu::Server;

/// What any single step of a test may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn start() -> Server {
    Server::spawn(farwire_sfu::Config::new("app", "secret")).expect("an SFU")
}

pub(crate) fn config(sfu: &Server) -> Config {
    Config::new(&sfu.api_root(), "app", "secret").expect("a good config")
}

pub(crate) fn connection(sfu: &Server) -> Connection {
    connect(config(sfu)).expect("a connection")
}

/// A connection that subscribes to what `publisher` publishes.
pub(crate) fn follower(sfu: &Server, publisher: &Connection) -> Connection {
    let config = config(sfu).publisher_session(publisher.session_id()).expect("a session's id");
    connect(config).expect("a connection")
}

/// Asserts that `condition` comes true in time.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}
