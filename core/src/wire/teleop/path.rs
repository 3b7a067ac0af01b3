//! Where the broker's calls are, and the header that names a robot.

/// What every path starts with: `POST` registers a robot, `GET` lists the robots that an operator may operate, `DELETE` of
/// `/{session}` ends a robot's session.
pub const SESSIONS: &str = "/api/v1/sessions";

/// The header that holds a robot's key, in lower case as the `http` crate wants it. Operators show their token as
/// `Authorization: Bearer …`.
pub const ROBOT_KEY_HEADER: &str = "x-robot-api-key";

/// `GET {SESSIONS}/turn-credentials`, for both ends.
pub const TURN_CREDENTIALS: &str = "turn-credentials";

/// `GET {SESSIONS}/{session}/status`, by an operator: one robot of the list.
pub const STATUS: &str = "status";

/// `POST {SESSIONS}/{session}/heartbeat`, by a robot.
pub const HEARTBEAT: &str = "heartbeat";

/// `POST {SESSIONS}/{session}/renegotiate-robot`, by a robot: the answer to a heartbeat's offer.
pub const RENEGOTIATE_ROBOT: &str = "renegotiate-robot";

/// `POST {SESSIONS}/{session}/join`, by an operator.
pub const JOIN: &str = "join";

/// `POST {SESSIONS}/{session}/bridge-datachannel`, by an operator.
pub const BRIDGE: &str = "bridge-datachannel";

/// `POST {SESSIONS}/{session}/renegotiate-answer`, by an operator.
pub const RENEGOTIATE_OPERATOR: &str = "renegotiate-answer";

/// `POST {SESSIONS}/{session}/op-heartbeat`, by an operator.
pub const OP_HEARTBEAT: &str = "op-heartbeat";

/// `POST {SESSIONS}/{session}/hand-over`, by an operator: farwire's own.
pub const HAND_OVER: &str = "hand-over";

/// `POST {SESSIONS}/{session}/leave`, by an operator.
pub const LEAVE: &str = "leave";
