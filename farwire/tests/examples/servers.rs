//! The SFU and the broker that the examples talk to.

use std::path::PathBuf;

use farwire_broker::{AdminAnswer, AdminRequest, Config, Grant, HttpSfu, RobotId, Scope, Server, Store};
use farwire_listener::{Listener, Site};

pub(crate) const APP: &str = "app";
pub(crate) const SECRET: &str = "secret";

pub(crate) fn sfu() -> farwire_sfu::Server {
    farwire_sfu::Server::spawn(farwire_sfu::Config::new(APP, SECRET)).expect("an SFU")
}

/// A broker on an SFU of its own.
pub(crate) struct OwnBroker {
    broker: Server,
    listener: Listener,
    directory: PathBuf,
    /// Outlives the broker, which uses it.
    _sfu: farwire_sfu::Server,
}

impl OwnBroker {
    pub(crate) fn new() -> OwnBroker {
        let sfu = sfu();
        let directory = std::env::temp_dir().join(format!("farwire-examples-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let store = Store::open(&directory.join("broker.redb")).expect("a state file");
        let config = farwire::Config::new(&sfu.api_root(), APP, SECRET).expect("a good config");
        let calls = HttpSfu::spawn(true).expect("threads");
        let broker = Server::spawn(Config::new(config).ends_sessions(), store, calls).expect("a broker");
        let listener = Listener::spawn(([127, 0, 0, 1], 0).into(), broker.add_to(Site::new())).expect("a port");
        OwnBroker { broker, listener, directory, _sfu: sfu }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr())
    }

    pub(crate) fn robot_key(&self) -> String {
        self.secret(Grant::Robot(RobotId::new("rover").expect("an id")))
    }

    pub(crate) fn operator_token(&self) -> String {
        self.secret(Grant::Operator(Scope::All))
    }

    fn secret(&self, grant: Grant) -> String {
        match self.broker.administer(AdminRequest::Create { grant, label: String::new() }) {
            AdminAnswer::Created { secret, .. } => secret,
            _ => panic!("no key was created"),
        }
    }
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
