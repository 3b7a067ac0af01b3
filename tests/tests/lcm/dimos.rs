//! DimOS's messages, written by tests/lcm/define.py.

#![allow(missing_docs, unreachable_pub, dead_code)]

use farwire_core::lcm::Message;

pub mod actionlib_msgs {
    farwire_core::lcm_messages! {
        package actionlib_msgs;

        pub struct GoalID {
            super::std_msgs::Time stamp;
            string id;
        }

        pub struct GoalStatus {
            GoalID goal_id;
            byte status;
            string text;
        }

        pub struct GoalStatusArray {
            count int32_t status_list_length;
            super::std_msgs::Header header;
            GoalStatus status_list[status_list_length];
        }
    }
}

pub mod builtin_interfaces {
    farwire_core::lcm_messages! {
        package builtin_interfaces;

        pub struct Duration {
            int32_t sec;
            int32_t nanosec;
        }

        pub struct Time {
            int32_t sec;
            int32_t nanosec;
        }
    }
}

pub mod diagnostic_msgs {
    farwire_core::lcm_messages! {
        package diagnostic_msgs;

        pub struct DiagnosticArray {
            count int32_t status_length;
            super::std_msgs::Header header;
            DiagnosticStatus status[status_length];
        }

        pub struct DiagnosticStatus {
            count int32_t values_length;
            int8_t level;
            string name;
            string message;
            string hardware_id;
            KeyValue values[values_length];
        }

        pub struct KeyValue {
            string key;
            string value;
        }
    }
}

