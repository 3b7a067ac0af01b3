//! Topic to channel name.
//!
//! Both ends derive a channel's name from the topic alone, so this must agree with DimOS's transport bit for bit.

use std::fmt;
use std::ops::Deref;

use heapless::String;
use sha1::{Digest, Sha1};

/// The longest channel name, in bytes.
pub const MAX_CHANNEL_NAME: usize = 64;

/// Characters of the topic that stay readable in a name with a digest.
const READABLE: usize = 55;

/// Digits of the topic's SHA-1 that tell names with the same readable part from each other.
const DIGEST_DIGITS: usize = 8;

/// The name of a DataChannel: 1 to 64 characters of `[A-Za-z0-9_-]`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(String<MAX_CHANNEL_NAME>);

impl ChannelName {
    /// The channel name that DimOS derives from `topic`.
    ///
    /// A topic made of at most 64 safe characters is its own name. In any other each unsafe character becomes `_`, and
    /// the first 8 hex digits of the topic's SHA-1 keep the name distinct.
    ///
    /// ```
    /// use farwire_core::ChannelName;
    ///
    /// assert_eq!(&*ChannelName::from_topic("cmd_unreliable"), "cmd_unreliable");
    /// assert_eq!(&*ChannelName::from_topic("cmd/vel"), "cmd_vel_9dbf3ab6");
    /// assert_eq!(&*ChannelName::from_topic(""), "dc");
    /// ```
    pub fn from_topic(topic: &str) -> ChannelName {
        ChannelName::derive("", topic)
    }

    /// The channel on which the direct provider publishes `topic`: the name derived from `pub_` and the topic.
    pub fn published(topic: &str) -> ChannelName {
        ChannelName::derive("pub_", topic)
    }

    fn derive(prefix: &str, topic: &str) -> ChannelName {
        let characters = || prefix.chars().chain(topic.chars());
        let mut name = String::new();
        if characters().all(is_safe) && characters().count() <= MAX_CHANNEL_NAME {
            extend(&mut name, characters());
        } else {
            extend(&mut name, characters().take(READABLE).map(|c| if is_safe(c) { c } else { '_' }));
            extend(&mut name, ['_']);
            extend(&mut name, digest_digits(prefix, topic));
        }
        if name.is_empty() {
            extend(&mut name, "dc".chars());
        }
        ChannelName(name)
    }
}

fn is_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Appends what fits: past 64 characters a name is cut.
fn extend(name: &mut String<MAX_CHANNEL_NAME>, characters: impl IntoIterator<Item = char>) {
    for c in characters {
        if name.push(c).is_err() {
            break;
        }
    }
}

fn digest_digits(prefix: &str, topic: &str) -> impl Iterator<Item = char> {
    let digest = Sha1::new().chain_update(prefix).chain_update(topic).finalize();
    let mut digits = [0u8; DIGEST_DIGITS];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(digest.iter()) {
        for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
            *digit = b"0123456789abcdef"[usize::from(nibble)];
        }
    }
    digits.into_iter().map(char::from)
}

impl Deref for ChannelName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn safe_topics_are_their_own_names() {
        for topic in ["cmd_unreliable", "a", "A-1_z", &"x".repeat(64)] {
            assert_eq!(&*ChannelName::from_topic(topic), topic);
        }
    }

    /// Made with DimOS's rule in Python.
    #[test]
    fn known_names() {
        for (topic, name) in
            [("", "dc"), ("cmd/vel", "cmd_vel_9dbf3ab6"), ("a b", "a_b_7dbde935"), ("тема", "_____0300586b")]
        {
            assert_eq!(&*ChannelName::from_topic(topic), name, "topic {topic:?}");
        }
    }

    #[test]
    fn topics_that_differ_late_have_different_names() {
        let (a, b) = ("x".repeat(64) + "a", "x".repeat(64) + "b");
        assert_ne!(ChannelName::from_topic(&a), ChannelName::from_topic(&b));
    }

    /// The rule as the wire facts state it, written the long way round.
    fn by_the_book(topic: &str) -> std::string::String {
        let safe: std::string::String = topic
            .chars()
            .map(|c| if matches!(c, 'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-') { c } else { '_' })
            .collect();
        let mut name = safe.clone();
        if safe != topic || safe.len() > 64 {
            let hex: std::string::String = Sha1::digest(topic).iter().map(|b| format!("{b:02x}")).collect();
            name = format!("{}_{}", &safe[..safe.len().min(55)], &hex[..8]);
        }
        name.truncate(64);
        if name.is_empty() { "dc".into() } else { name }
    }

    proptest! {
        #[test]
        fn equals_the_rule(topic in any::<std::string::String>()) {
            prop_assert_eq!(&*ChannelName::from_topic(&topic), by_the_book(&topic));
            prop_assert_eq!(&*ChannelName::published(&topic), by_the_book(&format!("pub_{topic}")));
        }

        #[test]
        fn long_topics_too(topic in "[a-z/]{50,300}") {
            prop_assert_eq!(&*ChannelName::from_topic(&topic), by_the_book(&topic));
        }
    }
}
