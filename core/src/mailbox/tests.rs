use proptest::prelude::*;

use super::*;
use crate::freshness::Stamp;
use crate::{Delivery, Payload};

fn mailbox(options: impl Into<SubscribeOptions>) -> Mailbox {
    Mailbox::new(Topic::new("t").ok(), options.into())
}

fn reliable(container: Container) -> SubscribeOptions {
    SubscribeOptions::from(Delivery::RELIABLE).container(container)
}

fn deliver(mailbox: &mut Mailbox, messages: impl IntoIterator<Item = Vec<u8>>) {
    for bytes in messages {
        let payload = Payload { bytes: bytes.into(), binary: true };
        mailbox.deliver(Instant::now(), Message::new(Topic::new("t").expect("a topic"), payload), Made::Untold);
    }
}

fn numbers(range: std::ops::Range<u32>) -> impl Iterator<Item = Vec<u8>> {
    range.map(|n| n.to_be_bytes().to_vec())
}

fn number(message: &Message) -> u32 {
    u32::from_be_bytes(message.as_ref().try_into().expect("four bytes"))
}

fn take(mailbox: &mut Mailbox) -> Option<Result<u32, RecvError>> {
    mailbox.take(Instant::now()).map(|taken| taken.map(|message| number(&message)))
}

fn latest(mailbox: &mut Mailbox) -> Option<Result<u32, RecvError>> {
    mailbox.take_latest(Instant::now()).map(|taken| taken.map(|message| number(&message)))
}

#[test]
fn a_lossy_mailbox_keeps_the_newest_1024_and_tells_of_no_gap() {
    let mut mailbox = mailbox(Delivery::LOSSY);
    deliver(&mut mailbox, numbers(0..3000));
    assert_eq!((mailbox.dropped(), mailbox.len()), (3000 - 1024, 1024));
    for expected in 3000 - 1024..3000 {
        assert_eq!(take(&mut mailbox), Some(Ok(expected)));
    }
    assert_eq!(take(&mut mailbox), None);
}

#[test]
fn mailboxes_are_bounded_in_bytes() {
    let mut lossy = mailbox(Delivery::LOSSY);
    deliver(&mut lossy, (0..40).map(|n| vec![n; 256 << 10]));
    assert_eq!(lossy.dropped(), 8);
    let mut reliable = mailbox(Delivery::RELIABLE);
    deliver(&mut reliable, (0..=64).map(|n| vec![n; 1 << 20]));
    assert!(matches!(reliable.take(Instant::now()), Some(Err(RecvError::Lagged(1)))));
    assert!(matches!(reliable.take(Instant::now()), Some(Ok(message)) if message[0] == 1));
    // What is larger than the bound is still received, alone.
    let mut small = mailbox(Container::ring(5).bytes(3));
    deliver(&mut small, [vec![1], vec![2; 10]]);
    assert!(matches!(small.take(Instant::now()), Some(Ok(message)) if message.len() == 10));
    assert!(small.take(Instant::now()).is_none());
}

#[test]
fn a_gap_is_told_once_and_in_its_place() {
    let mut oldest = mailbox(reliable(Container::queue(3, WhenFull::DropOldest)));
    deliver(&mut oldest, numbers(0..5));
    let told: Vec<_> = std::iter::from_fn(|| take(&mut oldest)).collect();
    assert_eq!(told, [Err(RecvError::Lagged(2)), Ok(2), Ok(3), Ok(4)]);

    let mut newest = mailbox(reliable(Container::queue(3, WhenFull::DropNewest)));
    deliver(&mut newest, numbers(0..5));
    assert_eq!(take(&mut newest), Some(Ok(0)));
    deliver(&mut newest, numbers(5..7));
    let told: Vec<_> = std::iter::from_fn(|| take(&mut newest)).collect();
    assert_eq!(told, [Ok(1), Ok(2), Err(RecvError::Lagged(2)), Ok(5), Err(RecvError::Lagged(1))]);
    assert_eq!(newest.dropped(), 3);

    let mut ring = mailbox(reliable(Container::ring(2)));
    deliver(&mut ring, numbers(0..5));
    let told: Vec<_> = std::iter::from_fn(|| take(&mut ring)).collect();
    assert_eq!((told, ring.dropped()), (vec![Ok(3), Ok(4)], 3));
}

#[test]
fn one_that_closes_when_full_ends_after_what_it_holds() {
    let mut mailbox = mailbox(Container::queue(2, WhenFull::Close));
    deliver(&mut mailbox, numbers(0..9));
    assert_eq!((take(&mut mailbox), take(&mut mailbox)), (Some(Ok(0)), Some(Ok(1))));
    let overflowed = Err(RecvError::Overflowed { messages: 2 });
    assert_eq!((take(&mut mailbox), take(&mut mailbox)), (Some(overflowed.clone()), Some(overflowed)));
    assert_eq!(mailbox.dropped(), 1, "what came after its end was not for it");
}

