//! A live connection.

use std::sync::Arc;

use farwire_core::lease::Live;
use farwire_core::{EndReason, RecvError, SubscriptionId};
use tokio::runtime;

use crate::shared::Shared;

/// One user's share in a connection.
pub(crate) type Lease = farwire_core::lease::Lease<Handle>;

/// A live connection. It is closed when its last lease ends, or when it is dropped.
pub(crate) struct Handle {
    pub(crate) shared: Arc<Shared>,
    /// Where its tasks run.
    pub(crate) runtime: runtime::Handle,
}

impl Live for Handle {
    fn close(&self) {
        self.shared.close();
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
