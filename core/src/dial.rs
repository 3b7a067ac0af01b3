//! What to dial, and as whom.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::broker::{Instance, OperatorConfig, OperatorSession, RobotConfig, RobotSession};
use crate::cloudflare::{ApiError, CloudflareSession};
use crate::config::host_ip;
use crate::link::{Certificate, LocalAddress};
use crate::retry::Backoff;
use crate::session::Session;
use crate::wire::teleop::code::{KEY_REVOKED, ROBOT_PRESENT, SESSION_DISPLACED};
use crate::{Config, EndReason, SessionId};

/// What a connection is to: an SFU itself, or a robot's or an operator's end of a broker's bridge. Publishing and
/// subscribing are the same in all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dial {
    /// An SFU, with the app's secret: any topics.
    Sfu(Config),
    /// A broker, as a robot: the topics of the bridge.
    Robot(RobotConfig),
    /// A broker, as an operator: the topics of the bridge.
    Operator(OperatorConfig),
}

impl From<Config> for Dial {
    fn from(config: Config) -> Dial {
        Dial::Sfu(config)
    }
}

impl From<RobotConfig> for Dial {
    fn from(config: RobotConfig) -> Dial {
        Dial::Robot(config)
    }
}

impl From<OperatorConfig> for Dial {
    fn from(config: OperatorConfig) -> Dial {
        Dial::Operator(config)
    }
}

impl<T: Clone + Into<Dial>> From<&T> for Dial {
    fn from(config: &T) -> Dial {
        config.clone().into()
    }
}

impl Dial {
    /// The URL that is dialed.
    pub fn url(&self) -> &str {
        match self {
            Dial::Sfu(config) => &config.url,
            Dial::Robot(config) => &config.url,
            Dial::Operator(config) => &config.url,
        }
    }

    /// The address of the URL's host, if it needs no look-up: `localhost` is 127.0.0.1.
    pub fn host_ip(&self) -> Option<IpAddr> {
        host_ip(self.url())
    }

    /// Whether what is dialed is on this machine, out of the reach of others.
    pub fn is_loopback(&self) -> bool {
        self.host_ip().is_some_and(|ip| ip.is_loopback())
    }

    /// Whose topics subscriptions are to.
    pub(crate) fn source(&self) -> Source {
        match self {
            Dial::Sfu(config) => config.publisher_session.clone().map_or(Source::Own, Source::Session),
            Dial::Robot(_) | Dial::Operator(_) => Source::Bridge,
        }
    }

    fn redials(&self) -> bool {
        match self {
            Dial::Sfu(config) => config.redial,
            Dial::Robot(config) => config.redial,
            Dial::Operator(config) => config.redial,
        }
    }
}

/// Whose topics a connection's subscriptions are to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// This connection's own.
    Own,
    /// Those of another session of the SFU.
    Session(SessionId),
    /// What the broker bridges.
    Bridge,
}

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// A connection that was up for less does not make the pauses short again: whatever ends it so soon is not over.
const STEADY: Duration = Duration::from_secs(10);

/// The longest pause of a robot that asks for its place and does not take it.
const ASK_EVERY: Duration = Duration::from_secs(30);

/// The first and the longest pause of a robot whose place another one has, at a broker that knows no asking.
const CROWDED: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(12));

/// When a broker that does not say why ends a robot's session twice within this time, another robot may have its place.
const SUSPICIOUS: Duration = Duration::from_secs(600);

/// Attempts in a row that a server refuses for good before nothing is tried any more. One alone may be a proxy's doing.
const MAX_REFUSALS: u32 = 5;

/// Dials, and dials again when a connection that was up is lost, with jittered backoff, for as long as that may help.
pub(crate) struct Dialer {
    dial: Dial,
    local: [LocalAddress; 2],
    certificate: Option<Certificate>,
    seed: u64,
    rng: Rng,
    attempts: u32,
    was_up: bool,
    up_since: Option<Instant>,
    backoff: Backoff,
    /// For a robot whose place another one has.
    crowded: Backoff,
    /// When a broker ended a robot's session last.
    rejected_at: Option<Instant>,
    refusals: u32,
    /// When to dial again.
    at: Option<Instant>,
}