pub mod foxglove_msgs {
    farwire_core::lcm_messages! {
        package foxglove_msgs;

        pub struct ArrowPrimitive {
            super::geometry_msgs::Pose pose;
            double shaft_length;
            double shaft_diameter;
            double head_length;
            double head_diameter;
            Color color;
        }

        pub struct CameraCalibration {
            count int32_t d_length;
            super::builtin_interfaces::Time timestamp;
            string frame_id;
            int32_t width;
            int32_t height;
            string distortion_model;
            double d[d_length];
            double k[9];
            double r[9];
            double p[12];
        }

        pub struct CircleAnnotation {
            super::builtin_interfaces::Time timestamp;
            Point2 position;
            double diameter;
            double thickness;
            Color fill_color;
            Color outline_color;
        }

        pub struct Color {
            double r;
            double g;
            double b;
            double a;
        }

        pub struct CompressedImage {
            count int32_t data_length;
            super::builtin_interfaces::Time timestamp;
            string frame_id;
            byte data[data_length];
            string format;
        }

        pub struct CompressedVideo {
            count int32_t data_length;
            super::builtin_interfaces::Time timestamp;
            string frame_id;
            byte data[data_length];
            string format;
        }

        pub struct CubePrimitive {
            super::geometry_msgs::Pose pose;
            super::geometry_msgs::Vector3 size;
            Color color;
        }

        pub struct CylinderPrimitive {
            super::geometry_msgs::Pose pose;
            super::geometry_msgs::Vector3 size;
            double bottom_scale;
            double top_scale;
            Color color;
        }

        pub struct FrameTransform {
            super::builtin_interfaces::Time timestamp;
            string parent_frame_id;
            string child_frame_id;
            super::geometry_msgs::Vector3 translation;
            super::geometry_msgs::Quaternion rotation;
        }

        pub struct FrameTransforms {
            count int32_t transforms_length;
            FrameTransform transforms[transforms_length];
        }

        pub struct GeoJSON {
            string geojson;
        }

        pub struct Grid {
            count int32_t fields_length;
            count int32_t data_length;
            super::builtin_interfaces::Time timestamp;
            string frame_id;
            super::geometry_msgs::Pose pose;
            int32_t column_count;
            Vector2 cell_size;
            int32_t row_stride;
            int32_t cell_stride;
            PackedElementField fields[fields_length];
            byte data[data_length];
        }

        pub struct ImageAnnotations {
            count int32_t circles_length;
            count int32_t points_length;
            count int32_t texts_length;
            CircleAnnotation circles[circles_length];
            PointsAnnotation points[points_length];
            TextAnnotation texts[texts_length];
        }

        pub struct KeyValuePair {
            string key;
            string value;
        }

        pub struct LaserScan {
            count int32_t ranges_length;
            count int32_t intensities_length;
            super::builtin_interfaces::Time timestamp;
            string frame_id;
            super::geometry_msgs::Pose pose;
            double start_angle;
            double end_angle;
            double ranges[ranges_length];
            double intensities[intensities_length];
        }

        pub struct LinePrimitive {
            count int32_t points_length;
            count int32_t colors_length;
            count int32_t indices_length;
            byte r#type;
            super::geometry_msgs::Pose pose;
            double thickness;
            boolean scale_invariant;
            super::geometry_msgs::Point points[points_length];
            Color color;
            Color colors[colors_length];
            int32_t indices[indices_length];
        }

        pub struct LocationFix {
            super::builtin_interfaces::Time timestamp;
            string frame_id;
            double latitude;
            double longitude;
            double altitude;
            double position_covariance[9];
            byte position_covariance_type;
        }

        pub struct Log {
            super::builtin_interfaces::Time timestamp;
            byte level;
            string message;
            string name;
            string file;
            int32_t line;
        }

        pub struct ModelPrimitive {
            count int32_t data_length;
            super::geometry_msgs::Pose pose;
            super::geometry_msgs::Vector3 scale;
            Color color;
            boolean override_color;
            string url;
            string media_type;
            byte data[data_length];
        }

        pub struct PackedElementField {
            string name;
            int32_t offset;
            byte r#type;
        }

        pub struct Point2 {
            double x;
            double y;
        }

        pub struct PointCloud {
            count int32_t fields_length;
            count int32_t data_length;
            super::builtin_interfaces::Time timestamp;
            string frame_id;
            super::geometry_msgs::Pose pose;
            int32_t point_stride;
            PackedElementField fields[fields_length];
            byte data[data_length];
        }

        pub struct PointsAnnotation {
            count int32_t points_length;
            count int32_t outline_colors_length;
            super::builtin_interfaces::Time timestamp;
            byte r#type;
            Point2 points[points_length];
            Color outline_color;
            Color outline_colors[outline_colors_length];
            Color fill_color;
            double thickness;
        }

        pub struct PoseInFrame {
            super::builtin_interfaces::Time timestamp;
            string frame_id;
            super::geometry_msgs::Pose pose;
        }

        pub struct PosesInFrame {
            count int32_t poses_length;
            super::builtin_interfaces::Time timestamp;
            string frame_id;
            super::geometry_msgs::Pose poses[poses_length];
        }

        pub struct RawAudio {
            count int32_t data_length;
            super::builtin_interfaces::Time timestamp;
            byte data[data_length];
            string format;
            int32_t sample_rate;
            int32_t number_of_channels;
        }

        pub struct RawImage {
            count int32_t data_length;
            super::builtin_interfaces::Time timestamp;
            string frame_id;
            int32_t width;
            int32_t height;
            string encoding;
            int32_t step;
            byte data[data_length];
        }

        pub struct SceneEntity {
            count int32_t metadata_length;
            count int32_t arrows_length;
            count int32_t cubes_length;
            count int32_t spheres_length;
            count int32_t cylinders_length;
            count int32_t lines_length;
            count int32_t triangles_length;
            count int32_t texts_length;
            count int32_t models_length;
            super::builtin_interfaces::Time timestamp;
            string frame_id;
            string id;
            super::builtin_interfaces::Duration lifetime;
            boolean frame_locked;
            KeyValuePair metadata[metadata_length];
            ArrowPrimitive arrows[arrows_length];
            CubePrimitive cubes[cubes_length];
            SpherePrimitive spheres[spheres_length];
            CylinderPrimitive cylinders[cylinders_length];
            LinePrimitive lines[lines_length];
            TriangleListPrimitive triangles[triangles_length];
            TextPrimitive texts[texts_length];
            ModelPrimitive models[models_length];
        }

        pub struct SceneEntityDeletion {
            super::builtin_interfaces::Time timestamp;
            byte r#type;
            string id;
        }

        pub struct SceneUpdate {
            count int32_t deletions_length;
            count int32_t entities_length;
            SceneEntityDeletion deletions[deletions_length];
            SceneEntity entities[entities_length];
        }

        pub struct SpherePrimitive {
            super::geometry_msgs::Pose pose;
            super::geometry_msgs::Vector3 size;
            Color color;
        }

        pub struct TextAnnotation {
            super::builtin_interfaces::Time timestamp;
            Point2 position;
            string text;
            double font_size;
            Color text_color;
            Color background_color;
        }

        pub struct TextPrimitive {
            super::geometry_msgs::Pose pose;
            boolean billboard;
            double font_size;
            boolean scale_invariant;
            Color color;
            string text;
        }

        pub struct TriangleListPrimitive {
            count int32_t points_length;
            count int32_t colors_length;
            count int32_t indices_length;
            super::geometry_msgs::Pose pose;
            super::geometry_msgs::Point points[points_length];
            Color color;
            Color colors[colors_length];
            int32_t indices[indices_length];
        }

        pub struct Vector2 {
            double x;
            double y;
        }
    }
}

