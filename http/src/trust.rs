//! Whom to believe to be the server that was meant.

use std::ffi::OsString;
#[cfg(feature = "tls")]
use std::path::Path;
use std::sync::Arc;

use farwire_core::signalling::Failure;
#[cfg(feature = "tls")]
use rustls::ClientConfig;

#[cfg(feature = "tls")]
use crate::verifier::client_config;

/// The variable that names a PEM file with the certificates to trust instead of the public ones, as OpenSSL has it.
pub const TRUST: &str = "SSL_CERT_FILE";

/// Whom to believe: the public certificate authorities, or instead those in the PEM file that [`TRUST`] names, and the very
/// certificates in it. Without the feature `tls`, nobody.
#[derive(Debug, Clone)]
pub struct Trust {
    /// Or why nobody can be trusted.
    #[cfg(feature = "tls")]
    config: Result<Arc<ClientConfig>, Arc<str>>,
    #[cfg(not(feature = "tls"))]
    config: Result<std::convert::Infallible, Arc<str>>,
}

impl Trust {
    /// The settings of the environment, by a look at its variables. It reads the file that [`TRUST`] names.
    #[cfg(feature = "tls")]
    pub fn from_env(mut lookup: impl FnMut(&str) -> Option<OsString>) -> Trust {
        let file = lookup(TRUST).filter(|file| !file.is_empty());
        let file = file.as_deref().map(Path::new);
        let config = client_config(file).map_err(|fault| match file {
            Some(file) => format!("{TRUST} is {}, {fault}", file.display()).into(),
            None => fault.into(),
        });
        Trust { config }
    }

    /// Nobody, whatever the environment says.
    #[cfg(not(feature = "tls"))]
    pub fn from_env(_lookup: impl FnMut(&str) -> Option<OsString>) -> Trust {
        Trust { config: Err("this program speaks no TLS: build farwire with its feature `tls`".into()) }
    }

    /// Whether anybody can be trusted.
    ///
    /// # Errors
    /// [`Failure::Tls`] when the file cannot be used, or this was built without TLS; it says why.
    pub fn check(&self) -> Result<(), Failure> {
        self.config.as_ref().map(|_| ()).map_err(|fault| Failure::Tls(fault.to_string()))
    }

    /// TLS that trusts so.
    ///
    /// # Errors
    /// As for [`check`](Trust::check).
    #[cfg(feature = "tls")]
    pub fn config(&self) -> Result<&Arc<ClientConfig>, Failure> {
        self.config.as_ref().map_err(|fault| Failure::Tls(fault.to_string()))
    }
}
