//! Robot keys and operator tokens: what they look like, and what is kept of them.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use farwire_core::Secret;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::limits::{MAX_ROBOT_ID, MAX_SCOPE};

/// The id of a robot, as [`RobotId::RULE`] has it: plain names, and ids such as `owner@example.com:go2`. It travels in bodies,
/// never in a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RobotId(String);

/// Not the id of a robot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("robot {0:?}: a robot's id is {rule}", rule = RobotId::RULE)]
pub struct RobotIdError(String);

impl RobotId {
    /// What an id may be, in words.
    pub const RULE: &str = "1 to 128 characters of A-Z a-z 0-9 _ . - @ : + ~";

    /// Checks an id.
    ///
    /// # Errors
    /// When it is empty, too long, or has other characters.
    pub fn new(id: &str) -> Result<RobotId, RobotIdError> {
        let is_good = (1..=MAX_ROBOT_ID).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-@:+~".contains(&b));
        match is_good {
            true => Ok(RobotId(id.to_owned())),
            false => Err(RobotIdError(id.chars().take(MAX_ROBOT_ID).collect())),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RobotId {
    type Error = RobotIdError;

    fn try_from(id: String) -> Result<RobotId, RobotIdError> {
        RobotId::new(&id)
    }
}

impl From<RobotId> for String {
    fn from(id: RobotId) -> String {
        id.0
    }
}

impl fmt::Display for RobotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which robots an operator may operate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scope {
    /// Every robot, also those to come.
    All,
    /// These robots, at most 256.
    Robots(BTreeSet<RobotId>),
}

impl Scope {
    /// Whether it holds a robot.
    pub fn allows(&self, robot: &RobotId) -> bool {
        match self {
            Scope::All => true,
            Scope::Robots(robots) => robots.contains(robot),
        }
    }

    /// Whether it is of a size that can be stored.
    pub(crate) fn is_bounded(&self) -> bool {
        !matches!(self, Scope::Robots(robots) if robots.is_empty() || robots.len() > MAX_SCOPE)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::All => f.write_str("all robots"),
            Scope::Robots(robots) => {
                let names: Vec<&str> = robots.iter().map(RobotId::as_str).collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

/// What a key or token lets its holder do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Grant {
    /// Be this robot.
    Robot(RobotId),
    /// Operate these robots.
    Operator(Scope),
}

/// What a key or token is called in lists: the first 8 hexadecimal digits of its hash.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyId(String);

impl KeyId {
    /// An id as somebody wrote it; it need not exist.
    pub fn new(id: &str) -> KeyId {
        KeyId(id.to_owned())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The SHA-256 of a key or token. Of 256 random bits it tells nothing, so it needs no salt and no slowness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Hashes what somebody showed.
    pub fn of(secret: &str) -> KeyHash {
        KeyHash(Sha256::digest(secret.as_bytes()).into())
    }

    /// The id that goes with it.
    pub fn id(&self) -> KeyId {
        KeyId(self.to_string().chars().take(8).collect())
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<KeyHash> for String {
    fn from(hash: KeyHash) -> String {
        hash.to_string()
    }
}

impl TryFrom<String> for KeyHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<KeyHash, &'static str> {
        let wrong = "a hash is 64 hexadecimal digits";
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong);
        }
        let mut hash = [0; 32];
        for (byte, at) in hash.iter_mut().zip((0..).step_by(2)) {
            *byte = text.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or(wrong)?;
        }
        Ok(KeyHash(hash))
    }
}

/// A robot key or an operator token, as the broker keeps it: without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Key {
    /// The secret's hash.
    pub hash: KeyHash,
    /// What its holder may do.
    pub grant: Grant,
    /// What people call it.
    pub label: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// When it was revoked, in seconds since 1970.
    pub revoked: Option<u64>,
}

impl Key {
    /// Makes a key of 256 random bits, and the secret that is shown once. `created` is in seconds since 1970.
    pub fn new(grant: Grant, label: &str, random: [u8; 32], created: u64) -> (Key, Secret) {
        let kind = match grant {
            Grant::Robot(_) => "robot",
            Grant::Operator(_) => "operator",
        };
        let secret = format!("farwire_{kind}_{}", URL_SAFE_NO_PAD.encode(random));
        let hash = KeyHash::of(&secret);
        (Key { hash, grant, label: label.to_owned(), created, revoked: None }, Secret::new(secret))
    }

    /// What it is called in lists.
    pub fn id(&self) -> KeyId {
        self.hash.id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_no_secret() {
        let robot = RobotId::new("r-1").expect("an id");
        let (key, secret) = Key::new(Grant::Robot(robot), "bench", [7; 32], 1);
        assert!(secret.reveal().starts_with("farwire_robot_") && secret.reveal().len() == 14 + 43);
        assert_eq!(key.hash, KeyHash::of(secret.reveal()));
        let kept = format!("{key:?} {}", serde_json::to_string(&key).expect("JSON"));
        assert!(!kept.contains(&secret.reveal()[14..]), "{kept}");
        let back: Key = serde_json::from_str(&serde_json::to_string(&key).expect("JSON")).expect("a key");
        assert_eq!(back, key);
        assert_eq!(key.id().as_str(), &key.hash.to_string()[..8]);
    }

    #[test]
    fn ids_that_no_path_or_terminal_can_hold_are_refused() {
        for wrong in ["", "a/b", "a b", "ä", "a\n", "a%00", "\u{1b}[2J", "\u{202e}a", &"x".repeat(MAX_ROBOT_ID + 1)] {
            assert!(RobotId::new(wrong).is_err(), "{wrong:?}");
        }
        for good in ["r", "owner@example.com:go2", "me+lab@example.com:go2~1", &"x".repeat(MAX_ROBOT_ID)] {
            assert_eq!(RobotId::new(good).as_ref().map(RobotId::as_str), Ok(good));
        }
        assert!(RobotId::RULE.contains(&format!("1 to {MAX_ROBOT_ID} ")));
        assert!(serde_json::from_str::<RobotId>(r#""a/b""#).is_err());
        assert!(KeyHash::try_from("zz".repeat(32)).is_err());
    }
}