pub mod geometry_msgs {
    farwire_core::lcm_messages! {
        package geometry_msgs;

        pub struct Accel {
            Vector3 linear;
            Vector3 angular;
        }

        pub struct AccelStamped {
            super::std_msgs::Header header;
            Accel accel;
        }

        pub struct AccelWithCovariance {
            Accel accel;
            double covariance[36];
        }

        pub struct AccelWithCovarianceStamped {
            super::std_msgs::Header header;
            AccelWithCovariance accel;
        }

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

        pub struct InertiaStamped {
            super::std_msgs::Header header;
            Inertia inertia;
        }

        pub struct Point {
            double x;
            double y;
            double z;
        }

        pub struct Point32 {
            float x;
            float y;
            float z;
        }

        pub struct PointStamped {
            super::std_msgs::Header header;
            Point point;
        }

        pub struct Polygon {
            count int32_t points_length;
            Point32 points[points_length];
        }

        pub struct PolygonStamped {
            super::std_msgs::Header header;
            Polygon polygon;
        }

        pub struct Pose {
            Point position;
            Quaternion orientation;
        }

        pub struct Pose2D {
            double x;
            double y;
            double theta;
        }

        pub struct PoseArray {
            count int32_t poses_length;
            super::std_msgs::Header header;
            Pose poses[poses_length];
        }

        pub struct PoseStamped {
            super::std_msgs::Header header;
            Pose pose;
        }

        pub struct PoseWithCovariance {
            Pose pose;
            double covariance[36];
        }

        pub struct PoseWithCovarianceStamped {
            super::std_msgs::Header header;
            PoseWithCovariance pose;
        }

        pub struct Quaternion {
            double x;
            double y;
            double z;
            double w;
        }

        pub struct QuaternionStamped {
            super::std_msgs::Header header;
            Quaternion quaternion;
        }

        pub struct Transform {
            Vector3 translation;
            Quaternion rotation;
        }

        pub struct TransformStamped {
            super::std_msgs::Header header;
            string child_frame_id;
            Transform transform;
        }

        pub struct Twist {
            Vector3 linear;
            Vector3 angular;
        }

        pub struct TwistStamped {
            super::std_msgs::Header header;
            Twist twist;
        }

        pub struct TwistWithCovariance {
            Twist twist;
            double covariance[36];
        }

        pub struct TwistWithCovarianceStamped {
            super::std_msgs::Header header;
            TwistWithCovariance twist;
        }

        pub struct Vector3 {
            double x;
            double y;
            double z;
        }

        pub struct Vector3Stamped {
            super::std_msgs::Header header;
            Vector3 vector;
        }

        pub struct Wrench {
            Vector3 force;
            Vector3 torque;
        }

        pub struct WrenchStamped {
            super::std_msgs::Header header;
            Wrench wrench;
        }
    }
}

pub mod nav_msgs {
    farwire_core::lcm_messages! {
        package nav_msgs;

        pub struct GridCells {
            count int32_t cells_length;
            super::std_msgs::Header header;
            float cell_width;
            float cell_height;
            super::geometry_msgs::Point cells[cells_length];
        }

        pub struct MapMetaData {
            super::std_msgs::Time map_load_time;
            float resolution;
            int32_t width;
            int32_t height;
            super::geometry_msgs::Pose origin;
        }

        pub struct OccupancyGrid {
            count int32_t data_length;
            super::std_msgs::Header header;
            MapMetaData info;
            int8_t data[data_length];
        }

        pub struct Odometry {
            super::std_msgs::Header header;
            string child_frame_id;
            super::geometry_msgs::PoseWithCovariance pose;
            super::geometry_msgs::TwistWithCovariance twist;
        }

        pub struct Path {
            count int32_t poses_length;
            super::std_msgs::Header header;
            super::geometry_msgs::PoseStamped poses[poses_length];
        }
    }
}

