//! What became of a callback.

use std::sync::{Arc, Mutex, PoisonError};

use farwire_core::Message;

/// Records the messages of a callback, and when the driver has let go of it. Clones are the same log.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallbackLog {
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    held: Arc<()>,
}

impl CallbackLog {
    /// A callback that records, and then does this.
    pub(crate) fn then<F>(&self, mut and: F) -> impl FnMut(Message) + Send + use<F>
    where
        F: FnMut(&[u8]) + Send + 'static,
    {
        let log = self.clone();
        move |message| {
            log.lock().push(message.to_vec());
            and(&message);
        }
    }

    /// What the callback was called with so far.
    pub(crate) fn seen(&self) -> Vec<Vec<u8>> {
        self.lock().clone()
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> usize {
        self.lock().len()
    }

    /// The driver has dropped the callback, so that no call will come.
    pub(crate) fn is_released(&self) -> bool {
        Arc::strong_count(&self.held) == 1
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
