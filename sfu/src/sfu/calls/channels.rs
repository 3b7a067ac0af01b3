//! Opening, changing and closing channels, each entry of a request with an outcome of its own.

use std::time::Instant;

use farwire_core::Delivery;
use farwire_core::link::StreamId;
use farwire_core::wire::cloudflare::{DataChannel, Location, SERVER_EVENTS, code};
use tracing::debug;

use super::super::Sfu;
use crate::error::Refusal;
use crate::limits::{ACK_WITHIN, MAX_BATCH, MAX_CHANNELS, MAX_NAME};
use crate::replies::Replies;
use crate::session::{Change, SessionKey, Stream, Subscription};

/// What is wrong with a request: one value that cannot be used refuses the whole of it.
pub(super) fn check(change: &Change) -> Result<(), Refusal> {
    let (Change::New(body) | Change::Update(body) | Change::Close(body)) = change;
    let channels = &body.data_channels;
    if channels.is_empty() || channels.len() > MAX_BATCH {
        let problem = format!("dataChannels: {} entries; send 1 to {MAX_BATCH} in one request", channels.len());
        return Err(Refusal::params(&problem));
    }
    let all_at = |location| channels.iter().all(|channel| channel.location == Some(location));
    match change {
        Change::New(_) if !all_at(Location::Local) && !all_at(Location::Remote) => {
            return Err(Refusal::params(
                "dataChannels: all entries need the same location, \"local\" or \"remote\": send two requests for both",
            ));
        }
        Change::Update(_) if !all_at(Location::Remote) => {
            return Err(Refusal::params(
                "dataChannels: only subscriptions can be updated: every entry needs the location \"remote\"",
            ));
        }
        _ => {}
    }
    let wrong = |(place, entry)| Some((place, problem(change, entry)?));
    match channels.iter().enumerate().find_map(wrong) {
        Some((place, problem)) => Err(Refusal::params(&format!("dataChannels[{place}].{problem}"))),
        None => Ok(()),
    }
}

/// The field of an entry that cannot be used, and what could.
fn problem(change: &Change, entry: &DataChannel) -> Option<String> {
    if let Change::Close(_) = change {
        return entry.id.is_none().then(|| "id: the channel's id on this session is needed".to_owned());
    }
    let name = entry.data_channel_name.as_deref().unwrap_or_default();
    if !(1..=MAX_NAME).contains(&name.len()) {
        return Some(format!("dataChannelName: 1 to {MAX_NAME} bytes are needed, and there are {}", name.len()));
    }
    let is_remote = entry.location == Some(Location::Remote);
    let problem = if is_remote && entry.session_id.is_none() {
        "sessionId: the publisher's is needed"
    } else if !is_remote && name == SERVER_EVENTS {
        "dataChannelName: server-events is the SFU's own: choose another name"
    } else if entry.delivery().is_none() {
        "maxRetransmits and maxPacketLifeTime exclude each other: send one of them"
    } else {
        return None;
    };
    Some(problem.to_owned())
}

impl Sfu {
    /// Opens a channel, or says why not.
    pub(super) fn new_channel(&mut self, now: Instant, key: SessionKey, entry: DataChannel) -> DataChannel {
        let opened = match entry.location {
            Some(Location::Remote) => self.subscribe(now, key, &entry),
            _ => self.publish(now, key, &entry),
        };
        opened.unwrap_or_else(|refusal| refusal.on(named(entry)))
    }

    fn publish(&mut self, now: Instant, key: SessionKey, entry: &DataChannel) -> Result<DataChannel, Refusal> {
        let name = entry.data_channel_name.as_deref().unwrap_or_default();
        let delivery = entry.delivery().unwrap_or(Delivery::RELIABLE);
        let session = self.sessions.get_mut(&key).ok_or_else(Refusal::gone)?;
        if session.published.contains_key(name) {
            let problem = "this session publishes a channel of this name already: use that one, or close it first";
            return Err(Refusal::item(code::REPEATED_LOCAL_TRACK, problem));
        }
        let stream = self.open_stream(now, key, delivery)?;
        let publication =
            Stream::Publication { name: name.to_owned(), subscribers: Vec::new(), replies: Replies::new(delivery) };
        let session = self.sessions.get_mut(&key).ok_or_else(Refusal::gone)?;
        session.published.insert(name.to_owned(), stream);
        session.streams.insert(stream, publication);
        debug!(session = session.short_id(), stream, channel = name, "published");
        self.stats.publications += 1;
        Ok(session.channel(stream).unwrap_or_default())
    }