pub mod sensor_msgs {
    farwire_core::lcm_messages! {
        package sensor_msgs;

        pub struct BatteryState {
            count int32_t cell_voltage_length;
            count int32_t cell_temperature_length;
            super::std_msgs::Header header;
            float voltage;
            float temperature;
            float current;
            float charge;
            float capacity;
            float design_capacity;
            float percentage;
            byte power_supply_status;
            byte power_supply_health;
            byte power_supply_technology;
            boolean present;
            float cell_voltage[cell_voltage_length];
            float cell_temperature[cell_temperature_length];
            string location;
            string serial_number;
        }

        pub struct CameraInfo {
            count int32_t D_length;
            super::std_msgs::Header header;
            int32_t height;
            int32_t width;
            string distortion_model;
            double D[D_length];
            double K[9];
            double R[9];
            double P[12];
            int32_t binning_x;
            int32_t binning_y;
            RegionOfInterest roi;
        }

        pub struct ChannelFloat32 {
            count int32_t values_length;
            string name;
            float values[values_length];
        }

        pub struct CompressedImage {
            count int32_t data_length;
            super::std_msgs::Header header;
            string format;
            byte data[data_length];
        }

        pub struct FluidPressure {
            super::std_msgs::Header header;
            double fluid_pressure;
            double variance;
        }

        pub struct Illuminance {
            super::std_msgs::Header header;
            double illuminance;
            double variance;
        }

        pub struct Image {
            count int32_t data_length;
            super::std_msgs::Header header;
            int32_t height;
            int32_t width;
            string encoding;
            byte is_bigendian;
            int32_t step;
            byte data[data_length];
        }

        pub struct Imu {
            super::std_msgs::Header header;
            super::geometry_msgs::Quaternion orientation;
            double orientation_covariance[9];
            super::geometry_msgs::Vector3 angular_velocity;
            double angular_velocity_covariance[9];
            super::geometry_msgs::Vector3 linear_acceleration;
            double linear_acceleration_covariance[9];
        }

        pub struct JointState {
            count int32_t name_length;
            count int32_t position_length;
            count int32_t velocity_length;
            count int32_t effort_length;
            super::std_msgs::Header header;
            string name[name_length];
            double position[position_length];
            double velocity[velocity_length];
            double effort[effort_length];
        }

        pub struct Joy {
            count int32_t axes_length;
            count int32_t buttons_length;
            super::std_msgs::Header header;
            float axes[axes_length];
            int32_t buttons[buttons_length];
        }

        pub struct JoyFeedback {
            byte r#type;
            byte id;
            float intensity;
        }

        pub struct JoyFeedbackArray {
            count int32_t array_length;
            JoyFeedback array[array_length];
        }

        pub struct LaserEcho {
            count int32_t echoes_length;
            float echoes[echoes_length];
        }

        pub struct LaserScan {
            count int32_t ranges_length;
            count int32_t intensities_length;
            super::std_msgs::Header header;
            float angle_min;
            float angle_max;
            float angle_increment;
            float time_increment;
            float scan_time;
            float range_min;
            float range_max;
            float ranges[ranges_length];
            float intensities[intensities_length];
        }

        pub struct MagneticField {
            super::std_msgs::Header header;
            super::geometry_msgs::Vector3 magnetic_field;
            double magnetic_field_covariance[9];
        }

        pub struct MultiDOFJointState {
            count int32_t joint_names_length;
            count int32_t transforms_length;
            count int32_t twist_length;
            count int32_t wrench_length;
            super::std_msgs::Header header;
            string joint_names[joint_names_length];
            super::geometry_msgs::Transform transforms[transforms_length];
            super::geometry_msgs::Twist twist[twist_length];
            super::geometry_msgs::Wrench wrench[wrench_length];
        }

        pub struct MultiEchoLaserScan {
            count int32_t ranges_length;
            count int32_t intensities_length;
            super::std_msgs::Header header;
            float angle_min;
            float angle_max;
            float angle_increment;
            float time_increment;
            float scan_time;
            float range_min;
            float range_max;
            LaserEcho ranges[ranges_length];
            LaserEcho intensities[intensities_length];
        }

        pub struct NavSatFix {
            super::std_msgs::Header header;
            NavSatStatus status;
            double latitude;
            double longitude;
            double altitude;
            double position_covariance[9];
            byte position_covariance_type;
        }

        pub struct NavSatStatus {
            int8_t status;
            int16_t service;
        }

        pub struct PointCloud {
            count int32_t points_length;
            count int32_t channels_length;
            super::std_msgs::Header header;
            super::geometry_msgs::Point32 points[points_length];
            ChannelFloat32 channels[channels_length];
        }

        pub struct PointCloud2 {
            count int32_t fields_length;
            count int32_t data_length;
            super::std_msgs::Header header;
            int32_t height;
            int32_t width;
            PointField fields[fields_length];
            boolean is_bigendian;
            int32_t point_step;
            int32_t row_step;
            byte data[data_length];
            boolean is_dense;
        }

        pub struct PointField {
            string name;
            int32_t offset;
            byte datatype;
            int32_t count;
        }

        pub struct Range {
            super::std_msgs::Header header;
            byte radiation_type;
            float field_of_view;
            float min_range;
            float max_range;
            float range;
        }

        pub struct RegionOfInterest {
            int32_t x_offset;
            int32_t y_offset;
            int32_t height;
            int32_t width;
            boolean do_rectify;
        }

        pub struct RelativeHumidity {
            super::std_msgs::Header header;
            double relative_humidity;
            double variance;
        }

        pub struct Temperature {
            super::std_msgs::Header header;
            double temperature;
            double variance;
        }

        pub struct TimeReference {
            super::std_msgs::Header header;
            super::std_msgs::Time time_ref;
            string source;
        }
    }
}

pub mod shape_msgs {
    farwire_core::lcm_messages! {
        package shape_msgs;

        pub struct Mesh {
            count int32_t triangles_length;
            count int32_t vertices_length;
            MeshTriangle triangles[triangles_length];
            super::geometry_msgs::Point vertices[vertices_length];
        }

        pub struct MeshTriangle {
            int32_t vertex_indices[3];
        }

        pub struct Plane {
            double coef[4];
        }

        pub struct SolidPrimitive {
            count int32_t dimensions_length;
            byte r#type;
            double dimensions[dimensions_length];
        }
    }
}

