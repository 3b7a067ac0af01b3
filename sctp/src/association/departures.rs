//! What acknowledgements mean for what was sent.

use super::Association;
use super::state::Phase;
use crate::congestion::Ack;
use crate::send::{Verdict, doubt};
use crate::wire::Sack;
use crate::{Event, Violation};

impl Association {
    pub(super) fn on_sack(&mut self, sack: &Sack<'_>) -> Result<(), Violation> {
        if !self.is_connected() {
            return Ok(());
        }
        let in_flight = self.flight.in_flight();
        let least = self.trip.least();
        let Some(acked) = self.flight.acknowledge(self.now, sack, least)? else { return Ok(()) };
        self.peer_window = sack.window as usize;
        if let Some((sample, is_lone)) = acked.sample {
            self.trip.measured(self.now, sample, is_lone);
        }
        if let Some(took) = acked.late {
            self.trip.measured(self.now, took, false);
        }
        if acked.is_needless {
            self.stats.spurious += 1;
            if std::mem::take(&mut self.has_cut_for_probe) {
                self.control.undo_loss();
            }
        }
        if let Some(took) = acked.spurious.or(acked.doubtful) {
            self.stats.spurious += 1;
            match (self.trip.expiries(), acked.spurious) {
                (0, _) => self.flight.was_hasty(),
                (_, Some(took)) => self.trip.was_late(self.now, took),
                (_, None) => self.trip.may_be_late(self.now, took),
            }
            if std::mem::take(&mut self.has_timed_out) {
                self.control.undo();
            }
        }
        if acked.bytes > 0 {
            self.has_timed_out = false;
            // A probe that was needed tells of a loss, like any other.
            if acked.repaired && self.trip.expiries() == 1 {
                self.congested();
                self.has_cut_for_probe = true;
            }
            self.trip.progressed();
            self.control.acked(&Ack {
                now: self.now,
                bytes: acked.bytes,
                in_flight,
                sample: acked.sample.map(|(sample, _)| sample),
                least: self.trip.least(),
                smoothed: self.trip.smoothed(),
            });
        }
        self.look_for_losses();
        if acked.advanced || acked.bytes > 0 {
            self.restart_data_timer();
        }
        if self.flight.has_given_up() && (acked.advanced || acked.bytes > 0) {
            self.owes_forward = true;
        }
        self.drop_abandoned();
        Ok(())
    }

    pub(super) fn look_for_losses(&mut self) {
        let verdict = self.flight.find_lost(self.now, &self.trip);
        self.timers.loss = verdict.again;
        self.judge(&verdict);
    }

    fn judge(&mut self, verdict: &Verdict) {
        if verdict.is_new {
            self.congested();
        }
        if verdict.bytes > 0 || verdict.gives_up {
            self.drop_abandoned();
        }
    }

    fn congested(&mut self) {
        self.stats.congestion_events += 1;
        self.has_cut_for_probe = false;
        self.control.lost(self.now);
        self.flight.enter_recovery();
    }

    /// The rest of messages that were given up is not sent, and the far end is told.
    pub(super) fn drop_abandoned(&mut self) {
        for (stream, ticket) in std::mem::take(&mut self.flight.given_up) {
            if let Some(rest) = self.outbox.abandon(stream, ticket) {
                self.flight.abandon(&rest);
            }
        }
        if self.flight.can_abandon && self.flight.advance() {
            self.owes_forward = true;
        }
    }

    /// The timer of data runs from the last packet that was sent, since that is answered last.
    pub(super) fn restart_data_timer(&mut self) {
        self.timers.data = match (self.flight.is_empty(), self.flight.last_sent()) {
            (false, Some(sent)) => {
                let timeout = self.trip.timeout(self.flight.is_thin());
                Some((sent + timeout).max(self.now + timeout / 4))
            }
            _ => None,
        };
    }

    /// Nothing was heard of what is in flight: a packet of it is sent again to see whether an answer comes, and then all counts
    /// as lost.
    pub(super) fn data_timed_out(&mut self) {
        if self.flight.is_empty() {
            return;
        }
        let is_first = self.trip.expiries() == 0;
        self.trip.expired();
        if is_first {
            self.stats.probes += 1;
            let until = self.now + doubt(&self.trip);
            self.timers.loss = self.flight.probe(self.now, self.config.max_packet, until).again;
        } else {
            self.stats.timeouts += 1;
            if !std::mem::replace(&mut self.has_timed_out, true) {
                self.stats.congestion_events += 1;
                self.control.timed_out();
                self.flight.enter_recovery();
            }
            self.flight.time_out(self.now);
        }
        self.is_probing = true;
        self.owes_forward |= self.flight.has_given_up();
        self.drop_abandoned();
        self.timers.data = Some(self.now + self.trip.timeout(self.flight.is_thin()));
    }

    /// Says that there is room again, and on which streams little waits.
    pub(super) fn tell_room(&mut self) {
        for stream in std::mem::take(&mut self.outbox.low) {
            self.events.push_back(Event::BufferedAmountLow(stream));
        }
        let used = self.outbox.charge() + self.flight.charge();
        if self.wants_room && used <= self.config.send_buffer / 2 && self.phase != Phase::Ended {
            self.wants_room = false;
            self.events.push_back(Event::Writable);
        }
    }
}
