//! Decoding allocates at most a small multiple of what it is given.

#![allow(missing_docs, unreachable_pub)]

use farwire_core::lcm::Message;
use farwire_core::with_lcm_messages;
use farwire_tests::lcm::random_message;
use fastrand::Rng;

/// Bytes at the same time for each byte of input, and a constant for what is reserved before it is read.
const MULTIPLE: u64 = 24;
const CONSTANT: u64 = 16 << 10;

farwire_core::lcm_messages! {
    package allocations;

    pub struct Tree {
        count int32_t n;
        Tree children[n];
    }

    pub struct Rows {
        count int32_t rows;
        count int32_t columns;
        byte data[rows][columns];
    }
}

fn is_frugal<M: Message>(bytes: &[u8]) {
    let used = allocation_counter::measure(|| drop(M::decode(bytes)));
    let limit = MULTIPLE * bytes.len() as u64 + CONSTANT;
    assert!(used.bytes_max <= limit, "{}: {} bytes for an input of {}", M::NAME, used.bytes_max, bytes.len());
}

fn is_always_frugal<M: Message>() {
    let mut random = Rng::with_seed(0xfa12);
    for _ in 0..50 {
        let mut bytes = random_message(M::schema(), &mut random);
        is_frugal::<M>(&bytes);
        for _ in 0..20 {
            // Counts and lengths are among these.
            let at = random.usize(8..=bytes.len());
            let value = [0x7fff_ffff_u32, 0x0100_0000, 0xffff_ffff, 1 << 10][random.usize(..4)];
            bytes.truncate(at.min(bytes.len()));
            bytes.extend_from_slice(&value.to_be_bytes());
            bytes.extend_from_slice(&[0; 64]);
            is_frugal::<M>(&bytes);
        }
    }
}

macro_rules! all_are_frugal {
    ($($message:path)*) => { $(is_always_frugal::<$message>();)* };
}

#[test]
fn decoding_what_is_shipped_is_frugal() {
    with_lcm_messages!(all_are_frugal);
}

#[test]
fn decoding_nested_counts_is_frugal() {
    is_always_frugal::<Rows>();
    let deep: Vec<u8> = [&Tree::FINGERPRINT.to_be_bytes()[..], &[0, 0, 0x20, 0].repeat(10_000)].concat();
    is_frugal::<Tree>(&deep);
    let wide = [&Tree::FINGERPRINT.to_be_bytes()[..], &[0, 0, 0x27, 0x0f], &[0; 4 * 9_999]].concat();
    assert!(Tree::decode(&wide).is_ok());
    is_frugal::<Tree>(&wide);
    let empty_rows = [&Rows::FINGERPRINT.to_be_bytes()[..], &[0, 0, 0, 70], &[0; 4]].concat();
    assert!(Rows::decode(&empty_rows).is_ok());
    is_frugal::<Rows>(&empty_rows);
}
