//! Which subscriptions a message goes to.
//!
//! Several message types can share a channel, so what decides is the channel and the fingerprint at the front of the
//! bytes, not what a publisher says it sends. A raw subscription gets every message of its channel.
//!
//! Fingerprints are not unique: `geometry_msgs.Twist` and `geometry_msgs.Accel` have the same, since they have the same
//! fields. On one channel nobody could tell them apart, so the second of them is refused when it is inserted.
//!
//! ```
//! # #[cfg(feature = "lcm")] {
//! use farwire_core::demux::{Demux, MessageType, Miss};
//! use farwire_core::lcm::geometry_msgs::{Accel, Twist};
//! use farwire_core::lcm::{Message, sensor_msgs::Joy};
//!
//! let mut demux = Demux::<_, _, 8>::new();
//! demux.insert("cmd", Some(MessageType::of::<Twist>()), 1)?;
//! demux.insert("cmd", Some(MessageType::of::<Joy>()), 2)?;
//! assert!(demux.insert("cmd", Some(MessageType::of::<Accel>()), 3).is_err());
//!
//! let joy = Joy::default().to_bytes()?;
//! assert_eq!(demux.receivers("cmd", &joy)?.collect::<Vec<_>>(), [2]);
//! assert_eq!(demux.receivers("cmd", b"text").err(), Some(Miss::TooShort));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use heapless::Vec;

#[cfg(feature = "lcm")]
use crate::lcm::Message;
use crate::lcm::fingerprint_of;

/// A message type as a subscription asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageType {
    name: &'static str,
    fingerprint: u64,
    stamp_at: Option<usize>,
}

impl MessageType {
    /// The type `M`.
    #[cfg(feature = "lcm")]
    pub const fn of<M: Message>() -> MessageType {
        MessageType { name: M::NAME, fingerprint: M::FINGERPRINT, stamp_at: M::STAMP_AT }
    }

    /// A type that is known only by name and fingerprint.
    pub const fn new(name: &'static str, fingerprint: u64) -> MessageType {
        MessageType { name, fingerprint, stamp_at: None }
    }

    /// The full name, such as `std_msgs.Header`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Where its messages say when they were made; see [`stamp_at`](crate::lcm::stamp_at).
    pub const fn stamp_at(&self) -> Option<usize> {
        self.stamp_at
    }

    /// What is in front of its messages.
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

/// The subscriptions of any number of channels: at most `N`, and without an allocation.
///
/// `C` names a channel and `S` a subscription; both are to be small and quick to compare, such as numbers.
#[derive(Debug, Clone)]
pub struct Demux<C, S, const N: usize> {
    /// Sorted by channel.
    raw: Vec<Raw<C, S>, N>,
    /// Sorted by channel and fingerprint.
    typed: Vec<Typed<C, S>, N>,
}

#[derive(Debug, Clone, Copy)]
struct Raw<C, S> {
    channel: C,
    subscription: S,
}

#[derive(Debug, Clone, Copy)]
struct Typed<C, S> {
    channel: C,
    kind: MessageType,
    subscription: S,
}

impl<C: Copy, S> Typed<C, S> {
    fn key(&self) -> (C, u64) {
        (self.channel, self.kind.fingerprint)
    }
}

/// Why a message went to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Miss {
    /// No subscription is for its type, or none for its channel.
    #[error("no subscription is for its type")]
    Unmatched,
    /// It is shorter than a fingerprint, and no subscription is raw.
    #[error("it is shorter than the 8 bytes of a fingerprint")]
    TooShort,
}

/// Why a subscription was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InsertError {
    /// The channel has subscriptions for another type with the same fingerprint.
    #[error("{asked} and {in_use} have the same fields, and on the wire the same fingerprint, so one channel cannot carry both: \
             subscribe to {in_use}, or publish {asked} on a topic of its own", asked = asked.name, in_use = in_use.name)]
    SameFingerprint {
        /// The type that the channel has.
        in_use: MessageType,
        /// The type that was asked for.
        asked: MessageType,
    },
    /// The subscription is in the table.
    #[error("this subscription has a channel and a type: remove it first")]
    Taken,
    /// There is no room.
    #[error("there are {limit} subscriptions, which is the limit")]
    Full {
        /// The bound.
        limit: usize,
    },
}

