//! What this process and its SFU hold: to be counted by the only test of a process.

use std::time::{Duration, Instant};
use std::{fs, thread};

use farwire_core::Config;
use farwire_sfu::Server;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Connections that are made and closed.
pub(crate) const CYCLES: usize = 1000;

/// Connections that are not to be had.
pub(crate) const FAILURES: usize = 100;

/// An SFU, and configurations that are good and bad.
pub(crate) struct Place {
    sfu: Server,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place { sfu: Server::spawn(farwire_sfu::Config::new("app", "secret")).expect("an SFU") }
    }

    pub(crate) fn config(&self) -> Config {
        Config::new(&self.sfu.api_root(), "app", "secret").expect("a good config").connect_timeout(PATIENCE)
    }

    /// In turn: a wrong secret, and a port where nobody listens.
    pub(crate) fn bad_config(&self, n: usize) -> Config {
        if n.is_multiple_of(2) {
            return Config::new(&self.sfu.api_root(), "app", "wrong").expect("a good config");
        }
        let nowhere = Config::new("http://127.0.0.1:1/v1", "app", "secret").expect("a good config");
        nowhere.connect_timeout(Duration::from_millis(10))
    }

    pub(crate) fn holdings(&self) -> Holdings {
        let entries = |path: &str| fs::read_dir(path).expect("Linux tells").count();
        Holdings {
            threads: entries("/proc/self/task"),
            descriptors: entries("/proc/self/fd"),
            sessions: self.sfu.sessions(),
        }
    }

    /// What is held comes back to what it was.
    pub(crate) fn expect(&self, wanted: Holdings) {
        let deadline = Instant::now() + PATIENCE;
        while self.holdings() != wanted && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(self.holdings(), wanted);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holdings {
    threads: usize,
    descriptors: usize,
    sessions: usize,
}
