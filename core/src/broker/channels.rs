//! The four channels of a bridge.

use crate::{Delivery, Side, Topic, TopicError};

/// Operator to robot, lossy: LCM messages of several types.
pub const CMD_UNRELIABLE: &str = "cmd_unreliable";

/// Operator to robot, reliable: JSON.
pub const STATE_RELIABLE: &str = "state_reliable";

/// Robot to operator, reliable: JSON.
pub const STATE_RELIABLE_BACK: &str = "state_reliable_back";

/// Robot to operator, lossy: a map in JSON.
pub const MAP_UNRELIABLE: &str = "map_unreliable";

/// Which end of a bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Party {
    Robot,
    Operator,
}

/// One of the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Cmd,
    State,
    Back,
    Map,
}

impl Place {
    pub(super) const ALL: [Place; 4] = [Place::Cmd, Place::State, Place::Back, Place::Map];

    pub(super) fn name(self) -> &'static str {
        match self {
            Place::Cmd => CMD_UNRELIABLE,
            Place::State => STATE_RELIABLE,
            Place::Back => STATE_RELIABLE_BACK,
            Place::Map => MAP_UNRELIABLE,
        }
    }

    pub(super) fn delivery(self) -> Delivery {
        match self {
            Place::Cmd | Place::Map => Delivery::LOSSY,
            Place::State | Place::Back => Delivery::RELIABLE,
        }
    }

    pub(super) fn publisher(self) -> Party {
        match self {
            Place::Cmd | Place::State => Party::Operator,
            Place::Back | Place::Map => Party::Robot,
        }
    }

    /// The channel of a topic: they have the same names.
    pub(super) fn of(topic: &Topic) -> Option<Place> {
        Place::ALL.into_iter().find(|place| place.name() == topic.as_str())
    }
}

/// The delivery of a topic at one end, if it can be used there in this direction.
pub(super) fn admit(at: Party, side: Side, topic: &Topic) -> Result<Delivery, TopicError> {
    let publishes = side == Side::Publish;
    let fits = |place: &Place| (place.publisher() == at) == publishes;
    match Place::of(topic).filter(fits) {
        Some(place) => Ok(place.delivery()),
        None => {
            let mut possible = Place::ALL.into_iter().filter(fits).map(Place::name);
            let possible = [possible.next().unwrap_or_default(), possible.next().unwrap_or_default()];
            let end = if at == Party::Robot { "a robot" } else { "an operator" };
            let verb = if publishes { "publishes" } else { "subscribes to" };
            Err(TopicError::NotBridged { topic: topic.clone(), end, verb, possible })
        }
    }
}
