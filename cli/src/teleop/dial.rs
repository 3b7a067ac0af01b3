//! Dialing a broker until it is there.

use std::time::{Duration, Instant};

use farwire::{ConnectError, Connection, Dial, EndReason};
use farwire_core::signalling::Backoff;
use farwire_core::wire::teleop::code::NOT_JOINED;

use super::{Credential, Side};
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// How long one attempt may take; also how long Ctrl-C may.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(5);
/// Between two attempts, at first. Robots that lost their broker together do not come back together.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two attempts, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Dials until the connection is up; `None` after Ctrl-C. What a person has to put right is an error at once, anything else
/// is waited for, and `waiting` is told why, once for each reason.
pub(crate) fn dial<C: Into<Dial> + Clone>(
    config: &C,
    credential: &Credential,
    interrupt: &Interrupt,
    mut waiting: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<Option<Connection>, Failure> {
    let mut told = String::new();
    let (mut backoff, mut rng) = (Backoff::between(PAUSE, LONGEST_PAUSE), fastrand::Rng::new());
    loop {
        let why = match farwire::connect(config.clone()) {
            Ok(connection) => return Ok(Some(connection)),
            Err(ConnectError::Ended(reason)) => wait_for(&reason, credential)?,
            Err(error) => return Err(Failure::failed(error)),
        };
        if why != told {
            waiting(&why)?;
            told = why;
        }
        if interrupt.wait_until(backoff.failed(Instant::now(), &mut rng)) {
            return Ok(None);
        }
    }
}

/// What is waited for, if waiting can help.
fn wait_for(reason: &EndReason, credential: &Credential) -> Result<String, Failure> {
    let Credential { broker, origin, side, .. } = credential;
    match reason {
        EndReason::Api(error)
            if *side == Side::Operator && (error.refusal_status() == Some(409) || error.code() == NOT_JOINED) =>
        {
            Ok(format!("somebody else operates it; --takeover takes it from them ({reason})"))
        }
        EndReason::Api(error) if error.failure().is_some() && !error.is_foreign() => {
            Ok(format!("{broker} does not answer; `farwire serve` runs a broker ({reason})"))
        }
        EndReason::Api(error) if matches!(error.refusal_status(), Some(401 | 403)) => {
            Err(Failure::failed(format_args!("{broker} refuses the {} from {origin}: {reason}", side.secret())))
        }
        reason if reason.is_passing() => Ok(reason.to_string()),
        EndReason::Unavailable(problem) => Err(Failure::failed(format_args!("{problem}; --robot ID names one"))),
        _ => Err(Failure::failed(format_args!("cannot connect to {broker}: {reason}"))),
    }
}

/// Why a connection that was up is over for good.
pub(crate) fn ended(connection: &Connection, broker: &str) -> Failure {
    match connection.ended() {
        Some(reason) => Failure::failed(format_args!("the connection to {broker} is over: {reason}")),
        None => Failure::failed(format_args!("the connection to {broker} is over")),
    }
}
