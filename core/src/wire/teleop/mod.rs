//! Teleoperation through a broker: its HTTP calls, its four channels, and the messages on them.
//!
//! Source: DimOS 0.0.15, `BrokerProvider`, and the hosted broker's API as that uses it. What only farwire's own broker has
//! says so.

mod calls;
mod channels;
pub mod code;
mod commands;
mod ice;
mod messages;
pub mod path;
mod reports;

pub use self::calls::{
    Bridged, HeartbeatAnswer, IceServers, Join, Joined, Listed, ListedRobot, OPERATOR_ROLE, OfOperator, Register,
    Registered, RobotState, SdpAnswer,
};
pub use self::channels::{CMD_UNRELIABLE, Channel, MAP_UNRELIABLE, Party, STATE_RELIABLE, STATE_RELIABLE_BACK};
pub use self::commands::{Command, MAX_NONCE, Mode, Order, Ordered, VideoStats, cmd_ack};
pub use self::ice::IceServer;
pub use self::messages::{Kind, OPERATOR_LOST, Received, StateMessage};
pub use self::reports::{DriveStats, MAX_MAP, Map2d, MapFormat, MapKind, Odom, OdomKind, RobotTelemetry, to_json};
