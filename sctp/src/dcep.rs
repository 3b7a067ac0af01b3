//! The Data Channel Establishment Protocol (RFC 8832).

use std::time::Duration;

use crate::wire::{short, word};
use crate::{Channel, Delivery, MAX_NAMES, Priority, Reliability};

/// The payload protocol of its messages (RFC 8832, section 8.1).
pub(crate) const PPID: u32 = 50;

const ACK: u8 = 2;
const OPEN: u8 = 3;

const UNORDERED: u8 = 0x80;
const RETRANSMITS: u8 = 1;
const LIFETIME: u8 = 2;

/// A message of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    Open(Channel),
    Ack,
}

impl Message {
    /// `None` for what is neither, or has names longer than [`MAX_NAMES`].
    pub(crate) fn read(bytes: &[u8]) -> Option<Message> {
        match bytes {
            [ACK, ..] => Some(Message::Ack),
            [OPEN, channel, ..] => {
                let parameter = word(bytes, 4)?;
                let names = usize::from(short(bytes, 8)?);
                let end = 12 + names + usize::from(short(bytes, 10)?);
                if end - 12 > MAX_NAMES {
                    return None;
                }
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
                let reliability = match channel & !UNORDERED {
                    RETRANSMITS => Reliability::Retransmits(u16::try_from(parameter).unwrap_or(u16::MAX)),
                    LIFETIME => Reliability::Lifetime(Duration::from_millis(parameter.into())),
                    0 => Reliability::Reliable,
                    _ => return None,
                };
                Some(Message::Open(Channel {
                    delivery: Delivery { ordered: channel & UNORDERED == 0, reliability, max_age: None },
                    priority: Priority(short(bytes, 2)?),
                    label: text(bytes.get(12..12 + names)?)?,
                    protocol: text(bytes.get(12 + names..end)?)?,
                }))
            }
            _ => None,
        }
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let Message::Open(channel) = self else { return vec![ACK] };
        let (kind, parameter) = match channel.delivery.reliability {
            Reliability::Reliable => (0, 0),
            Reliability::Retransmits(max) => (RETRANSMITS, u32::from(max)),
            Reliability::Lifetime(time) => (LIFETIME, u32::try_from(time.as_millis()).unwrap_or(u32::MAX)),
        };
        let mut bytes = vec![OPEN, kind | if channel.delivery.ordered { 0 } else { UNORDERED }];
        bytes.extend(channel.priority.0.to_be_bytes());
        bytes.extend(parameter.to_be_bytes());
        bytes.extend((channel.label.len() as u16).to_be_bytes());
        bytes.extend((channel.protocol.len() as u16).to_be_bytes());
        bytes.extend_from_slice(channel.label.as_bytes());
        bytes.extend_from_slice(channel.protocol.as_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reliability() -> impl Strategy<Value = Reliability> {
        prop_oneof![
            Just(Reliability::Reliable),
            any::<u16>().prop_map(Reliability::Retransmits),
            (0u64..1 << 32).prop_map(|ms| Reliability::Lifetime(Duration::from_millis(ms))),
        ]
    }

    proptest! {
        #[test]
        fn a_channel_is_read_as_it_was_written(
            ordered in any::<bool>(),
            reliability in reliability(),
            priority in any::<u16>(),
            label in ".{0,40}",
            protocol in ".{0,40}",
        ) {
            let delivery = Delivery { ordered, reliability, max_age: None };
            let channel = Channel { delivery, priority: Priority(priority), label, protocol };
            let bytes = Message::Open(channel.clone()).write();
            prop_assert_eq!(Message::read(&bytes), Some(Message::Open(channel)));
            for cut in 0..bytes.len() {
                prop_assert_eq!(Message::read(&bytes[..cut]), None);
            }
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = Message::read(&bytes);
        }
    }

    #[test]
    fn long_names_are_none() {
        let channel = Channel::default().label("x".repeat(MAX_NAMES)).protocol("y");
        assert_eq!(Message::read(&Message::Open(channel).write()), None);
        assert_eq!(Message::read(&Message::Ack.write()), Some(Message::Ack));
    }
}
