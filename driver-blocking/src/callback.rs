//! Messages that come by callback.

use std::io;
use std::thread;

use farwire_core::Receive;

use crate::receive::receive;
use crate::threads::Threads;

farwire_driver::callback!(Threads);

impl<T: Receive> Callback<T> {
    pub(crate) fn start(
        subscription: farwire_driver::Subscription<Threads, T>,
        callback: impl FnMut(T::Received) + Send + 'static,
    ) -> io::Result<Callback<T>> {
        let mailbox = subscription.mailbox().clone();
        let (inner, mut caller) = farwire_driver::Callback::new(subscription, callback);
        let work = move || {
            loop {
                match receive(caller.engine(), &mailbox, None) {
                    Ok(message) => caller.call(message),
                    Err(error) if error.is_passing() => {}
                    Err(_) => return,
                }
            }
        };
        thread::Builder::new().name("farwire-callback".into()).spawn(work)?;
        Ok(Callback { inner })
    }
}
