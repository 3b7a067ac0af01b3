//! Whom a client trusts over HTTPS, and what it says of those it does not.

mod clients;

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use farwire_core::signalling::{Failure, Method, Request, RequestId};
use farwire_http::TRUST;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::clients::{Asked, for_each_client};

const TIMEOUT: Duration = Duration::from_secs(10);

for_each_client!(
    the_very_certificate_that_is_trusted_is_good_although_it_is_an_authoritys,
    a_servers_own_certificate_and_one_of_a_trusted_authority_are_good,
    what_is_wrong_with_a_certificate_is_said,
    an_authority_that_shows_itself_and_was_signed_by_a_trusted_one_is_told_how_to_make_a_servers,
    what_is_no_tls_at_all_is_said,
    a_file_without_certificates_is_named,
);

/// A certificate and its key.
struct Identity {
    pem: String,
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

fn params(names: &[&str]) -> CertificateParams {
    let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    CertificateParams::new(names).expect("names")
}

/// As `openssl req -x509` makes one: signed by itself, and for an authority.
fn authority(names: &[&str]) -> CertificateParams {
    let mut params = params(names);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn self_signed(params: &CertificateParams) -> Identity {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    Identity { pem: certificate.pem(), chain: vec![certificate.der().clone()], key }
}

/// One of `names` that this authority vouches for.
fn signed_by(authority: &CertificateParams, authoritys: &Identity, names: &[&str]) -> Identity {
    let key = KeyPair::generate().expect("a key");
    let issuer = Issuer::from_params(authority, &authoritys.key);
    let certificate = params(names).signed_by(&key, &issuer).expect("a certificate");
    Identity { pem: certificate.pem(), chain: vec![certificate.der().clone()], key }
}

/// Answers every request over TLS with 204, as this identity.
fn serve(identity: &Identity) -> SocketAddr {
    let key = PrivateKeyDer::try_from(identity.key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), key)
        .expect("a certificate and its key");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut stream = StreamOwned::new(connection, stream);
            let mut request = [0; 4096];
            // A client that does not trust this server hangs up.
            if stream.read(&mut request).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
            }
        }
    });
    address
}

/// Asks by a name, trusting the certificates in a file of this text.
fn ask<C: Asked>(address: SocketAddr, host: &str, trusted: Option<&str>) -> Result<u16, Failure> {
    let file = trusted.map(File::with);
    let lookup = |name: &str| file.as_ref().filter(|_| name == TRUST).map(|file| OsString::from(&file.0));
    let url = format!("https://{host}:{}/v1", address.port());
    let request = Request::new(RequestId(0), Method::GET, url, TIMEOUT);
    C::from_env(true, lookup).perform(request).map(|response| response.status)
}

/// A file that is gone with the value.
struct File(PathBuf);

impl File {
    fn with(text: &str) -> File {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("farwire-trust-{}-{number}.pem", std::process::id()));
        std::fs::write(&path, text).expect("written");
        File(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The words of a failure of TLS.
fn words(answer: Result<u16, Failure>) -> String {
    match answer {
        Err(Failure::Tls(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn the_very_certificate_that_is_trusted_is_good_although_it_is_an_authoritys<C: Asked>() {
    for names in [&["localhost", "127.0.0.1"][..], &["localhost"]] {
        let identity = self_signed(&authority(names));
        let address = serve(&identity);
        assert_eq!(ask::<C>(address, "localhost", Some(&identity.pem)), Ok(204));
        // Among others it counts as well.
        let bundle = format!("{}{}", self_signed(&authority(&["other.example"])).pem, identity.pem);
        assert_eq!(ask::<C>(address, "localhost", Some(&bundle)), Ok(204));
    }
    let by_address = self_signed(&authority(&["127.0.0.1"]));
    assert_eq!(ask::<C>(serve(&by_address), "127.0.0.1", Some(&by_address.pem)), Ok(204));
}

fn a_servers_own_certificate_and_one_of_a_trusted_authority_are_good<C: Asked>() {
    let own = self_signed(&params(&["localhost"]));
    assert_eq!(ask::<C>(serve(&own), "localhost", Some(&own.pem)), Ok(204));
    let of_authority = authority(&[]);
    let root = self_signed(&of_authority);
    let server = signed_by(&of_authority, &root, &["localhost"]);
    assert_eq!(ask::<C>(serve(&server), "localhost", Some(&root.pem)), Ok(204));
}

fn what_is_wrong_with_a_certificate_is_said<C: Asked>() {
    let good = self_signed(&authority(&["localhost"]));
    let other = self_signed(&authority(&["localhost"]));
    let text = words(ask::<C>(serve(&good), "localhost", Some(&other.pem)));
    assert!(text.contains("no authority that is trusted") || text.contains("CA:TRUE"), "{text}");
    let text = words(ask::<C>(serve(&good), "localhost", None));
    assert!(text.contains("no authority that is trusted") || text.contains("CA:TRUE"), "{text}");
    assert!(text.contains(TRUST), "{text}");

    let text = words(ask::<C>(serve(&good), "127.0.0.1", Some(&good.pem)));
    assert!(text.contains("localhost") && text.contains("not for 127.0.0.1"), "{text}");
    let nameless = self_signed(&authority(&[]));
    let text = words(ask::<C>(serve(&nameless), "localhost", Some(&nameless.pem)));
    assert!(text.contains("subjectAltName"), "{text}");

    for make in [authority, params] {
        let mut past = make(&["localhost"]);
        (past.not_before, past.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        let past = self_signed(&past);
        assert!(words(ask::<C>(serve(&past), "localhost", Some(&past.pem))).contains("has expired"));
        let mut future = make(&["localhost"]);
        (future.not_before, future.not_after) = (date_time_ymd(2901, 1, 1), date_time_ymd(2902, 1, 1));
        let future = self_signed(&future);
        let text = words(ask::<C>(serve(&future), "localhost", Some(&future.pem)));
        assert!(text.contains("not valid yet") && text.contains("clock"), "{text}");
    }
}

fn an_authority_that_shows_itself_and_was_signed_by_a_trusted_one_is_told_how_to_make_a_servers<C: Asked>() {
    let of_root = authority(&[]);
    let root = self_signed(&of_root);
    let key = KeyPair::generate().expect("a key");
    let issuer = Issuer::from_params(&of_root, &root.key);
    let certificate = authority(&["localhost"]).signed_by(&key, &issuer).expect("a certificate");
    let intermediate = Identity { pem: certificate.pem(), chain: vec![certificate.der().clone()], key };
    let text = words(ask::<C>(serve(&intermediate), "localhost", Some(&root.pem)));
    assert!(text.contains("openssl req -x509") && text.contains("CA:FALSE"), "{text}");
    assert_eq!(ask::<C>(serve(&intermediate), "localhost", Some(&intermediate.pem)), Ok(204));
}

fn what_is_no_tls_at_all_is_said<C: Asked>() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let text = words(ask::<C>(address, "localhost", None));
    assert!(text.contains("does not speak TLS") && text.contains("http://"), "{text}");
}

fn a_file_without_certificates_is_named<C: Asked>() {
    for text in ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let told = words(ask::<C>(([127, 0, 0, 1], 9).into(), "localhost", Some(text)));
        assert!(told.contains(TRUST) && told.contains(".pem") && told.contains("no certificate"), "{told}");
    }
}
