//! The broker's error codes beside those that it has in common with Cloudflare's API, and why a robot has no operator any
//! more. All but the shapes are farwire's own broker's.

/// 401: the key or token was good once. Nobody else can hear this, since only its holder can show it.
pub const KEY_REVOKED: &str = "key_revoked";

/// 403: the key is another robot's than the one that the request names.
pub const FORBIDDEN: &str = "forbidden";

/// 404: there is no such session for whoever asks.
pub const SESSION_NOT_FOUND: &str = "session_not_found";

/// 404, to a robot's heartbeat: another robot registered with the same key or id, and has its place.
pub const SESSION_DISPLACED: &str = "session_displaced";

/// 409, to a robot that registers again: another robot has its place, and keeps it.
pub const ROBOT_PRESENT: &str = "robot_present";

/// 409: another request of the same kind came before this one was answered.
pub const SUPERSEDED: &str = "superseded";

/// 409, to whoever joins: somebody else operates the robot.
pub const OPERATOR_PRESENT: &str = "operator_present";

/// 403: whoever asks does not operate the robot, or no longer. 409: it did when it asked.
pub const NOT_JOINED: &str = "not_joined";

/// 429: as many watch the robot as may.
pub const TOO_MANY_VIEWERS: &str = "too_many_viewers";

/// 404: the robot cannot be handed over to whoever is named, since nobody of this name watches it. 409: who does has not taken
/// it.
pub const NO_VIEWER: &str = "no_viewer";

/// 409: no offer waits for an answer.
pub const NO_OFFER: &str = "no_offer";

/// 429: too many wrong keys came from one address.
pub const TOO_MANY_WRONG_KEYS: &str = "too_many_wrong_keys";

/// 502: the SFU refuses, or what it answers is of no use.
pub const SFU_ERROR: &str = "sfu_error";

/// Why a robot has no operator any more, in the answer to a heartbeat: its token was revoked.
pub const TOKEN_REVOKED: &str = "token_revoked";

/// The same: another operator took over.
pub const TAKEN_OVER: &str = "taken_over";

/// The same: the SFU has ended its session, or a channel of it.
pub const CONNECTION_ENDED: &str = "connection_ended";

/// The same: it left, or did not bridge in time.
pub const LEFT: &str = "left";
