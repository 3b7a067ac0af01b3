//! The API's calls on the SFU's state.

use std::time::{Duration, Instant};

use farwire_core::cloudflare::api::{DataChannel, DataChannels, Establish, Established, Location, NewSession};
use farwire_core::cloudflare::api::{SERVER_EVENTS, SessionDescription, code};
use farwire_core::http::{RequestId, Response};
use farwire_core::link::{Link, Role};
use serde::de::DeserializeOwned;

use super::{CONNECT_WITHIN, Incoming, Sfu};
use crate::api::{Action, Call, route};
use crate::error::{Refusal, json};
use crate::session::{Session, SessionKey, Stream, Subscription};

/// How long a call waits for the session's transport.
const TRANSPORT_WAIT: Duration = Duration::from_secs(5);

/// Requests of one session that may wait for its transport.
const MAX_WAITING: usize = 16;

/// How long the SFU waits for the acknowledgement that a subscription asked it to wait for.
const ACK_WITHIN: Duration = Duration::from_secs(30);

/// Channels in one request.
const MAX_BATCH: usize = 512;

/// Channels of one session.
const MAX_CHANNELS: usize = 2048;

/// The longest channel name, in bytes.
const MAX_NAME: usize = 256;

impl Sfu {
    /// Takes a request. Its response comes from [`Sfu::poll`], mostly at once; a call that needs the session's
    /// transport may wait 5 s for it.
    pub fn handle_request(&mut self, now: Instant, id: RequestId, request: Incoming<'_>) {
        match self.answer(now, id, request) {
            Ok(Some(response)) => self.respond(id, response),
            Ok(None) => {}
            Err(refusal) => self.respond(id, refusal.response()),
        }
    }

    /// The response, or `None` if it has to wait.
    fn answer(&mut self, now: Instant, id: RequestId, request: Incoming<'_>) -> Result<Option<Response>, Refusal> {
        let Incoming { method, path, authorization, body } = request;
        match route(&self.config.app_id, &self.config.app_secret, method, path, authorization)? {
            Call::NewSession => self.new_session(now).map(Some),
            Call::Session { id: session, action } => {
                let key = self.by_id.get(session).copied().ok_or_else(Refusal::gone)?;
                match action {
                    Action::Show => Ok(self.sessions.get(&key).map(|session| json(200, &session.state()))),
                    Action::Establish => self.establish(key, &parse(body)?).map(Some),
                    Action::NewChannels => self.new_channels_or_wait(now, key, id, parse(body)?),
                    Action::CloseChannels => self.close_channels(now, key, parse(body)?).map(Some),
                }
            }
        }
    }

    fn new_session(&mut self, now: Instant) -> Result<Response, Refusal> {
        if self.sessions.len() >= self.config.max_sessions {
            return Err(Refusal::full("this SFU has as many sessions as it may have: try again later"));
        }
        let (key, id) = self.fresh_id();
        let link = Link::new(Role::Server, self.address, self.certificate.clone(), now);
        let session = Session::new(id.clone(), link, now + CONNECT_WITHIN);
        self.by_ufrag.insert(session.ufrag.clone(), key);
        self.by_id.insert(id.clone(), key);
        self.sessions.insert(key, session);
        self.mark(key);
        Ok(json(201, &NewSession { session_id: id }))
    }

    fn establish(&mut self, key: SessionKey, body: &Establish) -> Result<Response, Refusal> {
        let session = self.sessions.get_mut(&key).ok_or_else(Refusal::gone)?;
        let offer = body.session_description.as_ref().filter(|description| description.kind == "offer");
        let offer =
            offer.ok_or_else(|| Refusal::description("sessionDescription: an offer of the client is needed"))?;
        if session.established {
            return Err(Refusal::params("this session is established already: make another one"));
        }
        // The link is used up by a failed answer, and with it the session.
        let answer = session.link.answer(&offer.sdp).map_err(|error| Refusal::body(&error.to_string()));
        session.established = true;
        self.mark(key);
        let answered = Established {
            requires_immediate_renegotiation: false,
            data_channel: Some(DataChannel {
                location: Some(Location::Remote),
                data_channel_name: Some(SERVER_EVENTS.to_owned()),
                id: Some(0),
                ..DataChannel::default()
            }),
            session_description: Some(SessionDescription { kind: "answer".into(), sdp: answer? }),
        };
        Ok(json(200, &answered))
    }

    fn new_channels_or_wait(
        &mut self,
        now: Instant,
        key: SessionKey,
        id: RequestId,
        body: DataChannels,
    ) -> Result<Option<Response>, Refusal> {
        let channels = &body.data_channels;
        if channels.is_empty() || channels.len() > MAX_BATCH {
            return Err(Refusal::params(&format!("dataChannels: 1 to {MAX_BATCH} entries are possible")));
        }
        let location = channels.first().and_then(|channel| channel.location);
        if location.is_none() || channels.iter().any(|channel| channel.location != location) {
            return Err(Refusal::params("dataChannels: all entries need the same location, \"local\" or \"remote\""));
        }
        let session = self.sessions.get_mut(&key).ok_or_else(Refusal::gone)?;
        if session.connected {
            return Ok(Some(self.new_channels(now, key, body)));
        }
        if !session.established || session.waiting.len() >= MAX_WAITING {
            return Err(Refusal::not_connected());
        }
        session.waiting.push((now + TRANSPORT_WAIT, id, body));
        session.reschedule();
        self.mark(key);
        Ok(None)
    }

