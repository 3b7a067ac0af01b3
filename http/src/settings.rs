//! How servers are reached, as the environment says.

use std::ffi::OsString;

use farwire_core::signalling::Failure;

use crate::proxy::Proxies;
use crate::trust::Trust;

/// What both clients take from the environment.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) trust: Trust,
    pub(crate) proxies: Proxies,
}

impl Settings {
    pub(crate) fn from_env(is_loopback: bool, mut lookup: impl FnMut(&str) -> Option<OsString>) -> Settings {
        let trust = Trust::from_env(&mut lookup);
        let proxies = if is_loopback { Proxies::default() } else { Proxies::from_env(lookup) };
        Settings { trust, proxies }
    }

    /// Whether a server at this URL can be trusted at all.
    pub(crate) fn check(&self, url: &str) -> Result<(), Failure> {
        match url.starts_with("https:") {
            true => self.trust.check(),
            false => Ok(()),
        }
    }
}
