//! TURN credentials that have to be asked for: whose they are, for how long, and who waits for them.

use std::collections::HashMap;
use std::time::Instant;

use farwire_core::broker::IceServer;
use farwire_core::signalling::{Failure, RequestId, Response};
use farwire_core::wire::teleop::IceServers;
use tracing::warn;

use super::{Broker, Output, Timer};
use crate::cloudflare_turn::{NotMinted, minted};
use crate::key::KeyId;
use crate::limits::{MAX_MINTED, MAX_MINTING, MAX_WAITING, MINT_AGAIN_AFTER, MINT_WITHIN};
use crate::refusal::{Refusal, json};
use crate::turn::ice_servers;

/// What robots and operators are told when nothing else is set and there are no credentials, as the hosted broker has it.
const STUN: &str = "stun:stun.cloudflare.com:3478";

/// Credentials by the key or token that they were minted for.
#[derive(Default)]
pub(super) struct Minting {
    /// At most [`MAX_MINTED`]; those that end first give way.
    minted: HashMap<KeyId, Minted>,
    /// At most [`MAX_MINTING`]; who finds no place is told of none.
    under_way: HashMap<KeyId, UnderWay>,
    /// It failed, and is not asked again before.
    not_before: Option<Instant>,
}

struct Minted {
    servers: Vec<IceServer>,
    until: Instant,
}

struct UnderWay {
    call: RequestId,
    /// At most [`MAX_WAITING`]; one more is told of none.
    waiting: Vec<RequestId>,
    due: Instant,
}

impl Broker {
    /// Answers with the servers for whoever has a key, at once or, if `None`, when Cloudflare has; it is not waited for longer
    /// than [`MINT_WITHIN`].
    pub(super) fn turn_credentials(&mut self, now: Instant, request: RequestId, key: &KeyId) -> Option<Response> {
        let Some(turn) = self.config.cloudflare_turn.as_ref().filter(|_| self.fresh_minted(now, key).is_none()) else {
            return Some(self.ice_servers_response(now, key));
        };
        let is_resting = self.minting.not_before.is_some_and(|at| now < at);
        let has_room = self.minting.under_way.len() < MAX_MINTING;
        match self.minting.under_way.get_mut(key) {
            Some(under_way) if under_way.waiting.len() < MAX_WAITING => under_way.waiting.push(request),
            None if !is_resting && has_room => {
                self.next += 1;
                let call = RequestId(self.next);
                self.outbox.push_back(Output::Turn(turn.request(call)));
                let due = now + MINT_WITHIN;
                self.timers.insert((due, Timer::Minting(key.clone())));
                self.minting.under_way.insert(key.clone(), UnderWay { call, waiting: vec![request], due });
            }
            _ => return Some(self.ice_servers_response(now, key)),
        }
        None
    }

    /// The servers that can be named now.
    pub(super) fn ice_servers(&self, now: Instant, key: &KeyId) -> Vec<IceServer> {
        let mut servers = ice_servers(&self.config.ice_servers, self.config.turn_secret.as_ref(), key, self.unix(now));
        match self.fresh_minted(now, key) {
            Some(minted) => servers.extend_from_slice(minted),
            None if self.config.cloudflare_turn.is_some() && servers.is_empty() => servers.push(IceServer::new(STUN)),
            None => {}
        }
        servers
    }

    fn ice_servers_response(&self, now: Instant, key: &KeyId) -> Response {
        json(200, &IceServers { ice_servers: self.ice_servers(now, key) })
    }

    fn fresh_minted(&self, now: Instant, key: &KeyId) -> Option<&[IceServer]> {
        let minted = self.minting.minted.get(key).filter(|minted| now < minted.until)?;
        Some(&minted.servers)
    }

    /// Takes Cloudflare's answer, if a request was for credentials; gives it back if not.
    pub(super) fn take_minted(
        &mut self,
        now: Instant,
        id: RequestId,
        answer: Result<Response, Failure>,
    ) -> Option<Result<Response, Failure>> {
        let key = self.minting.under_way.iter().find(|(_, under_way)| under_way.call == id).map(|(key, _)| key.clone());
        let Some(key) = key else { return Some(answer) };
        self.minting_over(now, &key, minted(answer));
        None
    }

    /// Cloudflare has not answered in time. What it answers later is nobody's.
    pub(super) fn minting_overdue(&mut self, now: Instant, key: &KeyId) {
        self.minting_over(now, key, Err(NotMinted::Slow));
    }

    fn minting_over(&mut self, now: Instant, key: &KeyId, result: Result<Vec<IceServer>, NotMinted>) {
        let waiting = self.take_under_way(key);
        match result {
            Ok(servers) => {
                self.stats.turn_minted += 1;
                self.minting.not_before = None;
                self.keep_minted(now, key, servers);
            }
            Err(why) => {
                self.stats.turn_failed += 1;
                let is_news = self.minting.not_before.is_none_or(|at| at <= now);
                self.minting.not_before = Some(now + MINT_AGAIN_AFTER);
                if is_news {
                    warn!(%why, "no TURN credentials: robots and operators are told of STUN alone");
                }
            }
        }
        for request in waiting {
            let response = self.ice_servers_response(now, key);
            self.respond(request, response);
        }
    }

    fn keep_minted(&mut self, now: Instant, key: &KeyId, servers: Vec<IceServer>) {
        let Some(turn) = &self.config.cloudflare_turn else { return };
        let until = now + turn.fresh_for();
        let kept = &mut self.minting.minted;
        if kept.len() >= MAX_MINTED && !kept.contains_key(key) {
            let first = kept.iter().min_by_key(|(_, minted)| minted.until).map(|(key, _)| key.clone());
            first.map(|first| kept.remove(&first));
        }
        kept.insert(key.clone(), Minted { servers, until });
    }

    fn take_under_way(&mut self, key: &KeyId) -> Vec<RequestId> {
        let Some(UnderWay { waiting, due, .. }) = self.minting.under_way.remove(key) else { return Vec::new() };
        self.timers.remove(&(due, Timer::Minting(key.clone())));
        waiting
    }

    /// A key was revoked: nobody gets its credentials any more.
    pub(super) fn forget_minted(&mut self, key: &KeyId) {
        self.minting.minted.remove(key);
        for request in self.take_under_way(key) {
            self.refuse(request, Refusal::revoked_key());
        }
    }
}
