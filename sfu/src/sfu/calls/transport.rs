//! Making a session and its PeerConnection: the client offers, or the SFU does and the client answers.

use std::time::Instant;

use farwire_core::link::{Link, LinkError, Role, StreamId};
use farwire_core::signalling::Response;
use farwire_core::wire::cloudflare::{DataChannel, Described, Establish, Established, Location, NewSession};
use farwire_core::wire::cloudflare::{SERVER_EVENTS, SessionDescription};
use tracing::debug;

use super::super::Sfu;
use crate::error::{Refusal, json};
use crate::session::{Negotiation, Session, SessionKey};

/// The stream of `server-events` when the client opens it: the DTLS client's ids are even (RFC 8832), and whoever answers
/// an `actpass` offer as `passive` leaves that role to the other side.
const OPENED_BY_CLIENT: StreamId = 0;

/// The same when the SFU opens it, whose client takes the DTLS client's role by answering `active` (RFC 8842, 5.3). To one
/// that answers `passive` it comes as 0.
const OPENED_BY_SFU: StreamId = 1;

impl Sfu {
    pub(super) fn new_session(&mut self, now: Instant, body: &Described) -> Result<Response, Refusal> {
        if self.sessions.len() >= self.config.max_sessions {
            let problem = format!("this SFU has {} sessions, as many as it may have", self.config.max_sessions);
            return Err(Refusal::full(&format!("{problem}: try again later")));
        }
        let (key, id) = self.fresh_id();
        let link = Link::with(self.config.sctp, Role::Server, self.address, self.certificate.clone(), now);
        let mut session = Session::new(id.clone(), self.config.sctp, link, now);
        // Cloudflare's first examples negotiate here; later ones with `establish`.
        let session_description = match offer(body.session_description.as_ref())? {
            Some(sdp) => Some(answer(&mut session, sdp)?),
            None => None,
        };
        self.by_ufrag.insert(session.ufrag.clone(), key);
        self.by_id.insert(id.clone(), key);
        debug!(session = session.short_id(), "created");
        self.stats.created += 1;
        self.sessions.insert(key, session);
        self.mark(key);
        Ok(json(201, &NewSession { session_id: id, session_description }))
    }

    pub(super) fn establish(&mut self, now: Instant, key: SessionKey, body: &Establish) -> Result<Response, Refusal> {
        let channel = &body.data_channel;
        let is_server_events = channel.data_channel_name.as_deref() == Some(SERVER_EVENTS);
        if !is_server_events || channel.location != Some(Location::Remote) {
            let problem =
                "dataChannel: the location \"remote\" and the name \"server-events\" are needed, and no others";
            return Err(Refusal::params(problem));
        }
        let sdp = offer(body.session_description.as_ref())?;
        let session = self.sessions.get_mut(&key).ok_or_else(Refusal::gone)?;
        match session.negotiation {
            Negotiation::None => {}
            Negotiation::Offered => {
                return Err(Refusal::establish("the SFU's offer waits for its answer: PUT renegotiate with it"));
            }
            Negotiation::Done => {
                return Err(Refusal::establish(
                    "this session has its transport already: use it, or make a new session",
                ));
            }
        }
        let (description, id) = match sdp {
            Some(sdp) => match answer(session, sdp) {
                Ok(answer) => (answer, OPENED_BY_CLIENT),
                Err(refusal) => {
                    self.renew_link(now, key);
                    return Err(refusal);
                }
            },
            None => {
                session.negotiation = Negotiation::Offered;
                let sdp = session.link.offer_channel(SERVER_EVENTS);
                (SessionDescription { kind: "offer".into(), sdp }, OPENED_BY_SFU)
            }
        };
        self.mark(key);
        let established = Established {
            requires_immediate_renegotiation: sdp.is_none(),
            data_channel: Some(DataChannel {
                location: Some(Location::Remote),
                data_channel_name: Some(SERVER_EVENTS.to_owned()),
                id: Some(id),
                ..DataChannel::default()
            }),
            session_description: Some(description),
        };
        Ok(json(200, &established))
    }

    pub(super) fn renegotiate(&mut self, now: Instant, key: SessionKey, body: &Described) -> Result<Response, Refusal> {
        let description = body.session_description.as_ref().filter(|description| description.kind == "answer");
        let answer = description.ok_or_else(|| Refusal::description("sessionDescription: an answer is needed"))?;
        let session = self.sessions.get_mut(&key).ok_or_else(Refusal::gone)?;
        if session.negotiation != Negotiation::Offered {
            let problem = "no offer of the SFU waits for an answer: establish without an offer makes one";
            return Err(Refusal::description(problem));
        }
        if let Err(error) = session.link.accept_answer(&answer.sdp) {
            let what_to_do = match session.link.awaits_answer() {
                true => "send the client's answer as it is",
                false => {
                    self.renew_link(now, key);
                    "this offer is used up: establish again"
                }
            };
            return Err(Refusal::description(&format!("{error}; {what_to_do}")));
        }
        session.negotiation = Negotiation::Done;
        self.mark(key);
        Ok(json(200, &Described::default()))
    }

    /// Starts the negotiation over, since a link is used up by a description that does not fit it.
    fn renew_link(&mut self, now: Instant, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else { return };
        self.by_ufrag.remove(&session.ufrag);
        session.link = Link::with(self.config.sctp, Role::Server, self.address, self.certificate.clone(), now);
        session.negotiation = Negotiation::None;
        session.ufrag = session.link.local_ufrag();
        self.by_ufrag.insert(session.ufrag.clone(), key);
        self.mark(key);
    }
}

/// The SDP of a request that may come with an offer.
fn offer(description: Option<&SessionDescription>) -> Result<Option<&str>, Refusal> {
    match description {
        Some(description) if description.kind != "offer" => Err(Refusal::description(
            "sessionDescription: an offer can be sent here, or none for an offer of the SFU's; answers go to renegotiate",
        )),
        description => Ok(description.map(|description| description.sdp.as_str())),
    }
}

fn answer(session: &mut Session, sdp: &str) -> Result<SessionDescription, Refusal> {
    let refusal = |error: LinkError| match error {
        LinkError::Unacceptable(_) => Refusal::description(&error.to_string()),
        error => Refusal::establish(&error.to_string()),
    };
    let sdp = session.link.answer(sdp).map_err(refusal)?;
    session.negotiation = Negotiation::Done;
    Ok(SessionDescription { kind: "answer".into(), sdp })
}
