//! Why there is no answer, in words for the person who has to do something about it.

use std::io::{self, ErrorKind};
use std::time::Duration;

use farwire_core::signalling::Failure;
#[cfg(feature = "tls")]
use rustls::{AlertDescription, CertificateError};

#[cfg(feature = "tls")]
use crate::trust::TRUST;

/// What went wrong, before anybody has said which server or proxy it was.
#[cfg(any(feature = "blocking", feature = "tokio"))]
#[derive(Debug)]
pub(crate) enum Fault {
    /// The request's time is over.
    Timeout,
    /// The answer is longer than what is read.
    TooLarge,
    /// The name leads nowhere.
    NoAddress,
    /// The proxy answered CONNECT with this status, or with nothing that has one.
    Proxy(Option<u16>),
    /// What came is no HTTP.
    NotHttp(String),
    #[cfg(feature = "tls")]
    Tls(rustls::Error),
    Io(io::Error),
    /// Something else. The request may have reached the server.
    Other(String),
}

#[cfg(any(feature = "blocking", feature = "tokio"))]
impl Fault {
    /// Says why there is no response from a host. What is not known to be a failure to connect may have reached the server.
    pub(crate) fn failure(self, host: &str, timeout: Duration) -> Failure {
        match self {
            Fault::Timeout => Failure::Timeout(timeout),
            Fault::TooLarge => Failure::TooLarge,
            Fault::NoAddress => Failure::Connect(format!("{host} has no address")),
            Fault::Proxy(_) => Failure::Connect("the proxy refuses".to_owned()),
            Fault::NotHttp(text) => Failure::Broken(format!(
                "the answer is not HTTP: {text} (is there something else, or does it want https://?)"
            )),
            #[cfg(feature = "tls")]
            Fault::Tls(error) => tls_failure(&error),
            Fault::Io(error) => io_failure(&error, timeout),
            Fault::Other(text) => Failure::Broken(text),
        }
    }
}

/// Says why a connection failed or broke off, as the system or TLS above it puts it. What is not known to be a failure to
/// connect may have reached the server.
pub fn io_failure(error: &io::Error, timeout: Duration) -> Failure {
    use ErrorKind::*;
    // What the handshake says comes wrapped.
    #[cfg(feature = "tls")]
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return tls_failure(error);
    }
    match error.kind() {
        ConnectionRefused => Failure::Connect("connection refused".into()),
        TimedOut | WouldBlock => Failure::Timeout(timeout),
        UnexpectedEof => Failure::Broken("the server closed the connection before its answer was complete".into()),
        ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected | InvalidData | Interrupted => {
            Failure::Broken(error.to_string())
        }
        _ => Failure::Connect(error.to_string()),
    }
}

#[cfg(feature = "tls")]
/// Says what TLS found. A fault of the server's certificate comes before anything was asked.
pub fn tls_failure(error: &rustls::Error) -> Failure {
    use AlertDescription::*;
    Failure::Tls(match error {
        rustls::Error::InvalidCertificate(error) => certificate(error),
        rustls::Error::InvalidMessage(_) => {
            "the server does not speak TLS: does its URL begin with http://, or does something else answer in its place?".into()
        }
        rustls::Error::AlertReceived(alert @ (ProtocolVersion | HandshakeFailure | UnrecognisedName)) => {
            format!("the server refuses TLS with this client: {alert:?}")
        }
        error => format!("TLS failed: {error}"),
    })
}

#[cfg(feature = "tls")]
fn certificate(error: &CertificateError) -> String {
    use CertificateError::*;
    match error {
        Expired | ExpiredContext { .. } => {
            "the server's certificate has expired: it is to be renewed, unless this machine's clock is wrong".into()
        }
        NotValidYet | NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: is this machine's clock wrong?".into()
        }
        NotValidForName => "the server's certificate is for another name than the URL's".into(),
        NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            let whose = match &presented[..] {
                [] => "for no name at all (it has no subjectAltName)".to_owned(),
                // As many as a line can hold; what they are is the server's to say.
                names => {
                    let names: String = names.join(", ").chars().filter(|c| !c.is_control()).take(200).collect();
                    format!("for {names}")
                }
            };
            format!("the server's certificate is {whose}, and not for {expected}, which the URL names")
        }
        UnknownIssuer => format!(
            "the server's certificate is by no authority that is trusted here: a captive portal or a proxy may answer in its \
             place; if it is the server's own, {TRUST} is to name a PEM file with it"
        ),
        CertificateError::Other(_) if is_authority_in_place_of_a_server(error) => format!(
            "the server shows a certificate that is for an authority (CA:TRUE), and not one of those in {TRUST}: put that very \
             certificate there, or make one for a server, with `openssl req -x509 … -addext basicConstraints=critical,CA:FALSE`"
        ),
        error => format!("the server's certificate cannot be used: {error}"),
    }
}

#[cfg(feature = "tls")]
/// webpki has this one error that rustls has no name for and that `openssl req -x509` leads to.
fn is_authority_in_place_of_a_server(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity"))
}
