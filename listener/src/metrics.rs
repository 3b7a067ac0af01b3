//! Counters for Prometheus, of all that one listener serves, on one page.

/// The `Content-Type` of counters: OpenMetrics 1.0.
pub const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Where the page is.
pub(crate) const PATH: &str = "/metrics";

/// How every text of OpenMetrics ends.
const END: &str = "# EOF\n";

/// Makes complete texts one that is complete.
pub(crate) fn page(texts: impl Iterator<Item = String>) -> String {
    let mut page = String::new();
    for text in texts {
        page.push_str(text.strip_suffix(END).unwrap_or(&text));
    }
    page.push_str(END);
    page
}
