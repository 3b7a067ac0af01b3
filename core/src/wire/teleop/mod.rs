//! Teleoperation through a broker: its HTTP calls, its four channels, and the messages on them.
//!
//! Source: DimOS 0.0.15, `BrokerProvider`, and the hosted broker's API as that and its operators' page use it. What only
//! farwire's own broker has says so.

mod calls;
mod channels;
pub mod code;
mod commands;
mod figures;
mod ice;
mod leaving;
mod listed;
mod messages;
mod numbers;
pub mod path;
mod refused;
mod reports;
mod role;

pub use self::calls::{
    Acknowledged, Bridged, HandOver, HeartbeatAnswer, IceServers, Join, Joined, Left, OfOperator, Register, Registered,
    SdpAnswer,
};
pub use self::channels::{CMD_UNRELIABLE, Channel, MAP_UNRELIABLE, Party, STATE_RELIABLE, STATE_RELIABLE_BACK};
pub use self::commands::{Command, MAX_NONCE, Mode, Order, Ordered, VideoStats, cmd_ack};
pub use self::figures::RobotFigures;
pub use self::ice::IceServer;
pub use self::leaving::LeaveReason;
pub use self::listed::{Attended, Figures, Listed, ListedRobot, RobotState, WITH_OFFLINE, rfc3339};
pub use self::messages::{Kind, OPERATOR_LOST, Received, StateMessage};
pub use self::numbers::{DRIVE_COUNTS, DriveCounts, number_after, number_of};
pub use self::refused::Refused;
pub use self::reports::{DriveStats, MAX_MAP, Map2d, MapFormat, MapKind, Odom, OdomKind, RobotTelemetry, to_json};
pub use self::role::Role;
