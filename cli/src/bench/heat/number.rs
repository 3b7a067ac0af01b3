//! Numbers that fit into a square.

/// Three digits and a unit, in five characters at most: `0`, `0.05`, `23.4`, `240k`, `1.20M`. What is no number is a dash.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() || value < 0.0 {
        return "-".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let (mut value, mut units) = (value, ["", "k", "M", "G", "T"].into_iter());
    let mut unit = units.next().unwrap_or_default();
    while value >= 999.5 {
        let Some(next) = units.next() else { return ">999T".to_owned() };
        (value, unit) = (value / 1000.0, next);
    }
    match value {
        ..9.995 => format!("{value:.2}{unit}"),
        ..99.95 => format!("{value:.1}{unit}"),
        _ => format!("{value:.0}{unit}"),
    }
}

/// A size in bytes, in five characters at most: `64B`, `16K`, `10M` where K and M are 1,024 and its square, and else as a
/// [`number`].
pub(super) fn size(bytes: usize) -> String {
    let whole = |unit: usize| (bytes.is_multiple_of(unit) && bytes / unit < 1024).then_some(bytes / unit);
    match (whole(1), whole(1 << 10), whole(1 << 20)) {
        (Some(bytes), _, _) => format!("{bytes}B"),
        (_, Some(kibibytes), _) => format!("{kibibytes}K"),
        (_, _, Some(mebibytes)) => format!("{mebibytes}M"),
        _ => number(bytes as f64),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bench::plan::DIMOS_SIZES;

    #[test]
    fn three_digits_and_a_unit() {
        for (value, text) in [
            (0.0, "0"),
            (0.05, "0.05"),
            (9.994, "9.99"),
            (9.996, "10.0"),
            (23.44, "23.4"),
            (99.96, "100"),
            (999.4, "999"),
            (999.6, "1.00k"),
            (239_800.0, "240k"),
            (1.2e6, "1.20M"),
            (1e15, ">999T"),
            (f64::NAN, "-"),
            (f64::INFINITY, "-"),
            (-1.0, "-"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn sizes_as_dimos_has_them() {
        let sizes = DIMOS_SIZES.map(|bytes| size(bytes as usize));
        assert_eq!(sizes.join(" "), "64B 256B 1K 4K 16K 64K 256K 512K 1M 2M 5M 10M");
        assert_eq!(size(34_000), "34.0k");
    }

    proptest! {
        #[test]
        fn every_number_fits(value: f64, bytes: usize, shift in 0..64u32) {
            prop_assert!(number(value).len() <= 5, "{}", number(value));
            let bytes = bytes << shift;
            prop_assert!(size(bytes).len() <= 5, "{}", size(bytes));
        }
    }
}
