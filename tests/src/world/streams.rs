//! Signalling by lines: a server in the world, and the streams to it.

use std::time::Instant;

use farwire_core::signalling::{Failure, StreamCommand, StreamEvent, StreamKey};

use super::{Arrival, Node, World};

/// A stream, as the server knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineClient {
    node: Node,
    stream: StreamKey,
}

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is there.
    Hello,
    /// A line.
    Line(String),
    /// It is gone.
    Bye,
}

/// A server that is spoken to in lines.
pub trait LineServer: Send {
    /// Hears what a client says, and answers with lines to clients.
    fn hear(&mut self, client: LineClient, said: Said) -> Vec<(LineClient, String)>;
}

impl World {
    /// Puts a server in the world, at whatever URL streams are opened to.
    pub fn open_line_server(&mut self, server: impl LineServer + 'static) {
        self.line_server = Some(Box::new(server));
    }

    /// Cuts every stream of a peer that is open.
    pub fn cut_streams(&mut self, node: Node) {
        for client in self.streams.clone() {
            if client.node == node {
                self.streams.retain(|open| *open != client);
                self.tell_line_server(client, Said::Bye);
                let why = Failure::Broken("connection reset by peer".to_owned());
                let event = StreamEvent::Closed { stream: client.stream, why };
                self.send(self.now, Arrival::OfStream { node, event });
            }
        }
    }

    /// How many streams are open.
    pub fn open_streams(&self) -> usize {
        self.streams.len()
    }

    pub(super) fn stream(&mut self, node: Node, command: StreamCommand) {
        let client = LineClient { node, stream: command.stream() };
        let (there, back) = (self.now + self.network.delay, self.now + 2 * self.network.delay);
        let is_open = self.streams.contains(&client);
        match command {
            StreamCommand::Connect { stream, .. } if self.line_server.is_none() || self.is_cut_off(node) => {
                let why = Failure::Connect("connection refused".to_owned());
                self.send(back, Arrival::OfStream { node, event: StreamEvent::Closed { stream, why } });
            }
            StreamCommand::Connect { stream, .. } => {
                self.streams.push(client);
                self.say(there, client, Said::Hello);
                self.send(back, Arrival::OfStream { node, event: StreamEvent::Opened { stream } });
            }
            StreamCommand::Send { line, .. } if is_open => self.say(there, client, Said::Line(line)),
            StreamCommand::Close { .. } if is_open => {
                self.streams.retain(|open| *open != client);
                self.say(there, client, Said::Bye);
            }
            _ => {}
        }
    }

    fn say(&mut self, at: Instant, stream: LineClient, said: Said) {
        self.send(at, Arrival::ToLineServer { stream, said });
    }

    pub(super) fn tell_line_server(&mut self, client: LineClient, said: Said) {
        let Some(server) = &mut self.line_server else { return };
        for (to, line) in server.hear(client, said) {
            if self.streams.contains(&to) {
                let event = StreamEvent::Line { stream: to.stream, line };
                self.send(self.now + self.network.delay, Arrival::OfStream { node: to.node, event });
            }
        }
    }

    fn is_cut_off(&self, node: Node) -> bool {
        self.inhabitants[node].is_cut_off
    }
}