impl<C: Copy + Ord, S: Copy + Eq, const N: usize> Demux<C, S, N> {
    /// A table without subscriptions.
    pub const fn new() -> Self {
        Demux { raw: Vec::new(), typed: Vec::new() }
    }

    /// Subscribes to the messages of one type on a channel, or to all of the channel if `kind` is `None`.
    ///
    /// # Errors
    /// When the channel has another type with the same fingerprint, the subscription is in the table, or the table is
    /// full.
    pub fn insert(&mut self, channel: C, kind: Option<MessageType>, subscription: S) -> Result<(), InsertError> {
        let is_it = |other: S| other == subscription;
        if self.raw.iter().any(|raw| is_it(raw.subscription))
            || self.typed.iter().any(|typed| is_it(typed.subscription))
        {
            return Err(InsertError::Taken);
        }
        if let Some(asked) = kind
            && let Some(Typed { kind: in_use, .. }) = self.typed_for(channel, asked.fingerprint).first()
            && in_use.name != asked.name
        {
            return Err(InsertError::SameFingerprint { in_use: *in_use, asked });
        }
        let full = InsertError::Full { limit: N };
        if self.len() == N {
            return Err(full);
        }
        match kind {
            Some(kind) => {
                let typed = Typed { channel, kind, subscription };
                let at = self.typed.partition_point(|other| other.key() <= typed.key());
                self.typed.insert(at, typed).map_err(|_| full)
            }
            None => {
                let at = self.raw.partition_point(|other| other.channel <= channel);
                self.raw.insert(at, Raw { channel, subscription }).map_err(|_| full)
            }
        }
    }

    /// Ends a subscription. `false`: there is no such.
    pub fn remove(&mut self, subscription: S) -> bool {
        if let Some(at) = self.raw.iter().position(|raw| raw.subscription == subscription) {
            self.raw.remove(at);
            return true;
        }
        let at = self.typed.iter().position(|typed| typed.subscription == subscription);
        at.map(|at| self.typed.remove(at)).is_some()
    }

    /// The subscriptions that a message goes to, each once: the channel's raw ones, and those for the type that the bytes
    /// begin with.
    ///
    /// # Errors
    /// When there are none.
    pub fn receivers(&self, channel: C, bytes: &[u8]) -> Result<impl Iterator<Item = S> + '_, Miss> {
        let fingerprint = fingerprint_of(bytes);
        let raw = self.raw_for(channel);
        let typed = fingerprint.map_or(&[][..], |fingerprint| self.typed_for(channel, fingerprint));
        match fingerprint {
            _ if !raw.is_empty() || !typed.is_empty() => {
                let typed = typed.iter().map(|typed| typed.subscription);
                Ok(raw.iter().map(|raw| raw.subscription).chain(typed))
            }
            Some(_) => Err(Miss::Unmatched),
            None => Err(Miss::TooShort),
        }
    }

    /// How many subscriptions there are.
    pub fn len(&self) -> usize {
        self.raw.len() + self.typed.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn raw_for(&self, channel: C) -> &[Raw<C, S>] {
        run_of(&self.raw, channel, |raw| raw.channel)
    }

    fn typed_for(&self, channel: C, fingerprint: u64) -> &[Typed<C, S>] {
        run_of(&self.typed, (channel, fingerprint), Typed::key)
    }
}

/// The items with a key in a list that is sorted by it.
fn run_of<T, K: Ord + Copy>(sorted: &[T], key: K, key_of: impl Fn(&T) -> K) -> &[T] {
    let start = sorted.partition_point(|item| key_of(item) < key);
    let rest = sorted.get(start..).unwrap_or_default();
    let len = rest.iter().take_while(|item| key_of(item) == key).count();
    rest.get(..len).unwrap_or_default()
}

