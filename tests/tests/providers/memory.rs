//! Two peers of one process, whose signalling is a value that they share.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use farwire_core::provider::{Attempt, ChannelId, Connect, Context, Provider, SctpStream};
use farwire_core::{Delivery, Direction, Topic, TransportId};

/// How often an end looks whether the other has said something.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What two ends share.
#[derive(Default, Clone)]
pub(crate) struct Meeting(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    offer: Option<String>,
    answer: Option<String>,
    /// A topic's place is its stream.
    topics: Vec<Topic>,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum End {
    Calls,
    IsCalled,
}

/// One end's configuration.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Memory {
    pub(crate) meeting: Meeting,
    pub(crate) end: End,
}

impl Connect for Memory {
    fn url(&self) -> &str {
        "memory://"
    }

    fn provider(&self, _: &Attempt) -> Box<dyn Provider> {
        let (meeting, end) = (self.meeting.clone(), self.end);
        Box::new(Session { meeting, end, has_begun: false, is_done: false, is_up: false, wanted: Vec::new() })
    }
}

struct Session {
    meeting: Meeting,
    end: End,
    has_begun: bool,
    is_done: bool,
    is_up: bool,
    wanted: Vec<(ChannelId, SctpStream, Delivery)>,
}

impl Session {
    /// Says what is to be said, and hears what was. `true`: there is nothing left of either.
    fn signal(&mut self, cx: &mut Context<'_>) -> bool {
        let mut said = self.meeting.lock();
        match self.end {
            End::Calls if !self.has_begun => {
                self.has_begun = true;
                (said.offer, said.answer) = (Some(cx.offer(TransportId::FIRST)), None);
                false
            }
            End::Calls => match said.answer.take() {
                Some(answer) => {
                    cx.accept_answer(TransportId::FIRST, &answer).expect("it fits the offer");
                    true
                }
                None => false,
            },
            End::IsCalled => match said.offer.take() {
                Some(offer) => {
                    said.answer = Some(cx.answer(TransportId::FIRST, &offer).expect("a good offer"));
                    true
                }
                None => false,
            },
        }
    }
}

impl Provider for Session {
    fn want(&mut self, cx: &mut Context<'_>, channel: ChannelId, _: Direction, topic: &Topic, delivery: Delivery) {
        let stream = self.meeting.stream(topic);
        if !self.wanted.iter().any(|(_, wanted, _)| *wanted == stream) && self.is_up {
            cx.open(stream, delivery).expect("nobody else uses it");
        }
        self.wanted.push((channel, stream, delivery));
    }

    fn unwant(&mut self, _: &mut Context<'_>, channel: ChannelId) {
        self.wanted.retain(|(wanted, ..)| *wanted != channel);
    }

    fn transport_up(&mut self, cx: &mut Context<'_>, transport: TransportId) {
        self.is_up = true;
        for (place, (_, stream, delivery)) in self.wanted.iter().enumerate() {
            if !self.wanted[..place].iter().any(|(_, before, _)| before == stream) {
                cx.open(*stream, *delivery).expect("nobody else uses it");
            }
        }
        cx.up(transport);
    }

    fn channel_opened(&mut self, cx: &mut Context<'_>, stream: SctpStream) {
        for (channel, wanted, _) in &self.wanted {
            if *wanted == stream {
                cx.attach(*channel, stream);
            }
        }
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        self.is_done = self.is_done || self.signal(cx);
        (!self.is_done).then(|| cx.now() + LOOK_EVERY)
    }
}

impl Meeting {
    fn lock(&self) -> MutexGuard<'_, Said> {
        self.0.lock().expect("no test has failed")
    }

    fn stream(&self, topic: &Topic) -> SctpStream {
        let topics = &mut self.lock().topics;
        let place = topics.iter().position(|known| known == topic).unwrap_or(topics.len());
        if place == topics.len() {
            topics.push(topic.clone());
        }
        SctpStream { transport: TransportId::FIRST, id: place as u16 }
    }
}

impl PartialEq for Meeting {
    fn eq(&self, other: &Meeting) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Meeting {}

impl Hash for Meeting {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        Arc::as_ptr(&self.0).hash(hasher);
    }
}

impl fmt::Debug for Meeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meeting")
    }
}
