use proptest::prelude::*;

use super::*;

fn written(kind: u8, flags: u8, value: &[u8], checksum: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes, 1200, 5000, 77);
    writer.put(kind, flags, value);
    writer.finish(checksum);
    bytes
}

fn only_chunk(packet: &[u8]) -> Chunk<'_> {
    let packet = Packet::read(packet).expect("a packet");
    let chunks: Vec<_> = packet.chunks().map(|chunk| chunk.expect("whole")).collect();
    assert_eq!(chunks.len(), 1);
    chunks[0]
}

#[test]
fn the_checksum_is_crc32c() {
    assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
    let packet = written(COOKIE_ACK, 0, &[], true);
    assert_eq!(packet.len(), 16);
    assert!(Packet::read(&packet).is_some_and(|packet| packet.is_intact() && packet.tag == 77));
}

fn init() -> impl Strategy<Value = Init> {
    (1u32.., any::<u32>(), 1u16.., 1u16.., any::<u32>(), any::<[bool; 4]>()).prop_map(
        |(tag, window, outbound, inbound, tsn, has)| {
            let [partial_reliability, reconfig, interleaving, zero_checksum] = has;
            Init { tag, window, outbound, inbound, tsn, partial_reliability, reconfig, interleaving, zero_checksum }
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Some(packet) = Packet::read(&bytes) {
            let _ = packet.is_intact();
            for chunk in packet.chunks().flatten() {
                let _ = Data::read(&chunk);
                let _ = Sack::read(chunk.value).map(|sack| (sack.gaps().count(), sack.duplicates().count()));
                let _ = Forward::read(&chunk).map(|forward| forward.skips().count());
                let _ = read_reconfig(chunk.value);
                let _ = read_init(chunk.value);
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_noticed(value in prop::collection::vec(any::<u8>(), 0..100), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut packet = written(HEARTBEAT, 0, &value, true);
        let at = at.index(packet.len());
        packet[at] ^= 1u8 << bit;
        prop_assert!(!Packet::read(&packet).expect("long enough").is_intact());
    }

    #[test]
    fn data_is_read_as_it_was_written(
        (tsn, stream, number, shared) in any::<(u32, u16, u32, u32)>(),
        flags in 0u8..16,
        payload in prop::collection::vec(any::<u8>(), 1..100),
        interleaved in any::<bool>(),
    ) {
        let header = DataHeader { tsn, stream, number, shared };
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes, 1200, 5000, 77);
        match interleaved {
            true => writer.put_parts(I_DATA, flags, &header.write_interleaved(), &payload),
            false => writer.put_parts(DATA, flags, &header.write(), &payload),
        }
        writer.finish(false);
        prop_assert!(bytes.len() % 4 == 0);
        let data = Data::read(&only_chunk(&bytes)).expect("data");
        let is_first = flags & BEGIN != 0;
        let (number, ppid, fragment) = match (interleaved, is_first) {
            (false, _) => (number & 0xffff, shared, 0),
            (true, true) => (number, shared, 0),
            (true, false) => (number, 0, shared),
        };
        prop_assert_eq!(data, Data { tsn, stream, flags, number, ppid, fragment, payload: &payload });
    }

    #[test]
    fn sacks_are_read_as_they_were_written(
        (cumulative, window) in any::<(u32, u32)>(),
        gaps in prop::collection::vec(any::<(u16, u16)>(), 0..20),
        duplicates in prop::collection::vec(any::<u32>(), 0..20),
    ) {
        let mut value = Vec::new();
        write_sack(&mut value, cumulative, window, gaps.iter().copied(), &duplicates);
        let sack = Sack::read(&value).expect("a SACK");
        prop_assert_eq!((sack.cumulative, sack.window), (cumulative, window));
        prop_assert!(sack.gaps().eq(gaps) && sack.duplicates().eq(duplicates));
        prop_assert_eq!(Sack::read(&value[..value.len() - 1]), None);
    }

    #[test]
    fn inits_are_read_as_they_were_written(init in init(), cookie in prop::option::of(prop::collection::vec(any::<u8>(), 0..100))) {
        let value = write_init(&init, cookie.as_deref());
        let (read, found, unknown) = read_init(&value).expect("an INIT");
        prop_assert_eq!(read, init);
        prop_assert_eq!(found, cookie.as_deref());
        prop_assert!(unknown.is_empty());
    }

    #[test]
    fn forwards_are_read_as_they_were_written(
        cumulative in any::<u32>(),
        skips in prop::collection::vec(any::<(u16, bool, u32)>(), 0..20),
        interleaved in any::<bool>(),
    ) {
        let skips: Vec<Skip> = skips
            .into_iter()
            .map(|(stream, unordered, number)| match interleaved {
                true => Skip { stream, unordered, number },
                false => Skip { stream, unordered: false, number: number & 0xffff },
            })
            .collect();
        let mut value = Vec::new();
        Forward::write(&mut value, cumulative, interleaved, skips.iter().copied());
        let packet = written(if interleaved { I_FORWARD_TSN } else { FORWARD_TSN }, 0, &value, false);
        let chunk = only_chunk(&packet);
        let forward = Forward::read(&chunk).expect("a FORWARD-TSN");
        prop_assert_eq!(forward.cumulative, cumulative);
        prop_assert!(forward.skips().eq(skips));
    }

    #[test]
    fn resets_are_read_as_they_were_written(
        (sequence, answered, last_tsn) in any::<(u32, u32, u32)>(),
        streams in prop::collection::vec(any::<u16>(), 0..20),
    ) {
        let mut value = Vec::new();
        let response = Response { sequence: answered, outcome: Outcome::InProgress };
        write_response(&mut value, response);
        write_request(&mut value, sequence, answered, last_tsn, &streams);
        let (requests, responses) = read_reconfig(&value).expect("a RE-CONFIG");
        prop_assert_eq!(requests, [Request::Outgoing { sequence, last_tsn, streams }]);
        prop_assert_eq!(responses, [response]);
    }
}

#[test]
fn what_an_init_has_that_nobody_knows_is_told_back() {
    let mut value = write_init(&Init { tag: 1, outbound: 1, inbound: 1, ..Init::default() }, None);
    put_item(&mut value, 0xc123, &[b"abc"]);
    put_item(&mut value, 0x8123, &[b"quiet"]);
    put_item(&mut value, 0x4123, &[b"stop"]);
    put_item(&mut value, 0xc124, &[b"never read"]);
    let (_, _, unknown) = read_init(&value).expect("an INIT");
    assert_eq!(unknown, [(0xc123, &b"abc"[..]), (0x4123, &b"stop"[..])]);
    let mut answer = Vec::new();
    unrecognized_parameters(&mut answer, &unknown, 16);
    assert_eq!(answer, [0, 8, 0, 12, 0xc1, 0x23, 0, 7, b'a', b'b', b'c', 0], "the second has no room");
}
