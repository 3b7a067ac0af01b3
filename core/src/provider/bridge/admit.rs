//! Which topics a bridge has at one end.

use crate::wire::teleop::{Channel, Party};
use crate::{Delivery, Direction, Topic, TopicError};

/// The delivery of a topic at one end, if it can be used there in this direction.
pub(in crate::provider) fn admit(at: Party, direction: Direction, topic: &Topic) -> Result<Delivery, TopicError> {
    let publishes = direction == Direction::Publish;
    let fits = |channel: &Channel| (channel.publisher() == at) == publishes;
    Channel::of(topic.as_str()).filter(fits).map(Channel::delivery).ok_or_else(|| {
        let possible: Vec<&str> = Channel::ALL.into_iter().filter(fits).map(Channel::name).collect();
        let end = if at == Party::Robot { "a robot" } else { "an operator" };
        let verb = if publishes { "publishes" } else { "subscribes to" };
        let why = format!("through a broker, {end} {verb} {}", possible.join(" or "));
        TopicError::NotCarried { topic: topic.clone(), why }
    })
}
