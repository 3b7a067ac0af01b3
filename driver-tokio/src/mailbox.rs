//! How the task that receives waits for a mailbox.

use std::task::{Context, Poll, Waker};

use farwire_core::{Held, Mailbox};
use farwire_driver::{SharedMailbox, Waits};

/// One task at a time, which is woken once.
#[derive(Debug)]
pub(crate) struct ByWaker;

impl Waits for ByWaker {
    type Waiting = Option<Waker>;
    type Woken = Option<Waker>;

    fn another(&self) -> ByWaker {
        ByWaker
    }

    fn is_awaited(waiting: &Option<Waker>) -> bool {
        waiting.is_some()
    }

    fn take(waiting: &mut Option<Waker>) -> Option<Waker> {
        waiting.take()
    }

    fn wake(&self, woken: Option<Waker>) {
        woken.into_iter().for_each(Waker::wake);
    }
}

/// What `look` finds, or wakes the task when there may be something to find.
pub(crate) fn poll<T: Held, R>(
    mailbox: &SharedMailbox<ByWaker, T>,
    context: &mut Context<'_>,
    look: impl FnOnce(&mut Mailbox<T>) -> Option<R>,
) -> Poll<R> {
    let mut state = mailbox.lock();
    match (look(&mut state.mailbox), &mut state.waiting) {
        (Some(found), _) => return Poll::Ready(found),
        (None, Some(waker)) => waker.clone_from(context.waker()),
        (None, waiting) => *waiting = Some(context.waker().clone()),
    }
    Poll::Pending
}
