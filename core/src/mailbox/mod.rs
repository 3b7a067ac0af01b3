//! What a subscription holds until it is received.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use crate::freshness::{Freshness, Made, Refusals};
use crate::signalling::SignallingError;
use crate::{ConnectionEvent, Container, EndReason, Message, SubscribeOptions, Topic, WhenFull};

/// Why there is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecvError {
    /// None came in time.
    #[error("nothing arrived in time")]
    Timeout,
    /// This many messages of a reliable topic were dropped because the mailbox was full. The next ones follow.
    #[error("{0} messages were dropped unread because the mailbox was full: receive more often")]
    Lagged(u64),
    /// The channel of a reliable topic was closed: because this subscriber was too slow for it, because a message was larger
    /// than it receives, because the connection was lost, or because the operator or the robot at the far end of a bridge is
    /// gone. It opens again by itself when that can be; messages in between are lost.
    #[error(
        "this topic's channel was closed, and opens again when it can: messages may be missing before the next one"
    )]
    Interrupted,
    /// No message came that is young enough for this subscription's deadline, after one that was: what the last one said no
    /// longer holds. Told once, until one comes again.
    #[error("nothing fresh arrived within this subscription's deadline")]
    Stale,
    /// The mailbox was full, and is one that closes then.
    #[error("the mailbox was full with {messages} messages, which ends this subscription: receive more often")]
    Overflowed {
        /// Messages that it held.
        messages: usize,
    },
    /// The SFU gives this topic no channel, and would not if asked again.
    #[error("{0}")]
    Refused(SignallingError),
    /// The subscription was ended by its holder.
    #[error("unsubscribed")]
    Unsubscribed,
    /// The connection is over.
    #[error("nothing more will come: {0}")]
    Closed(EndReason),
}

impl RecvError {
    /// Whether messages may follow.
    pub fn is_passing(&self) -> bool {
        matches!(self, RecvError::Timeout | RecvError::Lagged(_) | RecvError::Interrupted | RecvError::Stale)
    }
}

/// What a mailbox can hold.
pub trait Held: Send + Debug + 'static {
    /// Bytes that count towards [`Container::bytes`].
    fn size(&self) -> usize;
}

impl Held for Message {
    fn size(&self) -> usize {
        self.len()
    }
}

impl Held for Topic {
    fn size(&self) -> usize {
        self.as_str().len()
    }
}

impl Held for ConnectionEvent {
    fn size(&self) -> usize {
        size_of::<ConnectionEvent>()
    }
}

/// What one subscription holds, messages unless said otherwise, and its state; bounded by its [`Container`].
///
/// It has no lock and wakes nobody: a driver puts it behind a lock of its own, and tells those who wait.
#[derive(Debug)]
pub struct Mailbox<T: Held = Message> {
    topic: Option<Topic>,
    container: Container,
    /// Receivers are told of gaps.
    tells_gaps: bool,
    entries: VecDeque<Entry<T>>,
    messages: usize,
    bytes: usize,
    dropped: u64,
    /// Messages dropped before the first entry, of which no receiver has been told yet.
    untold: u64,
    open: bool,
    trouble: Option<SignallingError>,
    /// `None`: messages do not grow stale.
    freshness: Option<Freshness>,
    /// What follows the last entry.
    end: Option<RecvError>,
}

#[derive(Debug)]
enum Entry<T> {
    /// With the time beyond which it is stale.
    Message(T, Option<Instant>),
    Lagged(u64),
    Interrupted,
}

impl<T: Held> Mailbox<T> {
    /// An empty one for the messages of a topic; `None`: of all.
    pub(crate) fn new(topic: Option<Topic>, options: SubscribeOptions) -> Mailbox<T> {
        let container = options.chosen_container();
        Mailbox {
            topic,
            container,
            tells_gaps: options.delivery.is_reliable() && container.when_full != WhenFull::Replace,
            entries: VecDeque::new(),
            messages: 0,
            bytes: 0,
            dropped: 0,
            untold: 0,
            open: false,
            trouble: None,
            freshness: options.stale_after.map(Freshness::new),
            end: None,
        }
    }

    /// The topic; `None` for a subscription to all.
    pub fn topic(&self) -> Option<&Topic> {
        self.topic.as_ref()
    }

