//! A live connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use farwire_core::lease::Live;
use farwire_core::{EndReason, RecvError, SubscriptionId};

use crate::shared::Shared;

/// One user's share in a connection.
pub(crate) type Lease = farwire_core::lease::Lease<Handle>;

/// A live connection. It is closed when its last lease ends, or when it is dropped.
pub(crate) struct Handle {
    pub(crate) shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>, thread: JoinHandle<()>) -> Handle {
        Handle { shared, thread: Mutex::new(Some(thread)) }
    }
}

impl Live for Handle {
    fn close(&self) {
        self.shared.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic has ended the connection already.
            let _ = thread.join();
        }
        self.shared.join_requests();
    }

    fn cut(&self, id: SubscriptionId, why: RecvError) {
        self.shared.cut(id, why);
    }

    fn ended(&self) -> Option<EndReason> {
        self.shared.lock().client.ended().cloned()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}
