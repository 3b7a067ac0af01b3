//! A client that speaks SCTP as it likes: str0m connects, and packets of the attacker's own go through its DTLS beside
//! str0m's.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crc::{CRC_32_ISCSI, Crc};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion};
use str0m::crypto::{CryptoError, from_feature_flags};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

static CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

const HEADER: usize = 12;

/// What passes between the client and the layer in its DTLS.
#[derive(Debug, Default)]
struct Pipe {
    outbox: VecDeque<Vec<u8>>,
    /// Ports and tag of str0m's packets.
    header: Option<[u8; 8]>,
    next: u32,
    /// The attacker speaks: str0m's own SCTP would not understand the answers.
    is_taken_over: bool,
}

type Shared = Arc<Mutex<Pipe>>;

thread_local! {
    /// The pipe for the instance that is made next: str0m takes only a provider that is there for good.
    static PIPE: RefCell<Option<Shared>> = const { RefCell::new(None) };
}

/// A hostile client.
pub struct Hostile {
    rtc: Rtc,
    pipe: Shared,
    local: SocketAddr,
    pending: Option<SdpPendingOffer>,
    /// Its connection is up.
    pub is_connected: bool,
    /// Its connection is over.
    pub is_over: bool,
    /// When it wants to be called again.
    pub deadline: Instant,
}

impl Hostile {
    /// A client that is not connected, and its offer.
    pub fn offering(local: SocketAddr, now: Instant) -> (Hostile, String) {
        let pipe = Shared::default();
        PIPE.with(|place| *place.borrow_mut() = Some(pipe.clone()));
        let crypto = CryptoProvider { dtls_provider: &Layer, ..from_feature_flags() };
        let mut rtc = RtcConfig::new().set_crypto_provider(Arc::new(crypto)).clear_codecs().build(now);
        rtc.add_local_candidate(Candidate::host(local, "udp").expect("an address")).expect("a new candidate");
        rtc.handle_input(Input::Timeout(now)).expect("alive");
        let mut changes = rtc.sdp_api();
        changes.add_channel("server-events".to_owned());
        let (offer, pending) = changes.apply().expect("changes");
        let hostile =
            Hostile { rtc, pipe, local, pending: Some(pending), is_connected: false, is_over: false, deadline: now };
        (hostile, offer.to_sdp_string())
    }

    /// Takes the answer to its offer.
    pub fn accept(&mut self, sdp: &str) {
        let answer = SdpAnswer::from_sdp_string(sdp).expect("SDP");
        let pending = self.pending.take().expect("an offer");
        self.rtc.sdp_api().accept_answer(pending, answer).expect("an answer that fits");
    }

    /// The sequence number of the chunk that would be next.
    pub fn next_tsn(&self) -> u32 {
        self.pipe().next
    }

    /// Sends a packet of these chunks at the next [`Hostile::poll`].
    pub fn inject(&mut self, chunks: &[Vec<u8>]) {
        let header = self.pipe().header.expect("its association has begun");
        let mut packet = [&header[..], &[0; 4]].concat();
        for chunk in chunks {
            packet.extend(chunk);
            packet.resize(packet.len().next_multiple_of(4), 0);
        }
        let sum = CRC32C.checksum(&packet);
        packet[8..HEADER].copy_from_slice(&sum.to_le_bytes());
        let mut pipe = self.pipe();
        pipe.is_taken_over = true;
        pipe.outbox.push_back(packet);
    }

    /// Takes a datagram.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        if let Ok(receive) = Receive::new(Protocol::Udp, from, self.local, datagram) {
            // Whatever goes wrong is its own business.
            let _ = self.rtc.handle_input(Input::Receive(now, receive));
        }
    }

    /// What it sends.
    pub fn poll(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        if self.rtc.handle_input(Input::Timeout(now)).is_err() {
            self.is_over = true;
            return datagrams;
        }
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Transmit(transmit)) => datagrams.push(transmit.contents.into()),
                Ok(Output::Event(Event::Connected)) => self.is_connected = true,
                Ok(Output::Event(Event::Closed)) => self.is_over = true,
                Ok(Output::Event(_)) => {}
                Ok(Output::Timeout(at)) => {
                    self.deadline = at;
                    return datagrams;
                }
                Err(_) => {
                    self.is_over = true;
                    return datagrams;
                }
            }
        }
    }

    fn pipe(&self) -> std::sync::MutexGuard<'_, Pipe> {
        self.pipe.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A DATA chunk with a whole message, unordered unless it has a number.
pub fn data(tsn: u32, stream: u16, number: Option<u16>, len: usize) -> Vec<u8> {
    fragment(tsn, stream, number, 3, len)
}

/// A DATA chunk with a part of a message: 2 begins it, 1 ends it.
pub fn fragment(tsn: u32, stream: u16, number: Option<u16>, part: u8, len: usize) -> Vec<u8> {
    let mut value = tsn.to_be_bytes().to_vec();
    value.extend(stream.to_be_bytes());
    value.extend(number.unwrap_or(0).to_be_bytes());
    value.extend(53u32.to_be_bytes());
    value.resize(12 + len, 7);
    chunk(0, part | if number.is_none() { 4 } else { 0 }, &value)
}

/// Any chunk.
pub fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let [high, low] = (4 + value.len() as u16).to_be_bytes();
    [&[kind, flags, high, low], value].concat()
}

#[derive(Debug)]
struct Layer;

impl DtlsProvider for Layer {
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
        let inner = from_feature_flags().dtls_provider.new_dtls(cert, now, version, mtu)?;
        let pipe = PIPE.with(|place| place.borrow_mut().take()).unwrap_or_default();
        Ok(Box::new(Tap { inner, pipe }))
    }
}

#[derive(Debug)]
struct Tap {
    inner: Box<dyn DtlsInstance>,
    pipe: Shared,
}

impl DtlsInstance for Tap {
    fn send_application_data(&mut self, packet: &[u8]) -> Result<usize, DtlsImplError> {
        {
            let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
            if pipe.is_taken_over {
                return Ok(packet.len());
            }
            let word =
                |at: usize| packet.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
            match packet.get(HEADER) {
                Some(1) => pipe.next = word(HEADER + 16).unwrap_or(0),
                Some(_) => pipe.header = packet.get(..8).and_then(|header| header.try_into().ok()),
                None => {}
            }
            let mut at = HEADER;
            while let Some(&[kind, _, high, low]) = packet.get(at..at + 4) {
                if kind == 0 {
                    pipe.next = word(at + 4).unwrap_or(0).wrapping_add(1);
                }
                at += usize::from(u16::from_be_bytes([high, low])).max(4).next_multiple_of(4);
            }
        }
        self.inner.send_application_data(packet)
    }

    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let is_taken_over = {
            let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
            // DTLS takes few between two polls, and nothing before it is connected.
            while let Some(packet) = pipe.outbox.front() {
                match self.inner.send_application_data(packet) {
                    Ok(taken) if taken > 0 => drop(pipe.outbox.pop_front()),
                    _ => break,
                }
            }
            pipe.is_taken_over
        };
        match self.inner.poll_output(buf) {
            DtlsOutput::ApplicationData(_) if is_taken_over => DtlsOutput::ApplicationData(&[]),
            output => output,
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.inner.handle_timeout(now)
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}