#[test]
fn latest_skips_counts_and_ends() {
    let mut mailbox = mailbox(Delivery::RELIABLE);
    assert_eq!(latest(&mut mailbox), None);
    deliver(&mut mailbox, numbers(0..70_000));
    assert_eq!(latest(&mut mailbox), Some(Ok(69_999)));
    assert_eq!((latest(&mut mailbox), mailbox.dropped()), (None, 69_999));
    deliver(&mut mailbox, numbers(7..8));
    mailbox.end(RecvError::Closed(EndReason::Closed));
    assert_eq!(latest(&mut mailbox), Some(Ok(7)));
    assert_eq!(latest(&mut mailbox), Some(Err(RecvError::Closed(EndReason::Closed))));
}

#[test]
fn what_has_arrived_is_received_after_the_end_but_not_after_unsubscribing() {
    let mut mailbox = mailbox(Delivery::LOSSY);
    deliver(&mut mailbox, numbers(0..2));
    mailbox.end(RecvError::Closed(EndReason::Closed));
    assert_eq!(take(&mut mailbox), Some(Ok(0)));
    mailbox.clear(RecvError::Unsubscribed);
    assert_eq!(take(&mut mailbox), Some(Err(RecvError::Unsubscribed)));
    assert_eq!(mailbox.opened(), Some(Err(RecvError::Unsubscribed)));
}

#[test]
fn an_interruption_is_told_in_its_place_and_only_where_every_message_counts() {
    let mut told = mailbox(Delivery::RELIABLE);
    deliver(&mut told, numbers(0..1));
    told.note_opened();
    assert_eq!(told.opened(), Some(Ok(())));
    told.note_interrupted();
    told.note_interrupted();
    assert_eq!(told.opened(), None);
    deliver(&mut told, numbers(1..2));
    let all: Vec<_> = std::iter::from_fn(|| take(&mut told)).collect();
    assert_eq!(all, [Ok(0), Err(RecvError::Interrupted), Ok(1)]);
    told.note_interrupted();
    assert_eq!((latest(&mut told), told.dropped()), (None, 0));

    let mut silent = mailbox(Delivery::LOSSY);
    silent.note_interrupted();
    assert_eq!(take(&mut silent), None);
}

#[derive(Debug, Clone)]
enum Step {
    Deliver(u8),
    Interrupt,
    Take,
    Latest,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..6u8).prop_map(Step::Deliver),
        1 => Just(Step::Interrupt),
        3 => Just(Step::Take),
        1 => Just(Step::Latest),
    ];
    proptest::collection::vec(step, 0..80)
}

fn containers() -> impl Strategy<Value = Container> {
    let when_full = [WhenFull::DropOldest, WhenFull::DropNewest, WhenFull::Close, WhenFull::Replace].map(Just).to_vec();
    (1..5usize, 1..12usize, proptest::strategy::Union::new(when_full))
        .prop_map(|(messages, bytes, when_full)| Container::queue(messages, when_full).bytes(bytes))
}

proptest! {
    /// Whatever happens: bounds hold, order is kept, every message is received, dropped and counted, or still there, and
    /// receivers of reliable topics are told of every gap.
    #[test]
    fn nothing_is_lost_silently(container in containers(), is_reliable: bool, steps in steps()) {
        let delivery = if is_reliable { Delivery::RELIABLE } else { Delivery::LOSSY };
        let mut mailbox = mailbox(SubscribeOptions::from(delivery).container(container));
        let (mut sent, mut received, mut skipped, mut told, mut last) = (0u64, 0u64, 0u64, 0u64, None::<u32>);
        let mut check = |taken: Option<Result<Message, RecvError>>, told: &mut u64| {
            match taken {
                Some(Ok(message)) => {
                    let number = u32::from_be_bytes(message[..4].try_into().expect("four bytes"));
                    assert!(last.is_none_or(|last| number > last));
                    last = Some(number);
                    received += 1;
                }
                Some(Err(RecvError::Lagged(dropped))) => *told += dropped,
                _ => {}
            }
        };
        for step in steps {
            match step {
                Step::Deliver(len) if mailbox.ended().is_none() => {
                    let bytes = [&(sent as u32).to_be_bytes()[..], &vec![0; len as usize]].concat();
                    deliver(&mut mailbox, [bytes]);
                    sent += 1;
                }
                Step::Deliver(_) => {}
                Step::Interrupt => mailbox.note_interrupted(),
                Step::Take => check(mailbox.take(Instant::now()), &mut told),
                Step::Latest => {
                    let before = mailbox.dropped();
                    check(mailbox.take_latest(Instant::now()), &mut told);
                    skipped += mailbox.dropped() - before;
                }
            }
            prop_assert!(mailbox.len() <= container.messages);
            prop_assert!(mailbox.len() <= 1 || mailbox.bytes <= container.bytes);
            prop_assert!(mailbox.entries.len() <= 3 * container.messages + 2);
        }
        while let Some(taken) = mailbox.take(Instant::now()) {
            let ended = matches!(&taken, Err(error) if !error.is_passing());
            check(Some(taken), &mut told);
            if ended {
                break;
            }
        }
        prop_assert_eq!(received + mailbox.dropped(), sent);
        let tells = is_reliable && matches!(container.when_full, WhenFull::DropOldest | WhenFull::DropNewest);
        prop_assert!(told <= mailbox.dropped());
        // `latest` passes over gaps on purpose.
        if tells && skipped == 0 {
            prop_assert!(told == mailbox.dropped() || told < mailbox.dropped() && received > 0);
        }
    }
}

