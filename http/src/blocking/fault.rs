//! What ureq's errors mean.

use ureq::Error;

use crate::failure::Fault;

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        match error {
            Error::Timeout(_) => Fault::Timeout,
            Error::BodyExceedsLimit(_) => Fault::TooLarge,
            Error::HostNotFound => Fault::NoAddress,
            // As "proxy server responded 407/407", or as "proxy server did not respond".
            Error::ConnectProxyFailed(text) => {
                Fault::Proxy(text.rsplit('/').next().and_then(|status| status.parse().ok()))
            }
            Error::Protocol(error) => Fault::NotHttp(error.to_string()),
            #[cfg(feature = "tls")]
            Error::Rustls(error) => Fault::Tls(error),
            Error::Io(error) => Fault::Io(error),
            error => Fault::Other(error.to_string()),
        }
    }
}
