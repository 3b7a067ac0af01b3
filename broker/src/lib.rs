//! A teleoperation broker: robots dial it with a key, operators with a token, and it opens and closes the channels between
//! them on an SFU whose secret neither has to know.
//!
//! [`Broker`] is the state machine: requests and the SFU's answers in, responses and the SFU's requests out, deadlines
//! named. It does no I/O, and drives any SFU with Cloudflare Realtime's API. [`Server`] runs one on threads behind a
//! [`farwire_listener::Listener`], with its keys and sessions in a [`Store`].
//!
//! # Who may do what
//!
//! A robot key is one robot's. An operator token may operate all robots or those that it names. Both are random 256 bits,
//! shown once and stored as hashes. A session of somebody else's robot looks like one that does not exist.
//!
//! # One operator at a time
//!
//! - A robot that registers again, with any of its keys, replaces its session once the SFU has taken the new one; an offer that
//!   it refuses changes nothing. So a robot that was restarted gets in at once.
//! - If two robots use one key or id, the one that registered last has the place. Whoever uses the former session is told so
//!   (404, `session_displaced`), and a farwire robot that reconnects asks for its place and does not take it: it is told that
//!   the other one is there (409, `robot_present`) until that is gone. The one that has the place is warned by its heartbeats.
//! - Who joins a robot that nobody operates becomes its operator.
//! - Whoever joins replaces the present operator once the SFU has taken its offer; one that it refuses changes nothing.
//! - Who joins with the token of the present operator replaces it: a page that was loaded again, a program that was
//!   restarted.
//! - Who joins with another token is refused with 409, unless the request says `"takeover": true`; then the present
//!   operator's session is closed. Its later calls are refused with 403, so it cannot take away what it no longer has.
//! - Before a robot hears of the next operator's channels, one heartbeat has answered it without any: so it stops first.
//! - An operator ends by leaving, by not bridging within [`Config::bridge_within`], or when the SFU says that its session
//!   is gone, or a channel of its bridge at either end, whoever closed it. The robot's next heartbeat has no ids then, and
//!   the operator has to join again. The SFU is asked every [`Config::check_every`].
//! - An operator that has made a heartbeat (`op-heartbeat`, every 5 s) and makes none for [`Config::operator_timeout`] ends,
//!   whether or not its connection to the SFU lives. One that never made any, as programs that do not know the call, ends by
//!   the rules before alone: while the SFU has its channels, it is there.
//! - Who joins with any other role than `operator` watches: it has what the robot publishes, beside the operator or without one,
//!   and puts nobody out. At most [`Config::max_viewers`] do. No channel of a viewer is ever opened at the robot's end. A viewer
//!   ends as an operator does, and with the broker's process.
//! - An operator hands its robot over to a viewer with `POST …/hand-over`, which is farwire's own: `{"to": ID}`, an id of
//!   `viewers` in the robot's status, or nothing for the only one. The viewer is told by its next heartbeat, and takes the robot
//!   by bridging; until then the operator goes on, and if nobody takes it within 20 s, for good.
//! - A robot ends by `DELETE`, by no heartbeat for [`Config::robot_timeout`], with its key, or with its session on the SFU.

mod admin;
mod broker;
mod channels;
mod cloudflare_turn;
mod config;
mod displaced;
mod end_reason;
mod key;
mod keys;
mod limits;
mod metrics;
mod record;
mod refusal;
mod route;
mod server;
mod sfu_session;
mod stats;
mod store;
mod turn;

pub use crate::admin::{AdminAnswer, AdminError, AdminRequest, KeyInfo, administer, create_keys};
pub use crate::broker::{Broker, Incoming, Output, Reason};
pub use crate::cloudflare_turn::{CloudflareTurn, CloudflareTurnError};
pub use crate::config::Config;
pub use crate::key::{Grant, Key, KeyHash, KeyId, RobotId, RobotIdError, Scope};
pub use crate::keys::{Keys, KeysError};
pub use crate::limits::MAX_BODY;
pub use crate::record::{Bridge, Known, OperatorRecord, SessionRecord};
pub use crate::server::{Answer, HttpSfu, Server, SfuTransport, SpawnError};
pub use crate::stats::{Refusals, Stats};
pub use crate::store::{Store, StoreError};
pub use crate::turn::TurnSecret;
pub use farwire_core::broker::IceServer;
