//! Where a redirect goes, as an error may say it.

use http::Uri;

/// The longest target that is repeated, in characters.
const SHOWN: usize = 100;

/// The scheme and host of a redirect's target: a path or query may hold what is nobody's business.
pub(crate) fn shown(location: &[u8]) -> String {
    let target = std::str::from_utf8(location).ok().and_then(|text| text.trim().parse::<Uri>().ok());
    let Some(authority) = target.as_ref().and_then(Uri::authority) else { return "another path of its own".to_owned() };
    let scheme = target.as_ref().and_then(Uri::scheme_str).unwrap_or("http");
    let port = authority.port().map_or_else(String::new, |port| format!(":{port}"));
    let shown: String = format!("{scheme}://{}{port}", authority.host()).chars().take(SHOWN).collect();
    format!("{shown}/…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_shows_neither_user_nor_path_nor_query() {
        for (location, told) in [
            ("http://portal.example/login?mac=aa:bb&token=hunter2", "http://portal.example/…"),
            ("https://u:hunter2@h:8443/hunter2#hunter2", "https://h:8443/…"),
            ("http://[::1]:9/", "http://[::1]:9/…"),
            ("/login?token=hunter2", "another path of its own"),
            ("", "another path of its own"),
            ("http://", "another path of its own"),
            ("http://a b/", "another path of its own"),
        ] {
            assert_eq!(shown(location.as_bytes()), told);
        }
        assert_eq!(shown(b"\xff"), "another path of its own");
        assert!(shown(format!("http://{}/", "a".repeat(5000)).as_bytes()).len() < 120);
    }
}
