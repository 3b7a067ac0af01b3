//! Bytes that are no message.

#![allow(missing_docs, unreachable_pub)]

use farwire_core::lcm::sensor_msgs::Joy;
use farwire_core::lcm::std_msgs::{Bool, Header, String as Text};
use farwire_core::lcm::{DecodeCause, DecodeError, MAX_DEPTH, Message};

farwire_core::lcm_messages! {
    package hostile;

    pub struct Nothing {}

    pub struct Tree {
        count int32_t n;
        Tree children[n];
    }

    pub struct Nothings {
        count int64_t n;
        Nothing nothings[n];
    }

    pub struct Rows {
        count int32_t rows;
        count int32_t columns;
        byte data[rows][columns];
    }
}

/// What decoding says of a body behind the right fingerprint.
fn refused<M: Message + std::fmt::Debug>(body: &[u8]) -> DecodeError {
    M::decode(&[&M::FINGERPRINT.to_be_bytes(), body].concat()).expect_err("it is hostile")
}

#[test]
fn string_lengths() {
    let cause = |body: &[u8]| refused::<Text>(body).cause;
    assert_eq!(cause(&[0, 0, 0, 0]), DecodeCause::StringLength(0));
    assert_eq!(cause(&[0xff; 4]), DecodeCause::StringLength(-1));
    assert_eq!(cause(&[0x80, 0, 0, 0]), DecodeCause::StringLength(i32::MIN));
    assert_eq!(cause(&[0x7f, 0xff, 0xff, 0xff, 0]), DecodeCause::TooShort { needed: 0x7fff_ffff, left: 1 });
    assert_eq!(cause(&[0, 0, 0, 1, b'a']), DecodeCause::NoNul(1));
    assert_eq!(cause(&[0, 0, 0, 2, b'a', b'b']), DecodeCause::NoNul(2));
    assert_eq!(cause(&[0, 0, 0, 3, b'a', 0xff, 0]), DecodeCause::NotUtf8(1));
    assert_eq!(cause(&[0, 0, 0]), DecodeCause::TooShort { needed: 4, left: 3 });
}

#[test]
fn counts() {
    let joy = |axes: u32| [&axes.to_be_bytes()[..], &[0; 16], &[0, 0, 0, 1, 0]].concat();
    assert_eq!(refused::<Joy>(&joy(u32::MAX)).cause, DecodeCause::NegativeCount(-1));
    let error = refused::<Joy>(&joy(0x7fff_ffff));
    assert_eq!(error.cause, DecodeCause::TooManyElements { count: 0x7fff_ffff, least: 4, left: 0 });
    assert_eq!(
        error.to_string(),
        "sensor_msgs.Joy, field axes: byte 33: 2147483647 elements take at least 4 bytes each but 0 bytes are left"
    );
    let nothings = refused::<Nothings>(&(i64::MAX).to_be_bytes()).cause;
    assert_eq!(nothings, DecodeCause::TooManyEmptyElements { count: i64::MAX as usize, limit: 80 });
    let rows = refused::<Rows>(&[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]).cause;
    assert_eq!(rows, DecodeCause::TooManyEmptyElements { count: 0x7fff_ffff, limit: 80 });
}

#[test]
fn a_few_elements_without_bytes_are_fine() {
    let nothings = Nothings { nothings: vec![Nothing {}; 50] };
    assert_eq!(Nothings::decode(&nothings.to_bytes().expect("it has an encoding")), Ok(nothings));
}

#[test]
fn nesting_without_end() {
    let body = [0, 0, 0, 1].repeat(10_000);
    assert_eq!(refused::<Tree>(&body).cause, DecodeCause::TooDeep(MAX_DEPTH));
}

#[test]
fn other_types_and_other_lengths() {
    let bytes = Header::default().to_bytes().expect("it has an encoding");
    for len in 0..bytes.len() {
        let error = Header::decode(&bytes[..len]).expect_err("cut off");
        assert!(matches!(error.cause, DecodeCause::TooShort { .. }), "{error}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Header::decode(&longer).expect_err("too long").cause, DecodeCause::TrailingBytes(1));
    let error = Joy::decode(&bytes).expect_err("another type");
    assert_eq!(
        error.to_string(),
        "sensor_msgs.Joy: byte 0: the fingerprint is 2fdb11453be64af7 and should be a0f07abc86c1684c: it is a message of \
         another type"
    );
}

#[test]
fn errors_name_the_innermost_field() {
    let error = refused::<Joy>(&[0; 12]);
    assert_eq!((error.message, error.field, error.offset), ("std_msgs.Time", "sec", 20));
}

/// As LCM reads it.
#[test]
fn any_byte_but_zero_is_true() {
    let bytes = [&Bool::FINGERPRINT.to_be_bytes()[..], &[7]].concat();
    assert_eq!(Bool::decode(&bytes), Ok(Bool { data: true }));
}
