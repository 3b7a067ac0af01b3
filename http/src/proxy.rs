//! The proxy between a client and its server, as the environment names it.

use std::ffi::OsString;
use std::time::Duration;

use farwire_core::signalling::Failure;
use ureq::http::Uri;
use ureq::{Error, Proxy, ProxyBuilder, ProxyProtocol};

use crate::failure::failure;

/// Where a proxy may be named; the first that is set counts, as with other programs that use ureq.
const VARIABLES: [&str; 6] = ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// Where servers are named that are reached without it.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxy that is used, if one is, and what was set but cannot be used.
#[derive(Debug, Default)]
pub(crate) struct Proxies {
    used: Option<(&'static str, Proxy)>,
    ignored: Vec<&'static str>,
}

impl Proxies {
    pub(crate) fn from_env(mut lookup: impl FnMut(&str) -> Option<OsString>) -> Proxies {
        let exceptions = EXCEPTIONS.iter().find_map(|name| lookup(name)).unwrap_or_default();
        let exceptions = exceptions.to_string_lossy();
        let mut proxies = Proxies::default();
        for name in VARIABLES {
            let Some(value) = lookup(name).filter(|value| !value.is_empty()) else { continue };
            match value.to_str().and_then(|url| http_proxy(url, &exceptions)) {
                Some(proxy) => {
                    proxies.used = Some((name, proxy));
                    break;
                }
                None => proxies.ignored.push(name),
            }
        }
        proxies
    }

    pub(crate) fn chosen(&self) -> Option<Proxy> {
        self.used.as_ref().map(|(_, proxy)| proxy.clone())
    }

    /// Why there is no answer from `target`, with the proxy that was in between or is missing.
    pub(crate) fn explain(&self, target: &Uri, error: Error, timeout: Duration) -> Failure {
        let host = target.host().unwrap_or_default();
        let Some((variable, proxy)) = self.used.as_ref().filter(|(_, proxy)| !proxy.is_no_proxy(target)) else {
            let failure = failure(error, host, timeout);
            return match (failure, self.ignored.first()) {
                (Failure::Connect(text), Some(name)) => Failure::Connect(format!(
                    "{text} ({name} is not used: it names no HTTP proxy, as http://host:port does)"
                )),
                (failure, _) => failure,
            };
        };
        // Never its user and password.
        let named = format!("the proxy {}:{} that {variable} names", proxy.host(), proxy.port());
        if let Error::ConnectProxyFailed(said) = &error {
            return Failure::Connect(refusal(&named, variable, proxy, host, said));
        }
        match failure(error, proxy.host(), timeout) {
            Failure::Connect(text) => Failure::Connect(format!(
                "{named} is not reached: {text} (is it right? With {host} in NO_PROXY it is not used)"
            )),
            Failure::Timeout(after) => Failure::Broken(format!("no answer within {after:?} through {named}")),
            Failure::Broken(text) => Failure::Broken(format!("{text} (through {named})")),
            Failure::Tls(text) => Failure::Tls(format!("{text} (through {named})")),
            failure => failure,
        }
    }
}

/// A proxy that is spoken to by CONNECT; `None`: another one, or none at all.
fn http_proxy(url: &str, exceptions: &str) -> Option<Proxy> {
    let named = Proxy::new(url.trim()).ok()?;
    if !matches!(named.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
        return None;
    }
    let mut proxy = Proxy::builder(named.protocol()).host(named.host()).port(named.port());
    if let Some(user) = named.username() {
        proxy = proxy.username(user);
    }
    if let Some(password) = named.password() {
        proxy = proxy.password(password);
    }
    let exceptions = exceptions.split(',').map(str::trim).filter(|exception| !exception.is_empty());
    exceptions.fold(proxy, ProxyBuilder::no_proxy).build().ok()
}

/// What a proxy said to CONNECT; ureq has it as "proxy server responded 407/407".
fn refusal(named: &str, variable: &str, proxy: &Proxy, host: &str, said: &str) -> String {
    let status = said.rsplit('/').next().and_then(|status| status.parse::<u16>().ok());
    match status {
        Some(407) if proxy.username().is_some() => {
            format!("{named} does not accept the user and password in it (407)")
        }
        Some(407) => format!("{named} wants a user and password (407): {variable}=http://user:password@host:port"),
        Some(status @ 500..) => format!("{named} cannot reach {host} ({status})"),
        Some(status) => {
            format!("{named} does not let through to {host} ({status}): allow it there, or put {host} into NO_PROXY")
        }
        None => format!("{named} does not answer CONNECT: is it an HTTP proxy?"),
    }
}
