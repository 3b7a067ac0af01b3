//! TLS from certificate files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A server's certificate and its key.
#[derive(Clone)]
pub struct Tls {
    pub(crate) acceptor: TlsAcceptor,
}

impl Tls {
    /// Reads a chain of certificates, the server's own first, and its private key, both in PEM.
    ///
    /// # Errors
    /// When a file cannot be read, holds no such thing, or the key is not the certificate's.
    pub fn from_files(certificates: &Path, key: &Path) -> Result<Tls, TlsError> {
        let unreadable = |path: &Path, what| {
            let path = path.to_owned();
            move |error| match error {
                pem::Error::NoItemsFound => TlsError::Empty { path, what },
                error => TlsError::File { path, error },
            }
        };
        let what = "certificate";
        let chain: Vec<_> = CertificateDer::pem_file_iter(certificates)
            .and_then(Iterator::collect)
            .map_err(unreadable(certificates, what))?;
        if chain.is_empty() {
            return Err(TlsError::Empty { path: certificates.to_owned(), what });
        }
        let private = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key, "private key"))?;
        let refused = |error| TlsError::Refused { certificates: certificates.to_owned(), key: key.to_owned(), error };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
            .map_err(refused)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file that cannot be read, or is no PEM.
    #[error("cannot read {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        error: pem::Error,
    },
    /// A file without what was looked for.
    #[error("{} holds no {what} in PEM: it should have a line -----BEGIN … {}-----", path.display(), what.to_uppercase())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// A certificate and a key that do not work together, or that rustls does not know.
    #[error("cannot use the certificate of {} with the key of {}: {error}", certificates.display(), key.display())]
    Refused {
        /// The file of the certificates.
        certificates: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What rustls says.
        #[source]
        error: rustls::Error,
    },
}
