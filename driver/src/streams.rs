//! The one stream of lines that a connection may have.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use farwire_core::signalling::{Failure, StreamCommand, StreamEvent, StreamKey};
use farwire_stream::Lines;

/// A connection's stream, if it has one.
pub(crate) struct Streams<S>(Mutex<Option<(StreamKey, S)>>);

/// The right to do what core says about the stream. It is taken while the client's lock is held, so that all is done in the
/// order in which it was said.
pub(crate) struct Carrier<'a, S>(MutexGuard<'a, Option<(StreamKey, S)>>);

impl<S: Lines> Streams<S> {
    pub(crate) fn new() -> Streams<S> {
        Streams(Mutex::new(None))
    }

    pub(crate) fn lock(&self) -> Carrier<'_, S> {
        Carrier(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: Lines> Carrier<'_, S> {
    /// Does it. What fails at once is an event, which is to be told without this lock.
    pub(crate) fn carry(
        &mut self,
        command: StreamCommand,
        connect: impl FnOnce(StreamKey, String) -> Result<S, Failure>,
    ) -> Option<StreamEvent> {
        match command {
            StreamCommand::Connect { stream, url } => {
                // Dropping the one before closes it.
                *self.0 = None;
                match connect(stream, url) {
                    Ok(connecting) => *self.0 = Some((stream, connecting)),
                    Err(why) => return Some(StreamEvent::Closed { stream, why }),
                }
            }
            StreamCommand::Send { stream, line } => {
                if let Some(own) = self.own(stream) {
                    own.send(line);
                }
            }
            StreamCommand::Close { stream } => {
                if let Some(own) = self.own(stream) {
                    own.close();
                }
            }
            // What is not known here cannot be asked for yet.
            _ => {}
        }
        None
    }

    /// The stream of this name, unless another one is there by now.
    fn own(&self, stream: StreamKey) -> Option<&S> {
        self.0.as_ref().filter(|(key, _)| *key == stream).map(|(_, own)| own)
    }

    /// Closes the stream, if there is one.
    pub(crate) fn close(&self) {
        if let Some((_, own)) = &*self.0 {
            own.close();
        }
    }

    /// Takes the stream away, if there is one.
    pub(crate) fn take(&mut self) -> Option<S> {
        self.0.take().map(|(_, own)| own)
    }
}

impl<S> fmt::Debug for Streams<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// What was asked of streams, in order.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    struct Logged(StreamKey, Log);

    impl Log {
        fn add(&self, entry: String) {
            self.0.lock().expect("no panic").push(entry);
        }
    }

    impl Lines for Logged {
        fn send(&self, line: String) {
            self.1.add(format!("{} send {line}", self.0.0));
        }

        fn close(&self) {
            self.1.add(format!("{} close", self.0.0));
        }
    }

    impl Drop for Logged {
        fn drop(&mut self) {
            self.1.add(format!("{} drop", self.0.0));
        }
    }

    #[test]
    fn what_is_said_goes_to_the_stream_that_it_is_for() {
        let (log, streams) = (Log::default(), Streams::new());
        let (one, two) = (StreamKey(1), StreamKey(2));
        let connect = |stream, _| Ok(Logged(stream, log.clone()));
        for command in [
            StreamCommand::Send { stream: one, line: "nowhere".to_owned() },
            StreamCommand::Connect { stream: one, url: String::new() },
            StreamCommand::Send { stream: one, line: "a".to_owned() },
            StreamCommand::Connect { stream: two, url: String::new() },
            StreamCommand::Send { stream: one, line: "late".to_owned() },
            StreamCommand::Close { stream: one },
            StreamCommand::Send { stream: two, line: "b".to_owned() },
            StreamCommand::Close { stream: two },
        ] {
            assert_eq!(streams.lock().carry(command, connect), None);
        }
        assert_eq!(*log.0.lock().expect("no panic"), ["1 send a", "1 drop", "2 send b", "2 close"]);
        let failed = Failure::Connect("no thread".to_owned());
        let command = StreamCommand::Connect { stream: one, url: String::new() };
        let told = streams.lock().carry(command, |_, _| Err(failed.clone()));
        assert_eq!(told, Some(StreamEvent::Closed { stream: one, why: failed }));
    }
}