impl Dialer {
    pub(crate) fn new(dial: Dial, local: [LocalAddress; 2], seed: u64) -> Dialer {
        Dialer {
            dial,
            local,
            certificate: Certificate::generate(),
            seed,
            rng: Rng::with_seed(!seed),
            attempts: 0,
            was_up: false,
            up_since: None,
            backoff: Backoff::up_to(LONGEST_PAUSE),
            crowded: Backoff::between(CROWDED.0, CROWDED.1),
            rejected_at: None,
            refusals: 0,
            at: None,
        }
    }

    /// The sessions of an attempt: one for each side, or one for both.
    pub(crate) fn dial(&mut self, now: Instant) -> Vec<Box<dyn Session>> {
        self.at = None;
        // No id of a request is used twice, so an answer to an earlier attempt's is none to a later one's.
        let first = u64::from(self.attempts) << 32;
        let is_first = self.attempts == 0;
        self.attempts = self.attempts.wrapping_add(1);
        let certificate = self.certificate.clone();
        let [local, other] = self.local;
        match &self.dial {
            Dial::Sfu(config) => vec![
                Box::new(CloudflareSession::new(config, local, certificate.clone(), first, self.seed, now)),
                Box::new(CloudflareSession::new(config, other, certificate, first + 1, self.seed, now)),
            ],
            Dial::Robot(config) => {
                let instance = Instance { id: instance(self.seed, local.offered()), again: self.was_up };
                vec![Box::new(RobotSession::new(config, instance, local, certificate, first, self.seed, now))]
            }
            Dial::Operator(config) => {
                let takeover = config.takeover && is_first;
                vec![Box::new(OperatorSession::new(config, takeover, local, certificate, first, self.seed, now))]
            }
        }
    }

    pub(crate) fn connected(&mut self, now: Instant) {
        self.was_up = true;
        self.up_since = Some(now);
        self.refusals = 0;
    }

    /// Whether to dial again after this; if so, when is decided.
    pub(crate) fn lost(&mut self, now: Instant, reason: &EndReason) -> bool {
        if !self.was_up || !self.dial.redials() || *reason == EndReason::Closed {
            return false;
        }
        let was_up_for = self.up_since.take().map(|since| now.saturating_duration_since(since)).unwrap_or_default();
        if was_up_for >= STEADY {
            self.backoff.succeeded();
        }
        if was_up_for >= SUSPICIOUS {
            self.crowded.succeeded();
        }
        let code = match reason {
            EndReason::Api(ApiError::Refused { code, .. }) => code.as_str(),
            _ => "",
        };
        if code == KEY_REVOKED {
            return false;
        }
        if self.is_crowded_out(now, reason, code) {
            // To take the place back would be to end the other one, which would take it back again.
            let at = self.crowded.failed(now, &mut self.rng);
            self.at = Some(if code.is_empty() { at } else { at.min(now + ASK_EVERY) });
            return true;
        }
        if !reason.is_passing() {
            // Somebody else operates the robot now: to ask again would be to wait for it behind a person's back.
            let is_displaced = matches!(reason, EndReason::Api(error) if error.refusal_status() == Some(409));
            self.refusals += 1;
            if is_displaced || self.refusals >= MAX_REFUSALS {
                return false;
            }
        }
        self.at = Some(self.backoff.failed(now, &mut self.rng));
        true
    }

    /// Whether another robot has this one's place.
    fn is_crowded_out(&mut self, now: Instant, reason: &EndReason, code: &str) -> bool {
        if !matches!(self.dial, Dial::Robot(_)) {
            return false;
        }
        if code == ROBOT_PRESENT || code == SESSION_DISPLACED {
            return true;
        }
        if !matches!(reason, EndReason::Api(ApiError::Refused { status: 404 | 410, .. })) {
            return false;
        }
        let before = self.rejected_at.replace(now);
        before.is_some_and(|at| now.saturating_duration_since(at) < SUSPICIOUS)
    }

    /// When to dial again, if that is what is waited for.
    pub(crate) fn redials_at(&self) -> Option<Instant> {
        self.at
    }

    pub(crate) fn source(&self) -> Source {
        self.dial.source()
    }
}

/// 64 bits that tell nothing of the seed to those who do not know it, and differ between connections with equal seeds.
fn instance(seed: u64, local: SocketAddr) -> String {
    let address = local
        .to_string()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{:016x}", Rng::with_seed(seed.rotate_left(17) ^ address).u64(..))
}
