//! What a broker needs to know.

use std::time::Duration;

use farwire_core::broker::IceServer;

use crate::cloudflare_turn::CloudflareTurn;
use crate::turn::TurnSecret;

/// Which SFU a broker drives, and how patient it is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The SFU, with the app and its secret.
    pub sfu: farwire_core::Config,
    /// What robots and operators get as `ice_servers`; nothing unless set.
    pub ice_servers: Vec<IceServer>,
    /// Of which credentials are made for those of them that are TURN servers and come without any.
    pub turn_secret: Option<TurnSecret>,
    /// The key of Cloudflare's TURN servers, for which each robot and operator gets credentials beside [`Config::ice_servers`].
    pub cloudflare_turn: Option<CloudflareTurn>,
    /// A robot without a heartbeat for this long is removed. 30 s unless set.
    pub robot_timeout: Duration,
    /// An operator or a viewer that makes heartbeats, and then none for this long, is removed. 20 s unless set.
    pub operator_timeout: Duration,
    /// An operator or a viewer that has not bridged this long after it joined is removed. 30 s unless set.
    pub bridge_within: Duration,
    /// How often the SFU is asked whether a session and its channels are still there. 5 s unless set.
    pub check_every: Duration,
    /// Those who may watch one robot at once; further ones are answered 429. 8 unless set.
    pub max_viewers: usize,
    /// Robots that can be registered at once; further ones are answered 503. 4,096 unless set.
    pub max_robots: usize,
    /// Whether the SFU ends a session on `DELETE`, which Cloudflare's API does not have. `false` unless set.
    pub ends_sessions: bool,
}

impl Config {
    /// A broker that drives this SFU.
    pub fn new(sfu: farwire_core::Config) -> Config {
        Config {
            sfu,
            ice_servers: Vec::new(),
            turn_secret: None,
            cloudflare_turn: None,
            robot_timeout: Duration::from_secs(30),
            operator_timeout: Duration::from_secs(20),
            bridge_within: Duration::from_secs(30),
            check_every: Duration::from_secs(5),
            max_viewers: 8,
            max_robots: 4096,
            ends_sessions: false,
        }
    }

    /// Adds a STUN or TURN server for robots and operators.
    pub fn ice_server(mut self, server: IceServer) -> Config {
        self.ice_servers.push(server);
        self
    }

    /// Sets what TURN servers share with this broker.
    pub fn turn_secret(mut self, secret: TurnSecret) -> Config {
        self.turn_secret = Some(secret);
        self
    }

    /// Sets the key of Cloudflare's TURN servers.
    pub fn cloudflare_turn(mut self, key: CloudflareTurn) -> Config {
        self.cloudflare_turn = Some(key);
        self
    }

    /// Sets how long a robot may be silent.
    pub fn robot_timeout(mut self, timeout: Duration) -> Config {
        self.robot_timeout = timeout;
        self
    }

    /// Sets how long an operator that makes heartbeats may be silent.
    pub fn operator_timeout(mut self, timeout: Duration) -> Config {
        self.operator_timeout = timeout;
        self
    }

    /// Sets by when an operator has to bridge.
    pub fn bridge_within(mut self, time: Duration) -> Config {
        self.bridge_within = time;
        self
    }

    /// Sets how often the SFU is asked.
    pub fn check_every(mut self, time: Duration) -> Config {
        self.check_every = time;
        self
    }

    /// Sets the bound on those who watch one robot.
    pub fn max_viewers(mut self, viewers: usize) -> Config {
        self.max_viewers = viewers;
        self
    }

    /// Sets the bound on robots.
    pub fn max_robots(mut self, robots: usize) -> Config {
        self.max_robots = robots;
        self
    }

    /// Says that the SFU ends a session on `DELETE`.
    pub fn ends_sessions(mut self) -> Config {
        self.ends_sessions = true;
        self
    }
}
