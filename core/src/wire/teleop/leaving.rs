//! Why operators leave.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Why an operator leaves, in the words of the hosted broker's clients. Any other text is [`LeaveReason::Other`], so that
/// nothing which a client makes up reaches a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// Its user wants to.
    UserInitiated,
    /// Its page was closed or left.
    #[serde(rename = "pagehide")]
    PageHide,
    /// Its connection was lost, and it joins again.
    ConnectionLost,
    /// Something else.
    Other,
}

impl LeaveReason {
    /// Reads one whatever it is: a leave is one for any reason.
    pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<LeaveReason>, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Null => None,
            value => Some(match value.as_str() {
                Some("user_initiated") => LeaveReason::UserInitiated,
                Some("pagehide") => LeaveReason::PageHide,
                Some("connection_lost") => LeaveReason::ConnectionLost,
                _ => LeaveReason::Other,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::OfOperator;
    use super::*;

    #[test]
    fn every_reason_is_read_as_it_is_written_and_whatever_else_is_another() {
        for reason in
            [LeaveReason::UserInitiated, LeaveReason::PageHide, LeaveReason::ConnectionLost, LeaveReason::Other]
        {
            let written = serde_json::to_string(&OfOperator::new(None).because(reason)).expect("plain data");
            let read: OfOperator = serde_json::from_str(&written).expect("its own form");
            assert_eq!(read.reason, Some(reason), "{written}");
        }
        for (text, reason) in [
            ("{}", None),
            (r#"{"reason":null}"#, None),
            (r#"{"reason":"\u001b[2J"}"#, Some(LeaveReason::Other)),
            (r#"{"reason":{"a":[1]}}"#, Some(LeaveReason::Other)),
        ] {
            assert_eq!(serde_json::from_str::<OfOperator>(text).expect("a body").reason, reason, "{text}");
        }
    }
}
