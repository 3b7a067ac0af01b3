//! A provider that is over before its transport is up.

use std::time::Instant;

use farwire_core::provider::{Attempt, ChannelId, Connect, Context, Provider, SctpStream};
use farwire_core::{Delivery, Direction, EndReason, Topic, TransportId, Unavailable};

/// Nothing to configure.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Over;

impl Connect for Over {
    fn url(&self) -> &str {
        "over://"
    }

    fn provider(&self, _: &Attempt) -> Box<dyn Provider> {
        Box::new(Session)
    }
}

struct Session;

impl Provider for Session {
    fn want(&mut self, _: &mut Context<'_>, _: ChannelId, _: Direction, _: &Topic, _: Delivery) {}

    fn unwant(&mut self, _: &mut Context<'_>, _: ChannelId) {}

    fn channel_opened(&mut self, _: &mut Context<'_>, _: SctpStream) {}

    /// Says in one go that it is over and that it is up, as it may learn of both at once.
    fn advance(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        if !cx.is_over() {
            cx.end(EndReason::Unavailable(Unavailable::new("shut", "there is nobody".to_owned(), false)));
            cx.up(TransportId::FIRST);
        }
        None
    }
}
