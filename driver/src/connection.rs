//! A user's handle to a connection.

use std::fmt;
use std::sync::Arc;

use farwire_core::{
    Content, Delivery, EndReason, Events, Receive, SubscribeOptions, SubscriptionId, Topic, TopicError, TopicNames,
};

use crate::engine::Engine;
use crate::error::ConnectError;
use crate::lease::Lease;
use crate::platform::{Bell, ClientOf, Driver, InboxOf};
use crate::publisher::Publisher;
use crate::subscription::Subscription;

/// A connection. Clones are handles to the same share in it.
pub struct Connection<D: Driver> {
    lease: Arc<Lease<D>>,
}

impl<D: Driver> Connection<D> {
    /// A handle to a share in a connection.
    pub fn new(lease: Arc<Lease<D>>) -> Connection<D> {
        Connection { lease }
    }

    /// A handle to a new connection, if it has come up.
    ///
    /// # Errors
    /// [`ConnectError::Ended`], when it has not.
    pub fn of_new(lease: Arc<Lease<D>>, is_up: bool) -> Result<Connection<D>, ConnectError> {
        match is_up {
            true => Ok(Connection { lease }),
            false => Err(ConnectError::Ended(lease.ended().unwrap_or(EndReason::Closed))),
        }
    }

    /// The share.
    pub fn lease(&self) -> &Arc<Lease<D>> {
        &self.lease
    }

    /// The connection.
    pub fn engine(&self) -> &Engine<D> {
        self.lease.engine()
    }

    /// Reads something of the client.
    pub fn read<R>(&self, read: impl FnOnce(&ClientOf<D>) -> R) -> R {
        read(&self.engine().lock().client)
    }

    /// Whether something is so of a share that was not given up.
    pub fn is_open_and(&self, is_so: impl FnOnce(&ClientOf<D>) -> bool) -> bool {
        !self.lease.is_closed() && self.read(is_so)
    }

    /// Publishes a topic.
    ///
    /// # Errors
    /// As for [`Client::topic`](farwire_core::Client::topic), and when this share was given up.
    pub fn publisher<T: Content>(&self, topic: &str, delivery: Delivery) -> Result<Publisher<D, T>, TopicError> {
        let topic = Topic::new(topic)?;
        if self.lease.is_closed() {
            return Err(TopicError::ended(Some(&topic)));
        }
        let (id, delivery) = self.engine().act(|client, now| {
            let id = client.topic(now, &topic, delivery)?;
            Ok((id, client.peer().delivery(id).unwrap_or(delivery)))
        })?;
        Ok(Publisher::new(Arc::clone(&self.lease), id, topic, delivery))
    }

    /// Subscribes to a topic.
    ///
    /// # Errors
    /// As for [`Client::subscribe`](farwire_core::Client::subscribe), and when this share was given up.
    pub fn subscribe<T: Content>(
        &self,
        topic: &str,
        options: SubscribeOptions,
    ) -> Result<Subscription<D, T>, TopicError> {
        let topic = Topic::new(topic)?;
        self.subscription(Some(&topic), |engine| {
            engine.act(|client, now| client.subscribe(now, &topic, options, T::KIND))
        })
    }

    /// Subscribes to every message of every topic that the connection subscribes to otherwise.
    ///
    /// # Errors
    /// As for [`Client::subscribe_all`](farwire_core::Client::subscribe_all), and when this share was given up.
    pub fn subscribe_all(&self, options: SubscribeOptions) -> Result<Subscription<D>, TopicError> {
        self.subscription(None, |engine| engine.act(|client, _| client.subscribe_all(options)))
    }

    /// Subscribes to the names of the topics that the connection subscribes to otherwise.
    ///
    /// # Errors
    /// As for [`Client::subscribe_new_topics`](farwire_core::Client::subscribe_new_topics), and when this share was given up.
    pub fn subscribe_new_topics(&self) -> Result<Subscription<D, TopicNames>, TopicError> {
        self.subscription(None, |engine| engine.act(|client, _| client.subscribe_new_topics()))
    }

    /// Subscribes to what happens to the connection.
    ///
    /// # Errors
    /// As for [`Client::subscribe_events`](farwire_core::Client::subscribe_events), and when this share was given up.
    pub fn events(&self) -> Result<Subscription<D, Events>, TopicError> {
        self.subscription(None, |engine| engine.act(|client, _| client.subscribe_events()))
    }

    fn subscription<T: Receive>(
        &self,
        topic: Option<&Topic>,
        ask: impl FnOnce(&Engine<D>) -> Result<(SubscriptionId, InboxOf<D, T>), TopicError>,
    ) -> Result<Subscription<D, T>, TopicError> {
        let (id, mailbox) = self.lease.subscribe(topic, ask)?;
        Ok(Subscription::new(Arc::clone(&self.lease), id, mailbox))
    }

    /// Gives the share up, for all its handles.
    pub fn close(&self) {
        self.lease.close();
        // A share can be closed while the connection lives on, and somebody may wait for that.
        self.engine().progress().ring();
    }
}

impl<D: Driver> Clone for Connection<D> {
    fn clone(&self) -> Self {
        Connection { lease: Arc::clone(&self.lease) }
    }
}

impl<D: Driver> fmt::Debug for Connection<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let session = self.read(|client| client.peer().session_id().map(ToString::to_string));
        f.debug_struct("Connection").field("session_id", &session.unwrap_or_default()).finish_non_exhaustive()
    }
}
