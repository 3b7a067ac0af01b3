//! Messages as JSON.

use farwire_core::lcm::geometry_msgs::{PoseWithCovariance, TwistStamped};
use farwire_core::lcm::sensor_msgs::{Joy, LaserScan};
use farwire_core::lcm::{Message, std_msgs};
use farwire_core::with_lcm_messages;
use farwire_tests::lcm::random_message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{from_str, json, to_string, to_value};

fn survives<M: Message + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>() {
    let bytes = random_message(M::schema(), &mut fastrand::Rng::with_seed(7));
    let message = M::decode(&bytes).expect("it is one");
    let text = to_string(&message).expect("plain data");
    assert_eq!(from_str::<M>(&text).expect("what was written can be read"), message);
}

macro_rules! all_survive {
    ($($message:path)*) => { $(survives::<$message>();)* };
}

#[test]
fn every_message_survives() {
    with_lcm_messages!(all_survive);
}

#[test]
fn fields_have_their_names_and_counts_are_left_out() {
    let joy = Joy { axes: vec![0.5], ..Default::default() };
    let header = json!({"seq": 0, "stamp": {"sec": 0, "nsec": 0}, "frame_id": ""});
    assert_eq!(to_value(joy).expect("plain data"), json!({"header": header, "axes": [0.5], "buttons": []}));
}

#[test]
fn what_is_missing_keeps_its_default() {
    let twist: TwistStamped = from_str(r#"{"twist": {"linear": {"x": 1}}}"#).expect("enough");
    assert_eq!(twist.twist.linear.x, 1.0);
    assert_eq!(twist.header, std_msgs::Header::default());
}

#[test]
fn numbers_that_json_does_not_have() {
    let scan = LaserScan { ranges: vec![f32::INFINITY, f32::NEG_INFINITY, f32::NAN], ..Default::default() };
    let text = to_string(&scan).expect("plain data");
    assert!(text.contains(r#""ranges":["inf","-inf","NaN"]"#), "{text}");
    let again: LaserScan = from_str(&text).expect("what was written can be read");
    assert_eq!(again.ranges[..2], scan.ranges[..2]);
    assert!(again.ranges[2].is_nan());
}

#[test]
fn mistakes_are_named() {
    let error = |text| from_str::<PoseWithCovariance>(text).expect_err("wrong").to_string();
    let unknown = error(r#"{"pos": {}}"#);
    assert!(
        unknown.starts_with(r#"geometry_msgs.PoseWithCovariance has no field "pos"; it has: pose, covariance"#),
        "{unknown}"
    );
    assert!(error(r#"{"covariance": [1]}"#).contains("36 elements"));
    assert!(error(r#"{"pose": {"position": {"x": "far"}}}"#).contains(r#"a number, "NaN", "inf" or "-inf""#));
}
