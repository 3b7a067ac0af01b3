//! Publishes what the robot reports, on a thread of its own: a full reliable queue makes a publisher wait, and the robot
//! must not.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use farwire::teleop::{MAP_UNRELIABLE, STATE_RELIABLE_BACK};
use farwire::{Connection, Delivery, PublishError, Publisher};

use crate::failure::Failure;

/// Reports that wait; what comes on top is left out, since newer ones follow.
const QUEUE: usize = 32;

/// Something to publish, as JSON.
enum Report {
    Reliable(String),
    Map(String),
}

/// The robot's end of it.
pub(super) struct Reporter {
    reports: SyncSender<Report>,
    left_out: u64,
}

impl Reporter {
    pub(super) fn start(connection: &Connection) -> Result<Reporter, Failure> {
        let reliable = connection.publisher_with(STATE_RELIABLE_BACK, Delivery::RELIABLE).map_err(Failure::failed)?;
        let map = connection.publisher(MAP_UNRELIABLE).map_err(Failure::failed)?;
        let (reports, receiver) = mpsc::sync_channel(QUEUE);
        thread::Builder::new()
            .name("robot-reports".to_owned())
            .spawn(move || publish_all(&receiver, &reliable, &map))
            .map_err(|error| Failure::failed(format_args!("cannot start the thread of reports: {error}")))?;
        Ok(Reporter { reports, left_out: 0 })
    }

    /// Telemetry or an answer.
    pub(super) fn report(&mut self, json: String) {
        self.send(Report::Reliable(json));
    }

    pub(super) fn map(&mut self, json: String) {
        self.send(Report::Map(json));
    }

    /// Reports that found no place, because the network was slower.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    fn send(&mut self, report: Report) {
        // The thread is gone only when the connection is, which the robot's loop notices by itself.
        self.left_out += u64::from(self.reports.try_send(report).is_err());
    }
}

fn publish_all(reports: &Receiver<Report>, reliable: &Publisher, map: &Publisher) {
    for report in reports {
        let published = match report {
            Report::Reliable(json) => reliable.publish_text(&json),
            Report::Map(json) => map.publish_text(&json),
        };
        if let Err(PublishError::Ended { .. }) = published {
            return;
        }
    }
}