    /// What a receiver gets next: word of a gap, a message, or the end. `None`: nothing yet.
    pub fn take(&mut self, now: Instant) -> Option<Result<T, RecvError>> {
        if self.untold > 0 {
            return Some(Err(RecvError::Lagged(std::mem::take(&mut self.untold))));
        }
        if self.grow_stale(now) {
            return Some(Err(RecvError::Stale));
        }
        while let Some(entry) = self.pop() {
            match entry {
                Entry::Message(_, Some(expires)) if expires <= now => self.count_stale(1),
                Entry::Message(message, _) => return Some(Ok(message)),
                Entry::Lagged(dropped) => return Some(Err(RecvError::Lagged(dropped))),
                Entry::Interrupted => return Some(Err(RecvError::Interrupted)),
            }
        }
        self.end.clone().map(Err)
    }

    /// The newest message, if one is there; [`Mailbox::take`] if there is none. The older ones are dropped and counted, and
    /// gaps before it are not told.
    pub fn take_latest(&mut self, now: Instant) -> Option<Result<T, RecvError>> {
        let mut newest = None;
        while let Some(entry) = self.pop() {
            match entry {
                Entry::Message(_, Some(expires)) if expires <= now => self.count_stale(1),
                Entry::Message(message, _) => {
                    self.dropped += u64::from(newest.is_some());
                    newest = Some(message);
                }
                Entry::Lagged(_) | Entry::Interrupted => {}
            }
        }
        self.untold = 0;
        if newest.is_some()
            && let Some(freshness) = &mut self.freshness
        {
            freshness.is_untold = false;
        }
        newest.map(Ok).or_else(|| self.take(now))
    }

    /// Messages that wait.
    pub fn len(&self) -> usize {
        self.messages
    }

    /// Whether no message waits.
    pub fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Whether [`Mailbox::take`] has something to say.
    pub fn has_news(&self) -> bool {
        let is_stale = self.freshness.as_ref().is_some_and(|freshness| freshness.is_untold);
        self.untold > 0 || is_stale || !self.entries.is_empty() || self.end.is_some()
    }

    /// Messages dropped unread: because it was full, or by [`Mailbox::take_latest`].
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Messages that were not delivered because they were older than the deadline, or from before the connection or the
    /// operator was lost.
    pub fn stale(&self) -> u64 {
        self.refusals().stale
    }

    /// Messages that were not delivered because of their age or their stamp.
    pub(crate) fn refusals(&self) -> Refusals {
        self.freshness.as_ref().map_or_else(Refusals::default, |freshness| freshness.refusals)
    }

    /// Whether messages grow stale here.
    pub(crate) fn has_deadline(&self) -> bool {
        self.freshness.is_some()
    }

    /// When the latest message grows stale, unless another comes.
    pub(crate) fn fresh_until(&self) -> Option<Instant> {
        self.freshness.as_ref().and_then(|freshness| freshness.until)
    }

    /// Notes the time, so that a receiver is told when nothing fresh is there.
    pub(crate) fn note_time(&mut self, now: Instant) {
        if let Some(freshness) = &mut self.freshness {
            freshness.expire(now);
        }
    }

    /// What has arrived is from before something was lost, or before an emergency stop: if messages grow stale here, these
    /// are, and so is whatever comes that was stamped up to `floor`.
    pub(crate) fn outdate(&mut self, floor: Duration) {
        if self.freshness.is_none() {
            return;
        }
        let before = self.entries.len();
        self.entries.retain(|entry| !matches!(entry, Entry::Message(..)));
        self.count_stale((before - self.entries.len()) as u64);
        (self.messages, self.bytes) = (0, 0);
        if let Some(freshness) = &mut self.freshness {
            freshness.outdate(floor);
        }
    }

    /// The clock that judges stamps was put back by so much.
    pub(crate) fn put_clock_back(&mut self, by: Duration) {
        if let Some(freshness) = &mut self.freshness {
            freshness.put_back(by);
        }
    }

    /// Whether the SFU's channel is open: `None` not yet, or what ended the subscription.
    pub fn opened(&self) -> Option<Result<(), RecvError>> {
        match &self.end {
            Some(end) => Some(Err(end.clone())),
            None => self.open.then_some(Ok(())),
        }
    }

