//! A signalling of its own, in lines of JSON: two ends in a room of a server, which passes on what they say to each
//! other and says which channel a topic has.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use farwire_core::provider::{Attempt, ChannelId, Connect, Context, Provider, SctpStream};
use farwire_core::signalling::{SignallingError, StreamEvent};
use farwire_core::{Delivery, Direction, EndReason, Stage, Topic, TransportId, Unavailable};
use farwire_tests::{LineClient, LineServer, Said};
use serde::{Deserialize, Serialize};

const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Everything that either end or the server says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// To the server: which room.
    Join(String),
    /// To the server: a topic that is to have a channel.
    Topic(String),
    /// From the server: somebody else is there; offer.
    Call,
    /// From end to end.
    Offer(String),
    /// From end to end.
    Answer(String),
    /// From the server: a topic's channel, at both ends.
    Channel { topic: String, id: u16 },
    /// From the server: the other end is gone.
    Gone,
}

impl Line {
    fn text(&self) -> String {
        serde_json::to_string(self).expect("plain data")
    }
}

/// What a user configures.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lines {
    pub(crate) url: String,
    pub(crate) room: String,
}

impl Connect for Lines {
    fn url(&self) -> &str {
        &self.url
    }

    fn provider(&self, attempt: &Attempt) -> Box<dyn Provider> {
        Box::new(Session {
            config: self.clone(),
            deadline: attempt.now + CONNECT_WITHIN,
            has_begun: false,
            is_joined: false,
            is_up: false,
            topics: BTreeMap::new(),
        })
    }
}

struct Session {
    config: Lines,
    deadline: Instant,
    has_begun: bool,
    is_joined: bool,
    is_up: bool,
    topics: BTreeMap<String, Wanted>,
}

/// A topic that somebody here uses.
struct Wanted {
    delivery: Delivery,
    channels: Vec<ChannelId>,
    id: Option<u16>,
    is_open: bool,
}

impl Session {
    fn hear(&mut self, cx: &mut Context<'_>, line: Line) -> Result<(), SignallingError> {
        let url = self.config.url.clone();
        let unusable = |error| SignallingError::description(&url, error);
        match line {
            Line::Call => {
                let offer = cx.offer(TransportId::FIRST);
                cx.stream_send(&Line::Offer(offer).text());
            }
            Line::Offer(sdp) => {
                let answer = cx.answer(TransportId::FIRST, &sdp).map_err(unusable)?;
                cx.stream_send(&Line::Answer(answer).text());
            }
            Line::Answer(sdp) => cx.accept_answer(TransportId::FIRST, &sdp).map_err(unusable)?,
            Line::Channel { topic, id } => {
                if let Some(wanted) = self.topics.get_mut(&topic).filter(|wanted| wanted.id.is_none()) {
                    wanted.id = Some(id);
                    self.open(cx);
                }
            }
            Line::Gone => {
                cx.end(EndReason::Unavailable(Unavailable::new("gone", "the other end is gone".into(), true)));
            }
            Line::Join(_) | Line::Topic(_) => return Err(SignallingError::garbage(&url, 200)),
        }
        Ok(())
    }

    /// Opens what has a channel and is not open.
    fn open(&mut self, cx: &mut Context<'_>) {
        for wanted in self.topics.values_mut().filter(|wanted| self.is_up && !wanted.is_open) {
            if let Some(id) = wanted.id {
                wanted.is_open = cx.open(on(id), wanted.delivery).is_ok();
            }
        }
    }
}

fn on(id: u16) -> SctpStream {
    SctpStream { transport: TransportId::FIRST, id }
}

impl Provider for Session {
    fn want(&mut self, cx: &mut Context<'_>, channel: ChannelId, _: Direction, topic: &Topic, delivery: Delivery) {
        let new = Wanted { delivery, channels: Vec::new(), id: None, is_open: false };
        let wanted = self.topics.entry(topic.to_string()).or_insert(new);
        wanted.channels.push(channel);
        match wanted.id.filter(|_| wanted.is_open) {
            Some(id) => cx.attach(channel, on(id)),
            None if self.is_joined => drop(cx.stream_send(&Line::Topic(topic.to_string()).text())),
            None => {}
        }
    }