impl<C: Copy + Ord, S: Copy + Eq, const N: usize> Default for Demux<C, S, N> {
    fn default() -> Self {
        Demux::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 12;

    /// Three fingerprints, two of them with two names.
    const TYPES: [MessageType; 5] = [
        MessageType::new("a.A", 1),
        MessageType::new("a.B", 1),
        MessageType::new("a.C", u64::MAX),
        MessageType::new("a.D", u64::MAX),
        MessageType::new("a.E", 0),
    ];

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u8, Option<usize>, u8),
        Remove(u8),
        Route(u8, std::vec::Vec<u8>),
    }

    fn steps() -> impl Strategy<Value = Step> {
        let fingerprint = prop::sample::select(std::vec![0, 1, 2, u64::MAX]);
        let message = (fingerprint, prop::collection::vec(any::<u8>(), 0..3))
            .prop_map(|(fingerprint, body)| [&u64::to_be_bytes(fingerprint)[..], &body].concat());
        let bytes = prop_oneof![4 => message, 1 => prop::collection::vec(any::<u8>(), 0..9)];
        prop_oneof![
            3 => (0..3u8, prop::option::of(0..TYPES.len()), 0..20u8).prop_map(|(c, k, s)| Step::Insert(c, k, s)),
            1 => (0..20u8).prop_map(Step::Remove),
            4 => (0..3u8, bytes).prop_map(|(c, b)| Step::Route(c, b)),
        ]
    }

    /// The naive rule: a list, looked through from its front.
    #[derive(Default)]
    struct Model(std::vec::Vec<(u8, Option<MessageType>, u8)>);

    impl Model {
        fn insert(&mut self, channel: u8, kind: Option<MessageType>, subscription: u8) -> Result<(), InsertError> {
            if self.0.iter().any(|(.., other)| *other == subscription) {
                return Err(InsertError::Taken);
            }
            for (of, in_use, _) in &self.0 {
                if let (Some(in_use), Some(asked)) = (in_use, kind)
                    && (*of, in_use.fingerprint) == (channel, asked.fingerprint)
                    && in_use.name != asked.name
                {
                    return Err(InsertError::SameFingerprint { in_use: *in_use, asked });
                }
            }
            if self.0.len() == LIMIT {
                return Err(InsertError::Full { limit: LIMIT });
            }
            self.0.push((channel, kind, subscription));
            Ok(())
        }

        fn receivers(&self, channel: u8, bytes: &[u8]) -> Result<std::vec::Vec<u8>, Miss> {
            let mut found = std::vec::Vec::new();
            for (of, kind, subscription) in &self.0 {
                let wanted = kind.is_none_or(|kind| bytes.len() >= 8 && bytes[..8] == kind.fingerprint.to_be_bytes());
                if *of == channel && wanted {
                    found.push(*subscription);
                }
            }
            found.sort_unstable();
            match found.is_empty() {
                true if bytes.len() < 8 => Err(Miss::TooShort),
                true => Err(Miss::Unmatched),
                false => Ok(found),
            }
        }
    }

    proptest! {
        #[test]
        fn equals_a_list(steps in prop::collection::vec(steps(), 0..80)) {
            let mut demux = Demux::<u8, u8, LIMIT>::new();
            let mut model = Model::default();
            for step in steps {
                match step {
                    Step::Insert(channel, kind, subscription) => {
                        let kind = kind.map(|kind| TYPES[kind]);
                        let expected = model.insert(channel, kind, subscription);
                        prop_assert_eq!(demux.insert(channel, kind, subscription), expected);
                    }
                    Step::Remove(subscription) => {
                        let before = model.0.len();
                        model.0.retain(|(.., other)| *other != subscription);
                        prop_assert_eq!(demux.remove(subscription), model.0.len() < before);
                    }
                    Step::Route(channel, bytes) => {
                        let found = demux.receivers(channel, &bytes).map(|found| {
                            let mut found: std::vec::Vec<u8> = found.collect();
                            found.sort_unstable();
                            found
                        });
                        prop_assert_eq!(found, model.receivers(channel, &bytes));
                    }
                }
                prop_assert_eq!(demux.len(), model.0.len());
                prop_assert_eq!(demux.is_empty(), model.0.is_empty());
            }
        }
    }

    #[test]
    fn errors_name_both_types() {
        let mut demux = Demux::<u8, u8, 4>::new();
        demux.insert(0, Some(TYPES[0]), 0).expect("there is room");
        assert_eq!(
            demux.insert(0, Some(TYPES[1]), 1).expect_err("they cannot be told apart").to_string(),
            "a.B and a.A have the same fields, and on the wire the same fingerprint, so one channel cannot carry both: \
             subscribe to a.A, or publish a.B on a topic of its own"
        );
        demux.insert(1, Some(TYPES[1]), 1).expect("another channel");
        demux.insert(0, Some(TYPES[0]), 2).expect("the same type");
    }
}
