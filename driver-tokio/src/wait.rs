//! Waiting for something that happens to a connection.

use farwire_driver::ClientOf;

use crate::tasks::{Engine, Tasks};

/// Waits until `done`, but not beyond the end of the connection. Says whether it is done.
pub(crate) async fn wait_until(engine: &Engine, mut done: impl FnMut(&mut ClientOf<Tasks>) -> bool) -> bool {
    let _waiting = Waiting::new(engine);
    loop {
        let progress = engine.progress().0.notified();
        let is_done = engine.lock().look(&mut done);
        match is_done {
            Some(is_done) => return is_done,
            None => progress.await,
        }
    }
}

/// Counts a waiting caller, also when its future is dropped.
struct Waiting<'a>(&'a Engine);

impl<'a> Waiting<'a> {
    fn new(engine: &'a Engine) -> Waiting<'a> {
        engine.lock().waiting += 1;
        Waiting(engine)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().waiting -= 1;
    }
}
