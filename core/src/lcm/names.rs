//! What a name in a dimension's brackets stands for: a count field, or a constant of the definition.

use super::field::Count;
use super::schema::{is_equal, plain};
use super::{DecodeError, Dimension, EncodeError, Message};

/// The names that one definition may use as dimensions.
#[derive(Debug)]
pub struct Names {
    /// The count fields, in their order.
    pub counts: &'static [&'static str],
    /// The constants: name, text of the value, and the value; 0 for a float.
    pub constants: &'static [(&'static str, &'static str, i64)],
}

/// How many elements a dimension has.
#[derive(Debug, Clone, Copy)]
pub enum Extent {
    /// As many as the constant says.
    Fixed(usize),
    /// As many as the count field in this place says.
    Counted(usize),
}

impl Names {
    /// Whether this is a constant's name, and not a count's.
    pub const fn is_constant(&self, name: &str) -> bool {
        self.constant(plain(name)).is_some()
    }

    /// The length of a dimension of this name, 0 for a count's.
    pub const fn length(&self, name: &str) -> usize {
        match self.extent(name) {
            Extent::Fixed(len) => len,
            Extent::Counted(_) => 0,
        }
    }

    /// As data: a constant's dimension is a number to lcm-gen, and counts by its text.
    pub const fn dimension(&self, name: &'static str) -> Dimension {
        match self.constant(plain(name)) {
            Some(at) => Dimension::Fixed(self.constants[at].1),
            None => Dimension::Counted(plain(name)),
        }
    }

    /// Where the number of elements is found.
    ///
    /// # Panics
    /// At compile time, if the name is none of a count or a constant above 0.
    pub const fn extent(&self, name: &str) -> Extent {
        match self.constant(plain(name)) {
            Some(at) => {
                let value = self.constants[at].2;
                assert!(value > 0 && value <= i32::MAX as i64, "a constant array size must be an integer above 0");
                Extent::Fixed(value as usize)
            }
            None => Extent::Counted(self.place(name)),
        }
    }

    /// The place of a count field.
    ///
    /// # Panics
    /// At compile time, if there is none of this name.
    pub const fn place(&self, name: &str) -> usize {
        let mut at = 0;
        while at < self.counts.len() {
            if is_equal(self.counts[at].as_bytes(), plain(name).as_bytes()) {
                return at;
            }
            at += 1;
        }
        panic!("a dimension names neither a count field nor a constant of its struct");
    }

    const fn constant(&self, name: &str) -> Option<usize> {
        let mut at = 0;
        while at < self.constants.len() {
            if is_equal(self.constants[at].0.as_bytes(), name.as_bytes()) {
                return Some(at);
            }
            at += 1;
        }
        None
    }
}

impl Extent {
    /// Where an array tells its length when it is written.
    pub fn slot(self, counts: &[Count]) -> Option<&Count> {
        match self {
            Extent::Fixed(_) => None,
            Extent::Counted(at) => counts.get(at),
        }
    }

    /// The number of elements, with these counts read.
    pub fn of(self, counts: &[usize]) -> usize {
        match self {
            Extent::Fixed(len) => len,
            Extent::Counted(at) => counts.get(at).copied().unwrap_or_default(),
        }
    }
}

/// Which Rust type an array has whose dimension is a name.
#[derive(Debug)]
pub struct Shape<const FIXED: bool, const LEN: usize>;

/// See [`Shape`].
pub trait Array<T> {
    /// The array of these elements.
    type Of;
}

impl<T, const LEN: usize> Array<T> for Shape<true, LEN> {
    type Of = [T; LEN];
}

impl<T, const LEN: usize> Array<T> for Shape<false, LEN> {
    type Of = Vec<T>;
}

/// Says which field could not be written.
///
/// # Errors
/// The given one.
pub fn written<M: Message>(result: Result<(), EncodeError>, field: &'static str) -> Result<(), EncodeError> {
    result.map_err(|error| error.within(M::NAME, field))
}

/// Says which field could not be read.
///
/// # Errors
/// The given one.
pub fn read<M: Message, T>(result: Result<T, DecodeError>, field: &'static str) -> Result<T, DecodeError> {
    result.map_err(|error| error.within(M::NAME, field))
}
