//! What the fuzz targets run, and the ordinary tests as well: each function takes any bytes, does a bounded amount of
//! work, and panics only if farwire is wrong.

mod bridge;
mod broker;
mod choices;
mod guard;
mod lcm;
mod peer;
mod sctp;
mod sdp;
mod sfu;

use std::net::SocketAddr;
use std::sync::OnceLock;

use farwire_core::link::Certificate;
use farwire_core::wire::cloudflare::{DataChannel, DataChannels, ErrorBody, Establish, Established, NewSession};
use farwire_core::wire::cloudflare::{Location, SessionDescription, SessionState};
use farwire_core::wire::teleop;
use farwire_core::{ChannelName, MAX_CHANNEL_NAME};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::bridge::bridge_inputs;
pub use self::broker::broker_requests;
pub use self::guard::guard_packets;
pub use self::lcm::{demux, lcm_decode};
pub use self::peer::peer_inputs;
pub use self::sctp::{sctp_network, sctp_packets};
pub use self::sdp::session_description;
pub use self::sfu::sfu_requests;

/// Where the SFU is in every body.
const SFU: SocketAddr = address(1, 3478);

/// Outputs in a row after which a state machine counts as livelocked.
const MAX_OUTPUTS: usize = 100_000;

/// Derives channel names from the bytes as a topic.
pub fn channel_name(data: &[u8]) {
    let topic = String::from_utf8_lossy(data);
    let name = ChannelName::from_topic(&topic);
    let published = ChannelName::published(&topic);
    for name in [&name, &published] {
        assert!((1..=MAX_CHANNEL_NAME).contains(&name.len()), "{name:?}");
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')), "{name:?}");
        assert_eq!(ChannelName::from_topic(name), *name, "a name is its own name");
    }
    assert_eq!(published, ChannelName::from_topic(&format!("pub_{topic}")));
    if *name != *topic {
        let digits = name.len().checked_sub(8).map(|at| name.split_at(at));
        let marked =
            digits.is_some_and(|(head, hex)| head.ends_with('_') && hex.bytes().all(|b| b.is_ascii_hexdigit()));
        assert!(marked || (topic.is_empty() && &*name == "dc"), "{name:?} does not tell its topic from others");
    }
}

/// Reads the bytes as each body of both APIs, and what was read again after it was written.
pub fn api_json(data: &[u8]) {
    survives_writing::<NewSession>(data);
    survives_writing::<Establish>(data);
    survives_writing::<Established>(data);
    survives_writing::<SessionDescription>(data);
    survives_writing::<ErrorBody>(data);
    survives_writing::<DataChannels>(data);
    if let Some(entry) = survives_writing::<DataChannel>(data)
        && let (Some(delivery), Some(name)) = (entry.delivery(), &entry.data_channel_name)
    {
        let wanted = DataChannel::wanted(entry.location.unwrap_or(Location::Local), name, delivery);
        assert_eq!(wanted.delivery(), Some(delivery));
    }
    if let Ok(mut state) = serde_json::from_slice::<SessionState>(data) {
        // Numbers in tracks may lose digits, which nobody reads.
        state.tracks.clear();
        survives_writing::<SessionState>(&serde_json::to_vec(&state).expect("plain data"));
    }
    teleop_messages(data);
    survives_writing::<teleop::Register>(data);
    survives_writing::<teleop::Registered>(data);
    survives_writing::<teleop::HeartbeatAnswer>(data);
    survives_writing::<teleop::SdpAnswer>(data);
    survives_writing::<teleop::IceServers>(data);
    survives_writing::<teleop::Listed>(data);
    teleop::RobotFigures::of(data);
    survives_writing::<teleop::Join>(data);
    survives_writing::<teleop::Joined>(data);
    survives_writing::<teleop::OfOperator>(data);
    survives_writing::<teleop::Bridged>(data);
    if let Some(client_ts) = teleop::Received::parse(data, 4096).and_then(|message| message.client_ts) {
        let pong = teleop::StateMessage::Pong { client_ts, robot_ts: 1.5 }.to_json();
        let again = teleop::Received::parse(pong.as_bytes(), pong.len()).expect("what was written can be read");
        assert_eq!(again.client_ts.map(serde_json::value::RawValue::get), Some(client_ts.get()), "byte for byte");
    }
}

/// Reads the bytes as what an operator says, and as a robot's map.
fn teleop_messages(data: &[u8]) {
    if let Some(ordered) = teleop::Ordered::parse(data)
        && let Some(nonce) = &ordered.nonce
    {
        assert!(nonce.to_string().len() <= teleop::MAX_NONCE);
        let answer: serde_json::Value = serde_json::from_str(&teleop::cmd_ack(nonce, true)).expect("plain data");
        assert_eq!(answer["nonce"], *nonce, "it comes back as it was");
    }
    if let Some(grid) = farwire_core::teleop::Grid::parse(data) {
        let cells = u64::from(grid.width) * u64::from(grid.height);
        assert_eq!(u64::try_from(grid.cells.len()), Ok(cells));
    }
}

fn survives_writing<T: DeserializeOwned + Serialize>(data: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(data).ok()?;
    let written = serde_json::to_string(&read).expect("plain data");
    let again: T = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(serde_json::to_string(&again).expect("plain data"), written);
    Some(read)
}

/// One for all runs, since making one takes longer than most of them.
fn certificate() -> Option<Certificate> {
    static CERTIFICATE: OnceLock<Option<Certificate>> = OnceLock::new();
    CERTIFICATE.get_or_init(Certificate::generate).clone()
}

const fn address(host: u8, port: u16) -> SocketAddr {
    SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::new(10, 0, 0, host), port))
}
