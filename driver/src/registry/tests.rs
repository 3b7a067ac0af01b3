use std::sync::Condvar;

use farwire_core::broker::RobotConfig;
use farwire_core::signalling::{Failure, Request, StreamEvent, StreamKey};
use farwire_http::Trust;
use farwire_stream::Lines;

use super::*;
use crate::Answer;
use crate::mailbox::Waits;
use crate::platform::Requests;

/// A driver without connections: here it is about who dials.
struct Nobody;

#[derive(Debug)]
struct Nothing;

impl Waits for Nothing {
    type Waiting = ();
    type Woken = ();

    fn another(&self) -> Nothing {
        Nothing
    }

    fn is_awaited((): &()) -> bool {
        false
    }

    fn take((): &mut ()) {}

    fn wake(&self, (): ()) {}
}

impl Lines for Nothing {
    fn send(&self, _: String) {}

    fn close(&self) {}
}

impl Requests for Nothing {
    fn start(&self, _: Request, _: Answer) {}

    fn start_farewell(&self, _: Request) {}

    fn shut_down(&self) {}
}

impl Driver for Nobody {
    type Waits = Nothing;
    type Bell = Condvar;
    type Requests = Nothing;
    type Stream = Nothing;

    fn wake_worker(&self) {}

    fn requests(&self) -> &Nothing {
        &Nothing
    }

    fn connect(
        &self,
        _: StreamKey,
        _: String,
        _: Trust,
        _: impl FnMut(StreamEvent) + Send + 'static,
    ) -> Result<Nothing, Failure> {
        Ok(Nothing)
    }

    fn finish(&self, _: Option<Nothing>) {}
}

fn registry() -> &'static Registry<Nobody> {
    Box::leak(Box::default())
}

fn dial(robot_type: &str) -> Dial {
    RobotConfig::new("http://127.0.0.1:1", "key").expect("a good config").robot_type(robot_type).into()
}

fn connecting(joined: Joined<Nobody>) -> Connecting<Nobody> {
    match joined {
        Joined::Connect(connecting) => connecting,
        Joined::Wait(_) => panic!("somebody else connects"),
        Joined::Live(_) => panic!("there is a connection"),
    }
}

fn waiting(joined: Joined<Nobody>) -> Arc<Attempt<Condvar>> {
    match joined {
        Joined::Wait(attempt) => attempt,
        Joined::Connect(_) => panic!("nobody else connects"),
        Joined::Live(_) => panic!("there is a connection"),
    }
}

fn is_closed(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Ended(EndReason::Closed))
}

#[test]
fn robots_that_differ_in_their_kind_alone_wait_for_one_connection() {
    let registry = registry();
    let _connecting = connecting(registry.join(&dial("go2")));
    waiting(registry.join(&dial("g1")));
}

#[test]
fn who_waits_is_told_that_it_was_shut_down_and_not_to_look_again() {
    let registry = registry();
    let connecting = connecting(registry.join(&dial("")));
    let attempt = waiting(registry.join(&dial("")));
    assert!(attempt.outcome().is_none());
    registry.shut_down();
    let told = || matches!(&*attempt.outcome(), Some(Err(error)) if is_closed(error));
    assert!(told());
    // Given up only then, which would be a reason to look again.
    drop(connecting);
    assert!(told());
}

#[test]
fn what_was_shut_down_leaves_the_next_attempt_alone() {
    let registry = registry();
    let first = connecting(registry.join(&dial("")));
    registry.shut_down();
    let second = connecting(registry.join(&dial("")));
    let attempt = waiting(registry.join(&dial("")));
    drop(first);
    assert!(attempt.outcome().is_none());
    assert!(Arc::ptr_eq(&attempt, &waiting(registry.join(&dial("")))));
    drop(second);
    assert!(matches!(*attempt.outcome(), Some(Ok(()))), "it was given up, so another one may dial");
    connecting(registry.join(&dial("")));
}
