//! When a message was made, without decoding it.

use std::time::Duration;

use super::std_msgs::Time;
use super::{Message, fingerprint_of};

/// Where a message of one of the types that come with farwire says when it was made; `None` for any other, and for types
/// that do not say.
pub fn stamp_at(message: &[u8]) -> Option<usize> {
    let fingerprint = fingerprint_of(message)?;
    macro_rules! find {
        ($($message:path)*) => {
            $(if <$message as Message>::STAMP_AT.is_some() && <$message as Message>::FINGERPRINT == fingerprint {
                return <$message as Message>::STAMP_AT;
            })*
        };
    }
    crate::with_lcm_messages!(find);
    None
}

/// Reads the time at this offset, since 1970 by the sender's clock. `None` if there is none, or if it is zero or negative,
/// which senders that do not stamp leave.
pub fn stamp(message: &[u8], at: usize) -> Option<Duration> {
    let field = |at: usize| message.get(at..)?.first_chunk().map(|bytes| i32::from_be_bytes(*bytes));
    let (seconds, nanoseconds) = (field(at)?, field(at.checked_add(4)?)?);
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
    Some(Duration::new(seconds, u32::try_from(nanoseconds).ok().filter(|nanoseconds| *nanoseconds < 1_000_000_000)?))
}

impl Time {
    /// So much time since 1970, as a stamp. `None` from 2038 on, which its 32 bits have no room for.
    pub fn from_unix(since: Duration) -> Option<Time> {
        let nsec = i32::try_from(since.subsec_nanos()).ok()?;
        Some(Time { sec: i32::try_from(since.as_secs()).ok()?, nsec })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn what_says_nothing_has_no_stamp() {
        let unset = TwistStamped::default().to_bytes().expect("encodes");
        assert_eq!(stamp_at(&unset).and_then(|at| stamp(&unset, at)), None);
        assert_eq!(stamp_at(&Twist::default().to_bytes().expect("encodes")), None);
        assert_eq!(stamp_at(b"text"), None);
        assert_eq!(stamp(&unset, unset.len()), None);
        assert_eq!(stamp(&unset, usize::MAX - 1), None);
    }
}
