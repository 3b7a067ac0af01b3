//! What stands between SCTP and DTLS: what SCTP sends is [rewritten](super::empty) there, and what it is to receive passes
//! the [guard](super::guard).

use std::time::{Duration, Instant};

use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput};

use super::empty::rewrite;
use super::guard::{Guard, Verdict, Violation};
use super::layer::Between;

/// How often the guard learns the time while it needs it.
const TICK: Duration = Duration::from_secs(1);

/// What DTLS asks for in bytes when the guard has ended the connection: the violation's number above it. No buffer is as
/// large. str0m takes this output for the error that it is, and its text is the one way back through str0m to the link.
const ENDED: usize = 1 << 30;

/// The first byte of a *report*: what the layer has to say to the link in the guise of a datagram, because str0m hands
/// its layers nothing and carries nothing else. No protocol of WebRTC has datagrams that begin so (RFC 7983).
const REPORT: u8 = 0xff;

/// A report's bytes: how many packets the guard has dropped since the last one.
const REPORT_LEN: usize = 9;

/// The violation for which an error of str0m's stands.
pub(super) fn violation(error: &str) -> Option<Violation> {
    let (_, needed) = error.rsplit_once("BufferTooSmall(")?;
    let number = needed.split_once(')')?.0.parse::<usize>().ok()?.checked_sub(ENDED)?;
    Violation::ALL.get(number).copied()
}

/// How many packets the guard has dropped, if what str0m sends is a report of that. It is not to be sent.
pub(super) fn report(datagram: &[u8]) -> Option<u64> {
    let count = datagram.strip_prefix(&[REPORT])?;
    count.try_into().ok().map(u64::from_be_bytes)
}

/// The interceptor of a connection.
#[derive(Debug)]
pub(super) struct Interceptor {
    guard: Guard,
    now: Instant,
}

impl Between for Interceptor {
    fn new(now: Instant) -> Interceptor {
        Interceptor { guard: Guard::new(now), now }
    }

    fn send(&mut self, dtls: &mut dyn DtlsInstance, packet: &[u8]) -> Result<usize, DtlsImplError> {
        self.guard.sent(packet);
        match rewrite(packet) {
            Some(rewritten) => dtls.send_application_data(&rewritten),
            None => dtls.send_application_data(packet),
        }
    }

    fn poll_output<'a>(&mut self, dtls: &mut dyn DtlsInstance, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        if let Some(violation) = self.guard.take_violation() {
            return DtlsOutput::BufferTooSmall { needed: ENDED + violation as usize };
        }
        let dropped = self.guard.take_dropped();
        if dropped > 0 && buf.len() >= REPORT_LEN {
            let report = &mut buf[..REPORT_LEN];
            report[0] = REPORT;
            report[1..].copy_from_slice(&dropped.to_be_bytes());
            return DtlsOutput::Packet(report);
        }
        match dtls.poll_output(buf) {
            DtlsOutput::ApplicationData(packet) => match self.guard.receive(packet) {
                Verdict::Pass => DtlsOutput::ApplicationData(packet),
                // SCTP takes nothing from a packet without a header.
                Verdict::Drop => DtlsOutput::ApplicationData(&[]),
            },
            DtlsOutput::Timeout(at) if self.guard.needs_time() => DtlsOutput::Timeout(at.min(self.now + TICK)),
            output => output,
        }
    }

    fn tell_time(&mut self, now: Instant) {
        self.now = now;
        self.guard.tell_time(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_survives_the_way_through_an_error() {
        for (number, violation) in Violation::ALL.into_iter().enumerate() {
            assert_eq!(violation as usize, number);
            let output = DtlsOutput::BufferTooSmall { needed: ENDED + number };
            assert_eq!(super::violation(&format!("Unexpected DTLS output: {output:?}")), Some(violation));
        }
        assert_eq!(super::violation("Unexpected DTLS output: BufferTooSmall(1500)"), None);
    }
}
