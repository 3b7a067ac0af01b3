//! The API's calls on the SFU's state.

mod channels;
mod transport;

use std::time::Instant;

use farwire_core::signalling::{RequestId, Response};
use farwire_core::wire::Object;
use farwire_core::wire::cloudflare::{DataChannels, Described};
use serde::de::DeserializeOwned;

use super::{Incoming, Sfu};
use crate::api::{Action, Call, route};
use crate::error::{Refusal, json};
use crate::limits::{MAX_DELAYED, MAX_WAITING, TRANSPORT_WAIT};
use crate::session::{Change, SessionKey};

impl Sfu {
    /// Takes a request. Its response comes from [`Sfu::poll`], mostly at once; a call that needs the session's
    /// transport may wait 5 s for it.
    pub fn handle_request(&mut self, now: Instant, id: RequestId, request: Incoming<'_>) {
        self.stats.calls += 1;
        match self.answer(now, id, request) {
            Ok(Some(response)) => self.respond(id, response),
            Ok(None) => {}
            Err(refusal) => {
                self.stats.wrong_secrets += u64::from(refusal.is_unauthorized());
                self.respond(id, refusal.response());
            }
        }
    }

    /// The response, or `None` if it has to wait.
    fn answer(&mut self, now: Instant, id: RequestId, request: Incoming<'_>) -> Result<Option<Response>, Refusal> {
        let Incoming { method, path, authorization, body } = request;
        match route(&self.config.app_id, &self.config.app_secret, method, path, authorization)? {
            Call::NewSession => {
                let described = if body.is_empty() { Described::default() } else { parse(body)? };
                self.new_session(now, &described).map(Some)
            }
            Call::Session { id: session, action } => {
                let key = self.by_id.get(session).copied().ok_or_else(Refusal::gone)?;
                let session = self.sessions.get_mut(&key).ok_or_else(Refusal::gone)?;
                if session.delayed.len() >= MAX_DELAYED {
                    return Err(Refusal::too_many_calls());
                }
                let at = session.allowance.reserve(now);
                if at <= now && session.delayed.is_empty() {
                    return self.call(now, key, id, action, body);
                }
                session.delayed.push_back((at, id, action, body.to_vec()));
                session.reschedule();
                self.mark(key);
                Ok(None)
            }
        }
    }

    /// Makes the calls that came too fast and whose time has come.
    pub(super) fn call_delayed(&mut self, now: Instant, key: SessionKey) {
        while let Some(session) = self.sessions.get_mut(&key)
            && session.delayed.front().is_some_and(|(at, ..)| *at <= now)
            && let Some((_, id, action, body)) = session.delayed.pop_front()
        {
            match self.call(now, key, id, action, &body) {
                Ok(Some(response)) => self.respond(id, response),
                Ok(None) => {}
                Err(refusal) => self.respond(id, refusal.response()),
            }
        }
    }

    fn call(
        &mut self,
        now: Instant,
        key: SessionKey,
        id: RequestId,
        action: Action,
        body: &[u8],
    ) -> Result<Option<Response>, Refusal> {
        match action {
            Action::Show => {
                let session = self.sessions.get(&key).ok_or_else(Refusal::gone)?;
                Ok(Some(json(200, &session.state())))
            }
            Action::Establish => self.establish(now, key, &parse(body)?).map(Some),
            Action::Renegotiate => self.renegotiate(now, key, &parse(body)?).map(Some),
            Action::NewChannels => self.change_or_wait(now, key, id, Change::New(parse(body)?)),
            Action::UpdateChannels => self.change_or_wait(now, key, id, Change::Update(parse(body)?)),
            Action::CloseChannels => self.change_or_wait(now, key, id, Change::Close(parse(body)?)),
        }
    }

    /// Makes a change as soon as the session is connected, behind those that were asked for before.
    fn change_or_wait(
        &mut self,
        now: Instant,
        key: SessionKey,
        id: RequestId,
        change: Change,
    ) -> Result<Option<Response>, Refusal> {
        channels::check(&change)?;
        let session = self.sessions.get_mut(&key).ok_or_else(Refusal::gone)?;
        if session.connected {
            return Ok(Some(self.change(now, key, change)));
        }
        if !session.negotiation.is_begun() {
            return Err(Refusal::not_connected());
        }
        if session.waiting.len() >= MAX_WAITING {
            return Err(Refusal::too_many_waiting());
        }
        session.waiting.push_back((now + TRANSPORT_WAIT, id, change));
        session.reschedule();
        self.mark(key);
        Ok(None)
    }

    /// Makes a change to a connected session's channels.
    pub(super) fn change(&mut self, now: Instant, key: SessionKey, change: Change) -> Response {
        let data_channels = match change {
            Change::New(body) => {
                body.data_channels.into_iter().map(|entry| self.new_channel(now, key, entry)).collect()
            }
            Change::Update(body) => {
                body.data_channels.into_iter().map(|entry| self.update_channel(key, entry)).collect()
            }
            Change::Close(body) => {
                body.data_channels.into_iter().map(|entry| self.close_channel(now, key, &entry)).collect()
            }
        };
        self.mark(key);
        json(200, &DataChannels { data_channels })
    }
}

/// Reads a body by its content, whatever its `Content-Type`.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    // serde's text names fields and places, and quotes at most a wrong value's kind.
    serde_json::from_slice(body).map(|Object(body)| body).map_err(|error| Refusal::body(&error.to_string()))
}
