//! sctp-proto, which str0m has.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use sctp_proto::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier, ReliabilityType, ServerConfig, StreamEvent, Transmit, TransportConfig,
};

use super::Foreign;
use crate::network::Node;

const REMOTE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 5000);

pub(super) struct Proto {
    endpoint: Endpoint,
    association: Option<(AssociationHandle, Association)>,
    packets: VecDeque<Vec<u8>>,
    is_connected: bool,
    readable: VecDeque<u16>,
    resets: Vec<u16>,
    lossy: HashSet<u16>,
}

fn transport() -> TransportConfig {
    TransportConfig::default()
        .with_max_send_message_size(1 << 20)
        .with_max_receive_message_size(1 << 20)
        .with_max_data_retransmits(None)
        .with_max_init_retransmits(None)
}

impl Proto {
    fn keep(&mut self, transmit: Transmit) {
        if let Payload::RawEncode(packets) = transmit.payload {
            self.packets.extend(packets.into_iter().map(|packet| packet.to_vec()));
        }
    }

    fn drain(&mut self, now: Instant) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            self.keep(transmit);
        }
        while let Some(transmit) = self.association.as_mut().and_then(|(_, association)| association.poll_transmit(now))
        {
            self.keep(transmit);
        }
        let Some((handle, association)) = &mut self.association else { return };
        while let Some(event) = association.poll_endpoint_event() {
            if let Some(event) = self.endpoint.handle_event(*handle, event) {
                association.handle_event(event);
            }
        }
        while let Some(event) = association.poll() {
            match event {
                Event::Connected => self.is_connected = true,
                Event::Stream(StreamEvent::Opened { id }) => {
                    association.accept_stream();
                    self.readable.push_back(id);
                }
                Event::Stream(StreamEvent::Readable { id }) => self.readable.push_back(id),
                Event::Stream(StreamEvent::Finished { id }) => self.resets.push(id),
                Event::AssociationLost { reason } => panic!("sctp-proto ended: {reason:?}"),
                _ => {}
            }
        }
    }
}

impl Node for Proto {
    fn receive(&mut self, now: Instant, packet: &[u8]) {
        match self.endpoint.handle(now, REMOTE, None, None, Bytes::copy_from_slice(packet)) {
            Some((handle, DatagramEvent::NewAssociation(association))) if self.association.is_none() => {
                self.association = Some((handle, association));
            }
            Some((_, DatagramEvent::AssociationEvent(event))) => {
                if let Some((_, association)) = &mut self.association {
                    association.handle_event(event);
                }
            }
            _ => {}
        }
        self.drain(now);
    }

    fn poll(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.drain(now);
        self.packets.pop_front()
    }

    fn deadline(&mut self) -> Option<Instant> {
        self.association.as_ref()?.1.poll_timeout()
    }

    fn expire(&mut self, now: Instant) {
        if let Some((_, association)) = &mut self.association {
            association.handle_timeout(now);
        }
        self.drain(now);
    }
}

impl Foreign for Proto {
    fn new(_: Instant) -> Proto {
        let mut server = ServerConfig::new();
        server.transport = Arc::new(transport());
        Proto {
            endpoint: Endpoint::new(Arc::new(EndpointConfig::default()), Some(Arc::new(server))),
            association: None,
            packets: VecDeque::new(),
            is_connected: false,
            readable: VecDeque::new(),
            resets: Vec::new(),
            lossy: HashSet::new(),
        }
    }

    fn connect(&mut self, now: Instant) {
        let mut config = ClientConfig::new();
        config.transport = Arc::new(transport());
        self.association = Some(self.endpoint.connect(config, REMOTE).expect("a client"));
        self.drain(now);
    }

    fn is_connected(&self) -> bool {
        self.is_connected
    }

    fn open(&mut self, stream: u16, lossy: bool) {
        if lossy {
            self.lossy.insert(stream);
        }
        let Some((_, association)) = &mut self.association else { return };
        if association.stream(stream).is_err() {
            association.open_stream(stream, PayloadProtocolIdentifier::Binary).expect("free");
        }
        if lossy {
            let mut stream = association.stream(stream).expect("it is open");
            stream.set_reliability_params(true, ReliabilityType::Rexmit, 0).expect("it is open");
        }
    }

    fn send(&mut self, stream: u16, bytes: &[u8]) -> bool {
        let Some((_, association)) = &mut self.association else { return false };
        let Ok(mut stream) = association.stream(stream) else { return false };
        if stream.buffered_amount().unwrap_or(0) > 1 << 20 {
            return false;
        }
        stream.write_with_ppi(bytes, PayloadProtocolIdentifier::Binary).is_ok()
    }

    fn receive_message(&mut self) -> Option<(u16, Vec<u8>)> {
        let (_, association) = self.association.as_mut()?;
        while let Some(id) = self.readable.front().copied() {
            if let Ok(mut stream) = association.stream(id)
                && let Ok(Some(chunks)) = stream.read_sctp()
            {
                let mut bytes = vec![0; chunks.len()];
                chunks.read(&mut bytes).expect("long enough");
                return Some((id, bytes));
            }
            self.readable.pop_front();
        }
        None
    }

    fn reset(&mut self, stream: u16) {
        if let Some((_, association)) = &mut self.association
            && let Ok(mut stream) = association.stream(stream)
        {
            stream.close().expect("it is open");
        }
    }

    fn take_resets(&mut self) -> Vec<u16> {
        std::mem::take(&mut self.resets)
    }
}
