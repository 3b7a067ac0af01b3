use super::*;
use crate::teleop::nonces::REMEMBERED_FOR;

/// An executor whose commands are all alike.
struct Rig(Executor, Instant);

impl Rig {
    fn new() -> Rig {
        Rig(Executor::default(), Instant::now())
    }

    fn command(&mut self, nonce: u64) -> Vec<Deed> {
        self.0.command(self.1, Some(Command::NavCancel), Some(nonce.into()));
        self.deeds()
    }

    fn estop(&mut self, nonce: u64) -> Vec<Deed> {
        self.0.estop(self.1, Some(nonce.into()), false, true);
        self.deeds()
    }

    fn clear(&mut self, nonce: u64) -> Vec<Deed> {
        self.0.estop_clear(self.1, Some(nonce.into()));
        self.deeds()
    }

    fn done(&mut self, id: u64, ok: bool) -> Vec<Deed> {
        self.0.done(RunId(id), ok);
        self.deeds()
    }

    fn deeds(&mut self) -> Vec<Deed> {
        std::iter::from_fn(|| self.0.poll()).collect()
    }
}

fn run(id: u64) -> Deed {
    Deed::Run(RunId(id), Command::NavCancel)
}

fn ack(nonce: u64, ok: bool) -> Deed {
    Deed::Ack { nonce: nonce.into(), ok }
}

#[test]
fn one_runs_four_wait_and_the_fifth_is_refused() {
    let mut rig = Rig::new();
    assert_eq!(rig.command(10), [run(1)]);
    for nonce in 11..15 {
        assert_eq!(rig.command(nonce), []);
    }
    assert_eq!(rig.command(15), [ack(15, false)]);
    assert_eq!(rig.done(1, true), [ack(10, true), run(2)]);
    assert_eq!(rig.done(1, true), [], "it is done already");
    assert_eq!(rig.command(16), []);
    assert_eq!(rig.done(2, false), [ack(11, false), run(3)]);
}

#[test]
fn a_repeated_nonce_is_not_run_again() {
    let mut rig = Rig::new();
    assert_eq!(rig.command(1), [run(1)]);
    assert_eq!(rig.command(1), [], "it is answered when it has run");
    assert_eq!(rig.done(1, false), [ack(1, false)]);
    assert_eq!(rig.command(1), [ack(1, false)]);
    rig.1 += REMEMBERED_FOR;
    assert_eq!(rig.command(1), [run(2)]);
    // Without a nonce nobody is answered, and each is one.
    rig.0.command(rig.1, Some(Command::NavCancel), None);
    rig.0.command(rig.1, Some(Command::NavCancel), None);
    assert_eq!(rig.done(2, true), [ack(1, true), run(3)]);
    assert_eq!(rig.done(3, true), [run(4)]);
    rig.0.command(rig.1, None, Some(7.into()));
    assert_eq!(rig.deeds(), [ack(7, false)]);
}

#[test]
fn an_emergency_stop_goes_before_everything_and_aborts_it() {
    let mut rig = Rig::new();
    rig.command(1);
    rig.command(2);
    assert_eq!(rig.estop(3), [Deed::Abort(RunId(1)), ack(1, false), ack(2, false), Deed::Stop(RunId(2))]);
    // What comes again while the actuators are being stopped has their answer.
    assert_eq!(rig.estop(4), []);
    assert_eq!(rig.estop(4), []);
    assert_eq!(rig.done(2, true), [ack(3, true), ack(4, true)]);
    // The aborted one was answered; only when it has returned does another one run.
    assert_eq!(rig.command(5), []);
    assert_eq!(rig.done(1, true), [run(3)]);
    // A stop that was heard and is latched since is answered as it was; otherwise it is one.
    rig.0.estop(rig.1, Some(3.into()), true, true);
    assert_eq!(rig.deeds(), [Deed::Abort(RunId(3)), ack(5, false), ack(3, true)]);
    assert_eq!(rig.estop(3), [Deed::Stop(RunId(4))]);
    rig.done(4, false);
    rig.0.estop(rig.1, None, true, false);
    assert_eq!(rig.deeds(), []);
    rig.0.estop(rig.1, Some(9.into()), true, false);
    assert_eq!(rig.deeds(), [ack(9, true)], "there is nothing to stop but the drive");
}

#[test]
fn a_release_waits_for_the_actuators_and_a_stop_takes_it_back() {
    let mut rig = Rig::new();
    assert_eq!(rig.clear(1), [Deed::Release, ack(1, true)]);
    rig.estop(2);
    assert_eq!(rig.clear(3), []);
    assert_eq!(rig.clear(4), [ack(3, false)]);
    assert_eq!(rig.done(1, false), [Deed::StopFailed, ack(2, false), Deed::Release, ack(4, true)]);
    rig.estop(5);
    rig.clear(6);
    assert_eq!(rig.estop(7), [ack(6, false)]);
    assert_eq!(rig.done(2, true), [ack(5, true), ack(7, true)]);
    assert_eq!(rig.clear(6), [ack(6, false)], "it was heard before");
}

#[test]
fn a_lost_operator_is_not_answered_and_the_next_one_has_nonces_of_its_own() {
    let mut rig = Rig::new();
    rig.command(1);
    rig.command(2);
    rig.0.operator_lost();
    assert_eq!(rig.deeds(), [Deed::Abort(RunId(1))]);
    assert_eq!(rig.command(1), [], "what is aborted has not returned yet");
    assert_eq!(rig.done(1, true), [run(2)]);
    rig.estop(3);
    rig.clear(4);
    rig.0.operator_lost();
    assert_eq!(rig.done(3, true), [], "neither answered nor released");
}

#[test]
fn nothing_grows_however_often_it_is_said() {
    let mut rig = Rig::new();
    rig.estop(0);
    for nonce in 1..10_000 {
        rig.estop(nonce);
        rig.command(nonce + 20_000);
        rig.clear(nonce + 40_000);
    }
    let stopping = rig.0.stopping.as_ref().expect("it has not returned");
    assert!(stopping.nonces.len() <= JOINED && rig.0.waiting.len() <= BACKLOG && rig.0.deeds.is_empty());
}