pub mod std_msgs {
    farwire_core::lcm_messages! {
        package std_msgs;

        pub struct Bool {
            boolean data;
        }

        pub struct Byte {
            int8_t data;
        }

        pub struct ByteMultiArray {
            count int32_t data_length;
            MultiArrayLayout layout;
            int8_t data[data_length];
        }

        pub struct Char {
            byte data;
        }

        pub struct ColorRGBA {
            float r;
            float g;
            float b;
            float a;
        }

        pub struct Duration {
            int32_t sec;
            int32_t nsec;
        }

        pub struct Empty {
        }

        pub struct Float32 {
            float data;
        }

        pub struct Float32MultiArray {
            count int32_t data_length;
            MultiArrayLayout layout;
            float data[data_length];
        }

        pub struct Float64 {
            double data;
        }

        pub struct Float64MultiArray {
            count int32_t data_length;
            MultiArrayLayout layout;
            double data[data_length];
        }

        pub struct Header {
            int32_t seq;
            Time stamp;
            string frame_id;
        }

        pub struct Int16 {
            int16_t data;
        }

        pub struct Int16MultiArray {
            count int32_t data_length;
            MultiArrayLayout layout;
            int16_t data[data_length];
        }

        pub struct Int32 {
            int32_t data;
        }

        pub struct Int32MultiArray {
            count int32_t data_length;
            MultiArrayLayout layout;
            int32_t data[data_length];
        }

        pub struct Int64 {
            int64_t data;
        }

        pub struct Int64MultiArray {
            count int32_t data_length;
            MultiArrayLayout layout;
            int64_t data[data_length];
        }

        pub struct Int8 {
            int8_t data;
        }

        pub struct Int8MultiArray {
            count int32_t data_length;
            MultiArrayLayout layout;
            int8_t data[data_length];
        }

        pub struct MultiArrayDimension {
            string label;
            int32_t size;
            int32_t stride;
        }

        pub struct MultiArrayLayout {
            count int32_t dim_length;
            MultiArrayDimension dim[dim_length];
            int32_t data_offset;
        }

        pub struct String {
            string data;
        }

        pub struct Time {
            int32_t sec;
            int32_t nsec;
        }

        pub struct UInt16 {
            int16_t data;
        }

        pub struct UInt16MultiArray {
            count int32_t data_length;
            MultiArrayLayout layout;
            int16_t data[data_length];
        }

        pub struct UInt32 {
            int32_t data;
        }

        pub struct UInt32MultiArray {
            count int32_t data_length;
            MultiArrayLayout layout;
            int32_t data[data_length];
        }

        pub struct UInt64 {
            int64_t data;
        }

        pub struct UInt64MultiArray {
            count int32_t data_length;
            MultiArrayLayout layout;
            int64_t data[data_length];
        }

        pub struct UInt8 {
            byte data;
        }

        pub struct UInt8MultiArray {
            count int32_t data_length;
            MultiArrayLayout layout;
            byte data[data_length];
        }
    }
}

pub mod stereo_msgs {
    farwire_core::lcm_messages! {
        package stereo_msgs;

        pub struct DisparityImage {
            super::std_msgs::Header header;
            super::sensor_msgs::Image image;
            float f;
            float T;
            super::sensor_msgs::RegionOfInterest valid_window;
            float min_disparity;
            float max_disparity;
            float delta_d;
        }
    }
}

pub mod tf2_msgs {
    farwire_core::lcm_messages! {
        package tf2_msgs;

        pub struct TF2Error {
            byte error;
            string error_string;
        }

        pub struct TFMessage {
            count int32_t transforms_length;
            super::geometry_msgs::TransformStamped transforms[transforms_length];
        }
    }
}

pub mod trajectory_msgs {
    farwire_core::lcm_messages! {
        package trajectory_msgs;

        pub struct JointTrajectory {
            count int32_t joint_names_length;
            count int32_t points_length;
            super::std_msgs::Header header;
            string joint_names[joint_names_length];
            JointTrajectoryPoint points[points_length];
        }

        pub struct JointTrajectoryPoint {
            count int32_t positions_length;
            count int32_t velocities_length;
            count int32_t accelerations_length;
            count int32_t effort_length;
            double positions[positions_length];
            double velocities[velocities_length];
            double accelerations[accelerations_length];
            double effort[effort_length];
            super::std_msgs::Duration time_from_start;
        }

        pub struct MultiDOFJointTrajectory {
            count int32_t joint_names_length;
            count int32_t points_length;
            super::std_msgs::Header header;
            string joint_names[joint_names_length];
            MultiDOFJointTrajectoryPoint points[points_length];
        }

        pub struct MultiDOFJointTrajectoryPoint {
            count int32_t transforms_length;
            count int32_t velocities_length;
            count int32_t accelerations_length;
            super::geometry_msgs::Transform transforms[transforms_length];
            super::geometry_msgs::Twist velocities[velocities_length];
            super::geometry_msgs::Twist accelerations[accelerations_length];
            super::std_msgs::Duration time_from_start;
        }
    }
}

