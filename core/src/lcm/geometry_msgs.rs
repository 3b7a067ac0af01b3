//! Positions, orientations, velocities and forces, right-handed, in SI units.

use super::std_msgs;

crate::lcm_messages! {
    package geometry_msgs;

    /// Linear acceleration in m/s² and angular acceleration in rad/s².
    pub struct Accel {
        Vector3 linear;
        Vector3 angular;
    }

    /// An [`Accel`] with its frame and time.
    pub struct AccelStamped {
        std_msgs::Header header;
        Accel accel;
    }

    /// An [`Accel`] and how sure it is: a row-major 6×6 matrix over x, y, z and the rotations about them.
    pub struct AccelWithCovariance {
        Accel accel;
        double covariance[36];
    }

    /// An [`AccelWithCovariance`] with its frame and time.
    pub struct AccelWithCovarianceStamped {
        std_msgs::Header header;
        AccelWithCovariance accel;
    }

    /// Mass in kg, centre of mass in m, and the inertia tensor in kg·m².
    pub struct Inertia {
        double m;
        Vector3 com;
        double ixx;
        double ixy;
        double ixz;
        double iyy;
        double iyz;
        double izz;
    }

    /// An [`Inertia`] with its frame and time.
    pub struct InertiaStamped {
        std_msgs::Header header;
        Inertia inertia;
    }

    /// A position in m.
    pub struct Point {
        double x;
        double y;
        double z;
    }

    /// A position in m, in single precision.
    pub struct Point32 {
        float x;
        float y;
        float z;
    }

    /// A [`Point`] with its frame and time.
    pub struct PointStamped {
        std_msgs::Header header;
        Point point;
    }

    /// The corners of an area in turn; the last is joined to the first.
    pub struct Polygon {
        count int32_t points_length;
        Point32 points[points_length];
    }

    /// A [`Polygon`] with its frame and time.
    pub struct PolygonStamped {
        std_msgs::Header header;
        Polygon polygon;
    }

    /// A position in m and an orientation.
    pub struct Pose {
        Point position;
        Quaternion orientation;
    }

    /// A position on a plane in m and a heading in rad.
    pub struct Pose2D {
        double x;
        double y;
        double theta;
    }

    /// Poses in one frame at one time.
    pub struct PoseArray {
        count int32_t poses_length;
        std_msgs::Header header;
        Pose poses[poses_length];
    }

    /// A [`Pose`] with its frame and time.
    pub struct PoseStamped {
        std_msgs::Header header;
        Pose pose;
    }

    /// A [`Pose`] and how sure it is: a row-major 6×6 matrix over x, y, z and the rotations about them.
    pub struct PoseWithCovariance {
        Pose pose;
        double covariance[36];
    }

    /// A [`PoseWithCovariance`] with its frame and time.
    pub struct PoseWithCovarianceStamped {
        std_msgs::Header header;
        PoseWithCovariance pose;
    }

    /// An orientation; a unit quaternion, so the default of all zeros is none.
    pub struct Quaternion {
        double x;
        double y;
        double z;
        double w;
    }

    /// A [`Quaternion`] with its frame and time.
    pub struct QuaternionStamped {
        std_msgs::Header header;
        Quaternion quaternion;
    }

    /// A translation in m and a rotation.
    pub struct Transform {
        Vector3 translation;
        Quaternion rotation;
    }

    /// Where the child frame is, seen from the frame in the header.
    pub struct TransformStamped {
        std_msgs::Header header;
        string child_frame_id;
        Transform transform;
    }

    /// Linear velocity in m/s and angular velocity in rad/s.
    pub struct Twist {
        Vector3 linear;
        Vector3 angular;
    }

    /// A [`Twist`] with its frame and time.
    pub struct TwistStamped {
        std_msgs::Header header;
        Twist twist;
    }

    /// A [`Twist`] and how sure it is: a row-major 6×6 matrix over x, y, z and the rotations about them.
    pub struct TwistWithCovariance {
        Twist twist;
        double covariance[36];
    }

    /// A [`TwistWithCovariance`] with its frame and time.
    pub struct TwistWithCovarianceStamped {
        std_msgs::Header header;
        TwistWithCovariance twist;
    }

    /// A direction and a magnitude.
    pub struct Vector3 {
        double x;
        double y;
        double z;
    }

    /// A [`Vector3`] with its frame and time.
    pub struct Vector3Stamped {
        std_msgs::Header header;
        Vector3 vector;
    }

    /// Force in N and torque in N·m.
    pub struct Wrench {
        Vector3 force;
        Vector3 torque;
    }

    /// A [`Wrench`] with its frame and time.
    pub struct WrenchStamped {
        std_msgs::Header header;
        Wrench wrench;
    }
}
