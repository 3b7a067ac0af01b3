//! What sensors and input devices report.

use super::{geometry_msgs, std_msgs};

crate::lcm_messages! {
    package sensor_msgs;

    /// A battery: V, A, Ah, °C, and the charge left as a fraction.
    pub struct BatteryState {
        count int32_t cell_voltage_length;
        count int32_t cell_temperature_length;
        std_msgs::Header header;
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

    /// A camera's calibration: distortion `D`, intrinsics `K`, rectification `R` and projection `P`, row-major.
    pub struct CameraInfo {
        count int32_t D_length;
        std_msgs::Header header;
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

    /// An image as a file, in the format that is named: `jpeg`, `png`.
    pub struct CompressedImage {
        count int32_t data_length;
        std_msgs::Header header;
        string format;
        byte data[data_length];
    }

    /// An uncompressed image; `step` is the length of a row in bytes.
    pub struct Image {
        count int32_t data_length;
        std_msgs::Header header;
        int32_t height;
        int32_t width;
        string encoding;
        byte is_bigendian;
        int32_t step;
        byte data[data_length];
    }

    /// Orientation, angular velocity in rad/s and linear acceleration in m/s², each with a row-major 3×3 covariance.
    pub struct Imu {
        std_msgs::Header header;
        geometry_msgs::Quaternion orientation;
        double orientation_covariance[9];
        geometry_msgs::Vector3 angular_velocity;
        double angular_velocity_covariance[9];
        geometry_msgs::Vector3 linear_acceleration;
        double linear_acceleration_covariance[9];
    }

    /// Joints: position in rad or m, velocity per s, effort in N·m or N. Each vector may also be empty.
    pub struct JointState {
        count int32_t name_length;
        count int32_t position_length;
        count int32_t velocity_length;
        count int32_t effort_length;
        std_msgs::Header header;
        string name[name_length];
        double position[position_length];
        double velocity[velocity_length];
        double effort[effort_length];
    }

    /// Axes from −1 to 1 and buttons, 1 while pressed.
    pub struct Joy {
        count int32_t axes_length;
        count int32_t buttons_length;
        std_msgs::Header header;
        float axes[axes_length];
        int32_t buttons[buttons_length];
    }

    /// One turn of a planar scanner: angles in rad, times in s, ranges in m.
    pub struct LaserScan {
        count int32_t ranges_length;
        count int32_t intensities_length;
        std_msgs::Header header;
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

    /// A position on earth: degrees, m above the WGS 84 ellipsoid, and the covariance in m².
    pub struct NavSatFix {
        std_msgs::Header header;
        NavSatStatus status;
        double latitude;
        double longitude;
        double altitude;
        double position_covariance[9];
        byte position_covariance_type;
    }

    /// Whether there is a fix, and from which systems.
    pub struct NavSatStatus {
        int8_t status;
        int16_t service;
    }

    /// Points as packed bytes, laid out as `fields` says.
    pub struct PointCloud2 {
        count int32_t fields_length;
        count int32_t data_length;
        std_msgs::Header header;
        int32_t height;
        int32_t width;
        PointField fields[fields_length];
        boolean is_bigendian;
        int32_t point_step;
        int32_t row_step;
        byte data[data_length];
        boolean is_dense;
    }

    /// One field of a packed point: offset in bytes, type, and number of elements.
    pub struct PointField {
        string name;
        int32_t offset;
        byte datatype;
        int32_t count;
    }

    /// A distance in m from a sensor with a cone of view, whose angle is in rad.
    pub struct Range {
        std_msgs::Header header;
        byte radiation_type;
        float field_of_view;
        float min_range;
        float max_range;
        float range;
    }

    /// A part of an image, in pixels.
    pub struct RegionOfInterest {
        int32_t x_offset;
        int32_t y_offset;
        int32_t height;
        int32_t width;
        boolean do_rectify;
    }

    /// A temperature in °C and its variance.
    pub struct Temperature {
        std_msgs::Header header;
        double temperature;
        double variance;
    }
}
