//! The list of the messages that come with farwire.

/// Calls a macro with the paths of all [messages](crate::lcm) that come with farwire.
///
/// ```
/// macro_rules! count {
///     ($($message:path)*) => { [$(<$message as farwire_core::lcm::Message>::NAME),*].len() };
/// }
/// assert_eq!(farwire_core::with_lcm_messages!(count), 57);
/// ```
#[macro_export]
macro_rules! with_lcm_messages {
    ($macro:ident) => {
        $macro! {
            $crate::lcm::std_msgs::Header
            $crate::lcm::std_msgs::Time
            $crate::lcm::std_msgs::Duration
            $crate::lcm::std_msgs::String
            $crate::lcm::std_msgs::Bool
            $crate::lcm::std_msgs::Float64
            $crate::lcm::std_msgs::ColorRGBA
            $crate::lcm::geometry_msgs::Accel
            $crate::lcm::geometry_msgs::AccelStamped
            $crate::lcm::geometry_msgs::AccelWithCovariance
            $crate::lcm::geometry_msgs::AccelWithCovarianceStamped
            $crate::lcm::geometry_msgs::Inertia
            $crate::lcm::geometry_msgs::InertiaStamped
            $crate::lcm::geometry_msgs::Point
            $crate::lcm::geometry_msgs::Point32
            $crate::lcm::geometry_msgs::PointStamped
            $crate::lcm::geometry_msgs::Polygon
            $crate::lcm::geometry_msgs::PolygonStamped
            $crate::lcm::geometry_msgs::Pose
            $crate::lcm::geometry_msgs::Pose2D
            $crate::lcm::geometry_msgs::PoseArray
            $crate::lcm::geometry_msgs::PoseStamped
            $crate::lcm::geometry_msgs::PoseWithCovariance
            $crate::lcm::geometry_msgs::PoseWithCovarianceStamped
            $crate::lcm::geometry_msgs::Quaternion
            $crate::lcm::geometry_msgs::QuaternionStamped
            $crate::lcm::geometry_msgs::Transform
            $crate::lcm::geometry_msgs::TransformStamped
            $crate::lcm::geometry_msgs::Twist
            $crate::lcm::geometry_msgs::TwistStamped
            $crate::lcm::geometry_msgs::TwistWithCovariance
            $crate::lcm::geometry_msgs::TwistWithCovarianceStamped
            $crate::lcm::geometry_msgs::Vector3
            $crate::lcm::geometry_msgs::Vector3Stamped
            $crate::lcm::geometry_msgs::Wrench
            $crate::lcm::geometry_msgs::WrenchStamped
            $crate::lcm::nav_msgs::GridCells
            $crate::lcm::nav_msgs::MapMetaData
            $crate::lcm::nav_msgs::OccupancyGrid
            $crate::lcm::nav_msgs::Odometry
            $crate::lcm::nav_msgs::Path
            $crate::lcm::sensor_msgs::BatteryState
            $crate::lcm::sensor_msgs::CameraInfo
            $crate::lcm::sensor_msgs::CompressedImage
            $crate::lcm::sensor_msgs::Image
            $crate::lcm::sensor_msgs::Imu
            $crate::lcm::sensor_msgs::JointState
            $crate::lcm::sensor_msgs::Joy
            $crate::lcm::sensor_msgs::LaserScan
            $crate::lcm::sensor_msgs::NavSatFix
            $crate::lcm::sensor_msgs::NavSatStatus
            $crate::lcm::sensor_msgs::PointCloud2
            $crate::lcm::sensor_msgs::PointField
            $crate::lcm::sensor_msgs::Range
            $crate::lcm::sensor_msgs::RegionOfInterest
            $crate::lcm::sensor_msgs::Temperature
            $crate::lcm::tf2_msgs::TFMessage
        }
    };
}
