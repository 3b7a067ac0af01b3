//! TLS over a socket that does not block.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use farwire_core::signalling::Failure;
use farwire_http::tls_failure;
use rustls::ClientConnection;

use crate::blocking::wire::Wire;
use crate::target::Tls;

/// A socket with TLS over it.
pub(crate) struct TlsWire {
    socket: TcpStream,
    tls: ClientConnection,
}

impl TlsWire {
    pub(crate) fn over(socket: TcpStream, (config, name): Tls) -> Result<TlsWire, Failure> {
        let tls = ClientConnection::new(config, name).map_err(|error| tls_failure(&error))?;
        Ok(TlsWire { socket, tls })
    }
}

impl Wire for TlsWire {
    fn socket(&self) -> &TcpStream {
        &self.socket
    }

    fn is_open(&self) -> bool {
        !self.tls.is_handshaking()
    }

    fn wants_write(&self) -> bool {
        self.tls.wants_write()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.tls.writer().write(bytes)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            written => Ok(written),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.tls.reader().read(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            if self.tls.read_tls(&mut self.socket)? == 0 {
                // The server is gone, without TLS's own goodbye.
                return Ok(0);
            }
            if let Err(error) = self.tls.process_new_packets() {
                // The server is to hear what is wrong, if it can.
                let _ = self.tls.write_tls(&mut self.socket);
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
            // The handshake is answered before more is waited for.
            self.flush()?;
        }
    }

    fn close(&mut self) {
        self.tls.send_close_notify();
        // What cannot be said at once is of no use.
        let _ = self.flush();
    }
}
