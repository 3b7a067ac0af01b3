//! What happens when a time has come.

use super::Association;
use super::state::{Phase, is_over};
use crate::EndReason;

/// What a heartbeat of ours carries, in the parameter of RFC 9260, section 3.3.5.
const HEARTBEAT_INFO: [u8; 8] = [0, 1, 0, 8, b'f', b'a', b'r', b'w'];

impl Association {
    pub(super) fn run_timers(&mut self) {
        let now = self.now;
        if self.phase == Phase::Ended {
            return;
        }
        if is_over(&mut self.timers.ack, now) {
            self.acks.is_due = true;
        }
        is_over(&mut self.timers.pace, now);
        if is_over(&mut self.timers.loss, now) {
            self.look_for_losses();
        }
        let mut asks_again = false;
        if is_over(&mut self.timers.data, now) {
            asks_again = true;
            self.data_timed_out();
        }
        if is_over(&mut self.timers.reset, now) {
            asks_again = true;
            self.reset_timed_out();
        }
        if is_over(&mut self.timers.handshake, now) {
            asks_again = true;
            self.handshake_timed_out();
        }
        if is_over(&mut self.timers.heartbeat, now) {
            asks_again = true;
            self.controls.heartbeat = true;
            // Until anything comes.
            self.timers.heartbeat = Some(now + self.config.rto_max);
        }
        if asks_again && self.is_given_up() {
            self.end(EndReason::Lost);
        }
        self.tell_room();
    }

    /// Whether nothing has answered for too long.
    fn is_given_up(&self) -> bool {
        let waited = self.controls.unanswered_since.map(|since| self.now.saturating_duration_since(since));
        matches!((waited, self.config.give_up_after), (Some(waited), Some(most)) if waited >= most)
    }

    fn handshake_timed_out(&mut self) {
        self.controls.handshake_sent = None;
        match self.phase {
            Phase::CookieWait => self.controls.init = true,
            Phase::CookieEchoed => self.controls.cookie_echo = true,
            Phase::ShutdownSent => self.controls.shutdown = true,
            Phase::ShutdownAckSent => self.controls.shutdown_ack = true,
            _ => return,
        }
        let pause = (self.timers.handshake_pause * 2).min(self.config.rto_max);
        self.timers.handshake_pause = pause;
        self.timers.handshake = Some(self.now + pause);
    }

    /// From any packet on, the next heartbeat is a while away.
    pub(super) fn restart_heartbeat(&mut self) {
        self.timers.heartbeat = self.config.heartbeat.map(|pause| self.now + pause);
    }

    pub(super) fn heartbeat_info(&mut self) -> [u8; 8] {
        self.controls.heartbeat_sent = Some(self.now);
        self.controls.unanswered_since.get_or_insert(self.now);
        HEARTBEAT_INFO
    }

    pub(super) fn on_heartbeat_ack(&mut self, info: &[u8]) {
        if info == HEARTBEAT_INFO
            && let Some(sent) = self.controls.heartbeat_sent.take()
        {
            self.trip.measured(self.now, self.now.saturating_duration_since(sent), false);
        }
    }
}
