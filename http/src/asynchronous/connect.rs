//! The way to a server: TCP, a proxy, TLS.

use std::fmt;
use std::io;
use std::net::SocketAddr;
#[cfg(feature = "tokio-tls")]
use std::sync::Arc;
use std::time::Instant;

use http::Uri;
#[cfg(feature = "tokio-tls")]
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout_at;
#[cfg(feature = "tokio-tls")]
use tokio_rustls::TlsConnector;

use crate::asynchronous::tunnel;
use crate::failure::Fault;
use crate::lookup::look_up;
use crate::settings::Settings;

/// What HTTP is spoken over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Stream for S {}

/// Connects to the server of a URL. The deadline decides how long each of its addresses is tried; it is the caller's to keep.
pub(crate) async fn connect(
    settings: &Settings,
    target: &Uri,
    deadline: Option<Instant>,
) -> Result<Box<dyn Stream>, Fault> {
    let host = target.host().unwrap_or_default();
    let is_tls = match target.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(Fault::Other("the URL begins neither with http:// nor with https://".to_owned())),
    };
    let port = target.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let stream = match settings.proxies.towards(target) {
        None => tcp(host, port, deadline).await?,
        Some(proxy) => {
            let stream = tcp(&proxy.host, proxy.port, deadline).await?;
            let stream = if proxy.is_tls { tls(settings, stream, &proxy.host).await? } else { stream };
            tunnel::through(stream, proxy, host, port).await?
        }
    };
    if is_tls { tls(settings, stream, host).await } else { Ok(stream) }
}

async fn tcp(host: &str, port: u16, deadline: Option<Instant>) -> Result<Box<dyn Stream>, Fault> {
    let (tell, told) = oneshot::channel::<Vec<SocketAddr>>();
    // Who asked may have given up.
    let asked = look_up(bare(host), port, |addresses| drop(tell.send(addresses)));
    let addresses = match asked {
        Ok(()) => told.await.unwrap_or_default(),
        Err(error) => return Err(Fault::Io(error)),
    };
    let mut failed = Fault::NoAddress;
    for (tried, address) in addresses.iter().enumerate() {
        let connecting = TcpStream::connect(address);
        let is_last = tried + 1 == addresses.len();
        // An address that says nothing gets half of what is left, so that the others have a chance.
        let until = deadline.filter(|_| !is_last).map(|deadline| {
            let now = Instant::now();
            now + deadline.saturating_duration_since(now) / 2
        });
        let connected = match until {
            Some(until) => match timeout_at(until.into(), connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            },
            None => connecting.await,
        };
        match connected {
            Ok(stream) => {
                // Without it a request waits longer; with an error it is none of this system's options.
                let _ = stream.set_nodelay(true);
                return Ok(Box::new(stream));
            }
            Err(error) => failed = Fault::Io(error),
        }
    }
    Err(failed)
}

/// TLS over a connection.
#[cfg(feature = "tokio-tls")]
async fn tls(settings: &Settings, stream: Box<dyn Stream>, host: &str) -> Result<Box<dyn Stream>, Fault> {
    let Ok(config) = settings.trust.config() else {
        return Err(Fault::Other("there is no certificate to trust".to_owned()));
    };
    let name = ServerName::try_from(bare(host).to_owned())
        .map_err(|_| Fault::Other("the host's name is none for TLS".to_owned()))?;
    let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await.map_err(Fault::Io)?;
    Ok(Box::new(stream))
}

/// No TLS.
#[cfg(not(feature = "tokio-tls"))]
async fn tls(_: &Settings, _: Box<dyn Stream>, _: &str) -> Result<Box<dyn Stream>, Fault> {
    Err(Fault::Other("this program speaks no TLS: build farwire with its feature `tls`".to_owned()))
}

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}
