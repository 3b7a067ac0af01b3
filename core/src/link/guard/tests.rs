use proptest::prelude::*;

use super::*;

const TAG: u32 = 0x0102_0304;
const FIRST: u32 = u32::MAX - 50;

fn sealed(mut packet: Vec<u8>) -> Vec<u8> {
    let sum = CRC32C.checksum(&packet);
    packet[8..COMMON_HEADER].copy_from_slice(&sum.to_le_bytes());
    packet
}

fn packet(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut packet = vec![19, 136, 19, 136, 1, 2, 3, 4, 0, 0, 0, 0];
    packet.extend(chunks.concat());
    sealed(packet)
}

fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let mut chunk = vec![kind, flags];
    chunk.extend((4 + value.len() as u16).to_be_bytes());
    chunk.extend(value);
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

/// A DATA chunk: the so-manieth of the association, of a stream and a message of that number.
fn data(nth: u32, flags: u8, stream: u16, number: u16, len: usize) -> Vec<u8> {
    let mut value = FIRST.wrapping_add(nth).to_be_bytes().to_vec();
    value.extend(stream.to_be_bytes());
    value.extend(number.to_be_bytes());
    value.extend(53u32.to_be_bytes());
    value.resize(12 + len, 7);
    chunk(DATA, flags, &value)
}

const WHOLE: u8 = BEGINNING | END;

fn init(kind: u8, tag: u32, first: u32) -> Vec<u8> {
    let mut value = tag.to_be_bytes().to_vec();
    value.extend([0, 16, 0, 0, 255, 255, 255, 255]);
    value.extend(first.to_be_bytes());
    packet(&[chunk(kind, 0, &value)])
}

/// An acknowledgement of everything before the so-manieth chunk, with so many gaps.
fn sack(before: u32, gaps: u16) -> Vec<u8> {
    let mut value = FIRST.wrapping_add(before).wrapping_sub(1).to_be_bytes().to_vec();
    value.extend([0, 16, 0, 0]);
    value.extend(gaps.to_be_bytes());
    value.extend([0, 0]);
    for gap in 0..gaps {
        value.extend((2 + 2 * gap).to_be_bytes());
        value.extend((2 + 2 * gap).to_be_bytes());
    }
    packet(&[chunk(SACK, 0, &value)])
}

fn forward(to: u32, streams: &[(u16, u16)]) -> Vec<u8> {
    let mut value = FIRST.wrapping_add(to).to_be_bytes().to_vec();
    for (stream, number) in streams {
        value.extend(stream.to_be_bytes());
        value.extend(number.to_be_bytes());
    }
    packet(&[chunk(FORWARD_TSN, 0, &value)])
}

/// A guard of an association that has begun.
fn begun() -> Guard {
    let mut guard = Guard::new(Instant::now());
    assert_eq!(guard.receive(&init(INIT, 9, FIRST)), Verdict::Pass);
    guard.sent(&init(INIT_ACK, TAG, 77));
    guard.sent(&sack(0, 0));
    guard
}

/// Receives until the connection is ended, at most so many packets.
fn flood(guard: &mut Guard, most: u32, mut nth: impl FnMut(u32) -> Vec<u8>) -> Option<(u32, Violation)> {
    (0..most).find_map(|n| {
        guard.receive(&nth(n));
        guard.take_violation().map(|violation| (n, violation))
    })
}

#[test]
fn data_past_a_missing_chunk_is_bounded_in_chunks_and_bytes_and_then_ends_it() {
    for len in [1, 100, 1100] {
        let nth = |n: u32| packet(&[data(n + 1, WHOLE | UNORDERED, 2, 0, len)]);
        let mut guard = begun();
        assert_eq!(flood(&mut guard, 1 << 20, nth).map(|(_, why)| why), Some(Violation::BeyondWindow), "{len}");
        let mut guard = begun();
        let taken = (0..).take_while(|n| guard.receive(&nth(*n)) == Verdict::Pass).count();
        assert!(taken < MAX_AHEAD && guard.ahead_bytes <= MAX_AHEAD_BYTES + 1200, "{len}: {taken}");
        assert_eq!(guard.receive(&packet(&[data(0, WHOLE | UNORDERED, 2, 0, len)])), Verdict::Pass, "the missing one");
        assert_eq!(guard.receive(&nth(taken as u32)), Verdict::Drop, "not acknowledged yet");
        guard.sent(&sack(taken as u32 + 1, 0));
        assert_eq!((guard.ahead_bytes, guard.runs), (0, 0));
        assert_eq!(guard.receive(&nth(taken as u32)), Verdict::Pass, "and again");
    }
}

