//! What `farwire pub` publishes when nobody gives it anything.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A counter and the wall clock as JSON, cut or filled up with spaces to `size` bytes if one is asked for.
pub(crate) fn counter(seq: u64, at: SystemTime, size: Option<usize>) -> Vec<u8> {
    let unix = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let mut payload = format!(r#"{{"seq":{seq},"unix":{}.{:06}}}"#, unix.as_secs(), unix.subsec_micros()).into_bytes();
    if let Some(size) = size {
        payload.resize(size, b' ');
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_the_size_asked_for() {
        let at = UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_042);
        assert_eq!(counter(3, at, None), br#"{"seq":3,"unix":1700000000.000042}"#);
        assert_eq!(counter(3, at, Some(0)), b"");
        assert_eq!(counter(3, at, Some(5)), br#"{"seq"#);
        let padded = counter(3, at, Some(1200));
        assert_eq!(padded.len(), 1200);
        assert!(serde_json::from_slice::<serde_json::Value>(&padded).is_ok());
    }
}
