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

/// A key behind the passphrase "x", as `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:x`
/// makes it, cut short: nobody decrypts it.
const ENCRYPTED: &str =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIHsMFcGCSqGSIb3DQEFDTBK\n-----END ENCRYPTED PRIVATE KEY-----\n";
const ENCRYPTED_AS_BEFORE: &str = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
    DEK-Info: AES-256-CBC,5A0F2C1A9B1E4D7E8C2B3A4958677685\n\nMIHsMFcGCSqGSIb3DQEFDTBK\n-----END EC PRIVATE KEY-----\n";

#[test]
fn what_cannot_be_used_is_named_with_the_way_out() {
    let (files, other) = (Files::new("used"), Files::new("other"));
    let write = |name: &str, content: &[u8]| {
        std::fs::write(files.path(name), content).unwrap();
        files.path(name)
    };
    let told = |certificate: &PathBuf, key: &PathBuf| Tls::from_files(certificate, key).unwrap_err().to_string();
    let (cert, key) = (files.path("cert.pem"), files.path("key.pem"));
    let missing = told(&files.path("nowhere.pem"), &key);
    assert!(missing.contains("nowhere.pem") && missing.contains("cannot read"), "{missing}");
    let swapped = told(&key, &cert);
    assert!(swapped.contains("swap them") && swapped.contains("key.pem"), "{swapped}");
    let encrypted_swapped = told(&write("e.pem", ENCRYPTED.as_bytes()), &cert);
    assert!(encrypted_swapped.contains("swap them"), "{encrypted_swapped}");
    let no_key = told(&cert, &cert);
    assert!(no_key.contains("cert.pem holds no private key") && no_key.contains("is CERTIFICATE"), "{no_key}");
    let no_certificate = told(&key, &key);
    assert!(no_certificate.contains("key.pem holds no certificate"), "{no_certificate}");
    let foreign = told(&cert, &other.path("key.pem"));
    assert!(foreign.contains("does not belong to the first certificate"), "{foreign}");

    for (name, text) in [("pkcs8.pem", ENCRYPTED), ("before.pem", ENCRYPTED_AS_BEFORE)] {
        let encrypted = told(&cert, &write(name, text.as_bytes()));
        assert!(encrypted.contains("is encrypted") && encrypted.contains("openssl pkey -in"), "{encrypted}");
        assert!(encrypted.contains(name), "{encrypted}");
    }
    let der = CertificateDer::from_pem_file(&cert).unwrap();
    let der = told(&write("cert.der", &der), &key);
    assert!(der.contains("DER") && der.contains("openssl x509 -inform DER"), "{der}");
    let key_der = rustls::pki_types::PrivateKeyDer::from_pem_file(&key).unwrap();
    let key_der = told(&cert, &write("key.der", key_der.secret_der()));
    assert!(key_der.contains("openssl pkey -inform DER"), "{key_der}");
    let bundle = told(&write("both.p12", b"\x30\x82\x09\x00\x02\x01\x03\x30\xff"), &key);
    assert!(bundle.contains("PKCS #12") && bundle.contains("openssl pkcs12"), "{bundle}");
    for (name, content, says) in [
        ("empty.pem", "", "it is empty"),
        ("blank.pem", " \n", "it is empty"),
        ("text.pem", "hello\n", "no line in it begins"),
        (
            "request.pem",
            "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n",
            "CERTIFICATE REQUEST",
        ),
    ] {
        let wrong = told(&write(name, content.as_bytes()), &key);
        assert!(wrong.contains(name) && wrong.contains(says), "{wrong}");
        let wrong = told(&cert, &write(name, content.as_bytes()));
        assert!(wrong.contains(name) && wrong.contains(says) && wrong.contains("private key"), "{wrong}");
    }
    let cut = told(&write("cut.pem", b"-----BEGIN CERTIFICATE-----\nMIIB"), &key);
    assert!(cut.contains("cut.pem is no PEM throughout"), "{cut}");
}

#[test]
fn handshakes_that_never_end_give_way() {
    let files = Files::new("handshakes");
    let tls = Tls::from_files(&files.path("cert.pem"), &files.path("key.pem")).unwrap();
    let limits = crate::Limits { connections: 4, header: NEVER, ..Default::default() };
    let site = Site::new().route(Route::new("/", echo)).tls(tls).limits(limits);
    let listener = Listener::spawn(LOOPBACK, site).unwrap();
    let mut silent: Vec<TcpStream> = (0..16).map(|_| TcpStream::connect(listener.local_addr()).unwrap()).collect();
    for stream in &mut silent {
        // The first bytes of a ClientHello may still come.
        let _ = stream.write_all(&[0x16, 0x03, 0x01]);
        stream.set_read_timeout(Some(NEVER)).unwrap();
    }
    let mut rest = Vec::new();
    let ended = silent[0].read_to_end(&mut rest);
    assert!(
        ended.as_ref().map_or_else(|error| error.kind() == std::io::ErrorKind::ConnectionReset, |_| true),
        "{ended:?}"
    );
}
