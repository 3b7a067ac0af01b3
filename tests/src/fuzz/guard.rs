//! Packets that a far end with a good key may send inside DTLS, in any order.

use std::time::{Duration, Instant};

use crc::{CRC_32_ISCSI, Crc};
use farwire_core::link::GuardProbe;

use super::choices::Choices;
use crate::hostile::{chunk, fragment};

static CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

const TAG: [u8; 4] = [1, 2, 3, 4];

/// Close to where sequence numbers begin anew.
const FIRST: u32 = u32::MAX - 300;

const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const SACK: u8 = 3;
const RECONFIG: u8 = 130;
const FORWARD_TSN: u8 = 192;

/// Shows the guard packets of both sides as the bytes say: in order, repeated, reordered, torn, with chunks of any kind, and
/// acknowledgements that go forth and back. It keeps within its bounds and ends a connection once.
pub fn guard_packets(data: &[u8]) {
    let choices = &mut Choices::new(data);
    let mut now = Instant::now();
    let mut guard = GuardProbe::new(now);
    let header = |tag: u32, window: u32, tsn: u32| {
        [tag.to_be_bytes(), window.to_be_bytes(), [0, 9, 0, 9], tsn.to_be_bytes()].concat()
    };
    if choices.flag() {
        guard.receive(&packet(&[chunk(INIT, 0, &header(7, 1 << 20, FIRST))], false));
        guard.sent(&packet(&[chunk(INIT_ACK, 0, &header(u32::from_be_bytes(TAG), 1 << 20, 9))], false));
    }
    let (mut next, mut number, mut ends) = (FIRST, 0u16, 0);
    while !choices.is_empty() {
        let how = choices.byte();
        let is_ours = how & 0xc0 == 0xc0;
        let chunks: Vec<Vec<u8>> = match how % 8 {
            0 | 1 => {
                let (step, count) = (u32::from(choices.byte()) % 3, 1 + choices.below(64));
                let (stream, len) = (u16::from(choices.byte() % 4), usize::from(choices.byte()));
                let part = choices.byte() % 4;
                (0..count)
                    .map(|_| {
                        let chunk = fragment(next, stream, (how & 8 > 0).then_some(number), part, len);
                        next = next.wrapping_add(step);
                        number = number.wrapping_add(u16::from(part & 1));
                        chunk
                    })
                    .collect()
            }
            2 => {
                let stream = choices.short();
                let at = next.wrapping_add(u32::from(choices.short())).wrapping_sub(1 << 12);
                vec![fragment(at, stream, None, choices.byte() % 4, usize::from(choices.byte()) * 5)]
            }
            3 => {
                let acked = next.wrapping_sub(u32::from(choices.byte()));
                let gaps: Vec<u8> = (0..choices.below(8)).flat_map(|_| choices.short().to_be_bytes()).collect();
                let count = (gaps.len() / 4) as u16;
                let value = [&acked.to_be_bytes()[..], &[0, 16, 0, 0], &count.to_be_bytes(), &[0, 0], &gaps].concat();
                vec![chunk(SACK, 0, &value)]
            }
            4 => {
                let to = next.wrapping_add(u32::from(choices.byte())).wrapping_sub(128);
                vec![chunk(FORWARD_TSN, 0, &[&to.to_be_bytes()[..], choices.bytes()].concat())]
            }
            5 => vec![chunk(RECONFIG, 0, &[&[0, 13, 0, 20, 0, 0, 0, 1][..], choices.bytes()].concat())],
            6 => (0..=choices.below(20)).map(|_| chunk(choices.byte(), choices.byte(), choices.bytes())).collect(),
            _ => {
                now += Duration::from_millis(u64::from(choices.short()));
                guard.tell_time(now);
                continue;
            }
        };
        let mut packet = packet(&chunks, choices.flag());
        if how & 16 > 0 {
            packet.truncate(usize::from(choices.short()) % packet.len());
        }
        match is_ours {
            true => guard.sent(&packet),
            false => drop(guard.receive(&packet)),
        }
        guard.check();
        ends += u32::from(guard.ends());
    }
    assert!(ends <= 1, "ended {ends} times");
}

/// A packet of these chunks, with a right checksum or a wrong one.
fn packet(chunks: &[Vec<u8>], is_broken: bool) -> Vec<u8> {
    let mut packet = [&[19, 136, 19, 136][..], &TAG, &[0; 4]].concat();
    for chunk in chunks {
        packet.extend(chunk);
        packet.resize(packet.len().next_multiple_of(4), 0);
    }
    let sum = CRC32C.checksum(&packet).wrapping_add(u32::from(is_broken));
    packet[8..12].copy_from_slice(&sum.to_le_bytes());
    packet
}
