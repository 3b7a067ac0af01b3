//! What a message type is made of, and the fingerprint that follows from it.

/// A message type's definition.
#[derive(Debug)]
pub struct Schema {
    name: &'static str,
    members: &'static [Member],
}

/// One field of a definition, count fields included.
#[derive(Debug)]
pub struct Member {
    name: &'static str,
    kind: Kind,
    dimensions: &'static [Dimension],
}

/// What a field, or each element of an array, is.
#[derive(Debug)]
pub enum Kind {
    /// A primitive or a string, by its name in LCM.
    Primitive(&'static str),
    /// A message.
    Message(&'static Schema),
}

/// One dimension of an array, by its text in the definition.
#[derive(Debug)]
pub enum Dimension {
    /// A number.
    Fixed(&'static str),
    /// The count field that says how many.
    Counted(&'static str),
}

impl Schema {
    #[doc(hidden)]
    pub const fn new(name: &'static str, members: &'static [Member]) -> Schema {
        Schema { name, members }
    }

    /// The full name, such as `std_msgs.Header`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The fields in the order of the wire.
    pub const fn members(&self) -> &'static [Member] {
        self.members
    }

    /// The fingerprint as lcm-gen computes it (`lcm_struct_hash` and `_lcm_get_hash_recursive` of LCM 1.5): the names and
    /// shapes of the fields, and the fingerprints of the messages among them, but not their names.
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint_below(None)
    }

    /// Where a message of this type says when it was made: the offset of the time in its first `std_msgs.Header`, if all
    /// fields before that have a fixed size. `None`: nowhere that can be found without decoding the message.
    pub const fn stamp_at(&self) -> Option<usize> {
        let mut offset = super::FINGERPRINT_LEN;
        let mut at = 0;
        while at < self.members.len() {
            let member = &self.members[at];
            if !member.dimensions.is_empty() {
                return None;
            }
            match &member.kind {
                Kind::Message(schema) if is_equal(schema.name.as_bytes(), b"std_msgs.Header") => {
                    // The counter is in front of the time.
                    return Some(offset + 4);
                }
                Kind::Message(_) => return None,
                Kind::Primitive(name) => match primitive_len(name) {
                    Some(len) => offset += len,
                    None => return None,
                },
            }
            at += 1;
        }
        None
    }

    /// Refuses a dimension whose count field does not come before it, which nobody could read.
    #[doc(hidden)]
    pub const fn check_dimensions(&self) {
        let mut at = 0;
        while at < self.members.len() {
            let dimensions = self.members[at].dimensions;
            let mut dimension = 0;
            while dimension < dimensions.len() {
                if let Dimension::Counted(count) = &dimensions[dimension] {
                    let (mut before, mut is_known) = (0, false);
                    while before < at {
                        is_known |= is_equal(self.members[before].name.as_bytes(), count.as_bytes());
                        before += 1;
                    }
                    assert!(is_known, "a dimension's count field or constant must be declared before the array");
                }
                dimension += 1;
            }
            at += 1;
        }
    }

    const fn fingerprint_below(&self, parents: Option<&Parents<'_>>) -> u64 {
        if contains(parents, self.name) {
            return 0;
        }
        let path = Parents { name: self.name, above: parents };
        let mut sum = self.own_hash();
        let mut at = 0;
        while at < self.members.len() {
            if let Kind::Message(schema) = &self.members[at].kind {
                sum = sum.wrapping_add(schema.fingerprint_below(Some(&path)));
            }
            at += 1;
        }
        sum.rotate_left(1)
    }

    /// The hash of the fields alone.
    const fn own_hash(&self) -> u64 {
        let mut hash = 0x1234_5678;
        let mut at = 0;
        while at < self.members.len() {
            let member = &self.members[at];
            hash = hash_text(hash, member.name);
            if let Kind::Primitive(name) = &member.kind {
                hash = hash_text(hash, name);
            }
            hash = hash_byte(hash, member.dimensions.len() as u8);
            let mut dimension = 0;
            while dimension < member.dimensions.len() {
                let (mode, text) = match &member.dimensions[dimension] {
                    Dimension::Fixed(text) => (0, text),
                    Dimension::Counted(text) => (1, text),
                };
                hash = hash_text(hash_byte(hash, mode), text);
                dimension += 1;
            }
            at += 1;
        }
        hash as u64
    }
}

impl Member {
    #[doc(hidden)]
    pub const fn new(name: &'static str, kind: Kind, dimensions: &'static [Dimension]) -> Member {
        Member { name: plain(name), kind, dimensions }
    }

    /// The field's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it, or each of its elements, is.
    pub const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Its dimensions, outermost first; none if it is no array.
    pub const fn dimensions(&self) -> &'static [Dimension] {
        self.dimensions
    }
}

/// The messages around a member, innermost first.
struct Parents<'a> {
    name: &'static str,
    above: Option<&'a Parents<'a>>,
}

/// `None` for a string.
const fn primitive_len(name: &str) -> Option<usize> {
    match name.as_bytes() {
        b"boolean" | b"byte" | b"int8_t" => Some(1),
        b"int16_t" => Some(2),
        b"int32_t" | b"float" => Some(4),
        b"int64_t" | b"double" => Some(8),
        _ => None,
    }
}

const fn contains(mut parents: Option<&Parents<'_>>, name: &str) -> bool {
    while let Some(parent) = parents {
        if is_equal(parent.name.as_bytes(), name.as_bytes()) {
            return true;
        }
        parents = parent.above;
    }
    false
}

pub(super) const fn is_equal(a: &[u8], b: &[u8]) -> bool {
    let mut equal = a.len() == b.len();
    let mut at = 0;
    while equal && at < a.len() {
        equal = a[at] == b[at];
        at += 1;
    }
    equal
}

/// The name of a field that is a keyword of Rust, without its `r#`.
#[doc(hidden)]
pub const fn plain(name: &str) -> &str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

const fn hash_text(hash: i64, text: &str) -> i64 {
    let bytes = text.as_bytes();
    let mut hash = hash_byte(hash, bytes.len() as u8);
    let mut at = 0;
    while at < bytes.len() {
        hash = hash_byte(hash, bytes[at]);
        at += 1;
    }
    hash
}

/// LCM adds a `char`, which is signed there.
const fn hash_byte(hash: i64, byte: u8) -> i64 {
    ((hash << 8) ^ (hash >> 55)).wrapping_add(byte as i8 as i64)
}