    fn subscribe(&mut self, now: Instant, key: SessionKey, entry: &DataChannel) -> Result<DataChannel, Refusal> {
        let name = entry.data_channel_name.as_deref().unwrap_or_default();
        let delivery = entry.delivery().unwrap_or(Delivery::RELIABLE);
        let publication = self.find_publication(entry)?;
        let session = self.sessions.get_mut(&key).ok_or_else(Refusal::gone)?;
        if session.subscribed.contains_key(&publication) {
            let problem = "this session subscribes to this channel already: use that subscription, or close it first";
            return Err(Refusal::item(code::REPEATED_LOCAL_TRACK, problem));
        }
        let stream = self.open_stream(now, key, delivery)?;
        let gate = entry.wait_for_ack.unwrap_or(false).then(|| now + ACK_WITHIN);
        let publisher_id = entry.session_id.clone().unwrap_or_default();
        let subscription = Subscription::new(name.to_owned(), publication, publisher_id, delivery, gate);
        let session = self.sessions.get_mut(&key).ok_or_else(Refusal::gone)?;
        session.subscribed.insert(publication, stream);
        session.streams.insert(stream, Stream::Subscription(subscription));
        debug!(session = session.short_id(), stream, channel = name, "subscribed");
        self.stats.subscriptions += 1;
        session.reschedule();
        let channel = session.channel(stream).unwrap_or_default();
        if let Some(publisher) = self.sessions.get_mut(&publication.0) {
            if let Some(Stream::Publication { subscribers, .. }) = publisher.streams.get_mut(&publication.1) {
                subscribers.push((key, stream));
            }
            if entry.can_reply == Some(true) {
                publisher.set_reply(publication.1, (key, stream), true);
            }
        }
        Ok(channel)
    }

    fn open_stream(&mut self, now: Instant, key: SessionKey, delivery: Delivery) -> Result<StreamId, Refusal> {
        let session = self.sessions.get_mut(&key).ok_or_else(Refusal::gone)?;
        if session.streams.len() >= MAX_CHANNELS {
            let problem = format!("this session has {MAX_CHANNELS} channels, as many as it may have: close some first");
            return Err(Refusal::item(code::TEMPORARILY_UNAVAILABLE, &problem));
        }
        let used_up = || {
            let problem = "this session has used up its channel ids, which are never used twice: make a new session";
            Refusal::item(code::TEMPORARILY_UNAVAILABLE, problem)
        };
        session.open_stream(now, delivery).ok_or_else(used_up)
    }

    /// Lets a subscription reply, or lets it no more.
    pub(super) fn update_channel(&mut self, key: SessionKey, entry: DataChannel) -> DataChannel {
        let updated = self.try_update_channel(key, &entry);
        updated.unwrap_or_else(|refusal| refusal.on(named(entry)))
    }

    fn try_update_channel(&mut self, key: SessionKey, entry: &DataChannel) -> Result<DataChannel, Refusal> {
        // The API's default is false, here as well.
        let can_reply = entry.can_reply.unwrap_or_default();
        let publication = self.find_publication(entry)?;
        let session = self.sessions.get(&key).ok_or_else(Refusal::gone)?;
        let stream = session.subscribed.get(&publication).copied();
        let not_subscribed = || {
            let problem = "this session does not subscribe to this channel: subscribe with datachannels/new";
            Refusal::item(code::NOT_FOUND_TRACK, problem)
        };
        let stream = stream.ok_or_else(not_subscribed)?;
        let channel = session.channel(stream).unwrap_or_default();
        if let Some(publisher) = self.sessions.get_mut(&publication.0) {
            publisher.set_reply(publication.1, (key, stream), can_reply);
        }
        Ok(DataChannel { can_reply: Some(can_reply), ..channel })
    }

    fn find_publication(&self, entry: &DataChannel) -> Result<(SessionKey, StreamId), Refusal> {
        let name = entry.data_channel_name.as_deref().unwrap_or_default();
        let publisher = entry.session_id.as_ref().and_then(|id| self.by_id.get(id)).copied();
        let stream = publisher.and_then(|key| self.sessions.get(&key)?.published.get(name).copied());
        match (publisher, stream) {
            (Some(key), Some(stream)) => Ok((key, stream)),
            (Some(_), None) => Err(Refusal::item(
                code::NOT_FOUND_TRACK,
                "that session publishes no channel of this name: check dataChannelName, or try again once it does",
            )),
            _ => Err(Refusal::item(
                code::NOT_FOUND_TRACK,
                "there is no session with this sessionId, or it has ended: look up the publisher's present one",
            )),
        }
    }

    /// Closes a channel, or says that there is none.
    pub(super) fn close_channel(&mut self, now: Instant, key: SessionKey, entry: &DataChannel) -> DataChannel {
        let session = self.sessions.get(&key);
        let Some((id, channel)) = entry.id.and_then(|id| Some((id, session?.channel(id)?))) else {
            let problem = "this session has no channel with this id, or it is closed already";
            return Refusal::item(code::CLOSE_TRACK, problem)
                .on(DataChannel { id: entry.id, ..DataChannel::default() });
        };
        self.close_stream(now, key, id);
        channel
    }
}

/// What a refused entry is told apart by.
fn named(entry: DataChannel) -> DataChannel {
    let DataChannel { location, session_id, data_channel_name, .. } = entry;
    DataChannel { location, session_id, data_channel_name, ..DataChannel::default() }
}