    /// Why the channel is not open yet, if the SFU has said so.
    pub fn trouble(&self) -> Option<&SignallingError> {
        self.trouble.as_ref()
    }

    /// Why the subscription is over, if it is.
    pub fn ended(&self) -> Option<&RecvError> {
        self.end.as_ref()
    }

    /// Takes a message in, and makes room for it as its container says.
    pub(crate) fn deliver(&mut self, now: Instant, message: T, made: Made) {
        if self.end.is_some() {
            return;
        }
        let expires = match &mut self.freshness {
            None => None,
            Some(freshness) => match freshness.admit(now, made) {
                Some(expires) => Some(expires),
                None => return,
            },
        };
        let Container { messages, bytes, when_full } = self.container;
        let size = message.size();
        let is_full =
            |own: &Self| own.messages > 0 && (own.messages >= messages || own.bytes.saturating_add(size) > bytes);
        while is_full(self) {
            match when_full {
                WhenFull::DropOldest | WhenFull::Replace => self.drop_oldest(),
                WhenFull::DropNewest => return self.lag(),
                WhenFull::Close => {
                    self.dropped += 1;
                    self.end = Some(RecvError::Overflowed { messages: self.messages });
                    return;
                }
            }
        }
        self.messages += 1;
        self.bytes += size;
        self.entries.push_back(Entry::Message(message, expires));
    }

    /// The SFU's channel is open.
    pub fn note_opened(&mut self) {
        self.open = true;
        self.trouble = None;
    }

    /// The SFU closed its channel, which is asked for again.
    pub(crate) fn note_interrupted(&mut self) {
        self.open = false;
        if self.tells_gaps && self.gap().all(|entry| !matches!(entry, Entry::Interrupted)) {
            self.entries.push_back(Entry::Interrupted);
        }
    }

    /// Why the SFU's channel is not open; it is still being tried.
    pub(crate) fn note_trouble(&mut self, error: SignallingError) {
        self.trouble = Some(error);
    }

    /// Nothing more will come. The first reason stands.
    pub fn end(&mut self, end: RecvError) {
        self.end.get_or_insert(end);
    }

    /// Nothing more will be received, not even what is here.
    pub fn clear(&mut self, end: RecvError) {
        self.entries.clear();
        (self.messages, self.bytes, self.untold) = (0, 0, 0);
        self.end = Some(end);
    }

    /// Whether a receiver is to be told, now, that nothing fresh is there.
    fn grow_stale(&mut self, now: Instant) -> bool {
        let Some(freshness) = &mut self.freshness else { return false };
        freshness.expire(now);
        std::mem::take(&mut freshness.is_untold)
    }

    fn count_stale(&mut self, messages: u64) {
        if let Some(freshness) = &mut self.freshness {
            freshness.refusals.stale += messages;
        }
    }

    fn drop_oldest(&mut self) {
        while let Some(entry) = self.pop() {
            match entry {
                Entry::Message(..) => {
                    self.dropped += 1;
                    self.untold += u64::from(self.tells_gaps);
                    return;
                }
                Entry::Lagged(dropped) => self.untold += dropped,
                // What follows it is dropped as well, and then the receiver hears of that.
                Entry::Interrupted => {}
            }
        }
    }

    /// Drops the message that has just come.
    fn lag(&mut self) {
        self.dropped += 1;
        if !self.tells_gaps {
            return;
        }
        for entry in self.gap() {
            if let Entry::Lagged(dropped) = entry {
                *dropped += 1;
                return;
            }
        }
        self.entries.push_back(Entry::Lagged(1));
    }

    /// The word of gaps after the last message: each kind once at most, or hostile servers could fill the memory.
    fn gap(&mut self) -> impl Iterator<Item = &mut Entry<T>> {
        self.entries.iter_mut().rev().take_while(|entry| !matches!(entry, Entry::Message(..)))
    }

    fn pop(&mut self) -> Option<Entry<T>> {
        let entry = self.entries.pop_front()?;
        if let Entry::Message(message, _) = &entry {
            self.messages -= 1;
            self.bytes -= message.size();
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests;
