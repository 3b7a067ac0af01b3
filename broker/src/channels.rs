//! The four channels between a robot and its operator.

use farwire_core::Delivery;
use farwire_core::cloudflare::api::{DataChannel, Location};
use farwire_core::link::StreamId;

/// At whose end a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Party {
    Robot,
    Operator,
}

pub(crate) struct Channel {
    pub(crate) name: &'static str,
    pub(crate) delivery: Delivery,
    pub(crate) publisher: Party,
}

/// In the order of [`Ids`].
pub(crate) const CHANNELS: [Channel; 4] = [
    Channel { name: "cmd_unreliable", delivery: Delivery::LOSSY, publisher: Party::Operator },
    Channel { name: "state_reliable", delivery: Delivery::RELIABLE, publisher: Party::Operator },
    Channel { name: "state_reliable_back", delivery: Delivery::RELIABLE, publisher: Party::Robot },
    Channel { name: "map_unreliable", delivery: Delivery::LOSSY, publisher: Party::Robot },
];

/// The stream ids of the four channels at one end, in the order of [`CHANNELS`].
pub(crate) type Ids = [StreamId; 4];

/// What is to be asked for at one end: what it publishes, or what it subscribes to of `publisher`'s session.
pub(crate) fn entries(at: Party, publisher: Option<&str>) -> Vec<DataChannel> {
    let location = if publisher.is_some() { Location::Remote } else { Location::Local };
    let wanted = CHANNELS.iter().filter(|channel| (channel.publisher == at) == publisher.is_none());
    wanted
        .map(|channel| DataChannel {
            session_id: publisher.map(str::to_owned),
            ..DataChannel::wanted(location, channel.name, channel.delivery)
        })
        .collect()
}

/// The place of a channel in [`CHANNELS`].
pub(crate) fn place(name: &str) -> Option<usize> {
    CHANNELS.iter().position(|channel| channel.name == name)
}
