//! A way through a proxy (RFC 9110, 9.3.6).

use std::io;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::exchange::{MAX_HEAD, USER_AGENT};
use crate::failure::Fault;
use crate::proxy::Proxy;

/// The most header fields of a proxy's answer.
const MAX_FIELDS: usize = 64;

/// Has a proxy connect to a server.
pub(crate) async fn through<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<S, Fault> {
    let mut request = format!(
        "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: {USER_AGENT}\r\nProxy-Connection: Keep-Alive\r\n"
    );
    if let Some((user, password)) = &proxy.credentials {
        let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
        request += &format!("Proxy-Authorization: Basic {credentials}\r\n");
    }
    request += "\r\n";
    stream.write_all(request.as_bytes()).await.map_err(Fault::Io)?;
    stream.flush().await.map_err(Fault::Io)?;

    let (mut head, mut has_first_line) = (Vec::new(), false);
    loop {
        // One at a time: what follows the head is the server's.
        let byte = match stream.read_u8().await {
            Ok(byte) => byte,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(Fault::Proxy(None)),
            Err(error) => return Err(Fault::Io(error)),
        };
        head.push(byte);
        let is_whole = head.ends_with(b"\r\n\r\n") || head.ends_with(b"\n\n");
        // What is no HTTP says so in its first line, and may not send another.
        if !is_whole && (byte != b'\n' || has_first_line) {
            match head.len() < MAX_HEAD {
                true => continue,
                false => return Err(Fault::NotHttp("its head has no end".to_owned())),
            }
        }
        has_first_line = true;
        match status(&head)? {
            Some(200) => return Ok(stream),
            Some(other) => return Err(Fault::Proxy(Some(other))),
            None if is_whole => return Err(Fault::NotHttp("its head is empty".to_owned())),
            None => {}
        }
    }
}

/// The status of a head that is complete.
fn status(head: &[u8]) -> Result<Option<u16>, Fault> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    match response.parse(head) {
        Ok(httparse::Status::Complete(_)) => Ok(response.code),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(error) => Err(Fault::NotHttp(error.to_string())),
    }
}
