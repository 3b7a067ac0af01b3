//! Why there is no answer, in words for the person who has to do something about it.

use std::io::ErrorKind;
use std::time::Duration;

use farwire_core::signalling::Failure;
use rustls::{AlertDescription, CertificateError};
use ureq::Error;

use crate::trust::TRUST;

/// Says why there is no response from a host. What is not known to be a failure to connect may have reached the server.
pub(crate) fn failure(error: Error, host: &str, timeout: Duration) -> Failure {
    use ErrorKind::*;
    match error {
        Error::Timeout(_) => Failure::Timeout(timeout),
        Error::BodyExceedsLimit(_) => Failure::TooLarge,
        Error::HostNotFound => Failure::Connect(format!("{host} has no address")),
        Error::ConnectProxyFailed(text) => Failure::Connect(format!("the proxy refuses: {text}")),
        Error::Protocol(text) => Failure::Broken(format!(
            "the answer is not HTTP: {text} (is there something else, or does it want https://?)"
        )),
        Error::Rustls(error) => tls(&error),
        Error::Io(error) => {
            // What the handshake says comes wrapped.
            if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                return tls(error);
            }
            match error.kind() {
                ConnectionRefused => Failure::Connect("connection refused".into()),
                TimedOut | WouldBlock => Failure::Timeout(timeout),
                UnexpectedEof => {
                    Failure::Broken("the server closed the connection before its answer was complete".into())
                }
                ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected | InvalidData | Interrupted => {
                    Failure::Broken(error.to_string())
                }
                _ => Failure::Connect(error.to_string()),
            }
        }
        error => Failure::Broken(error.to_string()),
    }
}

/// What TLS found. A fault of the server's certificate comes before anything was asked.
fn tls(error: &rustls::Error) -> Failure {
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

/// webpki has this one error that rustls has no name for and that `openssl req -x509` leads to.
fn is_authority_in_place_of_a_server(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity"))
}