#[derive(Debug, Clone)]
enum Moment {
    /// A message of this age by its stamp, in milliseconds.
    Deliver(u64),
    /// So many milliseconds pass; the client notices if a message has grown stale.
    Pass(u64),
    /// The same, but nobody looks at the clock.
    PassUnnoticed(u64),
    Take,
    Latest,
    Outdate,
}

fn moment() -> impl Strategy<Value = Moment> {
    prop_oneof![
        4 => (0u64..150).prop_map(Moment::Deliver),
        2 => (0u64..120).prop_map(Moment::Pass),
        1 => (0u64..120).prop_map(Moment::PassUnnoticed),
        3 => Just(Moment::Take),
        1 => Just(Moment::Latest),
        1 => Just(Moment::Outdate),
    ]
}

proptest! {
    /// With a deadline of 100 ms: nothing older is received, everything is counted, and a receiver is told of staleness
    /// once after each run of fresh messages, when the last of them has grown stale and not before.
    #[test]
    fn nothing_stale_is_received(moments in prop::collection::vec(moment(), 1..80)) {
        let within = Duration::from_millis(100);
        let mut mailbox = mailbox(SubscribeOptions::from(Delivery::LOSSY).stale_after(within));
        let mut now = Instant::now();
        let (mut made, mut received) = (Vec::new(), 0u64);
        // When the youngest message so far grows stale, and whether a receiver was told since.
        let (mut fresh_until, mut told) = (None::<Instant>, true);
        for moment in moments.into_iter().chain([Moment::Take]) {
            let taken = match moment {
                Moment::Deliver(age) => {
                    if fresh_until.is_none_or(|until| until <= now) && age < 100 {
                        // Word of a gap before it is still to come, if there was one.
                        told &= fresh_until.is_none();
                    }
                    let age = Duration::from_millis(age);
                    let number = (made.len() as u32).to_be_bytes().to_vec();
                    let payload = Payload { bytes: number.into(), binary: true };
                    made.push(now.checked_sub(age).expect("the machine is up for longer"));
                    // Of a kind of its own, so that order does not matter here.
                    let (kind, at) = (made.len() as u64, Duration::from_secs(1_800_000_000));
                    let stamp = Stamp { kind, at, age: age.as_secs_f64(), uncertainty: Duration::ZERO };
                    let message = Message::new(Topic::new("t").expect("a topic"), payload);
                    mailbox.deliver(now, message, Made::Stamped(stamp));
                    if age < within {
                        let until = now + (within - age);
                        fresh_until = Some(fresh_until.filter(|before| *before > now).map_or(until, |before| before.max(until)));
                    }
                    continue;
                }
                Moment::Pass(milliseconds) => {
                    now += Duration::from_millis(milliseconds);
                    mailbox.note_time(now);
                    continue;
                }
                Moment::PassUnnoticed(milliseconds) => {
                    now += Duration::from_millis(milliseconds);
                    continue;
                }
                Moment::Outdate => {
                    mailbox.outdate(Duration::ZERO);
                    prop_assert!(mailbox.is_empty());
                    fresh_until = fresh_until.map(|_| now);
                    continue;
                }
                Moment::Take => mailbox.take(now),
                Moment::Latest => mailbox.take_latest(now),
            };
            match taken {
                Some(Ok(message)) => {
                    received += 1;
                    prop_assert!(now.duration_since(made[number(&message) as usize]) < within);
                }
                Some(Err(RecvError::Stale)) => {
                    let is_stale = fresh_until.is_some_and(|until| until <= now);
                    prop_assert!(is_stale || !told, "told too early, or twice");
                    told = true;
                    if is_stale {
                        fresh_until = None;
                    }
                }
                Some(Err(error)) => prop_assert!(false, "{error}"),
                None => prop_assert!(fresh_until.is_none_or(|until| until > now), "not told"),
            }
        }
        let sum = received + mailbox.dropped() + mailbox.stale() + mailbox.len() as u64;
        prop_assert_eq!(sum, made.len() as u64);
    }
}
