//! SCTP associations: packets of a far end that may say anything, and two ends over a network that does anything.

use std::time::{Duration, Instant};

use bytes::Bytes;
use farwire_sctp::{Association, Channel, Config, CongestionControl, Delivery, Kind, Part, Reliability};

use super::choices::Choices;

/// Streams that both ends of the network use.
const STREAMS: u16 = 4;

/// Memory that an association may hold of its far end.
const MOST_HELD: usize = 2 * (64 << 10) + (64 << 10) + 2048;

fn config(choices: &mut Choices<'_>) -> Config {
    let flags = choices.byte();
    let mut config = Config::default();
    config.receive_buffer = 64 << 10;
    config.send_buffer = 200_000;
    config.max_message = 100_000;
    config.max_streams = 64;
    config.interleaving = flags & 1 == 0;
    config.max_whole = if flags & 2 == 0 { 1000 } else { 16_000 };
    config.max_packet = if flags & 4 == 0 { 1200 } else { 300 };
    config.congestion = if flags & 8 == 0 { CongestionControl::NewReno } else { CongestionControl::Delay };
    config.give_up_after = None;
    config
}

fn delivery(stream: u16) -> Delivery {
    let reliability = match stream {
        1 => Reliability::Retransmits(0),
        2 => Reliability::Lifetime(Duration::from_millis(40)),
        _ => Reliability::Reliable,
    };
    Delivery::reliable().ordered(stream != 1).reliability(reliability)
}

/// Brings an association into a state of its life and shows it packets as the bytes say: chunks of any kind, torn, repeated, with
/// numbers close to those that it awaits. It keeps within its bounds and ends once.
pub fn sctp_packets(data: &[u8]) {
    let choices = &mut Choices::new(data);
    let mut now = Instant::now();
    let mut ours = Association::new(config(choices), [1; 32], now);
    let mut theirs = Association::new(Config::default(), [2; 32], now);
    let (mut tag, mut tsn) = ([0; 4], 0);
    let mut packet = Vec::new();
    if choices.flag() {
        ours.connect(now);
    }
    theirs.connect(now);
    for _ in 0..choices.below(7) {
        while theirs.poll_packet(now, &mut packet) {
            if packet[4..8] != [0; 4] {
                tag.copy_from_slice(&packet[4..8]);
            }
            if matches!(packet[12], 1 | 2) {
                tsn = u32::from_be_bytes([packet[28], packet[29], packet[30], packet[31]]);
            }
            ours.handle_packet(now, &packet);
        }
        while ours.poll_packet(now, &mut packet) {
            theirs.handle_packet(now, &packet);
        }
    }
    let is_interleaving = ours.stats().interleaving;
    for stream in 0..STREAMS {
        let _ = ours.open_negotiated(stream, &Channel::new(delivery(stream)));
        let _ = ours.send(now, stream, Kind::Text, Bytes::from(vec![b'x'; 3000]));
    }
    let mut ends = 0;
    while !choices.is_empty() {
        let mut sent = [&[0x13, 0x88, 0x13, 0x88][..], &tag, &[0; 4]].concat();
        for _ in 0..=choices.below(6) {
            let how = choices.byte();
            let near = tsn.wrapping_add(u32::from(choices.byte())).wrapping_sub(8);
            let (kind, value) = match how % 8 {
                0..3 => {
                    let stream = u16::from(choices.byte() % 6).to_be_bytes();
                    let number = u16::from(choices.byte() % 8).to_be_bytes();
                    let body = vec![7; 1 + 20 * usize::from(choices.byte())];
                    let fragment = u32::from(choices.byte() % 8).to_be_bytes();
                    match is_interleaving {
                        true => (64, [&near.to_be_bytes()[..], &stream, &[0; 4], &number, &fragment, &body].concat()),
                        false => (0, [&near.to_be_bytes()[..], &stream, &number, &fragment, &body].concat()),
                    }
                }
                3 => {
                    let gaps: Vec<u8> = (0..choices.below(6)).flat_map(|_| [0, choices.byte()]).collect();
                    let count = (gaps.len() as u16 / 4).to_be_bytes();
                    let acked = choices.short();
                    (3, [&near.to_be_bytes()[..], &[0, 1], &acked.to_be_bytes(), &count, &[0, 0], &gaps].concat())
                }
                4 => {
                    let skips = choices.bytes();
                    (if is_interleaving { 194 } else { 192 }, [&near.to_be_bytes()[..], skips].concat())
                }
                5 => {
                    let kind = 13 + choices.byte() % 6;
                    let sequence = tsn.wrapping_add(u32::from(choices.byte() % 4));
                    let last = near.to_be_bytes();
                    let streams = choices.bytes();
                    let len = (16 + streams.len() as u16).to_be_bytes();
                    (130, [&[0, kind][..], &len, &sequence.to_be_bytes(), &[0; 4], &last, streams].concat())
                }
                _ => (choices.byte(), choices.bytes().to_vec()),
            };
            let flags = choices.byte();
            let len = (4 + value.len() as u16).to_be_bytes();
            sent.extend([&[kind, flags][..], &len, &value].concat());
            sent.resize(sent.len().next_multiple_of(4), 0);
        }
        if choices.byte().is_multiple_of(16) {
            sent.truncate(usize::from(choices.short()) % sent.len());
        }
        ours.handle_packet(now, &sent);
        let what = choices.byte();
        if what & 1 > 0 {
            while let Some(message) = ours.receive() {
                assert!(message.bytes.len() <= 100_000);
            }
        }
        if what & 2 > 0 {
            now += Duration::from_millis(u64::from(choices.byte()));
            ours.handle_timeout(now);
        }
        match what >> 2 {
            0 => ours.reset(u16::from(what & 3)),
            1 => drop(ours.open(now, 10 + u16::from(what & 3), &Channel::default().label("x"))),
            2 => ours.shutdown(now),
            _ => {}
        }
        drain(&mut ours, now, &mut packet);
        ends += std::iter::from_fn(|| ours.poll_event())
            .filter(|event| matches!(event, farwire_sctp::Event::Ended(_)))
            .count();
        assert!(ours.stats().held <= MOST_HELD, "{:?}", ours.stats());
    }
    assert!(ends <= 1, "ended {ends} times");
}

