use super::*;
use crate::{ReceiveBuffers, SendBatch};
use std::net::Ipv4Addr;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

/// Long enough that reaching it is a failure on any machine.
const NEVER: Option<Duration> = Some(Duration::from_secs(60));
const NOW: Option<Duration> = Some(Duration::ZERO);

fn loopback() -> Arc<Socket> {
    Arc::new(Socket::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap())
}

/// Waits until `done`; fails if only a timeout could end a wait.
fn wait_until(waiter: &mut Waiter, mut done: impl FnMut(Readiness) -> bool) {
    loop {
        let start = Instant::now();
        let readiness = waiter.wait(NEVER).unwrap();
        assert!(Some(start.elapsed()) < NEVER, "nothing ended the wait");
        if done(readiness) {
            return;
        }
    }
}

#[test]
fn a_wake_before_the_wait_ends_it_once() {
    let (mut waiter, waker) = Waiter::new(vec![]).unwrap();
    waker.wake();
    waker.clone().wake();
    assert!(waiter.wait(NEVER).unwrap().woken());
    assert!(waiter.wait(NOW).unwrap().is_empty());

    waker.wake();
    assert!(waiter.wait(NEVER).unwrap().woken());
}

#[test]
fn a_wake_from_another_thread_ends_the_wait() {
    let (mut waiter, waker) = Waiter::new(vec![]).unwrap();
    let (start, started) = mpsc::channel();
    let other = thread::spawn(move || started.iter().for_each(|()| waker.wake()));
    // Many rounds, so that some wakes come before the sleep and some during it.
    for _ in 0..1000 {
        start.send(()).unwrap();
        wait_until(&mut waiter, Readiness::woken);
    }
    drop(start);
    other.join().unwrap();
}

#[test]
fn no_wake_is_lost_between_many_threads() {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 5000;
    let (mut waiter, waker) = Waiter::new(vec![]).unwrap();
    let done = Arc::new(AtomicU64::new(0));
    let others: Vec<_> = (0..THREADS)
        .map(|_| {
            let (waker, done) = (waker.clone(), Arc::clone(&done));
            thread::spawn(move || {
                for _ in 0..ROUNDS {
                    done.fetch_add(1, Ordering::Relaxed);
                    waker.wake();
                }
            })
        })
        .collect();

    // Relaxed on purpose: the wake itself must make the count visible.
    wait_until(&mut waiter, |_| done.load(Ordering::Relaxed) == THREADS * ROUNDS);
    others.into_iter().for_each(|other| other.join().unwrap());
}

#[test]
fn readiness_names_the_sockets() {
    let sockets: Vec<_> = (0..MAX_SOCKETS).map(|_| loopback()).collect();
    let (mut waiter, waker) = Waiter::new(sockets.clone()).unwrap();
    assert!(waiter.wait(NOW).unwrap().is_empty());

    let mut batch = SendBatch::new();
    for index in [0, 5, 63] {
        batch.push(&sockets[1], sockets[index].local_addr(), b"x");
    }
    batch.flush(&sockets[1]);
    waker.wake();
    // The datagrams may not become readable together.
    let mut readable = [false; 100];
    while readable.iter().filter(|readable| **readable).count() < 3 {
        let readiness = waiter.wait(NEVER).unwrap();
        assert!(!readiness.is_empty());
        for (index, readable) in readable.iter_mut().enumerate() {
            *readable |= readiness.readable(index);
        }
    }
    assert!(readable[0] && readable[5] && readable[63]);

    for socket in &sockets {
        socket.receive(&mut ReceiveBuffers::new(), |_, _| {}).unwrap();
    }
    assert!(waiter.wait(NOW).unwrap().is_empty());
}

#[test]
fn a_socket_stays_ready_until_it_has_been_read() {
    let (from, to) = (loopback(), loopback());
    let (mut waiter, _waker) = Waiter::new(vec![Arc::clone(&to)]).unwrap();
    let mut batch = SendBatch::new();
    batch.push(&from, to.local_addr(), b"x");
    batch.flush(&from);
    for _ in 0..3 {
        assert!(waiter.wait(NEVER).unwrap().readable(0));
    }
    to.receive(&mut ReceiveBuffers::new(), |_, _| {}).unwrap();
    assert!(waiter.wait(NOW).unwrap().is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn the_first_of_two_waiters_that_sleeps_is_woken_and_the_other_is_not() {
    let (from, to) = (loopback(), loopback());
    let (mut first, _) = Waiter::new(vec![Arc::clone(&to)]).unwrap();
    let (mut second, second_waker) = Waiter::new(vec![Arc::clone(&to)]).unwrap();
    let is_exclusive = first.epoll.is_some();
    let (report, reports) = mpsc::channel();
    let others = thread::spawn(move || {
        loop {
            let readiness = second.wait(NEVER).unwrap();
            if readiness.woken() {
                return;
            }
            report.send(()).unwrap();
        }
    });
    let send = || {
        let mut batch = SendBatch::new();
        batch.push(&from, to.local_addr(), b"x");
        batch.flush(&from);
    };
    let receive = || to.receive(&mut ReceiveBuffers::new(), |_, _| {}).unwrap();
    // Nobody sleeps in the first waiter, so the second is woken.
    send();
    reports.recv_timeout(Duration::from_secs(60)).expect("the second waiter is woken");
    while receive() == 0 {}
    while reports.try_recv().is_ok() {}

    // Once is enough: a datagram that comes before the first one sleeps may wake the second, which is no error.
    let mut undisturbed = false;
    for _ in 0..200 {
        thread::scope(|scope| {
            let sleeper = scope.spawn(|| first.wait(NEVER).unwrap());
            thread::sleep(Duration::from_millis(2));
            send();
            assert!(sleeper.join().unwrap().readable(0));
        });
        while receive() == 0 {}
        undisturbed = reports.try_iter().count() == 0;
        if undisturbed {
            break;
        }
    }
    second_waker.wake();
    others.join().unwrap();
    assert!(undisturbed || !is_exclusive, "both were woken each time");
}

#[test]
fn a_wait_ends_at_its_timeout_and_takes_any_duration() {
    let (mut waiter, waker) = Waiter::new(vec![]).unwrap();
    assert!(waiter.wait(Some(Duration::from_micros(100))).unwrap().is_empty());
    waker.wake();
    assert!(waiter.wait(Some(Duration::MAX)).unwrap().woken());
    waker.wake();
    assert!(waiter.wait(None).unwrap().woken());
}

#[test]
fn too_many_sockets_are_an_error() {
    let sockets = vec![loopback(); MAX_SOCKETS + 1];
    let error = Waiter::new(sockets).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_waker_may_outlive_its_waiter() {
    let (waiter, waker) = Waiter::new(vec![]).unwrap();
    drop(waiter);
    waker.wake();
}
