//! What a robot is told of the channels to its operators.

use std::collections::BTreeSet;

use serde_json::Value;

/// What it has heard in one session.
#[derive(Default)]
pub(super) struct Heard {
    now: Option<[u16; 4]>,
    ever: BTreeSet<u16>,
}

impl Heard {
    /// Takes the answer to a heartbeat.
    pub(super) fn hear(&mut self, ids: Option<[u16; 4]>) {
        if ids == self.now {
            return;
        }
        assert!(ids.is_none() || self.now.is_none(), "from one operator to the next without a stop");
        for id in ids.into_iter().flatten() {
            assert!(self.ever.insert(id), "the id {id} for the second time");
        }
        self.now = ids;
    }
}

/// The ids in an answer: all or none.
pub(super) fn ids(body: &Value, names: [&str; 4]) -> Option<[u16; 4]> {
    let ids = names.map(|name| body[name].as_u64().map(|id| u16::try_from(id).expect("a stream id")));
    match ids {
        [Some(a), Some(b), Some(c), Some(d)] => Some([a, b, c, d]),
        ids => {
            assert_eq!(ids, [None; 4], "some ids and some not");
            None
        }
    }
}
