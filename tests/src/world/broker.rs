//! A broker in the world.

use super::World;
use crate::world_broker::WorldBroker;

impl World {
    /// Sets up a broker at `http://broker.test`, on this world's SFU.
    pub fn open_broker(&mut self) {
        self.broker = Some(WorldBroker::new(self.now));
    }

    /// What the broker counts.
    pub fn broker_stats(&self) -> farwire_broker::Stats {
        self.broker.as_ref().expect("there is a broker").broker().stats()
    }

    /// A key for a robot of this world's broker.
    pub fn robot_key(&mut self, robot: &str) -> String {
        self.broker.as_mut().expect("there is a broker").robot_key(robot)
    }

    /// A token for all robots of this world's broker.
    pub fn operator_token(&mut self) -> String {
        self.broker.as_mut().expect("there is a broker").operator_token()
    }

    /// Makes an operator's `POST` on a robot's session that no client of this world makes.
    pub fn ask_broker(&mut self, token: &str, session: &str, call: &str, body: &str) {
        let (now, path) = (self.now, format!("/api/v1/sessions/{session}/{call}"));
        self.broker.as_mut().expect("there is a broker").ask(now, token, &path, body);
    }

    /// Revokes a key or token.
    pub fn revoke(&mut self, secret: &str) {
        let now = self.now;
        self.broker.as_mut().expect("there is a broker").revoke(now, secret);
    }

    /// Ends the broker without a word, and starts another one with what it kept.
    pub fn restart_broker(&mut self) {
        self.of_broker.clear();
        let now = self.now;
        self.broker.as_mut().expect("there is a broker").restart(now);
    }
}
