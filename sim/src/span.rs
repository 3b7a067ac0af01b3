//! A length of time as people write it.

use std::time::Duration;

/// Longer than anybody drives at a stretch.
const MAX: Duration = Duration::from_secs(1_000_000);

/// Reads `300ms`, `2s`, `1.5s` or `10m`; a number without a unit could be either, so it is refused.
///
/// # Errors
/// When it is no length of time, or none from a millisecond to a million seconds; the text says so.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no length of time: write it like 300ms, 1.5s or 10m");
    let unit = text.find(|character: char| character.is_ascii_alphabetic()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.trim_end().parse().map_err(|_| wrong())?;
    match Duration::try_from_secs_f64(number * seconds) {
        Ok(span) if (Duration::from_millis(1)..=MAX).contains(&span) => Ok(span),
        _ => Err(format!("{text:?} is not from 1ms to {}s", MAX.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_unit() {
        assert_eq!(parse_span("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(parse_span("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse_span("1.5 s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_span("10m"), Ok(Duration::from_secs(600)));
        for wrong in ["", "2", "s", "-1s", "0s", "NaNs", "infs", "2h", "1e9s", "2 seconds", "ms300"] {
            assert!(parse_span(wrong).is_err(), "{wrong}");
        }
    }
}