pub mod vision_msgs {
    farwire_core::lcm_messages! {
        package vision_msgs;

        pub struct BoundingBox2D {
            Pose2D center;
            double size_x;
            double size_y;
        }

        pub struct BoundingBox2DArray {
            count int32_t boxes_length;
            super::std_msgs::Header header;
            BoundingBox2D boxes[boxes_length];
        }

        pub struct BoundingBox3D {
            super::geometry_msgs::Pose center;
            super::geometry_msgs::Vector3 size;
        }

        pub struct BoundingBox3DArray {
            count int32_t boxes_length;
            super::std_msgs::Header header;
            BoundingBox3D boxes[boxes_length];
        }

        pub struct Classification {
            count int32_t results_length;
            super::std_msgs::Header header;
            ObjectHypothesis results[results_length];
        }

        pub struct Detection2D {
            count int32_t results_length;
            super::std_msgs::Header header;
            ObjectHypothesisWithPose results[results_length];
            BoundingBox2D bbox;
            string id;
        }

        pub struct Detection2DArray {
            count int32_t detections_length;
            super::std_msgs::Header header;
            Detection2D detections[detections_length];
        }

        pub struct Detection3D {
            count int32_t results_length;
            super::std_msgs::Header header;
            ObjectHypothesisWithPose results[results_length];
            BoundingBox3D bbox;
            string id;
        }

        pub struct Detection3DArray {
            count int32_t detections_length;
            super::std_msgs::Header header;
            Detection3D detections[detections_length];
        }

        pub struct LabelInfo {
            count int32_t class_map_length;
            super::std_msgs::Header header;
            VisionClass class_map[class_map_length];
            float threshold;
        }

        pub struct ObjectHypothesis {
            string class_id;
            double score;
        }

        pub struct ObjectHypothesisWithPose {
            ObjectHypothesis hypothesis;
            super::geometry_msgs::PoseWithCovariance pose;
        }

        pub struct Point2D {
            double x;
            double y;
        }

        pub struct Pose2D {
            Point2D position;
            double theta;
        }

        pub struct VisionClass {
            int16_t class_id;
            string class_name;
        }

        pub struct VisionInfo {
            super::std_msgs::Header header;
            string method;
            string database_location;
            int32_t database_version;
        }
    }
}

pub mod visualization_msgs {
    farwire_core::lcm_messages! {
        package visualization_msgs;

        pub struct ImageMarker {
            count int32_t points_length;
            count int32_t outline_colors_length;
            super::std_msgs::Header header;
            string ns;
            int32_t id;
            int32_t r#type;
            int32_t action;
            super::geometry_msgs::Point position;
            float scale;
            super::std_msgs::ColorRGBA outline_color;
            byte filled;
            super::std_msgs::ColorRGBA fill_color;
            super::std_msgs::Duration lifetime;
            super::geometry_msgs::Point points[points_length];
            super::std_msgs::ColorRGBA outline_colors[outline_colors_length];
        }

        pub struct InteractiveMarker {
            count int32_t menu_entries_length;
            count int32_t controls_length;
            super::std_msgs::Header header;
            super::geometry_msgs::Pose pose;
            string name;
            string description;
            float scale;
            MenuEntry menu_entries[menu_entries_length];
            InteractiveMarkerControl controls[controls_length];
        }

        pub struct InteractiveMarkerControl {
            count int32_t markers_length;
            string name;
            super::geometry_msgs::Quaternion orientation;
            byte orientation_mode;
            byte interaction_mode;
            boolean always_visible;
            Marker markers[markers_length];
            boolean independent_marker_orientation;
            string description;
        }

        pub struct InteractiveMarkerFeedback {
            super::std_msgs::Header header;
            string client_id;
            string marker_name;
            string control_name;
            byte event_type;
            super::geometry_msgs::Pose pose;
            int32_t menu_entry_id;
            super::geometry_msgs::Point mouse_point;
            boolean mouse_point_valid;
        }

        pub struct InteractiveMarkerInit {
            count int32_t markers_length;
            string server_id;
            int64_t seq_num;
            InteractiveMarker markers[markers_length];
        }

        pub struct InteractiveMarkerPose {
            super::std_msgs::Header header;
            super::geometry_msgs::Pose pose;
            string name;
        }

        pub struct InteractiveMarkerUpdate {
            count int32_t markers_length;
            count int32_t poses_length;
            count int32_t erases_length;
            string server_id;
            int64_t seq_num;
            byte r#type;
            InteractiveMarker markers[markers_length];
            InteractiveMarkerPose poses[poses_length];
            string erases[erases_length];
        }

        pub struct Marker {
            count int32_t points_length;
            count int32_t colors_length;
            super::std_msgs::Header header;
            string ns;
            int32_t id;
            int32_t r#type;
            int32_t action;
            super::geometry_msgs::Pose pose;
            super::geometry_msgs::Vector3 scale;
            super::std_msgs::ColorRGBA color;
            super::std_msgs::Duration lifetime;
            boolean frame_locked;
            super::geometry_msgs::Point points[points_length];
            super::std_msgs::ColorRGBA colors[colors_length];
            string text;
            string mesh_resource;
            boolean mesh_use_embedded_materials;
        }

        pub struct MarkerArray {
            count int32_t markers_length;
            Marker markers[markers_length];
        }

        pub struct MenuEntry {
            int32_t id;
            int32_t parent_id;
            string title;
            string command;
            byte command_type;
        }
    }
}

