//! TLS from certificate files.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{InconsistentKeys, ServerConfig};
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
    /// When a file cannot be read, holds no such thing or holds it encrypted or in DER, or the key is not the
    /// certificate's.
    pub fn from_files(certificates: &Path, key: &Path) -> Result<Tls, TlsError> {
        let (chain_text, key_text) = (read(certificates)?, read(key)?);
        let chain = chain_of(&chain_text);
        let private = PrivateKeyDer::from_pem_slice(&key_text);
        if chain.as_ref().is_ok_and(Vec::is_empty) && private.is_err() {
            let is_key_there = PrivateKeyDer::from_pem_slice(&chain_text).is_ok() || is_encrypted(&chain_text);
            if is_key_there && chain_of(&key_text).is_ok_and(|chain| !chain.is_empty()) {
                return Err(TlsError::Swapped { certificates: certificates.to_owned(), key: key.to_owned() });
            }
        }
        let unreadable = |path: &Path, error| TlsError::Pem { path: path.to_owned(), error };
        let chain = chain.map_err(|error| unreadable(certificates, error))?;
        if chain.is_empty() {
            return Err(missing(certificates, &chain_text, Kind::Certificate));
        }
        let private = match private {
            _ if is_encrypted(&key_text) => return Err(TlsError::Encrypted(key.to_owned())),
            Err(pem::Error::NoItemsFound) => return Err(missing(key, &key_text, Kind::PrivateKey)),
            private => private.map_err(|error| unreadable(key, error))?,
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
            .map_err(|error| {
                let (certificates, key) = (certificates.to_owned(), key.to_owned());
                match error {
                    rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                        TlsError::Mismatch { certificates, key }
                    }
                    error => TlsError::Refused { certificates, key, error },
                }
            })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

/// What a file should hold.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Certificate,
    PrivateKey,
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::File { path: path.to_owned(), error })
}

fn chain_of(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_slice_iter(text).collect()
}

/// Whether a key is behind a passphrase: in PKCS #8, or as OpenSSL used to (RFC 1421, 4.6.1.1).
fn is_encrypted(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.lines().any(|line| {
        line.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----")
            || (line.starts_with("Proc-Type:") && line.contains("ENCRYPTED"))
    })
}

/// Says what there is instead.
fn missing(path: &Path, text: &[u8], wanted: Kind) -> TlsError {
    let path = path.to_owned();
    let what = match wanted {
        Kind::Certificate => "certificate",
        Kind::PrivateKey => "private key",
    };
    let shown = path.display();
    let instead = if text.iter().all(u8::is_ascii_whitespace) {
        "it is empty".to_owned()
    } else if text.starts_with(&[0x30]) && std::str::from_utf8(text).is_err() {
        // A SEQUENCE, as all of DER begins here. The one of PKCS #12 goes on with its version, 3.
        let is_bundle = text.get(4..7) == Some(&[0x02, 0x01, 0x03]);
        let command = match (is_bundle, wanted) {
            (true, Kind::Certificate) => format!("openssl pkcs12 -in {shown} -nokeys -out cert.pem"),
            (true, Kind::PrivateKey) => format!("openssl pkcs12 -in {shown} -nocerts -nodes -out key.pem"),
            (false, Kind::Certificate) => format!("openssl x509 -inform DER -in {shown} -out cert.pem"),
            (false, Kind::PrivateKey) => format!("openssl pkey -inform DER -in {shown} -out key.pem"),
        };
        let form = if is_bundle { "PKCS #12" } else { "DER" };
        format!("it is {form}; `{command}` makes PEM of it")
    } else {
        match labels(text) {
            found if found.is_empty() => "no line in it begins -----BEGIN".to_owned(),
            found => format!("what it holds is {}", found.join(", ")),
        }
    };
    TlsError::Empty { path, what, instead }
}

/// What the first sections of a PEM file are called.
fn labels(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let label = |line: &str| Some(line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----")?.to_owned());
    let is_label = |label: &String| {
        label.len() <= 40
            && label.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ')
    };
    text.lines().filter_map(label).filter(is_label).take(4).collect()
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
    /// A file that cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        error: io::Error,
    },
    /// A file that begins as PEM and does not go on so.
    #[error("{} is no PEM throughout: {error}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        error: pem::Error,
    },
    /// A file without what was looked for.
    #[error(
        "{} holds no {what} in PEM, which begins with a line -----BEGIN … {}-----: {instead}",
        path.display(),
        what.to_uppercase()
    )]
    Empty {
        /// The file.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
        /// What is there.
        instead: String,
    },
    /// A key behind a passphrase, which nobody is there to type.
    #[error(
        "the private key in {path} is encrypted, and nobody is asked for its passphrase: \
         `(umask 077; openssl pkey -in {path} -out key.pem)` asks for it once and leaves the key in a file that only you can read",
        path = _0.display()
    )]
    Encrypted(PathBuf),
    /// Each file holds what the other should.
    #[error("{} holds the private key and {} the certificate: swap them", certificates.display(), key.display())]
    Swapped {
        /// The file given for the certificates.
        certificates: PathBuf,
        /// The file given for the key.
        key: PathBuf,
    },
    /// A certificate and a key that do not belong together.
    #[error(
        "the private key in {} does not belong to the first certificate in {}: that has to be the server's own, with those \
         of its authorities behind it",
        key.display(),
        certificates.display()
    )]
    Mismatch {
        /// The file of the certificates.
        certificates: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// A certificate or a key that rustls does not know.
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
