//! What every driver passes on of core, so that a program needs one crate.

pub use farwire_core;
pub use farwire_core::LinkEnd;
pub use farwire_core::broker::{
    BrokerError, IceServer, OperatorConfig, OperatorProblem, OperatorSettings, RobotConfig, RobotSettings, Roster,
};
pub use farwire_core::lcm;
#[cfg(feature = "lcm")]
pub use farwire_core::lcm_messages;
pub use farwire_core::signalling::SignallingError;
pub use farwire_core::{
    Accepted, ClockEstimate, Config, ConfigError, ConnectionEvent, Container, Content, Delivery, Dial, EndReason,
    Events, MAX_TOPIC, Message, OperatorLost, PublishError, Raw, Receive, RecvError, Reliability, Secret, SessionId,
    Settings, Stage, Stats, SubscribeOptions, Topic, TopicError, TopicNames, TopicStats, WhenFull,
};

pub use crate::error::ConnectError;

/// A robot's loop on a broker's bridge, and the state machine behind it.
#[cfg(feature = "teleop")]
pub mod teleop {
    pub use farwire_core::teleop::*;

    pub use crate::teleop::{RobotSetup, Task};
}
