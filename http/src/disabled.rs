//! What a build without a client has in its place, so that whoever asks is told the way out.

use std::ffi::OsString;

use farwire_core::signalling::{Failure, Request, Response};

/// Why nothing is asked.
fn missing() -> Failure {
    Failure::Connect("this program has no HTTP client: build farwire with its feature `http`".to_owned())
}

/// No HTTP client: it answers each request with the feature that is missing.
#[cfg(not(feature = "blocking"))]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Client {}

#[cfg(not(feature = "blocking"))]
#[expect(clippy::needless_pass_by_value, reason = "as the client does that this one stands for")]
impl Client {
    /// No client.
    pub fn new(_is_loopback: bool) -> Client {
        Client {}
    }

    /// No client, whatever the environment says.
    pub fn from_env(_is_loopback: bool, _lookup: impl FnMut(&str) -> Option<OsString>) -> Client {
        Client {}
    }

    /// Asks nobody.
    ///
    /// # Errors
    /// Always: it names the feature that is missing.
    pub fn perform(&self, _request: Request) -> Result<Response, Failure> {
        Err(missing())
    }

    /// There is nothing in flight.
    pub fn shut_down(self) {}
}

/// No HTTP client: it answers each request with the feature that is missing.
#[cfg(not(feature = "tokio"))]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AsyncClient {}

#[cfg(not(feature = "tokio"))]
impl AsyncClient {
    /// No client.
    pub fn new(_is_loopback: bool) -> AsyncClient {
        AsyncClient {}
    }

    /// No client, whatever the environment says.
    pub fn from_env(_is_loopback: bool, _lookup: impl FnMut(&str) -> Option<OsString>) -> AsyncClient {
        AsyncClient {}
    }

    /// No other client.
    #[must_use]
    pub fn apart(&self) -> AsyncClient {
        AsyncClient {}
    }

    /// Asks nobody.
    ///
    /// # Errors
    /// Always: it names the feature that is missing.
    pub async fn perform(&self, _request: Request) -> Result<Response, Failure> {
        Err(missing())
    }

    /// There is nothing in flight.
    pub fn shut_down(&self) {}
}
