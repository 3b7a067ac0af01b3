//! Random messages of any type, written from its definition and not by the codec under test.

use farwire_core::lcm::{Dimension, Kind, Member, Schema};
use fastrand::Rng;

/// The most elements that a random vector has.
const MAX_COUNT: usize = 4;

/// The bytes of a message with random content, its fingerprint included.
pub fn random_message(schema: &Schema, random: &mut Rng) -> Vec<u8> {
    let mut bytes = schema.fingerprint().to_be_bytes().to_vec();
    write_body(schema, random, &mut bytes);
    bytes
}

fn write_body(schema: &Schema, random: &mut Rng, bytes: &mut Vec<u8>) {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for member in schema.members() {
        if is_count(schema, member) {
            let count = random.usize(..=MAX_COUNT);
            counts.push((member.name(), count));
            write_count(member, count, bytes);
            continue;
        }
        let elements = member.dimensions().iter().map(|dimension| match dimension {
            Dimension::Fixed(text) => text.parse().expect("a number"),
            Dimension::Counted(name) => counts.iter().find(|(known, _)| known == name).expect("a count before").1,
        });
        for _ in 0..elements.product() {
            write_element(member.kind(), random, bytes);
        }
    }
}

/// Whether a field only counts the elements of others.
pub fn is_count(schema: &Schema, member: &Member) -> bool {
    let dimensions = schema.members().iter().flat_map(Member::dimensions);
    dimensions.into_iter().any(|dimension| matches!(dimension, Dimension::Counted(name) if *name == member.name()))
}

fn write_count(member: &Member, count: usize, bytes: &mut Vec<u8>) {
    let Kind::Primitive(name) = member.kind() else { panic!("{} is no number", member.name()) };
    let width = width(name);
    bytes.extend_from_slice(&(count as u64).to_be_bytes()[8 - width..]);
}

fn width(primitive: &str) -> usize {
    match primitive {
        "boolean" | "byte" | "int8_t" => 1,
        "int16_t" => 2,
        "int32_t" | "float" => 4,
        "int64_t" | "double" => 8,
        other => panic!("{other} has no fixed width"),
    }
}

fn write_element(kind: &Kind, random: &mut Rng, bytes: &mut Vec<u8>) {
    match kind {
        Kind::Message(schema) => write_body(schema, random, bytes),
        Kind::Primitive("string") => {
            let characters = ['a', 'Z', '0', '/', ' ', '"', '\\', 'ß', '字', '🤖'];
            let text: String = (0..random.usize(..8)).map(|_| characters[random.usize(..characters.len())]).collect();
            bytes.extend_from_slice(&(text.len() as u32 + 1).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0);
        }
        Kind::Primitive("boolean") => bytes.push(random.u8(..2)),
        Kind::Primitive("float") => bytes.extend_from_slice(&(random_number(random) as f32).to_be_bytes()),
        Kind::Primitive("double") => bytes.extend_from_slice(&random_number(random).to_be_bytes()),
        Kind::Primitive(name) => bytes.extend_from_slice(&random.u64(..).to_be_bytes()[..width(name)]),
    }
}

/// A number with few decimal digits, which every JSON reader reads exactly, or one that is special.
fn random_number(random: &mut Rng) -> f64 {
    let special = [0.0, -0.0, 1.0, 1e22, f64::INFINITY, f64::NEG_INFINITY];
    match random.u8(..4) {
        0 => special[random.usize(..special.len())],
        _ => f64::from(random.i32(..)) / 1000.0,
    }
}
