//! A layer of the link's between SCTP and DTLS, put around str0m's DTLS. What it leaves alone passes as it is.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::time::Instant;

use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion};
use str0m::crypto::{CryptoError, from_feature_flags};

/// What a layer does.
pub(super) trait Between: Debug + Send + Sync + 'static {
    /// That of a new connection.
    fn new(now: Instant) -> Self;

    /// str0m's SCTP sends a packet.
    fn send(&mut self, dtls: &mut dyn DtlsInstance, packet: &[u8]) -> Result<usize, DtlsImplError>;

    /// A datagram for DTLS has come.
    fn receive(&mut self, dtls: &mut dyn DtlsInstance, datagram: &[u8]) -> Result<(), DtlsImplError> {
        dtls.handle_packet(datagram)
    }

    /// What DTLS has to say, to str0m.
    fn poll_output<'a>(&mut self, dtls: &mut dyn DtlsInstance, buf: &'a mut [u8]) -> DtlsOutput<'a>;

    /// What time it is.
    fn tell_time(&mut self, _now: Instant) {}
}

/// str0m's crypto with a layer in its DTLS.
pub(super) fn crypto_provider<B: Between>() -> CryptoProvider {
    CryptoProvider { dtls_provider: &Layer::<B>(PhantomData), ..from_feature_flags() }
}

/// str0m takes only a provider that is there for good.
#[derive(Debug)]
struct Layer<B>(PhantomData<fn() -> B>);

impl<B: Between> DtlsProvider for Layer<B> {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let dtls = from_feature_flags().dtls_provider.new_dtls(cert, now, version, mtu)?;
        Ok(Box::new(Layered { dtls, between: B::new(now) }))
    }
}

#[derive(Debug)]
struct Layered<B> {
    dtls: Box<dyn DtlsInstance>,
    between: B,
}

impl<B: Between> DtlsInstance for Layered<B> {
    fn send_application_data(&mut self, packet: &[u8]) -> Result<usize, DtlsImplError> {
        self.between.send(&mut *self.dtls, packet)
    }

    fn handle_packet(&mut self, datagram: &[u8]) -> Result<(), DtlsImplError> {
        self.between.receive(&mut *self.dtls, datagram)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        self.between.poll_output(&mut *self.dtls, buf)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.between.tell_time(now);
        self.dtls.handle_timeout(now)
    }

    fn set_active(&mut self, active: bool) {
        self.dtls.set_active(active);
    }

    fn is_active(&self) -> bool {
        self.dtls.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.dtls.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.dtls.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.dtls.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.dtls.close()
    }
}
