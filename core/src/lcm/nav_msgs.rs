//! Odometry, paths and maps.

use super::{geometry_msgs, std_msgs};

crate::lcm_messages! {
    package nav_msgs;

    /// Cells of a grid, each by its centre; width and height in m.
    pub struct GridCells {
        count int32_t cells_length;
        std_msgs::Header header;
        float cell_width;
        float cell_height;
        geometry_msgs::Point cells[cells_length];
    }

    /// How a map is laid out: resolution in m per cell, size in cells, and the pose of cell (0, 0).
    pub struct MapMetaData {
        std_msgs::Time map_load_time;
        float resolution;
        int32_t width;
        int32_t height;
        geometry_msgs::Pose origin;
    }

    /// A map: for each cell, row-major, the occupancy in percent, or −1 where it is unknown.
    pub struct OccupancyGrid {
        count int32_t data_length;
        std_msgs::Header header;
        MapMetaData info;
        int8_t data[data_length];
    }

    /// Pose in the frame of the header, and velocity in the child frame.
    pub struct Odometry {
        std_msgs::Header header;
        string child_frame_id;
        geometry_msgs::PoseWithCovariance pose;
        geometry_msgs::TwistWithCovariance twist;
    }

    /// Poses to follow, in turn.
    pub struct Path {
        count int32_t poses_length;
        std_msgs::Header header;
        geometry_msgs::PoseStamped poses[poses_length];
    }
}
