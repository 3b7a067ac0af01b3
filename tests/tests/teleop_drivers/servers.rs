//! A broker and an SFU with real sockets.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use farwire_blocking::{OperatorConfig, RobotConfig};
use farwire_broker::{AdminAnswer, AdminRequest, Config, Grant, HttpSfu, RobotId, Scope, Server, Store};
use farwire_listener::{Listener, Site};

use crate::PATIENCE;

/// An SFU, and a broker on it.
pub(crate) struct Servers {
    sfu: farwire_sfu::Server,
    broker: Server,
    listener: Listener,
    directory: PathBuf,
}

impl Servers {
    pub(crate) fn new(name: &str) -> Servers {
        let sfu = farwire_sfu::Server::spawn(farwire_sfu::Config::new("app", "secret")).expect("an SFU on loopback");
        let directory = std::env::temp_dir().join(format!("farwire-teleop-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let config = farwire_core::Config::new(&sfu.api_root(), "app", "secret").expect("a good config");
        let store = Store::open(&directory.join("broker.redb")).expect("a state file");
        let broker = Server::spawn(Config::new(config).ends_sessions(), store, HttpSfu::spawn(true).expect("threads"));
        let broker = broker.expect("a broker");
        let listener = Listener::spawn(([127, 0, 0, 1], 0).into(), broker.add_to(Site::new())).expect("a port");
        Servers { sfu, broker, listener, directory }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr())
    }

    pub(crate) fn secret(&self, grant: Grant) -> String {
        match self.broker.administer(AdminRequest::Create { grant, label: String::new() }) {
            AdminAnswer::Created { secret, .. } => secret,
            _ => panic!("no key was created"),
        }
    }

    /// Nobody that has a key now has one any more.
    pub(crate) fn revoke_all(&self) {
        let AdminAnswer::Keys(keys) = self.broker.administer(AdminRequest::List) else { panic!("no list") };
        for key in keys {
            let answer = self.broker.administer(AdminRequest::Revoke { id: key.id });
            assert!(matches!(answer, AdminAnswer::Revoked(_)), "it is not revoked");
        }
    }

    pub(crate) fn robot(&self) -> RobotConfig {
        let key = self.secret(Grant::Robot(RobotId::new("rover").expect("an id")));
        RobotConfig::new(&self.url(), &key).expect("a good config").heartbeat(Duration::from_millis(100))
    }

    pub(crate) fn operator(&self) -> OperatorConfig {
        let token = self.secret(Grant::Operator(Scope::All));
        OperatorConfig::new(&self.url(), &token).expect("a good config").connect_timeout(PATIENCE)
    }

    /// Waits until nothing is left of robots and operators.
    pub(crate) fn assert_empty(&self) {
        let begun = Instant::now();
        while self.sfu.sessions() > 0 {
            assert!(begun.elapsed() < PATIENCE, "{} sessions are left", self.sfu.sessions());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
