//! RE-CONFIG (RFC 6525): resets of streams, asked for and answered.

use super::{items, put_item, word};

const OUTGOING: u16 = 13;
const INCOMING: u16 = 14;
const TSNS: u16 = 15;
const RESPONSE: u16 = 16;
const ADD_OUTGOING: u16 = 17;
const ADD_INCOMING: u16 = 18;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    /// The sender's streams begin anew once everything up to `last_tsn` is there. No streams: all of them.
    Outgoing { sequence: u32, last_tsn: u32, streams: Vec<u16> },
    /// The receiver of this is to reset its streams.
    Incoming { sequence: u32, streams: Vec<u16> },
    /// What WebRTC has no use for.
    Other { sequence: u32 },
}

/// How a request ended (RFC 6525, section 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    NothingToDo,
    Performed,
    Denied,
    WrongNumber,
    OtherInProgress,
    BadSequence,
    InProgress,
}

impl Outcome {
    const ALL: [Outcome; 7] = [
        Outcome::NothingToDo,
        Outcome::Performed,
        Outcome::Denied,
        Outcome::WrongNumber,
        Outcome::OtherInProgress,
        Outcome::BadSequence,
        Outcome::InProgress,
    ];
}

/// The answer to the request of this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) sequence: u32,
    pub(crate) outcome: Outcome,
}

/// Reads the value of a RE-CONFIG chunk: at most two requests and two responses, as many as may be in one.
pub(crate) fn read_reconfig(value: &[u8]) -> Option<(Vec<Request>, Vec<Response>)> {
    let (mut requests, mut responses) = (Vec::new(), Vec::new());
    for parameter in items(value).take(4) {
        let (kind, value) = parameter.ok()?;
        let sequence = word(value, 0)?;
        let streams = |from: usize| -> Vec<u16> {
            let ids = value.get(from..).unwrap_or_default().chunks_exact(2);
            ids.map(|id| u16::from_be_bytes([id[0], id[1]])).collect()
        };
        match kind {
            OUTGOING => {
                requests.push(Request::Outgoing { sequence, last_tsn: word(value, 8)?, streams: streams(12) });
            }
            INCOMING => requests.push(Request::Incoming { sequence, streams: streams(4) }),
            TSNS | ADD_OUTGOING | ADD_INCOMING => requests.push(Request::Other { sequence }),
            RESPONSE => {
                let outcome = Outcome::ALL.get(word(value, 4)? as usize).copied();
                responses.push(Response { sequence, outcome: outcome.unwrap_or(Outcome::Denied) });
            }
            _ => {}
        }
    }
    (requests.len() <= 2 && responses.len() <= 2).then_some((requests, responses))
}

/// Appends the request that outgoing streams be reset; `answered` is the latest request of the far end's.
pub(crate) fn write_request(to: &mut Vec<u8>, sequence: u32, answered: u32, last_tsn: u32, streams: &[u16]) {
    let ids: Vec<u8> = streams.iter().flat_map(|id| id.to_be_bytes()).collect();
    put_item(to, OUTGOING, &[&sequence.to_be_bytes(), &answered.to_be_bytes(), &last_tsn.to_be_bytes(), &ids]);
}

/// Appends an answer.
pub(crate) fn write_response(to: &mut Vec<u8>, response: Response) {
    put_item(to, RESPONSE, &[&response.sequence.to_be_bytes(), &(response.outcome as u32).to_be_bytes()]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_have_their_numbers() {
        for (number, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, number);
        }
    }
}
