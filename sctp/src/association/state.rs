//! The small parts of an association's state.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How far an association is (RFC 9260, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Closed,
    CookieWait,
    CookieEchoed,
    Established,
    ShutdownPending,
    ShutdownSent,
    ShutdownReceived,
    ShutdownAckSent,
    Ended,
}

/// What is known of the far end.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) tag: u32,
    /// Streams in our direction.
    pub(super) streams: u16,
    pub(super) reconfig: bool,
    /// It takes packets without checksum, and so do we.
    pub(super) zero_checksum: bool,
}

/// What is owed of chunks that are not data.
#[derive(Debug, Default)]
pub(super) struct Controls {
    pub(super) init: bool,
    /// A verification tag and the value.
    pub(super) init_ack: Option<(u32, Vec<u8>)>,
    /// The cookie to be echoed, until it is acknowledged, and whether it is to be sent.
    pub(super) cookie: Option<Vec<u8>>,
    pub(super) cookie_echo: bool,
    pub(super) cookie_ack: bool,
    pub(super) shutdown: bool,
    pub(super) shutdown_ack: bool,
    pub(super) heartbeat: bool,
    /// Answers: type and value, at most [`MAX_REPLIES`].
    pub(super) replies: VecDeque<(u8, Vec<u8>)>,
    /// The last packet: tag, type, flags, value.
    pub(super) farewell: Option<(u32, u8, u8, Vec<u8>)>,
    /// When a chunk of the handshake was sent, for the first time, that is answered at once.
    pub(super) handshake_sent: Option<Instant>,
    /// When a heartbeat was sent that is not answered.
    pub(super) heartbeat_sent: Option<Instant>,
    /// Since when nothing has answered.
    pub(super) unanswered_since: Option<Instant>,
}

/// Answers that wait at a time. What would be another is not answered.
const MAX_REPLIES: usize = 8;

impl Controls {
    pub(super) fn reply(&mut self, kind: u8, value: Vec<u8>) {
        if self.replies.len() < MAX_REPLIES {
            self.replies.push_back((kind, value));
        }
    }
}

/// What is owed of acknowledgements.
#[derive(Debug, Default)]
pub(super) struct Acks {
    pub(super) is_due: bool,
    /// The far end wishes one soon.
    pub(super) is_urgent: bool,
    /// Packets with data that are not acknowledged.
    pub(super) packets: u32,
    /// The window that was told last.
    pub(super) told_window: usize,
}

/// What is waited for.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// INIT, COOKIE ECHO or the chunks of a shutdown are to be sent again, after this time.
    pub(super) handshake: Option<Instant>,
    pub(super) handshake_pause: Duration,
    pub(super) data: Option<Instant>,
    pub(super) loss: Option<Instant>,
    pub(super) pace: Option<Instant>,
    pub(super) ack: Option<Instant>,
    pub(super) reset: Option<Instant>,
    pub(super) heartbeat: Option<Instant>,
}

impl Timers {
    pub(super) fn next(&self) -> Option<Instant> {
        let all = [self.handshake, self.data, self.loss, self.pace, self.ack, self.reset, self.heartbeat];
        all.into_iter().flatten().min()
    }
}

/// Whether a timer has run out, which stops it.
pub(super) fn is_over(timer: &mut Option<Instant>, now: Instant) -> bool {
    let is_over = timer.is_some_and(|at| at <= now);
    if is_over {
        *timer = None;
    }
    is_over
}
