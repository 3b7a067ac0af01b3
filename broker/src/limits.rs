//! Every bound of the broker that nobody has to choose.

use std::time::Duration;

/// The longest request body, in bytes; a longer one gets 413 from the listener.
pub const MAX_BODY: usize = 128 * 1024;

/// The longest offer that is passed on, in bytes. DimOS's, with video and audio, has 10,000.
pub(crate) const MAX_OFFER: usize = 64 * 1024;

/// The longest name and type of a robot, in bytes.
pub(crate) const MAX_NAME: usize = 256;

/// The longest id of a robot, in bytes.
pub(crate) const MAX_ROBOT_ID: usize = 128;

/// Robots that one operator token can name.
pub(crate) const MAX_SCOPE: usize = 256;

/// Keys and tokens that one broker can have, revoked ones included.
pub(crate) const MAX_KEYS: usize = 65_536;

/// Robots in one list.
pub(crate) const MAX_LISTED: usize = 1_000;

/// Requests that may wait for one bridge; further ones are answered 429.
pub(crate) const MAX_WAITING: usize = 4;

/// Sessions on the SFU of one robot and its operators, those that are being closed included; past it, registering and
/// joining are answered 429.
pub(crate) const MAX_SFU_SESSIONS_OF_ROBOT: usize = 16;

/// How long one call to the SFU may take. It may itself wait 5 s for a transport.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// By when a robot or an operator is answered whose request the SFU is asked about; DimOS waits 30 s, and so does the
/// listener.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// How long TURN credentials are waited for. farwire's robots and operators wait 3 s, and go on without.
pub(crate) const MINT_WITHIN: Duration = Duration::from_secs(2);

/// After none could be had, how long nobody asks for any, so that not everybody waits in vain.
pub(crate) const MINT_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Requests for TURN credentials at once; who comes on top of that is told of STUN alone.
pub(crate) const MAX_MINTING: usize = 64;

/// Keys and tokens whose TURN credentials are kept; those that end first give way.
pub(crate) const MAX_MINTED: usize = 4_096;

/// Tries to make a session, before it is given up. What closes one is repeated for as long as it takes.
pub(crate) const MAX_TRIES: u32 = 4;

/// The first pause before a repetition; each further one is twice as long.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause before a repetition.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(20);
