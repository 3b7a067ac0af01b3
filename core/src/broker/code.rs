//! The error codes of farwire's broker that decide what a robot or an operator does next.

/// 401: the key or token was good once. Nobody else can hear this, since only its holder can show it.
pub const KEY_REVOKED: &str = "key_revoked";

/// 404, to a robot's heartbeat: another robot registered with the same key or id, and has its place.
pub const SESSION_DISPLACED: &str = "session_displaced";

/// 409, to a robot that registers again: another robot has its place, and keeps it.
pub const ROBOT_PRESENT: &str = "robot_present";

/// Why a robot has no operator any more, in the answer to a heartbeat: its token was revoked.
pub const TOKEN_REVOKED: &str = "token_revoked";

/// The same: another operator took over.
pub const TAKEN_OVER: &str = "taken_over";
