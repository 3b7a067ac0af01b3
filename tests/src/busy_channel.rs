//! A channel as busy as any on a robot: 8 message types, and 16 subscriptions to them.

use farwire_core::demux::{Demux, MessageType};
use farwire_core::lcm::geometry_msgs::{Accel, PoseStamped, Twist, TwistStamped, Vector3};
use farwire_core::lcm::nav_msgs::Path;
use farwire_core::lcm::sensor_msgs::{Imu, Joy};
use farwire_core::lcm::std_msgs::{Header, Time};
use farwire_core::lcm::tf2_msgs::TFMessage;
use farwire_core::lcm::{Message, std_msgs};

/// A table as large as a connection's.
pub type BusyDemux = Demux<u32, u32, 1024>;

/// The channel that [`demux`] fills.
pub const CHANNEL: u32 = 3;

/// Two subscriptions to each of 8 types.
pub fn demux() -> Box<BusyDemux> {
    let types = [
        MessageType::of::<TwistStamped>(),
        MessageType::of::<Twist>(),
        MessageType::of::<Joy>(),
        MessageType::of::<PoseStamped>(),
        MessageType::of::<Imu>(),
        MessageType::of::<Path>(),
        MessageType::of::<TFMessage>(),
        MessageType::of::<std_msgs::String>(),
    ];
    let mut demux = Box::new(BusyDemux::new());
    for (subscription, kind) in (0..).zip(types.iter().chain(&types)) {
        demux.insert(CHANNEL, Some(*kind), subscription).expect("there is room");
    }
    assert!(demux.insert(CHANNEL, Some(MessageType::of::<Accel>()), 99).is_err(), "Accel looks like Twist");
    demux
}

/// 77 bytes: fingerprint, header and twist.
pub fn twist_stamped() -> Vec<u8> {
    let message = TwistStamped {
        header: Header { seq: 7, stamp: Time { sec: 1_700_000_000, nsec: 250_000_000 }, frame_id: "base".into() },
        twist: Twist { linear: Vector3 { x: 1.0, y: 0.0, z: 0.0 }, angular: Vector3 { x: 0.0, y: 0.0, z: -0.5 } },
    };
    message.to_bytes().expect("it has an encoding")
}
