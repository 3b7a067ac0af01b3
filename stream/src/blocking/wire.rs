//! A socket that does not block, with or without TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// Where the bytes of a stream go in and out.
pub(crate) trait Wire {
    /// What is to be waited for.
    fn socket(&self) -> &TcpStream;

    /// Whether lines can go, which is not so during TLS's handshake.
    fn is_open(&self) -> bool {
        true
    }

    /// Whether it has bytes that the socket had no room for.
    fn wants_write(&self) -> bool {
        false
    }

    /// Takes bytes to send; says how many.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when it can take none now.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Sends what it has, as far as the socket has room.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Reads what is there; 0 at the stream's end.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when nothing is there now.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize>;

    /// Says goodbye, if that is usual.
    fn close(&mut self) {}
}

impl Wire for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        Read::read(self, into)
    }
}
