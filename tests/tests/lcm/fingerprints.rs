//! Fingerprints as lcm-gen computes them.

use std::collections::BTreeSet;

use farwire_core::lcm::{Member, Message};
use farwire_core::with_lcm_messages;

use crate::dimos;

/// Names and fingerprints of DimOS's messages.
fn table() -> Vec<(&'static str, u64)> {
    let text = include_str!("../../lcm/dimos-types.tsv");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let parse = |line: &'static str| {
        let mut columns = line.split('\t');
        let name = columns.next().expect("a name");
        let fingerprint = columns.next().expect("a fingerprint");
        (name, u64::from_str_radix(fingerprint, 16).expect("hex"))
    };
    lines.map(parse).collect()
}

macro_rules! names_and_fingerprints {
    ($($message:path)*) => { [$((<$message as Message>::NAME, <$message as Message>::FINGERPRINT)),*] };
}

#[test]
fn all_of_dimos_come_out_right() {
    let table = table();
    assert_eq!(table.len(), 173);
    assert_eq!(dimos::ALL, table);
}

#[test]
fn those_that_come_with_farwire_come_out_right() {
    let table = table();
    let shipped = with_lcm_messages!(names_and_fingerprints);
    for message in shipped {
        assert!(table.contains(&message), "{} has {:016x}", message.0, message.1);
    }
    let names: BTreeSet<&str> = shipped.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), shipped.len(), "none is listed twice");
    let whole = ["geometry_msgs.", "nav_msgs."];
    let missing: Vec<&str> = table
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| whole.iter().any(|package| name.starts_with(package)) && !names.contains(name))
        .collect();
    assert_eq!(missing, [""; 0], "these packages are complete");
}

mod circles {
    #![allow(missing_docs, unreachable_pub)]

    farwire_core::lcm_messages! {
        package circles;

        pub struct Leaf {
            byte data;
        }

        pub struct Tree {
            count int32_t n;
            Tree children[n];
            Leaf leaf;
        }

        pub struct Ping {
            count int8_t n;
            Pong pongs[n];
        }

        pub struct Pong {
            count int8_t n;
            Ping pings[n];
        }
    }
}

fn upd(v: i64, c: u8) -> i64 {
    ((v << 8) ^ (v >> 55)).wrapping_add(i64::from(c as i8))
}

fn text(v: i64, s: &str) -> i64 {
    s.bytes().fold(upd(v, s.len() as u8), upd)
}

/// A message inside itself counts as 0, as in `_lcm_get_hash_recursive`.
#[test]
fn messages_in_circles_have_fingerprints() {
    use circles::{Leaf, Ping, Pong, Tree};

    let leaf = upd(text(text(0x1234_5678, "data"), "byte"), 0);
    assert_eq!(Leaf::FINGERPRINT, (leaf as u64).rotate_left(1));

    let n = upd(text(text(0x1234_5678, "n"), "int32_t"), 0);
    let children = text(upd(upd(text(n, "children"), 1), 1), "n");
    let tree = upd(text(children, "leaf"), 0);
    assert_eq!(Tree::FINGERPRINT, (tree as u64).wrapping_add(Leaf::FINGERPRINT).rotate_left(1));

    let n = upd(text(text(0x1234_5678, "n"), "int8_t"), 0);
    let ping = text(upd(upd(text(n, "pongs"), 1), 1), "n") as u64;
    let pong = text(upd(upd(text(n, "pings"), 1), 1), "n") as u64;
    assert_eq!(Ping::FINGERPRINT, ping.wrapping_add(pong.rotate_left(1)).rotate_left(1));
    assert_eq!(Pong::FINGERPRINT, pong.wrapping_add(ping.rotate_left(1)).rotate_left(1));
}

#[test]
fn a_definition_can_be_looked_at() {
    let schema = farwire_core::lcm::sensor_msgs::Joy::schema();
    let names: Vec<&str> = schema.members().iter().map(Member::name).collect();
    assert_eq!(schema.name(), "sensor_msgs.Joy");
    assert_eq!(names, ["axes_length", "buttons_length", "header", "axes", "buttons"]);
}
