//! Coordinate frames.

use super::geometry_msgs;

crate::lcm_messages! {
    package tf2_msgs;

    /// Where frames are, each seen from its parent.
    pub struct TFMessage {
        count int32_t transforms_length;
        geometry_msgs::TransformStamped transforms[transforms_length];
    }
}
