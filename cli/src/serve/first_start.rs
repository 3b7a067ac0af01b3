//! What a broker that knows nobody yet gives to whoever started it.

use farwire_broker::{Grant, RobotId, Scope, Store, create_keys};
use serde::Serialize;

use crate::failure::Failure;
use crate::local_keys::LocalKeys;
use crate::state::unix_time;

/// The robot of the first key.
const FIRST_ROBOT: &str = "robot";

/// The first key and the first token, shown this once. Not `Debug`: they are secrets.
#[derive(Serialize)]
pub(super) struct FirstKeys {
    robot_key: String,
    operator_token: String,
}

impl FirstKeys {
    /// Makes them, unless somebody was given one already.
    pub(super) fn make(store: &Store) -> Result<Option<FirstKeys>, Failure> {
        if !store.load().map_err(Failure::failed)?.keys.is_empty() {
            return Ok(None);
        }
        let robot = RobotId::new(FIRST_ROBOT).map_err(Failure::failed)?;
        // Both or none: a start that was cut off between them would leave the next one without.
        let grants = [Grant::Robot(robot), Grant::Operator(Scope::All)];
        let made = create_keys(store, grants, "made at the first start", unix_time()).map_err(Failure::failed)?;
        let [robot_key, operator_token] = made;
        Ok(Some(FirstKeys { robot_key, operator_token }))
    }

    /// As the commands on this machine find them.
    pub(super) fn local(&self, broker: &str) -> LocalKeys {
        let FirstKeys { robot_key, operator_token } = self;
        LocalKeys { broker: broker.to_owned(), robot_key: robot_key.clone(), operator_token: operator_token.clone() }
    }

    /// What to do with them.
    pub(super) fn introduction(&self, broker: &str) -> String {
        let FirstKeys { robot_key, operator_token } = self;
        format!(
            "first start: a key for robot \"{FIRST_ROBOT}\" and a token for an operator of all robots, not shown again:\n  \
             at the robot:     export FARWIRE_BROKER={broker} FARWIRE_ROBOT_KEY={robot_key}\n  \
             at the operator:  export FARWIRE_BROKER={broker} FARWIRE_OPERATOR_TOKEN={operator_token}"
        )
    }
}