#[test]
fn two_full_windows_ahead_of_a_lost_chunk_are_taken() {
    let mut guard = begun();
    // 1200 bytes with all headers, as farwire, aiortc and browsers send.
    let count = (2 * WINDOW / 1200) as u32;
    for n in 1..count {
        assert_eq!(guard.receive(&packet(&[data(n, WHOLE, 2, n as u16, 1150)])), Verdict::Pass, "{n}");
        guard.sent(&sack(0, 1));
    }
    // What is dropped after them is no reason to end it: a window of it, the most that a sender has unacknowledged.
    for n in count..count + (WINDOW / 1150) as u32 {
        guard.receive(&packet(&[data(n, WHOLE, 2, n as u16, 1150)]));
        assert_eq!(guard.take_violation(), None);
    }
    assert_eq!(guard.receive(&packet(&[data(0, WHOLE, 2, 0, 1150)])), Verdict::Pass);
    guard.sent(&sack(count, 0));
    assert_eq!((guard.stuck, guard.dropped), (0, 0));
    assert_eq!(guard.receive(&packet(&[data(count, WHOLE, 2, count as u16, 1150)])), Verdict::Pass, "goes on");
}

#[test]
fn gaps_and_repetitions_are_bounded() {
    let mut guard = begun();
    let taken = (0..1000).take_while(|n| {
        let every_second = packet(&[data(n * 2 + 1, WHOLE | UNORDERED, 2, 0, 10)]);
        guard.receive(&every_second) == Verdict::Pass
    });
    assert_eq!(taken.count(), MAX_RUNS);
    let fills = |n: u32| packet(&[data(n * 2, WHOLE | UNORDERED, 2, 0, 10)]);
    for n in (0..MAX_RUNS as u32).rev() {
        assert_eq!(guard.receive(&fills(n)), Verdict::Pass, "{n}");
    }
    assert_eq!(guard.runs, 1);
    let passed = (0..1000).take_while(|_| guard.receive(&fills(0)) == Verdict::Pass).count();
    assert_eq!(passed, MAX_REPEATED as usize);
    guard.sent(&sack(MAX_RUNS as u32 * 2, 0));
    assert_eq!((guard.runs, guard.receive(&fills(0))), (0, Verdict::Pass), "what was acknowledged may be again");
}

#[test]
fn another_chunk_under_the_same_number_ends_it() {
    let mut guard = begun();
    let first = packet(&[data(4, WHOLE, 2, 4, 10)]);
    assert_eq!((guard.receive(&first), guard.receive(&first)), (Verdict::Pass, Verdict::Pass));
    guard.receive(&packet(&[data(4, WHOLE, 2, 5, 10)]));
    assert_eq!(guard.take_violation(), Some(Violation::Contradiction));
}

/// In-order chunks, each acknowledged.
fn in_order(guard: &mut Guard, most: u32, nth: impl Fn(u32) -> Vec<u8>) -> Option<(u32, Violation)> {
    (0..most).find_map(|n| {
        guard.receive(&packet(&[nth(n)]));
        guard.sent(&sack(n + 1, 0));
        guard.take_violation().map(|violation| (n, violation))
    })
}

#[test]
fn messages_that_never_end_end_it() {
    let ended = in_order(&mut begun(), 1 << 17, |n| data(n, if n == 0 { BEGINNING } else { 0 }, 2, 0, 1));
    assert_eq!(ended, Some((MAX_FRAGMENTS, Violation::Fragments)), "one message in too many pieces");
    for flags in [BEGINNING, BEGINNING | UNORDERED, 0, END, UNORDERED] {
        let ended = in_order(&mut begun(), 1 << 17, |n| data(n, flags, 2, n as u16, 1));
        assert!(matches!(ended, Some((n, Violation::Stuck)) if n <= MAX_STUCK + 1), "{flags}: {ended:?}");
    }
    let ended = in_order(&mut begun(), 1 << 17, |n| data(n, WHOLE, 2, n as u16 + 1, 1));
    assert_eq!(ended.map(|(_, why)| why), Some(Violation::Stuck), "message 0 never comes");
}

#[test]
fn what_honest_senders_do_for_long_does_not_end_it() {
    let mut guard = begun();
    let mut numbers = [0u16; 4];
    // Three fragments of a message on one stream, a small one on another, and resets: numbers from 0 again.
    let ended = in_order_mut(&mut guard, 300_000, |n| {
        let stream = (n / 4 % 4) as usize;
        if n % 40_000 == 39_999 {
            numbers = [0; 4];
        }
        let number = numbers[stream];
        let flags = [BEGINNING, 0, END, WHOLE][(n % 4) as usize];
        if flags & END != 0 {
            numbers[stream] = number.wrapping_add(1);
        }
        data(n, flags, stream as u16, number, 900)
    });
    assert_eq!((ended, guard.stuck, guard.ahead_bytes), (None, 0, 0));
}

fn in_order_mut(guard: &mut Guard, most: u32, mut nth: impl FnMut(u32) -> Vec<u8>) -> Option<(u32, Violation)> {
    (0..most).find_map(|n| {
        assert_eq!(guard.receive(&packet(&[nth(n)])), Verdict::Pass);
        guard.sent(&sack(n + 1, 0));
        guard.take_violation().map(|violation| (n, violation))
    })
}

