//! The LCM message types that can be named on the command line, and their JSON.

use farwire::lcm::{DecodeError, Message};
use farwire_core::with_lcm_messages;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A message type with the two things that the commands do with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MessageType {
    pub(crate) name: &'static str,
    pub(crate) fingerprint: u64,
    to_json: fn(&[u8]) -> Result<String, DecodeError>,
    encode_json: fn(&str) -> Result<Vec<u8>, String>,
}

impl MessageType {
    fn of<M: Message + Serialize + DeserializeOwned>() -> MessageType {
        MessageType { name: M::NAME, fingerprint: M::FINGERPRINT, to_json: to_json::<M>, encode_json: encode_json::<M> }
    }

    /// Finds a type by its full name.
    pub(crate) fn parse(name: &str) -> Result<MessageType, String> {
        let all = all();
        if let Some(found) = all.iter().find(|known| known.name == name) {
            return Ok(*found);
        }
        let last = |name: &str| name.rsplit(['.', '/']).next().unwrap_or_default().to_ascii_lowercase();
        let alike: Vec<&str> = all.iter().map(|known| known.name).filter(|known| last(known) == last(name)).collect();
        Err(match alike[..] {
            [] => format!("it is none of {}", all.map(|known| known.name).join(", ")),
            _ => format!("did you mean {}?", alike.join(" or ")),
        })
    }

    /// The message as a JSON object.
    pub(crate) fn to_json(self, bytes: &[u8]) -> Result<String, DecodeError> {
        (self.to_json)(bytes)
    }

    /// The bytes of a message that is given as a JSON object; what it leaves out is zero or empty.
    pub(crate) fn encode_json(self, json: &str) -> Result<Vec<u8>, String> {
        (self.encode_json)(json)
    }
}

macro_rules! types {
    ($($message:path)*) => { [$(MessageType::of::<$message>()),*] };
}

fn all() -> [MessageType; 57] {
    with_lcm_messages!(types)
}

fn to_json<M: Message + Serialize>(bytes: &[u8]) -> Result<String, DecodeError> {
    let message = M::decode(bytes)?;
    // Numbers, strings and lists of them always have a JSON.
    Ok(serde_json::to_string(&message).unwrap_or_default())
}

fn encode_json<M: Message + DeserializeOwned>(json: &str) -> Result<Vec<u8>, String> {
    let message: M = serde_json::from_str(json).map_err(|error| error.to_string())?;
    message.to_bytes().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_their_full_names() {
        let twist = MessageType::parse("geometry_msgs.Twist").expect("a type");
        assert_eq!((twist.name, twist.fingerprint), ("geometry_msgs.Twist", 0x2e7c_07d7_cdf7_e027));
        assert_eq!(MessageType::parse("twist").expect_err("short"), "did you mean geometry_msgs.Twist?");
        assert_eq!(MessageType::parse("sensor_msgs/Joy").expect_err("as in ROS"), "did you mean sensor_msgs.Joy?");
        assert!(MessageType::parse("Wheel").expect_err("unknown").starts_with("it is none of std_msgs.Header, "));
    }

    #[test]
    fn messages_become_json_and_back() {
        let bool = MessageType::parse("std_msgs.Bool").expect("a type");
        let bytes = bool.encode_json(r#"{"data": true}"#).expect("a message");
        assert_eq!(bytes, *b"\x1e\xbe\xf0\x6a\x50\x95\x0e\x3e\x01");
        assert_eq!(bool.to_json(&bytes), Ok(r#"{"data":true}"#.to_owned()));
        assert!(bool.to_json(&bytes[..8]).is_err());
        assert!(bool.encode_json(r#"{"yes": true}"#).expect_err("no such field").contains("it has: data"));
    }
}
