//! Sessions of robots whose place another one has taken.

use std::collections::VecDeque;

use crate::key::RobotId;

/// Sessions that are remembered; the oldest give way.
const MAX: usize = 1_024;

/// The latest sessions that ended because their robot registered again, so that whoever still uses one is told why.
#[derive(Debug, Default)]
pub(crate) struct Displaced(VecDeque<Session>);

#[derive(Debug)]
struct Session {
    id: String,
    robot: RobotId,
    instance: Option<String>,
}

impl Displaced {
    pub(crate) fn note(&mut self, id: String, robot: RobotId, instance: Option<String>) {
        if self.0.len() == MAX {
            self.0.pop_front();
        }
        self.0.push_back(Session { id, robot, instance });
    }

    /// The instance that had a session of a robot, if it was displaced.
    pub(crate) fn find(&self, id: &str, robot: &RobotId) -> Option<Option<&str>> {
        let found = self.0.iter().rev().find(|session| session.id == id && session.robot == *robot);
        found.map(|session| session.instance.as_deref())
    }
}
