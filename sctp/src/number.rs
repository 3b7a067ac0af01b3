//! Numbers that begin anew at 2^16 or 2^32, counted on without end.

/// Where such numbers begin here, so that what is a little before the first is none below 0.
pub(crate) const BASE: u64 = 1 << 33;

/// The number closest to `near` whose low 32 bits these are.
pub(crate) fn unwrap32(near: u64, wire: u32) -> u64 {
    near.wrapping_add_signed(i64::from(wire.wrapping_sub(near as u32) as i32))
}

/// The number closest to `near` whose low 16 bits these are.
pub(crate) fn unwrap16(near: u64, wire: u16) -> u64 {
    near.wrapping_add_signed(i64::from(wire.wrapping_sub(near as u16) as i16))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_is_near(near in BASE..BASE << 8, off in -30_000i64..30_000) {
            let number = near.wrapping_add_signed(off);
            prop_assert_eq!(unwrap16(near, number as u16), number);
            prop_assert_eq!(unwrap32(near, number as u32), number);
        }
    }
}
