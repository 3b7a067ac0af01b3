//! What every driver gives its users, word for word.
//!
//! A driver's `Connection`, `Publisher`, `Subscription` and `Callback` each hold the one of this crate as `inner`. These macros
//! define them, with all that does not wait; the driver's own crate adds what does. They are macros, so that users find all
//! methods of a type in one place, with the types of their own driver in them and nothing of this crate. Links in the docs lead
//! to the driver's crate. Each takes what its docs say of waiting, and the [`Driver`](crate::Driver).

/// A driver's `Connection`, beside its `Publisher` and `Subscription`.
#[macro_export]
macro_rules! connection {
    ($(#[$doc:meta])* $Driver:ty) => {
        /// A connection, to whatever a [`Dial`](crate::Dial) names. Clones are handles to the same connection.
        ///
        $(#[$doc])*
        ///
        /// Publishers and subscriptions carry bytes, or LCM messages of one type: [`publisher_of`](Self::publisher_of) and
        /// [`subscribe_to`](Self::subscribe_to). The common robot messages are in [`lcm`](crate::lcm), and
        /// [`lcm_messages!`](crate::lcm_messages) defines others.
        ///
        /// Topics are lossy unless asked for otherwise: [`Delivery::LOSSY`](crate::Delivery::LOSSY) suits state that the next
        /// message replaces, [`Delivery::RELIABLE`](crate::Delivery::RELIABLE) commands and events. Publisher and subscriber of
        /// a topic must use the same.
        #[derive(Clone)]
        pub struct Connection {
            pub(crate) inner: $crate::Connection<$Driver>,
        }

        impl Connection {
            /// Publishes a topic with the default delivery, [`Delivery::LOSSY`](crate::Delivery::LOSSY).
            ///
            /// # Errors
            /// When the topic's name cannot be used, the connection has ended or is full, or has the topic with another
            /// delivery.
            pub fn publisher(&self, topic: &str) -> Result<Publisher, $crate::exports::TopicError> {
                self.publisher_with(topic, $crate::exports::Delivery::default())
            }

            /// Publishes a topic. However many publishers a topic has, its channel is opened once.
            ///
            /// # Errors
            /// As for [`publisher`](Self::publisher).
            pub fn publisher_with(
                &self,
                topic: &str,
                delivery: $crate::exports::Delivery,
            ) -> Result<Publisher, $crate::exports::TopicError> {
                self.publisher_of_with(topic, delivery)
            }

            /// [`publisher`](Self::publisher) for messages of one type. A topic can have publishers of several types, and raw
            /// ones as well. A message of another type does not compile.
            ///
            /// # Errors
            /// As for [`publisher`](Self::publisher).
            pub fn publisher_of<T: $crate::exports::Content>(
                &self,
                topic: &str,
            ) -> Result<Publisher<T>, $crate::exports::TopicError> {
                self.publisher_of_with(topic, $crate::exports::Delivery::default())
            }

            /// [`publisher_with`](Self::publisher_with) for messages of one type.
            ///
            /// # Errors
            /// As for [`publisher`](Self::publisher).
            pub fn publisher_of_with<T: $crate::exports::Content>(
                &self,
                topic: &str,
                delivery: $crate::exports::Delivery,
            ) -> Result<Publisher<T>, $crate::exports::TopicError> {
                self.inner.publisher(topic, delivery).map(|inner| Publisher { inner })
            }

            /// Subscribes to a topic with the default delivery, [`Delivery::LOSSY`](crate::Delivery::LOSSY).
            ///
            /// The topic is the one of the configured publisher, or of this connection itself. It need not exist yet: the
            /// subscription opens when it does.
            ///
            /// # Errors
            /// As for [`publisher`](Self::publisher).
            pub fn subscribe(&self, topic: &str) -> Result<Subscription, $crate::exports::TopicError> {
                self.subscribe_with(topic, $crate::exports::Delivery::default())
            }

            /// Subscribes to a topic, with a [`Delivery`](crate::Delivery), a [`Container`](crate::Container) or both. Each
            /// subscription gets every message.
            ///
            /// # Errors
            /// As for [`publisher`](Self::publisher).
            pub fn subscribe_with(
                &self,
                topic: &str,
                options: impl Into<$crate::exports::SubscribeOptions>,
            ) -> Result<Subscription, $crate::exports::TopicError> {
                self.subscribe_to_with(topic, options)
            }

            /// [`subscribe`](Self::subscribe) to the messages of one type: to those that begin with its fingerprint. What the
            /// others on the topic are is counted in [`topic_stats`](Self::topic_stats), unless another subscription gets
            /// them.
            ///
            /// # Errors
            /// As for [`publisher`](Self::publisher), and when this connection subscribes to another type with the same
            /// fingerprint on this topic.
            pub fn subscribe_to<T: $crate::exports::Content>(
                &self,
                topic: &str,
            ) -> Result<Subscription<T>, $crate::exports::TopicError> {
                self.subscribe_to_with(topic, $crate::exports::Delivery::default())
            }

            /// [`subscribe_with`](Self::subscribe_with) to the messages of one type.
            ///
            /// # Errors
            /// As for [`subscribe_to`](Self::subscribe_to).
            pub fn subscribe_to_with<T: $crate::exports::Content>(
                &self,
                topic: &str,
                options: impl Into<$crate::exports::SubscribeOptions>,
            ) -> Result<Subscription<T>, $crate::exports::TopicError> {
                self.inner.subscribe(topic, options.into()).map(|inner| Subscription { inner })
            }

            /// Subscribes to every message of every topic that this connection subscribes to otherwise: each once, however
            /// many subscriptions its topic has. [`Message::topic`](crate::Message::topic) says which it is.
            ///
            /// Gaps are told only if `options` are for reliable delivery.
            ///
            /// # Errors
            /// When the connection has ended, or has 64 such subscriptions.
            pub fn subscribe_all(
                &self,
                options: impl Into<$crate::exports::SubscribeOptions>,
            ) -> Result<Subscription, $crate::exports::TopicError> {
                self.inner.subscribe_all(options.into()).map(|inner| Subscription { inner })
            }

            /// Subscribes to the names of the topics that this connection subscribes to otherwise: each is told once, at its
            /// first message.
            ///
            /// # Errors
            /// As for [`subscribe_all`](Self::subscribe_all).
            pub fn subscribe_new_topics(
                &self,
            ) -> Result<Subscription<$crate::exports::TopicNames>, $crate::exports::TopicError> {
                self.inner.subscribe_new_topics().map(|inner| Subscription { inner })
            }

            /// Subscribes to what happens to the connection, from now on: that it is lost and up again, and who comes and goes
            /// at the far end of a broker's bridge. It keeps the latest 64 events that were not received.
            ///
            /// # Errors
            /// As for [`subscribe_all`](Self::subscribe_all).
            pub fn events(&self) -> Result<Subscription<$crate::exports::Events>, $crate::exports::TopicError> {
                self.inner.events().map(|inner| Subscription { inner })
            }

            /// Whether the connection is up now. One that was lost reconnects until it is, unless its configuration says
            /// otherwise.
            pub fn is_connected(&self) -> bool {
                self.inner.is_open_and(|client| client.peer().is_up())
            }

            /// For a robot on a broker: whether somebody operates it, and is heard. A robot loop that moves only while this is
            /// `true` stands still whenever the operator leaves, falls silent, or the connection is lost.
            pub fn operator_present(&self) -> bool {
                self.inner.is_open_and(|client| client.peer().is_operated())
            }

            /// For a robot on a broker: why it has no operator any more. `None` while it has one, and before the first.
            pub fn operator_lost(&self) -> Option<$crate::exports::OperatorLost> {
                self.inner.read(|client| client.peer().operator_lost())
            }

            /// For an operator: whether the robot answers.
            pub fn robot_present(&self) -> bool {
                self.inner.is_open_and(|client| client.peer().has_robot())
            }

            /// What is known of the clock at the far end of a broker's bridge, by pings; `None` before the first.
            pub fn clock(&self) -> Option<$crate::exports::ClockEstimate> {
                self.inner.read(|client| client.peer().far_clock(::std::time::Instant::now()))
            }

            /// The stamp for a message that is made now, as time since 1970: for the header of a command, in **the robot's
            /// time** on a broker's bridge, which is what robots judge by. It is newer than any that was given out before, and
            /// behind by what the fastest of the latest pings took at most, so that it lies in no robot's future. `None`: the
            /// robot's time is not known yet.
            ///
            /// [`Time::from_unix`](crate::lcm::std_msgs::Time::from_unix) makes a header's stamp of it.
            pub fn stamp(&self) -> Option<::std::time::Duration> {
                self.inner.engine().lock().client.stamp(::std::time::Instant::now())
            }

            /// STUN and TURN servers that a broker named for a robot.
            pub fn ice_servers(&self) -> Vec<$crate::exports::IceServer> {
                self.inner.read(|client| client.peer().ice_servers().to_vec())
            }

            /// The id of the publishing session, which a subscriber in another process needs as
            /// [`Config::publisher_session`](crate::Config::publisher_session()); through a broker, of the broker's session of
            /// the robot. It is another one when the connection was lost and re-established, and empty meanwhile.
            pub fn session_id(&self) -> String {
                self.inner.read(|client| client.peer().session_id().map(ToString::to_string)).unwrap_or_default()
            }

            /// The counters of a topic, if this connection has it.
            pub fn topic_stats(&self, topic: &str) -> Option<$crate::exports::TopicStats> {
                let topic = $crate::exports::Topic::new(topic).ok()?;
                self.inner.read(|client| client.topic_stats(&topic))
            }

            /// All counters of this connection and its topics, those of other users of a shared one among them.
            pub fn stats(&self) -> $crate::exports::Stats {
                self.inner.read(|client| client.stats())
            }

            /// Why the connection is over, if it is. One that is reconnecting is not.
            pub fn ended(&self) -> Option<$crate::exports::EndReason> {
                self.inner.lease().ended()
            }

            /// Closes the connection for all handles, at once, and tells the SFU. Whoever waits on it is told
            /// [`EndReason::Closed`](crate::EndReason::Closed).
            ///
            /// A connection that [`shared`](crate::shared()) gave is closed for the handles that came of that call; others
            /// keep it.
            pub fn close(&self) {
                self.inner.close();
            }
        }

        impl ::std::fmt::Debug for Connection {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(&self.inner, f)
            }
        }
    };
}

/// A driver's `Publisher`, for which it says with `publish_bytes` what happens when the queue is full.
#[macro_export]
macro_rules! publisher {
    ($(#[$first:meta])* $Driver:ty; $(#[$more:meta])*) => {
        $(#[$first])*
        ///
        /// `T` is what it publishes: bytes, or messages of one LCM type. It keeps the connection open.
        $(#[$more])*
        pub struct Publisher<T: $crate::exports::Content = $crate::exports::Raw> {
            pub(crate) inner: $crate::Publisher<$Driver, T>,
        }

        impl Publisher {
            /// [`publish`](Self::publish), as text: subscribers in a browser get a string.
            ///
            /// # Errors
            /// As for [`publish`](Self::publish).
            pub fn publish_text(
                &self,
                message: &str,
            ) -> Result<$crate::exports::Accepted, $crate::exports::PublishError> {
                self.publish_bytes(false, message.as_bytes())
            }
        }

        impl<T: $crate::exports::Content> Publisher<T> {
            /// Publishes a message, as binary.
            ///
            /// It is sent before this returns, or waits in the topic's queue while the channel is being opened or the network
            /// is slower than the publisher; the answer says which. When the queue is full, a lossy topic drops its oldest
            /// message; for a reliable one see [`Publisher`].
            ///
            /// # Errors
            /// When the message was not taken: it has no encoding or is too large, the queue is full, the SFU refuses the
            /// topic, or the connection has ended.
            pub fn publish(
                &self,
                message: &T::Sent,
            ) -> Result<$crate::exports::Accepted, $crate::exports::PublishError> {
                self.publish_bytes(true, &self.inner.bytes(message)?)
            }

            /// The topic.
            pub fn topic(&self) -> &str {
                self.inner.topic().as_str()
            }
        }

        impl<T: $crate::exports::Content> Clone for Publisher<T> {
            fn clone(&self) -> Self {
                Publisher { inner: self.inner.clone() }
            }
        }

        impl<T: $crate::exports::Content> ::std::fmt::Debug for Publisher<T> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(&self.inner, f)
            }
        }
    };
}

/// A driver's `Subscription`.
#[macro_export]
macro_rules! subscription {
    ($(#[$first:meta])* $Driver:ty; $(#[$more:meta])*) => {
        $(#[$first])*
        ///
        /// `T` is what it receives: every message as bytes, or only the messages of one LCM type. Those that have the type's
        /// fingerprint but are none of it are skipped, and counted in
        /// [`TopicStats::undecodable`](crate::TopicStats::undecodable).
        ///
        /// Messages wait in a mailbox until they are received; its bound, and what happens when that is not enough, are those
        /// of the [`Container`](crate::Container) that it was subscribed with. Unless chosen, on a reliable topic it holds
        /// 65,536 messages and 64 MiB, on any other 1,024 messages and 8 MiB; then the oldest are dropped and counted, and the
        /// next receive on a reliable topic says [`RecvError::Lagged`](crate::RecvError::Lagged).
        ///
        $(#[$more])*
        pub struct Subscription<T: $crate::exports::Receive = $crate::exports::Raw> {
            pub(crate) inner: $crate::Subscription<$Driver, T>,
        }

        impl<T: $crate::exports::Receive> Subscription<T> {
            /// The next message, if one is there.
            ///
            /// # Errors
            /// As for [`recv`](Self::recv).
            pub fn try_recv(&self) -> Result<Option<T::Received>, $crate::exports::RecvError> {
                self.inner.take_with(|mailbox, now| mailbox.take(now))
            }

            /// The newest message, if one is there. The older ones are dropped and counted, whether or not the newest can be
            /// decoded; gaps before it are not told.
            ///
            /// # Errors
            /// The reason why nothing more will come.
            pub fn latest(&self) -> Result<Option<T::Received>, $crate::exports::RecvError> {
                self.inner.take_with(|mailbox, now| mailbox.take_latest(now))
            }

            /// Why the channel is not open yet, if the SFU has said so; it is still being tried.
            pub fn trouble(&self) -> Option<$crate::exports::SignallingError> {
                self.inner.mailbox().with(|mailbox| mailbox.trouble().cloned())
            }

            /// Messages that were not delivered because they were older than the deadline of
            /// [`SubscribeOptions::stale_after`](crate::SubscribeOptions::stale_after).
            pub fn stale(&self) -> u64 {
                self.inner.mailbox().with(|mailbox| mailbox.stale())
            }

            /// Messages dropped unread: because the mailbox was full, or by [`latest`](Self::latest).
            pub fn dropped(&self) -> u64 {
                self.inner.mailbox().with(|mailbox| mailbox.dropped())
            }

            /// Why no more messages will come after those that wait, if so.
            pub fn ended(&self) -> Option<$crate::exports::RecvError> {
                self.inner.mailbox().with(|mailbox| mailbox.ended().cloned())
            }

            /// The topic; empty, which no topic is, for a subscription to many.
            pub fn topic(&self) -> &str {
                self.inner.topic().map_or("", |topic| topic.as_str())
            }
        }

        impl<T: $crate::exports::Receive> ::std::fmt::Debug for Subscription<T> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(&self.inner, f)
            }
        }
    };
}

/// A driver's `Callback`.
#[macro_export]
macro_rules! callback {
    ($Driver:ty) => {
        /// A subscription whose messages go to a callback; see
        /// [`Subscription::on_message`](crate::Subscription::on_message).
        ///
        /// Dropping it unsubscribes: no call begins after that. It does not wait for one that is running, so it may be dropped
        /// by the callback itself. It keeps the connection open.
        ///
        /// Gaps are skipped; [`dropped`](Self::dropped) counts them. That nothing fresh has come for a
        /// [`stale_after`](crate::SubscribeOptions::stale_after) is not told either: receive by hand where that means to stop.
        ///
        /// A callback that blocks is called again when it has returned, and meanwhile the messages wait in the mailbox. One
        /// that panics is called again with the next message; see [`panics`](Self::panics).
        pub struct Callback<T: $crate::exports::Receive = $crate::exports::Raw> {
            pub(crate) inner: $crate::Callback<$Driver, T>,
        }

        impl<T: $crate::exports::Receive> Callback<T> {
            /// How often the callback has panicked.
            pub fn panics(&self) -> u64 {
                self.inner.panics()
            }

            /// Messages that were dropped because the mailbox was full.
            pub fn dropped(&self) -> u64 {
                self.inner.subscription().mailbox().with(|mailbox| mailbox.dropped())
            }

            /// Why no more messages will come, if so.
            pub fn ended(&self) -> Option<$crate::exports::RecvError> {
                self.inner.subscription().mailbox().with(|mailbox| mailbox.ended().cloned())
            }
        }

        impl<T: $crate::exports::Receive> ::std::fmt::Debug for Callback<T> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(&self.inner, f)
            }
        }
    };
}