    /// Opens what can be opened; each entry that cannot gets an error of its own.
    pub(super) fn new_channels(&mut self, now: Instant, key: SessionKey, body: DataChannels) -> Response {
        let open = |entry: DataChannel| match self.new_channel(now, key, &entry) {
            Ok(opened) => opened,
            Err(refusal) => {
                let DataChannel { location, session_id, data_channel_name, .. } = entry;
                refusal.on(DataChannel { location, session_id, data_channel_name, ..DataChannel::default() })
            }
        };
        let data_channels = body.data_channels.into_iter().map(open).collect();
        self.mark(key);
        json(200, &DataChannels { data_channels })
    }

    fn new_channel(&mut self, now: Instant, key: SessionKey, entry: &DataChannel) -> Result<DataChannel, Refusal> {
        let params = |problem: &str| Refusal::item(code::INVALID_PARAMS, problem);
        let name = entry.data_channel_name.as_deref().filter(|name| (1..=MAX_NAME).contains(&name.len()));
        let name = name.ok_or_else(|| params("dataChannelName: 1 to 256 bytes are needed"))?;
        let delivery =
            entry.delivery().ok_or_else(|| params("maxRetransmits and maxPacketLifeTime exclude each other"))?;
        let publisher = match entry.location {
            Some(Location::Remote) => Some(self.find_publication(entry.session_id.as_deref(), name)?),
            _ if name == SERVER_EVENTS => return Err(params("dataChannelName: server-events is the SFU's own")),
            _ => None,
        };
        let session = self.sessions.get_mut(&key).ok_or_else(Refusal::gone)?;
        if publisher.is_none() && session.published.contains_key(name) {
            let problem = "this session publishes a channel of this name already";
            return Err(Refusal::item(code::REPEATED_LOCAL_TRACK, problem));
        }
        let full = || Refusal::item(code::TEMPORARILY_UNAVAILABLE, "this session has as many channels as it may have");
        if session.streams.len() >= MAX_CHANNELS {
            return Err(full());
        }
        let stream = session.open_stream(now, delivery).ok_or_else(full)?;
        let name = name.to_owned();
        let opened = match publisher {
            None => {
                session.published.insert(name.clone(), stream);
                Stream::Publication { name, subscribers: Vec::new() }
            }
            Some(publisher) => {
                let gate = entry.wait_for_ack.unwrap_or(false).then(|| now + ACK_WITHIN);
                let id = entry.session_id.clone().unwrap_or_default();
                Stream::Subscription(Subscription::new(name, publisher, id, delivery, gate))
            }
        };
        session.streams.insert(stream, opened);
        session.reschedule();
        let channel = session.channel(stream).unwrap_or_default();
        if let Some((publisher, from)) = publisher {
            let publication = self.sessions.get_mut(&publisher).and_then(|session| session.streams.get_mut(&from));
            if let Some(Stream::Publication { subscribers, .. }) = publication {
                subscribers.push((key, stream));
            }
        }
        Ok(channel)
    }

    fn find_publication(&self, session: Option<&str>, name: &str) -> Result<(SessionKey, u16), Refusal> {
        let id = session.ok_or_else(|| Refusal::item(code::INVALID_PARAMS, "sessionId: the publisher's is needed"))?;
        let publisher = self.by_id.get(id).copied();
        let stream = publisher.and_then(|key| self.sessions.get(&key)?.published.get(name).copied());
        match (publisher, stream) {
            (Some(key), Some(stream)) => Ok((key, stream)),
            (Some(_), None) => Err(Refusal::item(code::NOT_FOUND_TRACK, "that session publishes no such channel")),
            _ => Err(Refusal::item(code::NOT_FOUND_TRACK, "there is no session with this sessionId")),
        }
    }

    fn close_channels(&mut self, now: Instant, key: SessionKey, body: DataChannels) -> Result<Response, Refusal> {
        if body.data_channels.is_empty() || body.data_channels.len() > MAX_BATCH {
            return Err(Refusal::params(&format!("dataChannels: 1 to {MAX_BATCH} entries are possible")));
        }
        let mut closed = Vec::with_capacity(body.data_channels.len());
        for DataChannel { id, .. } in body.data_channels {
            let known = id.and_then(|id| self.sessions.get(&key)?.channel(id));
            closed.push(match (id, known) {
                (Some(id), Some(channel)) => {
                    self.close_stream(now, key, id);
                    channel
                }
                _ => Refusal::item(code::CLOSE_TRACK, "this session has no channel with this id")
                    .on(DataChannel { id, ..DataChannel::default() }),
            });
        }
        Ok(json(200, &DataChannels { data_channels: closed }))
    }
}

/// Reads a body by its content, whatever its `Content-Type`.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    // serde's text names fields and places, and quotes at most a wrong value's kind.
    serde_json::from_slice(body).map_err(|error| Refusal::body(&error.to_string()))
}
