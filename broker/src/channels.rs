//! The four channels between a robot and its operator, as the SFU is asked for them.

use farwire_core::link::StreamId;
use farwire_core::wire::cloudflare::{DataChannel, Location};
use farwire_core::wire::teleop::{Channel, Party};

/// The stream ids of the four channels at one end, in the order of [`Channel::ALL`].
pub(crate) type Ids = [StreamId; 4];

/// What is to be asked for at one end: what it publishes, or what it subscribes to of `publisher`'s session.
pub(crate) fn entries(at: Party, publisher: Option<&str>) -> Vec<DataChannel> {
    let location = if publisher.is_some() { Location::Remote } else { Location::Local };
    let wanted = Channel::ALL.into_iter().filter(|channel| (channel.publisher() == at) == publisher.is_none());
    wanted
        .map(|channel| DataChannel {
            session_id: publisher.map(str::to_owned),
            ..DataChannel::wanted(location, channel.name(), channel.delivery())
        })
        .collect()
}
