//! As what somebody joins a robot.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// As what somebody joins a robot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It drives, and there is one of it.
    #[default]
    Operator,
    /// It watches. So does whoever says anything else.
    #[serde(other)]
    Viewer,
}

impl Role {
    /// Reads one where it is only a hint: what is no text says nothing.
    pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Role, D::Error> {
        Ok(match Value::deserialize(deserializer)?.as_str() {
            None | Some("operator") => Role::Operator,
            Some(_) => Role::Viewer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Join, OfOperator};
    use super::*;

    #[test]
    fn whoever_is_no_operator_watches() {
        for (text, role) in [
            (r#"{"sdp_offer":"v=0"}"#, None),
            (r#"{"role":null,"sdp_offer":"v=0"}"#, None),
            (r#"{"role":"operator","sdp_offer":"v=0"}"#, Some(Role::Operator)),
            (r#"{"role":"viewer","sdp_offer":"v=0"}"#, Some(Role::Viewer)),
            (r#"{"role":"","sdp_offer":"v=0"}"#, Some(Role::Viewer)),
            (r#"{"role":"Operator","sdp_offer":"v=0"}"#, Some(Role::Viewer)),
        ] {
            assert_eq!(serde_json::from_str::<Join>(text).expect("a body").role, role, "{text}");
        }
        assert!(serde_json::from_str::<Join>(r#"{"role":7,"sdp_offer":"v=0"}"#).is_err());
        for (text, role) in
            [("{}", Role::Operator), (r#"{"role":7}"#, Role::Operator), (r#"{"role":"x"}"#, Role::Viewer)]
        {
            assert_eq!(serde_json::from_str::<OfOperator>(text).expect("a body").role, role, "{text}");
        }
    }
}
