//! What the broker is asked beside the driving: who is there, and to hand the robot over. A thread of its own waits for its
//! answers, since a hand-over may take 20 s.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use farwire::teleop::{BrokerError, Operator, Roster};
use farwire_sim::operator::short;

use crate::failure::Failure;

/// The time between two looks at who is there.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What the thread is to ask for. There is one at a time.
enum Ask {
    Roster,
    HandOver(String),
}

/// What came of it.
enum Told {
    Roster(Result<Roster, BrokerError>),
    HandedOver(Result<(), BrokerError>),
}

/// Who is there, as the broker says, and what becomes of handing the robot over.
pub(super) struct Attendance {
    asks: Option<Sender<Ask>>,
    told: Receiver<Told>,
    thread: Option<JoinHandle<()>>,
    /// Nothing is asked while an answer is awaited.
    is_waiting: bool,
    /// To whom the robot is to be handed over next.
    wanted: Option<String>,
    /// It is asked for, and the broker has not said yet what came of it.
    is_handing_over: bool,
    next_look: Instant,
    roster: Option<Roster>,
    /// For the person at the screen.
    pub(super) notice: Option<String>,
}

impl Attendance {
    pub(super) fn new(operator: Arc<Operator>) -> Result<Attendance, Failure> {
        let (asks, to_ask) = channel();
        let (tell, told) = channel();
        let thread = thread::Builder::new().name("farwire-attend".into()).spawn(move || {
            for ask in to_ask {
                let answer = match ask {
                    Ask::Roster => Told::Roster(operator.roster()),
                    Ask::HandOver(to) => Told::HandedOver(operator.hand_over(Some(&to))),
                };
                if tell.send(answer).is_err() {
                    return;
                }
            }
        });
        Ok(Attendance {
            asks: Some(asks),
            told,
            thread: Some(thread.map_err(Failure::failed)?),
            is_waiting: false,
            wanted: None,
            is_handing_over: false,
            next_look: Instant::now(),
            roster: None,
            notice: None,
        })
    }

    /// Takes what came, and asks for what is due.
    pub(super) fn look(&mut self, now: Instant) {
        while let Ok(told) = self.told.try_recv() {
            self.is_waiting = false;
            self.is_handing_over &= matches!(told, Told::Roster(_));
            match told {
                Told::Roster(roster) => self.roster = roster.ok(),
                Told::HandedOver(Ok(())) => self.notice = Some("the robot is handed over".to_owned()),
                Told::HandedOver(Err(error)) => self.notice = Some(error.to_string()),
            }
        }
        let ask = match self.wanted.take_if(|_| !self.is_waiting) {
            Some(to) => Ask::HandOver(to),
            None if !self.is_waiting && now >= self.next_look => {
                self.next_look = now + LOOK_EVERY;
                Ask::Roster
            }
            None => return,
        };
        self.is_waiting = self.asks.as_ref().is_some_and(|asks| asks.send(ask).is_ok());
    }

    /// Hands the robot over, as soon as the broker can be asked.
    pub(super) fn hand_over(&mut self, to: String) {
        self.notice = Some(format!("handing over to {}; you drive until it has the robot", short(&to)));
        (self.wanted, self.is_handing_over) = (Some(to), true);
    }

    /// A key was pressed: what was said of the one before has been read.
    pub(super) fn clear_notice(&mut self) {
        self.notice.take_if(|_| !self.is_handing_over);
    }

    /// Those to whom the robot can be handed over.
    pub(super) fn viewers(&self) -> Vec<String> {
        let Some(roster) = &self.roster else { return Vec::new() };
        roster.viewers.iter().filter(|id| Some(*id) != roster.you.as_ref()).cloned().collect()
    }

    /// Who drives and who watches, in a line.
    pub(super) fn line(&self) -> Option<String> {
        self.roster.as_ref().map(line)
    }

    /// Asks for nothing any more, and waits for the answer that is awaited; the connection has to be closed.
    pub(super) fn end(mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            // A panic was told by the thread itself.
            let _ = thread.join();
        }
    }
}

fn line(roster: &Roster) -> String {
    let is_you = |id: &String| Some(id) == roster.you.as_ref();
    let driver = match &roster.operator {
        None => "nobody drives".to_owned(),
        Some(id) if is_you(id) => "you drive".to_owned(),
        Some(id) => format!("{} drives", short(id)),
    };
    let (yours, others): (Vec<_>, Vec<_>) = roster.viewers.iter().partition(|id| is_you(id));
    let mut text = driver;
    if let Some(you) = yours.first() {
        text.push_str(&format!("; you watch as {}", short(you)));
    }
    match others.as_slice() {
        [] => {}
        [one] => text.push_str(&format!("; {} watches", short(one))),
        many => text.push_str(&format!("; {} others watch", many.len())),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_who_drives() {
        let mut roster = Roster::default();
        assert_eq!(line(&roster), "nobody drives");
        roster.operator = Some("aaaaaaaaaa".to_owned());
        roster.you = Some("aaaaaaaaaa".to_owned());
        roster.viewers = vec!["bbbbbbbbbb".to_owned()];
        assert_eq!(line(&roster), "you drive; bbbbbb watches");
        roster.you = Some("bbbbbbbbbb".to_owned());
        assert_eq!(line(&roster), "aaaaaa drives; you watch as bbbbbb");
        roster.viewers.extend(["cccccccccc".to_owned(), "dddddddddd".to_owned()]);
        assert_eq!(line(&roster), "aaaaaa drives; you watch as bbbbbb; 2 others watch");
    }
}
