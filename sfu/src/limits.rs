//! Every bound of the SFU's state machine. Those of the HTTP listener are with it.

use std::time::Duration;

/// A session that is not connected by then is removed.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(30);

/// A session whose client makes no connectivity check for this long is removed; until then it can come back, from
/// another address as well. WebRTC clients check every 5 s or so (RFC 7675).
pub(crate) const REUSE_WITHIN: Duration = Duration::from_secs(30);

/// How long a call waits for the session's transport.
pub(crate) const TRANSPORT_WAIT: Duration = Duration::from_secs(5);

/// How long the SFU waits for the acknowledgement that a subscription asked it to wait for.
pub(crate) const ACK_WITHIN: Duration = Duration::from_secs(30);

/// Calls on one session in a second, and at once. Further ones wait their turn.
pub(crate) const CALLS_PER_SECOND: u32 = 50;

/// Calls on one session that may wait because there were too many; further ones are refused.
pub(crate) const MAX_DELAYED: usize = 16;

/// Calls of one session that may wait for its transport.
pub(crate) const MAX_WAITING: usize = 16;

/// Channels in one request.
pub(crate) const MAX_BATCH: usize = 512;

/// Channels of one session.
pub(crate) const MAX_CHANNELS: usize = 2048;

/// The longest channel name, in bytes.
pub(crate) const MAX_NAME: usize = 256;

/// Source addresses kept for one session; ICE moves between a few at most.
pub(crate) const MAX_ADDRESSES: usize = 8;

/// How long what waits on a reliable channel is still delivered after its publisher is gone.
pub(crate) const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// Messages and bytes that wait for one receiver at most on a lossy channel: the oldest give way.
pub(crate) const LOSSY_QUEUE: usize = 4096;
pub(crate) const LOSSY_QUEUE_BYTES: usize = 1 << 20;

/// Of those, messages that have waited longer than a burst takes are at most so many.
pub(crate) const LOSSY_OLD: usize = 256;

/// How long that is.
pub(crate) const LOSSY_BURST: Duration = Duration::from_millis(50);

/// Messages and bytes that wait for one receiver at most on a reliable channel: past it the subscription is closed.
pub(crate) const RELIABLE_QUEUE: usize = 65_536;
pub(crate) const RELIABLE_QUEUE_BYTES: usize = 16 << 20;
