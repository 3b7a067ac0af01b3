//! Which topics a bridge has at one end.

use crate::wire::teleop::{Channel, Party};
use crate::{Delivery, Side, Topic, TopicError};

/// The delivery of a topic at one end, if it can be used there in this direction.
pub(super) fn admit(at: Party, side: Side, topic: &Topic) -> Result<Delivery, TopicError> {
    let publishes = side == Side::Publish;
    let fits = |channel: &Channel| (channel.publisher() == at) == publishes;
    match Channel::of(topic.as_str()).filter(fits) {
        Some(channel) => Ok(channel.delivery()),
        None => {
            let mut possible = Channel::ALL.into_iter().filter(fits).map(Channel::name);
            let possible = [possible.next().unwrap_or_default(), possible.next().unwrap_or_default()];
            let end = if at == Party::Robot { "a robot" } else { "an operator" };
            let verb = if publishes { "publishes" } else { "subscribes to" };
            Err(TopicError::NotBridged { topic: topic.clone(), end, verb, possible })
        }
    }
}