    fn unwant(&mut self, _: &mut Context<'_>, channel: ChannelId) {
        self.topics.values_mut().for_each(|wanted| wanted.channels.retain(|wanted| *wanted != channel));
    }

    fn stream_event(&mut self, cx: &mut Context<'_>, event: StreamEvent) {
        let url = self.config.url.clone();
        match event {
            StreamEvent::Opened { .. } => {
                self.is_joined = true;
                cx.stream_send(&Line::Join(self.config.room.clone()).text());
                for topic in self.topics.keys() {
                    cx.stream_send(&Line::Topic(topic.clone()).text());
                }
            }
            StreamEvent::Line { line, .. } => {
                let line = serde_json::from_str(&line).map_err(|_| SignallingError::garbage(&url, 200));
                if let Err(error) = line.and_then(|line| self.hear(cx, line)) {
                    cx.end(EndReason::Api(error));
                }
            }
            StreamEvent::Closed { why, .. } => cx.end(EndReason::Api(SignallingError::unanswered(&url, why))),
            _ => {}
        }
    }

    fn transport_up(&mut self, cx: &mut Context<'_>, transport: TransportId) {
        self.is_up = true;
        self.open(cx);
        cx.up(transport);
    }

    fn channel_opened(&mut self, cx: &mut Context<'_>, stream: SctpStream) {
        for wanted in self.topics.values().filter(|wanted| wanted.id == Some(stream.id)) {
            wanted.channels.iter().for_each(|channel| cx.attach(*channel, stream));
        }
    }

    fn advance(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        if !std::mem::replace(&mut self.has_begun, true) {
            cx.stream_connect(&self.config.url);
        }
        if self.is_up {
            return None;
        }
        if cx.now() >= self.deadline {
            let stage =
                if self.is_joined { Stage::Signalling("nobody else came") } else { Stage::Contact("no stream") };
            cx.end(EndReason::TimedOut { stage, after: CONNECT_WITHIN });
        }
        Some(self.deadline)
    }
}

/// The server.
#[derive(Default)]
pub(crate) struct Switchboard {
    rooms: HashMap<String, Room>,
}

#[derive(Default)]
struct Room {
    members: Vec<LineClient>,
    topics: Vec<String>,
}

impl LineServer for Switchboard {
    fn hear(&mut self, client: LineClient, said: Said) -> Vec<(LineClient, String)> {
        let line = match said {
            Said::Hello => return Vec::new(),
            Said::Line(line) => Some(serde_json::from_str(&line).expect("the clients are good")),
            Said::Bye => None,
        };
        if let Some(Line::Join(room)) = line {
            let members = &mut self.rooms.entry(room).or_default().members;
            members.push(client);
            let first = members.first().filter(|_| members.len() == 2);
            return first.map(|first| (*first, Line::Call.text())).into_iter().collect();
        }
        let Some(room) = self.rooms.values_mut().find(|room| room.members.contains(&client)) else { return Vec::new() };
        let others = room.members.clone().into_iter().filter(|member| *member != client);
        match line {
            None => {
                room.members.retain(|member| *member != client);
                others.map(|other| (other, Line::Gone.text())).collect()
            }
            Some(Line::Topic(topic)) => {
                let place = room.topics.iter().position(|known| *known == topic).unwrap_or(room.topics.len());
                if place == room.topics.len() {
                    room.topics.push(topic.clone());
                }
                let line = Line::Channel { topic, id: 2 * place as u16 }.text();
                room.members.iter().map(|member| (*member, line.clone())).collect()
            }
            Some(line) => others.map(|other| (other, line.text())).collect(),
        }
    }
}