const fn of<M: Message>() -> (&'static str, u64) {
    (M::NAME, M::FINGERPRINT)
}

/// The name and fingerprint of each.
pub const ALL: &[(&str, u64)] = &[
    of::<actionlib_msgs::GoalID>(),
    of::<actionlib_msgs::GoalStatus>(),
    of::<actionlib_msgs::GoalStatusArray>(),
    of::<builtin_interfaces::Duration>(),
    of::<builtin_interfaces::Time>(),
    of::<diagnostic_msgs::DiagnosticArray>(),
    of::<diagnostic_msgs::DiagnosticStatus>(),
    of::<diagnostic_msgs::KeyValue>(),
    of::<foxglove_msgs::ArrowPrimitive>(),
    of::<foxglove_msgs::CameraCalibration>(),
    of::<foxglove_msgs::CircleAnnotation>(),
    of::<foxglove_msgs::Color>(),
    of::<foxglove_msgs::CompressedImage>(),
    of::<foxglove_msgs::CompressedVideo>(),
    of::<foxglove_msgs::CubePrimitive>(),
    of::<foxglove_msgs::CylinderPrimitive>(),
    of::<foxglove_msgs::FrameTransform>(),
    of::<foxglove_msgs::FrameTransforms>(),
    of::<foxglove_msgs::GeoJSON>(),
    of::<foxglove_msgs::Grid>(),
    of::<foxglove_msgs::ImageAnnotations>(),
    of::<foxglove_msgs::KeyValuePair>(),
    of::<foxglove_msgs::LaserScan>(),
    of::<foxglove_msgs::LinePrimitive>(),
    of::<foxglove_msgs::LocationFix>(),
    of::<foxglove_msgs::Log>(),
    of::<foxglove_msgs::ModelPrimitive>(),
    of::<foxglove_msgs::PackedElementField>(),
    of::<foxglove_msgs::Point2>(),
    of::<foxglove_msgs::PointCloud>(),
    of::<foxglove_msgs::PointsAnnotation>(),
    of::<foxglove_msgs::PoseInFrame>(),
    of::<foxglove_msgs::PosesInFrame>(),
    of::<foxglove_msgs::RawAudio>(),
    of::<foxglove_msgs::RawImage>(),
    of::<foxglove_msgs::SceneEntity>(),
    of::<foxglove_msgs::SceneEntityDeletion>(),
    of::<foxglove_msgs::SceneUpdate>(),
    of::<foxglove_msgs::SpherePrimitive>(),
    of::<foxglove_msgs::TextAnnotation>(),
    of::<foxglove_msgs::TextPrimitive>(),
    of::<foxglove_msgs::TriangleListPrimitive>(),
    of::<foxglove_msgs::Vector2>(),
    of::<geometry_msgs::Accel>(),
    of::<geometry_msgs::AccelStamped>(),
    of::<geometry_msgs::AccelWithCovariance>(),
    of::<geometry_msgs::AccelWithCovarianceStamped>(),
    of::<geometry_msgs::Inertia>(),
    of::<geometry_msgs::InertiaStamped>(),
    of::<geometry_msgs::Point>(),
    of::<geometry_msgs::Point32>(),
    of::<geometry_msgs::PointStamped>(),
    of::<geometry_msgs::Polygon>(),
    of::<geometry_msgs::PolygonStamped>(),
    of::<geometry_msgs::Pose>(),
    of::<geometry_msgs::Pose2D>(),
    of::<geometry_msgs::PoseArray>(),
    of::<geometry_msgs::PoseStamped>(),
    of::<geometry_msgs::PoseWithCovariance>(),
    of::<geometry_msgs::PoseWithCovarianceStamped>(),
    of::<geometry_msgs::Quaternion>(),
    of::<geometry_msgs::QuaternionStamped>(),
    of::<geometry_msgs::Transform>(),
    of::<geometry_msgs::TransformStamped>(),
    of::<geometry_msgs::Twist>(),
    of::<geometry_msgs::TwistStamped>(),
    of::<geometry_msgs::TwistWithCovariance>(),
    of::<geometry_msgs::TwistWithCovarianceStamped>(),
    of::<geometry_msgs::Vector3>(),
    of::<geometry_msgs::Vector3Stamped>(),
    of::<geometry_msgs::Wrench>(),
    of::<geometry_msgs::WrenchStamped>(),
    of::<nav_msgs::GridCells>(),
    of::<nav_msgs::MapMetaData>(),
    of::<nav_msgs::OccupancyGrid>(),
    of::<nav_msgs::Odometry>(),
    of::<nav_msgs::Path>(),
    of::<sensor_msgs::BatteryState>(),
    of::<sensor_msgs::CameraInfo>(),
    of::<sensor_msgs::ChannelFloat32>(),
    of::<sensor_msgs::CompressedImage>(),
    of::<sensor_msgs::FluidPressure>(),
    of::<sensor_msgs::Illuminance>(),
    of::<sensor_msgs::Image>(),
    of::<sensor_msgs::Imu>(),
    of::<sensor_msgs::JointState>(),
    of::<sensor_msgs::Joy>(),
    of::<sensor_msgs::JoyFeedback>(),
    of::<sensor_msgs::JoyFeedbackArray>(),
    of::<sensor_msgs::LaserEcho>(),
    of::<sensor_msgs::LaserScan>(),
    of::<sensor_msgs::MagneticField>(),
    of::<sensor_msgs::MultiDOFJointState>(),
    of::<sensor_msgs::MultiEchoLaserScan>(),
    of::<sensor_msgs::NavSatFix>(),
    of::<sensor_msgs::NavSatStatus>(),
    of::<sensor_msgs::PointCloud>(),
    of::<sensor_msgs::PointCloud2>(),
    of::<sensor_msgs::PointField>(),
    of::<sensor_msgs::Range>(),
    of::<sensor_msgs::RegionOfInterest>(),
    of::<sensor_msgs::RelativeHumidity>(),
    of::<sensor_msgs::Temperature>(),
    of::<sensor_msgs::TimeReference>(),
    of::<shape_msgs::Mesh>(),
    of::<shape_msgs::MeshTriangle>(),
    of::<shape_msgs::Plane>(),
    of::<shape_msgs::SolidPrimitive>(),
    of::<std_msgs::Bool>(),
    of::<std_msgs::Byte>(),
    of::<std_msgs::ByteMultiArray>(),
    of::<std_msgs::Char>(),
    of::<std_msgs::ColorRGBA>(),
    of::<std_msgs::Duration>(),
    of::<std_msgs::Empty>(),
    of::<std_msgs::Float32>(),
    of::<std_msgs::Float32MultiArray>(),
    of::<std_msgs::Float64>(),
    of::<std_msgs::Float64MultiArray>(),
    of::<std_msgs::Header>(),
    of::<std_msgs::Int16>(),
    of::<std_msgs::Int16MultiArray>(),
    of::<std_msgs::Int32>(),
    of::<std_msgs::Int32MultiArray>(),
    of::<std_msgs::Int64>(),
    of::<std_msgs::Int64MultiArray>(),
    of::<std_msgs::Int8>(),
    of::<std_msgs::Int8MultiArray>(),
    of::<std_msgs::MultiArrayDimension>(),
    of::<std_msgs::MultiArrayLayout>(),
    of::<std_msgs::String>(),
    of::<std_msgs::Time>(),
    of::<std_msgs::UInt16>(),
    of::<std_msgs::UInt16MultiArray>(),
    of::<std_msgs::UInt32>(),
    of::<std_msgs::UInt32MultiArray>(),
    of::<std_msgs::UInt64>(),
    of::<std_msgs::UInt64MultiArray>(),
    of::<std_msgs::UInt8>(),
    of::<std_msgs::UInt8MultiArray>(),
    of::<stereo_msgs::DisparityImage>(),
    of::<tf2_msgs::TF2Error>(),
    of::<tf2_msgs::TFMessage>(),
    of::<trajectory_msgs::JointTrajectory>(),
    of::<trajectory_msgs::JointTrajectoryPoint>(),
    of::<trajectory_msgs::MultiDOFJointTrajectory>(),
    of::<trajectory_msgs::MultiDOFJointTrajectoryPoint>(),
    of::<vision_msgs::BoundingBox2D>(),
    of::<vision_msgs::BoundingBox2DArray>(),
    of::<vision_msgs::BoundingBox3D>(),
    of::<vision_msgs::BoundingBox3DArray>(),
    of::<vision_msgs::Classification>(),
    of::<vision_msgs::Detection2D>(),
    of::<vision_msgs::Detection2DArray>(),
    of::<vision_msgs::Detection3D>(),
    of::<vision_msgs::Detection3DArray>(),
    of::<vision_msgs::LabelInfo>(),
    of::<vision_msgs::ObjectHypothesis>(),
    of::<vision_msgs::ObjectHypothesisWithPose>(),
    of::<vision_msgs::Point2D>(),
    of::<vision_msgs::Pose2D>(),
    of::<vision_msgs::VisionClass>(),
    of::<vision_msgs::VisionInfo>(),
    of::<visualization_msgs::ImageMarker>(),
    of::<visualization_msgs::InteractiveMarker>(),
    of::<visualization_msgs::InteractiveMarkerControl>(),
    of::<visualization_msgs::InteractiveMarkerFeedback>(),
    of::<visualization_msgs::InteractiveMarkerInit>(),
    of::<visualization_msgs::InteractiveMarkerPose>(),
    of::<visualization_msgs::InteractiveMarkerUpdate>(),
    of::<visualization_msgs::Marker>(),
    of::<visualization_msgs::MarkerArray>(),
    of::<visualization_msgs::MenuEntry>(),
];
