//! When a message was made, without decoding it.

use std::time::Duration;

use super::fingerprint_of;
#[cfg(feature = "lcm")]
use super::std_msgs::Time;

/// Fingerprints of the types that come with farwire and have a header, and where its time is. As numbers, so that a build
/// without the codec judges stamps as well; a test compares them with the types.
const STAMPED: [(u64, usize); 30] = [
    (0x9cd2_9696_60ce_b7c0, 12), // geometry_msgs.AccelStamped
    (0x4b48_03fd_f71c_cc84, 12), // geometry_msgs.AccelWithCovarianceStamped
    (0x88ca_5b15_7797_6394, 12), // geometry_msgs.InertiaStamped
    (0x9cd7_6473_8ea6_29af, 12), // geometry_msgs.PointStamped
    (0x8ba3_d6f7_cbdb_799f, 12), // geometry_msgs.PolygonStamped
    (0x3755_f940_5735_978e, 16), // geometry_msgs.PoseArray
    (0x6a82_6964_58c2_79a0, 12), // geometry_msgs.PoseStamped
    (0xbe9e_516a_5301_b969, 12), // geometry_msgs.PoseWithCovarianceStamped
    (0xc09e_4466_dfe4_86d5, 12), // geometry_msgs.QuaternionStamped
    (0x299f_f424_b83a_3514, 12), // geometry_msgs.TransformStamped
    (0x9cd2_bcbe_6cb2_a7c0, 12), // geometry_msgs.TwistStamped
    (0xa84d_73c3_8305_d185, 12), // geometry_msgs.TwistWithCovarianceStamped
    (0x9624_81b2_4149_6feb, 12), // geometry_msgs.Vector3Stamped
    (0xd31b_b4c7_14d0_7137, 12), // geometry_msgs.WrenchStamped
    (0x2d5d_46c9_9bb2_26cb, 16), // nav_msgs.GridCells
    (0xe7df_d179_cdfc_3b65, 16), // nav_msgs.OccupancyGrid
    (0x94e1_7f94_648c_f0e4, 12), // nav_msgs.Odometry
    (0xc3ae_62ac_b357_93e2, 16), // nav_msgs.Path
    (0x7e39_61fd_1043_8489, 20), // sensor_msgs.BatteryState
    (0xafb5_01b0_0707_a02a, 16), // sensor_msgs.CameraInfo
    (0xb8d0_11c1_0412_b9a1, 16), // sensor_msgs.CompressedImage
    (0x535c_face_1f4f_5717, 16), // sensor_msgs.Image
    (0x31ab_205c_8dd5_7aa8, 12), // sensor_msgs.Imu
    (0xccef_a8a4_92b9_67e3, 28), // sensor_msgs.JointState
    (0xa0f0_7abc_86c1_684c, 20), // sensor_msgs.Joy
    (0x8de5_754e_00f2_5f00, 20), // sensor_msgs.LaserScan
    (0xcf88_9ff9_4755_aa4e, 12), // sensor_msgs.NavSatFix
    (0xf5eb_3da1_c285_3175, 20), // sensor_msgs.PointCloud2
    (0xb5a8_6bbe_a098_86c3, 12), // sensor_msgs.Range
    (0xd34e_5e14_d2a5_d868, 12), // sensor_msgs.Temperature
];

/// Where a message of one of the types that come with farwire says when it was made; `None` for any other, and for types
/// that do not say.
pub fn stamp_at(message: &[u8]) -> Option<usize> {
    let fingerprint = fingerprint_of(message)?;
    STAMPED.iter().find(|(stamped, _)| *stamped == fingerprint).map(|(_, at)| *at)
}

/// Reads the time at this offset, since 1970 by the sender's clock. `None` if there is none, or if it is zero or negative,
/// which senders that do not stamp leave.
pub fn stamp(message: &[u8], at: usize) -> Option<Duration> {
    let field = |at: usize| message.get(at..)?.first_chunk().map(|bytes| i32::from_be_bytes(*bytes));
    let (seconds, nanoseconds) = (field(at)?, field(at.checked_add(4)?)?);
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
    Some(Duration::new(seconds, u32::try_from(nanoseconds).ok().filter(|nanoseconds| *nanoseconds < 1_000_000_000)?))
}

#[cfg(feature = "lcm")]
impl Time {
    /// So much time since 1970, as a stamp. `None` from 2038 on, which its 32 bits have no room for.
    pub fn from_unix(since: Duration) -> Option<Time> {
        let nsec = i32::try_from(since.subsec_nanos()).ok()?;
        Some(Time { sec: i32::try_from(since.as_secs()).ok()?, nsec })
    }
}

#[cfg(feature = "lcm")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::lcm::Message;
    use crate::lcm::geometry_msgs::{Twist, TwistStamped};
    use crate::lcm::std_msgs::Header;

    crate::lcm_messages! {
        package test;

        /// A header behind other fields.
        struct Late {
            int32_t kind;
            double weight;
            crate::lcm::std_msgs::Header header;
        }

        /// A header behind a field of any size.
        struct Lost {
            string name;
            crate::lcm::std_msgs::Header header;
        }
    }

    #[test]
    fn finds_the_time_of_a_header() {
        let header = || Header { stamp: Time { sec: 1_800_000_000, nsec: 250_000_000 }, ..Header::default() };
        let twist = TwistStamped { header: header(), ..TwistStamped::default() }.to_bytes().expect("encodes");
        let made = Some(Duration::from_millis(1_800_000_000_250));
        assert_eq!(stamp_at(&twist).and_then(|at| stamp(&twist, at)), made);
        let late = Late { header: header(), ..Late::default() }.to_bytes().expect("encodes");
        assert_eq!(Late::STAMP_AT.and_then(|at| stamp(&late, at)), made);
        assert_eq!(Lost::STAMP_AT, None);
        let stamp = Time::from_unix(Duration::from_millis(1_800_000_000_250)).expect("before 2038");
        assert_eq!((stamp.sec, stamp.nsec), (1_800_000_000, 250_000_000));
        assert_eq!(Time::from_unix(Duration::from_secs(1 << 31)), None);
    }

    #[test]
    fn the_numbers_are_those_of_the_types() {
        macro_rules! stamped {
            ($($message:path)*) => { [$((<$message>::FINGERPRINT, <$message>::STAMP_AT)),*] };
        }
        let types = crate::with_lcm_messages!(stamped).into_iter();
        let mut types: Vec<_> = types.filter_map(|(fingerprint, at)| Some((fingerprint, at?))).collect();
        let mut numbers = STAMPED.to_vec();
        types.sort_unstable();
        numbers.sort_unstable();
        assert_eq!(numbers, types);
    }

    #[test]
    fn what_says_nothing_has_no_stamp() {
        let unset = TwistStamped::default().to_bytes().expect("encodes");
        assert_eq!(stamp_at(&unset).and_then(|at| stamp(&unset, at)), None);
        assert_eq!(stamp_at(&Twist::default().to_bytes().expect("encodes")), None);
        assert_eq!(stamp_at(b"text"), None);
        assert_eq!(stamp(&unset, unset.len()), None);
        assert_eq!(stamp(&unset, usize::MAX - 1), None);
    }
}
