//! What a robot is told of the channels to its operators and viewers.

use std::collections::BTreeSet;

use serde_json::Value;

/// What it subscribes to and what it publishes on: the ids of both channels of each, or none.
pub(super) type Pairs = (Option<[u16; 2]>, Option<[u16; 2]>);

/// What it has heard in one session.
#[derive(Default)]
pub(super) struct Heard {
    now: Pairs,
    ever: BTreeSet<u16>,
}

impl Heard {
    /// Takes the answer to a heartbeat.
    pub(super) fn hear(&mut self, (inbound, outbound): Pairs) {
        assert!(inbound.is_none() || outbound.is_some(), "an operator that hears nothing");
        if inbound != self.now.0 {
            assert!(inbound.is_none() || self.now.0.is_none(), "from one operator to the next without a stop");
            self.note(inbound);
        }
        if outbound != self.now.1 {
            self.note(outbound);
        }
        self.now = (inbound, outbound);
    }

    fn note(&mut self, ids: Option<[u16; 2]>) {
        for id in ids.into_iter().flatten() {
            assert!(self.ever.insert(id), "the id {id} for the second time");
        }
    }
}

/// The ids in an answer.
pub(super) fn ids(body: &Value, names: [&str; 4]) -> Pairs {
    let [cmd, state, back, map] =
        names.map(|name| body[name].as_u64().map(|id| u16::try_from(id).expect("a stream id")));
    let both = |one: Option<u16>, other: Option<u16>| {
        assert_eq!(one.is_some(), other.is_some(), "one of two");
        Some([one?, other?])
    };
    (both(cmd, state), both(back, map))
}
