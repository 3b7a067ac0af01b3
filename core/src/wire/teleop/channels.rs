//! The four channels of a bridge.

use crate::Delivery;

/// Operator to robot, lossy: LCM messages of several types.
pub const CMD_UNRELIABLE: &str = "cmd_unreliable";

/// Operator to robot, reliable: JSON.
pub const STATE_RELIABLE: &str = "state_reliable";

/// Robot to operator, reliable: JSON.
pub const STATE_RELIABLE_BACK: &str = "state_reliable_back";

/// Robot to operator, lossy: a map in JSON.
pub const MAP_UNRELIABLE: &str = "map_unreliable";

/// Which end of a bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// The robot.
    Robot,
    /// Whoever operates it.
    Operator,
}

/// One of the channels. `as usize` is its place in [`Channel::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// [`CMD_UNRELIABLE`].
    Cmd,
    /// [`STATE_RELIABLE`].
    State,
    /// [`STATE_RELIABLE_BACK`].
    Back,
    /// [`MAP_UNRELIABLE`].
    Map,
}

impl Channel {
    /// All of them, in the order in which the broker's calls name their ids.
    pub const ALL: [Channel; 4] = [Channel::Cmd, Channel::State, Channel::Back, Channel::Map];

    /// The name, which is the topic's and on the SFU the channel's.
    pub const fn name(self) -> &'static str {
        match self {
            Channel::Cmd => CMD_UNRELIABLE,
            Channel::State => STATE_RELIABLE,
            Channel::Back => STATE_RELIABLE_BACK,
            Channel::Map => MAP_UNRELIABLE,
        }
    }

    /// What its transport promises.
    pub const fn delivery(self) -> Delivery {
        match self {
            Channel::Cmd | Channel::Map => Delivery::LOSSY,
            Channel::State | Channel::Back => Delivery::RELIABLE,
        }
    }

    /// Who publishes on it; the other end subscribes.
    pub const fn publisher(self) -> Party {
        match self {
            Channel::Cmd | Channel::State => Party::Operator,
            Channel::Back | Channel::Map => Party::Robot,
        }
    }

    /// The channel of this name.
    pub fn of(name: &str) -> Option<Channel> {
        Channel::ALL.into_iter().find(|channel| channel.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_publishes_one_lossy_and_one_reliable_channel() {
        for (place, channel) in Channel::ALL.into_iter().enumerate() {
            assert_eq!((channel as usize, Channel::of(channel.name())), (place, Some(channel)));
        }
        for party in [Party::Robot, Party::Operator] {
            let own = Channel::ALL.into_iter().filter(|channel| channel.publisher() == party);
            let lossy: Vec<bool> = own.map(|channel| channel.delivery() == Delivery::LOSSY).collect();
            assert!(lossy.len() == 2 && lossy[0] != lossy[1], "{party:?}");
        }
        assert_eq!(Channel::of("cmd"), None);
    }
}
