//! Messages with types through the embedded SFU.

use std::time::Duration;

use farwire_blocking::lcm::geometry_msgs::{Accel, Twist, TwistStamped, Vector3};
use farwire_blocking::lcm::sensor_msgs::Joy;
use farwire_blocking::lcm::{Message as _, std_msgs};
use farwire_blocking::{Delivery, PublishError, RecvError, TopicError};

use crate::leftovers::shared;
use crate::sfu::{PATIENCE, connection, follower, start};

const RELIABLE: Delivery = Delivery::RELIABLE;

fn twist(x: f64) -> Twist {
    Twist { linear: Vector3 { x, ..Default::default() }, ..Default::default() }
}

#[test]
fn each_side_may_be_typed_or_raw() {
    let _shared = shared();
    let sfu = start();
    let robot = connection(&sfu);
    let operator = follower(&sfu, &robot);
    let all = operator.subscribe_with("cmd", RELIABLE).expect("a subscription");
    let twists = operator.subscribe_to_with::<Twist>("cmd", RELIABLE).expect("a subscription");
    let joys = operator.subscribe_to_with::<Joy>("cmd", RELIABLE).expect("a subscription");
    let publish_twist = robot.publisher_of_with::<Twist>("cmd", RELIABLE).expect("a publisher");
    let publish_joy = robot.publisher_of_with::<Joy>("cmd", RELIABLE).expect("a publisher");
    let publish = robot.publisher_with("cmd", RELIABLE).expect("a publisher");
    for subscription in [joys.wait_open(PATIENCE), twists.wait_open(PATIENCE), all.wait_open(PATIENCE)] {
        subscription.expect("the channel opens");
    }
    let joy = Joy { buttons: vec![1, 0], ..Default::default() };
    publish_twist.publish(&twist(1.0)).expect("published");
    publish_joy.clone().publish(&joy).expect("published");
    publish.publish(&twist(2.0).to_bytes().expect("it has an encoding")).expect("published");
    publish.publish(b"raw").expect("published");
    publish_twist.try_publish(&twist(3.0)).expect("published");

    let lengths: Vec<usize> = all.iter().take(5).map(|message| message.len()).collect();
    assert_eq!(lengths, [56, joy.encoded_len(), 56, 3, 56]);
    assert_eq!(joys.recv_timeout(PATIENCE), Ok(joy));
    assert_eq!(twists.recv(), Ok(twist(1.0)));
    assert_eq!(twists.into_iter().next(), Some(twist(2.0)));
    assert_eq!(twists.latest(), Ok(Some(twist(3.0))));
    assert_eq!((twists.try_recv(), joys.try_recv()), (Ok(None), Ok(None)));
    assert_eq!((twists.topic(), publish_twist.topic(), twists.dropped()), ("cmd", "cmd", 0));
}

#[test]
fn what_is_none_of_the_type_is_skipped_and_counted() {
    let _shared = shared();
    let sfu = start();
    let connection = connection(&sfu);
    let twists = connection.subscribe_to_with::<Twist>("cmd", RELIABLE).expect("a subscription");
    let publisher = connection.publisher_with("cmd", RELIABLE).expect("a publisher");
    twists.wait_open(PATIENCE).expect("the channel opens");
    let good = twist(1.0).to_bytes().expect("it has an encoding");
    for message in [&good[..20], b"short", &Joy::default().to_bytes().expect("it has an encoding"), &good] {
        publisher.publish(message).expect("published");
    }
    assert_eq!(twists.recv_timeout(PATIENCE), Ok(twist(1.0)));
    publisher.publish(&good[..9]).expect("published");
    assert_eq!(twists.recv_timeout(Duration::from_millis(200)), Err(RecvError::Timeout));
    let stats = connection.topic_stats("cmd").expect("a topic");
    assert_eq!((stats.received, stats.unmatched, stats.too_short, stats.undecodable), (5, 1, 1, 2));
}

#[test]
fn types_that_look_the_same_are_refused() {
    let _shared = shared();
    let sfu = start();
    let connection = connection(&sfu);
    let _twists = connection.subscribe_to::<Twist>("cmd").expect("a subscription");
    let error = connection.subscribe_to::<Accel>("cmd").expect_err("they look the same");
    assert!(matches!(error, TopicError::SameFingerprint { .. }), "{error}");
    let _stamped = connection.subscribe_to::<TwistStamped>("cmd").expect("it looks different");
}

#[test]
fn what_has_no_encoding_is_refused() {
    farwire_blocking::lcm_messages! {
        package tests;

        /// Two vectors with one count.
        struct Pairs {
            count byte n;
            float xs[n];
            float ys[n];
            std_msgs::Bool flag;
        }
    }
    let _shared = shared();
    let sfu = start();
    let connection = connection(&sfu);
    let publisher = connection.publisher_of::<Pairs>("pairs").expect("a publisher");
    let uneven = Pairs { xs: vec![1.0], ..Default::default() };
    let error = publisher.publish(&uneven).expect_err("no count can say this");
    assert!(matches!(error, PublishError::Encode { .. }), "{error}");
    let text = r#"topic "pairs": tests.Pairs, field ys: 0 elements where there were 1"#;
    assert!(error.to_string().starts_with(text), "{error}");
}
