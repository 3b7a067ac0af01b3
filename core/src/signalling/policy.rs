//! How long and how often servers are asked: every such number, and why it is what it is.

use std::time::{Duration, Instant};

use crate::bucket::TokenBucket;

/// The shortest delay before another try of a call. A server that was only slow is asked again while nobody has
/// noticed.
pub(crate) const FIRST_DELAY: Duration = Duration::from_millis(100);

/// The longest delay before another try of a call. It is what somebody waits for at most once the server is back.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// The longest pause between two attempts to reconnect: a robot without its operator is to have it back within
/// seconds, and a thousand robots at one server are then 300 attempts a second.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// A connection that was up for less does not make the pauses short again: whatever ends it so soon is not over.
pub(crate) const STEADY: Duration = Duration::from_secs(10);

/// The first and the longest pause of an end whose place another one has: two that take it from each other in turn are
/// to leave each other long enough to be seen.
pub(crate) const CROWDED: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(12));

/// When a server that does not say why ends a session twice within this time, another end may have its place.
pub(crate) const SUSPICIOUS: Duration = Duration::from_secs(600);

/// Attempts in a row that a server refuses for good before nothing is tried any more. One alone may be a proxy's doing.
pub(crate) const MAX_REFUSALS: u32 = 5;

/// The time that one call to Cloudflare's API may take: an SFU itself waits up to 5 s for a transport.
pub(crate) const SFU_CALL: Duration = Duration::from_secs(8);

/// Cloudflare's bound on requests per second and session.
pub(crate) const SFU_REQUESTS_PER_SECOND: u32 = 50;

/// What comes back in a second once a burst is used up; burst and refill together stay within the bound in any second.
const SFU_REFILL: u32 = 40;

/// What keeps one session within Cloudflare's bound.
pub(crate) fn sfu_requests(now: Instant) -> TokenBucket {
    TokenBucket::new(SFU_REQUESTS_PER_SECOND - SFU_REFILL + 1, Duration::from_secs(1) / SFU_REFILL, now)
}

/// The time that one call to a broker may take: the broker itself waits for the SFU meanwhile.
pub(crate) const BROKER_CALL: Duration = Duration::from_secs(10);

/// The time that a hand-over may take: the broker answers it within 20 s, when the viewer has taken the robot or has not.
pub(crate) const HAND_OVER: Duration = Duration::from_secs(25);

/// The time of a call that nobody waits for, made when a connection is over: a program that ends is held up by it.
pub(crate) const FAREWELL: Duration = Duration::from_secs(2);

/// The time that a heartbeat may take. DimOS's hosted broker gives up a robot of which it hears nothing for 10 s, so
/// two fit in.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(5);

/// The time between an operator's heartbeats. The hosted broker puts an operator out of which it hears nothing for 20 s,
/// so three in a row may be lost.
pub(crate) const OPERATOR_HEARTBEAT: Duration = Duration::from_secs(5);

/// The time between a viewer's heartbeats: by one of them it learns that the robot is handed over to it, for which somebody
/// waits.
pub(crate) const VIEWER_HEARTBEAT: Duration = Duration::from_secs(1);

/// The time until a robot's next heartbeat when the broker says that an operator is coming: it stands until then.
pub(crate) const EXPECTANT_HEARTBEAT: Duration = Duration::from_millis(100);

/// The time for what is only worth having, such as TURN servers: registering waits for it.
pub(crate) const OPTIONAL_CALL: Duration = Duration::from_secs(3);

/// Tries of each call before an attempt to connect counts as failed: with the delays between them two seconds or so,
/// which a server's restart takes. What follows is reconnection.
pub(crate) const CONNECT_TRIES: u32 = 5;

/// Tries of a call that closes channels nobody wants any more, in a row: with the delays between them twenty seconds or so,
/// which an SFU that is busy gets over. What is then still open ends with the session.
pub(crate) const CLOSE_TRIES: u32 = 10;

/// The longest delay before another try of such a call: nobody waits for it.
pub(crate) const LONGEST_CLOSE_DELAY: Duration = Duration::from_secs(8);

/// Heartbeats in a row that are refused with 401, 404 or 410 before the session counts as ended, as DimOS has it: a
/// proxy may answer one like that.
pub(crate) const MAX_REJECTIONS: u32 = 5;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_more_than_the_bound_in_any_second(pauses in prop::collection::vec(0u64..100, 1..200)) {
            let start = Instant::now();
            let (mut now, mut limit, mut sent) = (start, sfu_requests(start), Vec::new());
            for pause in pauses {
                now += Duration::from_millis(pause);
                now = limit.reserve(now);
                sent.push(now);
            }
            for (i, first) in sent.iter().enumerate() {
                let within = sent[i..].iter().take_while(|t| **t - *first < Duration::from_secs(1)).count();
                prop_assert!(within <= SFU_REQUESTS_PER_SECOND as usize, "{} in a second", within);
            }
        }
    }
}
