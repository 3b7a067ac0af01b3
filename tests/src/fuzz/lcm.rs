//! Hostile LCM messages, and routing them.

use std::fmt::Debug;

use farwire_core::demux::{Demux, InsertError, MessageType, Miss};
use farwire_core::lcm::{DecodeCause, Message, fingerprint_of};
use farwire_core::with_lcm_messages;

use super::choices::Choices;

farwire_core::lcm_messages! {
    package fuzz;

    /// Nests without a bound of its own.
    struct Tree {
        count byte n;
        Tree children[n];
    }

    /// Rows that may be empty, of elements that always are.
    struct Shapes {
        count int64_t rows;
        count int16_t columns;
        int16_t grid[rows][columns];
        string names[2][columns];
        Nothing nothings[columns][rows];
    }

    struct Nothing {}
}

/// Reads the bytes as the body of each message that comes with farwire, and of some that are odder, and as the whole of
/// it. What was read is written and read again.
pub fn lcm_decode(data: &[u8]) {
    macro_rules! all {
        ($($message:path)*) => { $(decode::<$message>(data);)* };
    }
    with_lcm_messages!(all);
    decode::<Tree>(data);
    decode::<Shapes>(data);
    decode::<Nothing>(data);
}

fn decode<M: Message + Debug>(data: &[u8]) {
    if fingerprint_of(data) == Some(M::FINGERPRINT) {
        survives_writing::<M>(data);
    } else {
        assert!(M::decode(data).is_err(), "{} took the fingerprint of another", M::NAME);
        survives_writing::<M>(&[&M::FINGERPRINT.to_be_bytes(), data].concat());
    }
}

fn survives_writing<M: Message + Debug>(bytes: &[u8]) {
    let message = match M::decode(bytes) {
        Ok(message) => message,
        Err(error) => {
            assert!(error.offset <= bytes.len(), "{error}");
            let wrong_type = matches!(error.cause, DecodeCause::Fingerprint { .. });
            assert!(!wrong_type && !error.to_string().is_empty(), "{error}");
            return;
        }
    };
    assert_eq!(message.encoded_len(), bytes.len(), "{message:?}");
    let written = message.to_bytes().expect("what was read can be written");
    // Bytes may differ in booleans, of which any but 0 is true; they and NaNs are the same when read and written again.
    let again = M::decode(&written).expect("what was written can be read");
    assert_eq!(again.to_bytes().as_ref(), Ok(&written), "{message:?}");
}

/// Subscriptions that the table has room for.
const ROOM: usize = 8;

const NAMES: [&str; 3] = ["a.A", "a.B", "a.C"];

/// Subscribes, unsubscribes and routes as the bytes say, and compares with a list that is looked through from its front.
pub fn demux(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut demux = Demux::<u8, u8, ROOM>::new();
    let mut list: Vec<(u8, Option<MessageType>, u8)> = Vec::new();
    while !choices.is_empty() {
        let step = choices.byte();
        let channel = choices.byte() % 4;
        match step % 4 {
            0 | 1 => {
                let kind = choices.flag().then(|| {
                    let name = choices.one_of(&NAMES).unwrap_or_default();
                    MessageType::new(name, u64::from(choices.byte() % 4))
                });
                let subscription = choices.byte() % 16;
                let result = demux.insert(channel, kind, subscription);
                let expected = expected_insert(&list, channel, kind, subscription);
                assert_eq!(result, expected);
                if result.is_ok() {
                    list.push((channel, kind, subscription));
                }
            }
            2 => {
                let subscription = choices.byte() % 16;
                let before = list.len();
                list.retain(|(.., other)| *other != subscription);
                assert_eq!(demux.remove(subscription), list.len() < before);
            }
            _ => {
                let message = match choices.flag() {
                    true => [&[0; 7][..], &[choices.byte() % 4], choices.bytes()].concat(),
                    false => choices.bytes().to_vec(),
                };
                let found = demux.receivers(channel, &message).map(|found| {
                    let mut found: Vec<u8> = found.collect();
                    found.sort_unstable();
                    found
                });
                assert_eq!(found, expected_receivers(&list, channel, &message));
            }
        }
        assert_eq!(demux.len(), list.len());
    }
}

fn expected_insert(
    list: &[(u8, Option<MessageType>, u8)],
    channel: u8,
    kind: Option<MessageType>,
    subscription: u8,
) -> Result<(), InsertError> {
    if list.iter().any(|(.., other)| *other == subscription) {
        return Err(InsertError::Taken);
    }
    for (of, in_use, _) in list {
        if let (Some(in_use), Some(asked)) = (in_use, kind)
            && *of == channel
            && in_use.fingerprint() == asked.fingerprint()
            && in_use.name() != asked.name()
        {
            return Err(InsertError::SameFingerprint { in_use: *in_use, asked });
        }
    }
    if list.len() < ROOM { Ok(()) } else { Err(InsertError::Full { limit: ROOM }) }
}

fn expected_receivers(list: &[(u8, Option<MessageType>, u8)], channel: u8, message: &[u8]) -> Result<Vec<u8>, Miss> {
    let is_for = |kind: MessageType| message.starts_with(&kind.fingerprint().to_be_bytes());
    let wanted = list.iter().filter(|(of, kind, _)| *of == channel && kind.is_none_or(is_for));
    let mut found: Vec<u8> = wanted.map(|(.., subscription)| *subscription).collect();
    found.sort_unstable();
    match found.is_empty() {
        true if message.len() < 8 => Err(Miss::TooShort),
        true => Err(Miss::Unmatched),
        false => Ok(found),
    }
}