/// Takes what an association has to send: a bounded amount.
fn drain(end: &mut Association, now: Instant, packet: &mut Vec<u8>) -> usize {
    let most = 2000;
    let count = (0..most).take_while(|_| end.poll_packet(now, packet)).count();
    assert!(count < most, "it goes on sending");
    count
}

/// Two associations, and between them a network that loses, keeps, repeats and swaps packets as the bytes say. Reliable messages come
/// once, in order and whole, and all of them once the bytes are used up.
pub fn sctp_network(data: &[u8]) {
    let choices = &mut Choices::new(data);
    let mut now = Instant::now();
    let mut ends = [1, 2].map(|seed| Association::new(config(choices), [seed; 32], now));
    for end in &mut ends {
        if choices.flag() {
            end.connect(now);
        }
        for stream in 0..STREAMS {
            end.open_negotiated(stream, &Channel::new(delivery(stream))).expect("free");
        }
    }
    ends[0].connect(now);
    let mut wires: [Vec<Vec<u8>>; 2] = Default::default();
    let (mut sent, mut came) = ([[0u32; STREAMS as usize]; 2], [[0u32; STREAMS as usize]; 2]);
    while !choices.is_empty() {
        let what = choices.byte();
        let which = usize::from(what & 1);
        match what >> 1 & 7 {
            0 | 1 => {
                let stream = u16::from(what >> 4) % STREAMS;
                let number = &mut sent[which][usize::from(stream)];
                let len = 4 + usize::from(choices.short()) % 20_000;
                let mut bytes = vec![*number as u8; len];
                bytes[..4].copy_from_slice(&number.to_be_bytes());
                if ends[which].send(now, stream, Kind::Binary, bytes.into()).is_ok() {
                    *number += 1;
                }
            }
            2 => {
                now += Duration::from_millis(u64::from(choices.byte()));
                ends.iter_mut().for_each(|end| end.handle_timeout(now));
            }
            3 => drop(wires[which].pop()),
            4 => wires[which].reverse(),
            5 => wires[which].extend_from_within(..1.min(wires[which].len())),
            _ => deliver(&mut ends, &mut wires, now, which, usize::from(what >> 4)),
        }
        collect(&mut ends, &mut wires, now);
        take(&mut ends, &mut came);
    }
    for round in 0.. {
        now =
            ends.iter().filter_map(Association::poll_timeout).min().unwrap_or(now).max(now) + Duration::from_millis(1);
        ends.iter_mut().for_each(|end| end.handle_timeout(now));
        collect(&mut ends, &mut wires, now);
        for which in 0..2 {
            deliver(&mut ends, &mut wires, now, which, usize::MAX);
            collect(&mut ends, &mut wires, now);
            take(&mut ends, &mut came);
        }
        let is_there = |stream: usize| (0..2).all(|which| came[1 - which][stream] == sent[which][stream]);
        if ends.iter().all(Association::is_flushed) && is_there(0) && is_there(3) {
            break;
        }
        assert!(round < 5000, "{sent:?} {came:?} {:?}", ends.map(|end| end.stats()));
    }
}

fn deliver(ends: &mut [Association; 2], wires: &mut [Vec<Vec<u8>>; 2], now: Instant, from: usize, most: usize) {
    let count = most.min(wires[from].len());
    for packet in wires[from].drain(..count) {
        ends[1 - from].handle_packet(now, &packet);
    }
}

fn collect(ends: &mut [Association; 2], wires: &mut [Vec<Vec<u8>>; 2], now: Instant) {
    for (end, wire) in ends.iter_mut().zip(wires) {
        let mut packet = Vec::new();
        let mut count = 0;
        while end.poll_packet(now, &mut packet) {
            wire.push(std::mem::take(&mut packet));
            count += 1;
            assert!(count < 2000, "it goes on sending");
        }
        assert!(!end.is_ended() && end.stats().held <= MOST_HELD, "{:?}", end.stats());
        // What a network keeps is bounded as well.
        wire.truncate(1000);
    }
}

/// Takes what has come, and looks whether it is what was sent.
fn take(ends: &mut [Association; 2], came: &mut [[u32; STREAMS as usize]; 2]) {
    for (end, came) in ends.iter_mut().zip(came) {
        while let Some(message) = end.receive() {
            let stream = usize::from(message.stream);
            // On the others some are given up.
            if !matches!(stream, 0 | 3) {
                continue;
            }
            let bytes = match message.part {
                Part::Whole => message.bytes.to_vec(),
                // Parts of two streams alternate with interleaving, and then each is only counted.
                Part::Last => {
                    came[stream] += 1;
                    continue;
                }
                _ => continue,
            };
            let number = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            assert_eq!(number, came[stream], "on {stream}");
            assert!(bytes[4..].iter().all(|byte| *byte == number as u8));
            came[stream] += 1;
        }
    }
}
