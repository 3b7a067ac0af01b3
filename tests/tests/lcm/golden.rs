//! Bytes that the Python package dimos-lcm 0.1.6 wrote.

use farwire_core::lcm::geometry_msgs::{Twist, TwistStamped, Vector3};
use farwire_core::lcm::sensor_msgs::Joy;
use farwire_core::lcm::std_msgs::{Header, Time};
use farwire_core::lcm::{Message, fingerprint_of};

const HEADER: &str = "2fdb11453be64af7 00000007 6553f100 0ee6b280 00000005 6261736500";
const JOY: &str = "a0f07abc86c1684c 00000002 00000003 00000007 6553f100 0ee6b280 00000005 6261736500
    3f000000 bf800000 00000001 00000000 00000001";
const TWIST: &str = "2e7c07d7cdf7e027 3ff0000000000000 0000000000000000 0000000000000000
    0000000000000000 0000000000000000 bfe0000000000000";
const TWIST_STAMPED: &str = "9cd2bcbe6cb2a7c0 00000007 6553f100 0ee6b280 00000005 6261736500
    3ff0000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000 bfe0000000000000";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter_map(|c| c.to_digit(16)).map(|digit| u8::try_from(digit).expect("a digit")).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn header() -> Header {
    Header { seq: 7, stamp: Time { sec: 1_700_000_000, nsec: 250_000_000 }, frame_id: "base".into() }
}

fn twist() -> Twist {
    Twist { linear: Vector3 { x: 1.0, ..Default::default() }, angular: Vector3 { z: -0.5, ..Default::default() } }
}

#[track_caller]
fn is_written<M: Message + PartialEq + std::fmt::Debug>(message: &M, hex: &str) {
    let golden = bytes(hex);
    assert_eq!(message.to_bytes().expect("it has an encoding"), golden);
    assert_eq!(message.encoded_len(), golden.len());
    assert_eq!(M::decode(&golden).expect("it is one"), *message);
    assert_eq!(fingerprint_of(&golden), Some(M::FINGERPRINT));
}

#[test]
fn golden_bytes() {
    is_written(&header(), HEADER);
    is_written(&Joy { header: header(), axes: vec![0.5, -1.0], buttons: vec![1, 0, 1] }, JOY);
    is_written(&twist(), TWIST);
    is_written(&TwistStamped { header: header(), twist: twist() }, TWIST_STAMPED);
    assert_eq!(bytes(TWIST_STAMPED).len(), 77);
}

#[test]
fn encoding_fills_the_front_of_a_buffer() {
    let mut buffer = [0xaa; 64];
    assert_eq!(header().encode(&mut buffer), Ok(29));
    assert_eq!(buffer[..29], bytes(HEADER));
    assert_eq!(buffer[29..], [0xaa; 35]);
}
