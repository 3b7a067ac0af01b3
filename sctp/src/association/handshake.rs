//! How an association begins and ends (RFC 9260, sections 5 and 9).
//!
//! An end has one tag and one first number for life, so whoever's INIT came first does not matter: both cookies agree.

use super::Association;
use super::state::{Peer, Phase};
use crate::receive::Tsns;
use crate::wire::{
    ABORT, CAUSE_PROTOCOL_VIOLATION, CAUSE_USER_ABORT, COMMON_HEADER, DATA_HEADER, I_DATA_HEADER, Init,
    SHUTDOWN_COMPLETE, put_item, read_init, unrecognized_parameters, write_init,
};
use crate::{EndReason, Event};

impl Association {
    pub(super) fn begin(&mut self) {
        if self.phase == Phase::Closed {
            self.phase = Phase::CookieWait;
            self.controls.init = true;
            self.start_handshake_timer();
        }
    }

    pub(super) fn start_handshake_timer(&mut self) {
        self.controls.handshake_sent = Some(self.now);
        self.timers.handshake_pause = self.trip.base();
        self.timers.handshake = Some(self.now + self.timers.handshake_pause);
        self.controls.unanswered_since.get_or_insert(self.now);
    }

    pub(super) fn stop_handshake_timer(&mut self) {
        self.timers.handshake = None;
    }

    /// The answer to a chunk of the handshake is the first measurement of the path.
    fn measure_handshake(&mut self) {
        if let Some(sent) = self.controls.handshake_sent.take() {
            self.trip.measured(self.now, self.now.saturating_duration_since(sent), false);
        }
    }

    pub(super) fn on_init(&mut self, value: &[u8]) {
        if matches!(self.phase, Phase::Ended | Phase::ShutdownAckSent) {
            return;
        }
        let Some((init, _, unknown)) = read_init(value) else { return };
        let cookie = self.secret.cookie(&init);
        let mut answer = write_init(&self.local_for(&init), Some(&cookie));
        let room = self.config.max_packet - COMMON_HEADER - 4;
        unrecognized_parameters(&mut answer, &unknown, room);
        self.controls.init_ack = Some((init.tag, answer));
    }

    /// What we say to an end that has said this: zero checksum is offered whatever it says (RFC 9653, section 5.1).
    fn local_for(&self, _: &Init) -> Init {
        self.local
    }

    pub(super) fn on_init_ack(&mut self, value: &[u8]) {
        if self.phase != Phase::CookieWait {
            return;
        }
        let Some((init, Some(cookie), _)) = read_init(value) else { return };
        self.measure_handshake();
        self.controls.cookie = Some(cookie.to_vec());
        self.controls.cookie_echo = true;
        self.controls.init = false;
        self.phase = Phase::CookieEchoed;
        self.meet(&init);
        self.start_handshake_timer();
    }

    pub(super) fn on_cookie_echo(&mut self, cookie: &[u8]) {
        let Some(init) = self.secret.open(cookie) else { return };
        match self.phase {
            Phase::Closed | Phase::CookieWait => {
                if self.phase == Phase::Closed {
                    self.measure_handshake();
                }
                self.meet(&init);
                self.establish();
            }
            Phase::CookieEchoed => {
                if self.peer.as_ref().is_none_or(|peer| peer.tag != init.tag) {
                    self.meet(&init);
                }
                self.establish();
            }
            Phase::Ended => return,
            _ => {
                if self.peer.as_ref().is_some_and(|peer| peer.tag != init.tag) {
                    return self.end(EndReason::Restarted);
                }
            }
        }
        self.controls.cookie_ack = true;
    }

    pub(super) fn on_cookie_ack(&mut self) {
        if self.phase == Phase::CookieEchoed {
            self.measure_handshake();
            self.establish();
        }
    }

    /// Takes what the far end says of itself.
    fn meet(&mut self, init: &Init) {
        let interleaving = init.interleaving && self.local.interleaving;
        self.peer = Some(Peer {
            tag: init.tag,
            streams: init.inbound,
            reconfig: init.reconfig,
            zero_checksum: init.zero_checksum && self.local.zero_checksum,
        });
        self.peer_window = init.window as usize;
        self.outbox.interleaving = interleaving;
        self.outbox.peer_buffer = init.window as usize;
        self.flight.set_header(if interleaving { I_DATA_HEADER } else { DATA_HEADER });
        self.flight.can_abandon = init.partial_reliability;
        self.tsns = Tsns::new(init.tsn);
        self.resets.met(init.tsn);
        self.acks.told_window = self.config.receive_buffer;
    }

    fn establish(&mut self) {
        self.phase = Phase::Established;
        self.controls.init = false;
        self.controls.cookie = None;
        self.controls.cookie_echo = false;
        self.controls.handshake_sent = None;
        self.stop_handshake_timer();
        self.restart_heartbeat();
        self.events.push_back(Event::Connected);
    }

    pub(super) fn begin_shutdown(&mut self) {
        match self.phase {
            Phase::Established => {
                self.phase = Phase::ShutdownPending;
                self.go_on_with_shutdown();
            }
            Phase::Closed | Phase::CookieWait | Phase::CookieEchoed => self.end(EndReason::Local),
            _ => {}
        }
    }

    /// The next step of a shutdown, once nothing is left to be sent.
    pub(super) fn go_on_with_shutdown(&mut self) {
        if !self.is_flushed() {
            return;
        }
        match self.phase {
            Phase::ShutdownPending => {
                self.phase = Phase::ShutdownSent;
                self.controls.shutdown = true;
                self.start_handshake_timer();
            }
            Phase::ShutdownReceived => {
                self.phase = Phase::ShutdownAckSent;
                self.controls.shutdown_ack = true;
                self.start_handshake_timer();
            }
            _ => {}
        }
    }

    pub(super) fn on_shutdown(&mut self) {
        match self.phase {
            Phase::Established | Phase::ShutdownPending => {
                self.phase = Phase::ShutdownReceived;
                self.go_on_with_shutdown();
            }
            // Both at once.
            Phase::ShutdownSent => {
                self.phase = Phase::ShutdownAckSent;
                self.controls.shutdown = false;
                self.controls.shutdown_ack = true;
                self.start_handshake_timer();
            }
            Phase::ShutdownAckSent => self.controls.shutdown_ack = true,
            _ => {}
        }
    }

    pub(super) fn on_shutdown_ack(&mut self) {
        if matches!(self.phase, Phase::ShutdownSent | Phase::ShutdownAckSent) {
            let tag = self.peer.as_ref().map_or(0, |peer| peer.tag);
            self.end(EndReason::Local);
            self.controls.farewell = Some((tag, SHUTDOWN_COMPLETE, 0, Vec::new()));
        }
    }

    pub(super) fn on_shutdown_complete(&mut self) {
        if self.phase == Phase::ShutdownAckSent {
            self.end(EndReason::Remote);
        }
    }

    /// The chunk that tells the far end why it is over.
    pub(super) fn farewell(&self, why: &EndReason) -> Option<(u32, u8, u8, Vec<u8>)> {
        let cause = match why {
            EndReason::Local | EndReason::Lost | EndReason::Restarted => CAUSE_USER_ABORT,
            EndReason::Violation(_) => CAUSE_PROTOCOL_VIOLATION,
            EndReason::Remote | EndReason::Aborted(_) => return None,
        };
        let tag = self.peer.as_ref()?.tag;
        let mut value = Vec::new();
        put_item(&mut value, cause, &[]);
        Some((tag, ABORT, 0, value))
    }
}
