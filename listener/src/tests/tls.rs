use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{LOOPBACK, NEVER, echo};
use crate::{Listener, Route, Site, Tls};

/// A certificate for `localhost` and its key, in files of their own that go away with it.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Files {
        let directory = std::env::temp_dir().join(format!("farwire-tls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let files = Files(directory);
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(files.path("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(files.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_client_that_trusts_the_certificate_is_served_and_others_are_not() {
    let files = Files::new("served");
    let tls = Tls::from_files(&files.path("cert.pem"), &files.path("key.pem")).unwrap();
    let site = Site::new().route(Route::new("/", echo).header("authorization")).tls(tls);
    let listener = Listener::spawn(LOOPBACK, site).unwrap();
    assert_eq!(listener.scheme(), "https");

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(files.path("cert.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(listener.local_addr()).unwrap());
    stream.sock.set_read_timeout(Some(NEVER)).unwrap();
    stream.write_all(b"GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    // The end may come without a close_notify.
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 201") && answer.ends_with("GET /x None "), "{answer}");

    let mut plain = TcpStream::connect(listener.local_addr()).unwrap();
    plain.set_read_timeout(Some(NEVER)).unwrap();
    plain.write_all(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[test]
fn what_cannot_be_used_is_named() {
    let (files, other) = (Files::new("used"), Files::new("other"));
    let told = |certificate: PathBuf, key: PathBuf| Tls::from_files(&certificate, &key).unwrap_err().to_string();
    let missing = told(files.path("nowhere.pem"), files.path("key.pem"));
    assert!(missing.contains("nowhere.pem"), "{missing}");
    let swapped = told(files.path("key.pem"), files.path("cert.pem"));
    assert!(swapped.contains("key.pem holds no certificate"), "{swapped}");
    let no_key = told(files.path("cert.pem"), files.path("cert.pem"));
    assert!(no_key.contains("cert.pem holds no private key"), "{no_key}");
    let foreign = told(files.path("cert.pem"), other.path("key.pem"));
    assert!(foreign.contains("cannot use the certificate"), "{foreign}");
}