#[test]
fn what_the_sender_gives_up_is_not_held_against_it() {
    let mut guard = begun();
    guard.receive(&packet(&[data(0, WHOLE, 2, 0, 9)]));
    guard.sent(&sack(1, 0));
    for round in 0..5000u32 {
        let (n, number) = (1 + round * 3, 1 + round as u16 * 2);
        // A fragment comes, the rest of its message does not, and the next message does.
        guard.receive(&packet(&[data(n, BEGINNING, 2, number, 900)]));
        assert_eq!(guard.receive(&forward(n + 1, &[(2, number)])), Verdict::Pass);
        guard.receive(&packet(&[data(n + 2, WHOLE, 2, number + 1, 9)]));
        guard.sent(&sack(n + 3, 0));
        assert_eq!((guard.take_violation(), guard.stuck), (None, 0), "{round}");
    }
    let mut bad = forward(20_000, &[(2, 30_000)]);
    bad[8] ^= 1;
    guard.receive(&bad);
    assert_ne!(guard.numbers.get(&2), Some(&Some(30_001)), "SCTP does not take it either");
}

#[test]
fn control_chunks_streams_and_starts_are_bounded() {
    let heartbeats = packet(&vec![chunk(4, 0, &[0, 1, 0, 4]); 100]);
    let mut guard = begun();
    assert_eq!(guard.receive(&heartbeats), Verdict::Drop);
    assert!(guard.needs_time());
    guard.tell_time(guard.controls.since + std::time::Duration::from_secs(60));
    assert_eq!(guard.receive(&packet(&[chunk(4, 0, &[0, 1, 0, 4])])), Verdict::Pass);
    let ended = flood(&mut guard, 1 << 20, |_| heartbeats.clone());
    assert_eq!(ended.map(|(_, why)| why), Some(Violation::Controls));
    let ended = flood(&mut begun(), 1 << 20, |_| packet(&[chunk(RECONFIG, 0, &[0; 12])]));
    assert_eq!(ended.map(|(_, why)| why), Some(Violation::Controls));
    let ended = flood(&mut begun(), 1000, |n| init(INIT, n, FIRST));
    assert_eq!(ended, Some((MAX_INITS - 1, Violation::Inits)));
    let ended = in_order(&mut begun(), 70_000, |n| data(n, WHOLE, n as u16, 0, 1));
    assert_eq!(ended, Some((MAX_STREAMS as u32, Violation::Streams)));
}

#[test]
fn an_acknowledgement_of_the_same_again_and_again_is_dropped() {
    let overlapping = {
        let mut value = vec![0, 0, 0, 1, 0, 16, 0, 0, 0, 2, 0, 0];
        value.extend([0, 2, 15, 0, 0, 2, 15, 0]);
        packet(&[chunk(SACK, 0, &value)])
    };
    let mut guard = begun();
    assert_eq!(guard.receive(&overlapping), Verdict::Drop);
    assert_eq!(guard.receive(&sack(1, 200)), Verdict::Pass);
    let one = sack(1, 1)[COMMON_HEADER..].to_vec();
    assert_eq!(guard.receive(&packet(&[one.clone(), one.clone(), one])), Verdict::Drop);
}

proptest! {
    #[test]
    fn lost_and_reordered_packets_of_an_honest_sender_all_pass(
        order in Just((0..400u32).collect::<Vec<_>>()).prop_shuffle(),
        sacks in prop::collection::vec(any::<bool>(), 400),
    ) {
        let mut guard = begun();
        let mut received = vec![false; 401];
        for (n, acks) in order.into_iter().zip(sacks) {
            let flags = [BEGINNING, 0, END, WHOLE][(n % 4) as usize];
            let number = (n / 4 * 2 + n % 4 / 3) as u16;
            prop_assert_eq!(guard.receive(&packet(&[data(n, flags, 2, number, 900)])), Verdict::Pass);
            received[n as usize] = true;
            if acks {
                let upto = received.iter().position(|came| !came).expect("the last") as u32;
                guard.sent(&sack(upto, 0));
            }
        }
        guard.sent(&sack(400, 0));
        prop_assert_eq!((guard.take_violation(), guard.stuck, guard.ahead_bytes), (None, 0, 0));
    }

    #[test]
    fn any_packets_are_survived_within_the_bounds(
        packets in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..200)), 0..60),
        kinds in prop::collection::vec(prop::sample::select(vec![DATA, INIT, SACK, RECONFIG, FORWARD_TSN, 4, 10]), 60),
    ) {
        let mut guard = begun();
        for ((is_ours, mut bytes), kind) in packets.into_iter().zip(kinds) {
            if let Some(place) = bytes.get_mut(COMMON_HEADER) {
                *place = kind;
                bytes[4..8].copy_from_slice(&TAG.to_be_bytes());
                bytes = sealed([&bytes[..8], &[0; 4], &bytes[COMMON_HEADER..]].concat());
            }
            match is_ours {
                true => guard.sent(&bytes),
                false => {
                    guard.receive(&bytes);
                }
            }
            prop_assert!(guard.ahead.len() <= MAX_AHEAD);
        }
    }
}
