//! The numbers of drive commands: `seq` in the header of `geometry_msgs.TwistStamped`. Source: DimOS 0.0.15 has the field, and
//! its robots do not read it; farwire's operators count in it, and others leave it at 0.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::lcm::fingerprint_of;

/// `geometry_msgs.TwistStamped`. As a number, so that a build without the codec counts as well; a test compares it with the type.
const TWIST_STAMPED: u64 = 0x9cd2_bcbe_6cb2_a7c0;

/// Where its header's `seq` is: the first field after the fingerprint.
const SEQ_AT: usize = 8;

/// Where a telemetry's `state` has [`DriveCounts`].
pub const DRIVE_COUNTS: &str = "drive_counts";

/// Drive commands since the operator came, by the numbers that it gives them: farwire's own, in a telemetry's `state`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DriveCounts {
    /// Those that were sent after the first that came, as far as the numbers of later ones tell.
    pub sent: u64,
    /// Of them, those that came, however late. The others were lost on their way, or are on it still.
    pub received: u64,
}

impl DriveCounts {
    /// Those in a telemetry's `state`; `None` if there are none, or if they cannot be.
    pub fn of(state: &Map<String, Value>) -> Option<DriveCounts> {
        let counts: DriveCounts = serde_json::from_value(state.get(DRIVE_COUNTS)?.clone()).ok()?;
        (counts.received <= counts.sent).then_some(counts)
    }

    /// What has come on top since then; `None` if these are no later counts of the same operator.
    pub fn since(self, then: DriveCounts) -> Option<DriveCounts> {
        let (sent, received) = (self.sent.checked_sub(then.sent)?, self.received.checked_sub(then.received)?);
        // What was late then has come since.
        Some(DriveCounts { sent, received: received.min(sent) })
    }

    /// The share that did not come, from 0 to 1; `None` if nothing was sent.
    pub fn loss(self) -> Option<f64> {
        (self.sent > 0).then(|| self.sent.saturating_sub(self.received) as f64 / self.sent as f64)
    }
}

/// The number of the drive command that follows the one with this number: never 0, which says that there is none.
pub fn number_after(number: i32) -> i32 {
    match number.wrapping_add(1) {
        0 => 1,
        next => next,
    }
}

/// The number of a drive command; `None` if it has none, or the message is no drive command.
pub fn number_of(message: &[u8]) -> Option<i32> {
    fingerprint_of(message).filter(|fingerprint| *fingerprint == TWIST_STAMPED)?;
    let seq = message.get(SEQ_AT..)?.first_chunk().map(|bytes| i32::from_be_bytes(*bytes));
    seq.filter(|seq| *seq != 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_is_found_in_drive_commands_alone() {
        let mut message = TWIST_STAMPED.to_be_bytes().to_vec();
        assert_eq!(number_of(&message), None, "cut off");
        message.extend((-2_i32).to_be_bytes());
        assert_eq!(number_of(&message), Some(-2));
        message[11] = 0;
        message[8..11].fill(0);
        assert_eq!(number_of(&message), None, "0 is no number");
        assert_eq!(number_of(&[0; 12]), None);
        assert_eq!(number_of(b""), None);
        assert_eq!((number_after(0), number_after(i32::MAX), number_after(-1)), (1, i32::MIN, 1));
    }

    #[cfg(feature = "lcm")]
    #[test]
    fn the_type_has_its_number_there() {
        use crate::lcm::Message as _;
        use crate::lcm::geometry_msgs::TwistStamped;
        use crate::lcm::std_msgs::Header;

        let header = Header { seq: 70_000, frame_id: "base".to_owned(), ..Header::default() };
        let bytes = TwistStamped { header, ..TwistStamped::default() }.to_bytes().expect("encodes");
        assert_eq!((TwistStamped::FINGERPRINT, number_of(&bytes)), (TWIST_STAMPED, Some(70_000)));
    }

    #[test]
    fn counts_are_read_only_if_they_can_be() {
        let of = |value: Value| DriveCounts::of(&Map::from_iter([(DRIVE_COUNTS.to_owned(), value)]));
        assert_eq!(of(json!({"sent": 20, "received": 19, "more": 1})), Some(DriveCounts { sent: 20, received: 19 }));
        for bad in
            [json!(null), json!({"sent": 1}), json!({"sent": 1, "received": 2}), json!({"sent": -1, "received": -1})]
        {
            assert_eq!(of(bad.clone()), None, "{bad}");
        }
        assert_eq!(DriveCounts::of(&Map::new()), None);
        let counts = |sent, received| DriveCounts { sent, received };
        assert_eq!(counts(30, 29).since(counts(20, 19)), Some(counts(10, 10)));
        assert_eq!(counts(21, 21).since(counts(20, 19)), Some(counts(1, 1)), "one came late");
        assert_eq!(counts(10, 9).since(counts(20, 19)), None);
        assert_eq!((counts(20, 19).loss(), counts(0, 0).loss()), (Some(0.05), None));
    }
}
