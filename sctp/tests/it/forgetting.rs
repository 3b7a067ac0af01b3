//! A far end that takes acknowledgements back, as a receiver without memory may.

use std::time::Duration;

use bytes::Bytes;
use farwire_sctp::Kind;

use crate::basics::{configs, connected, wire};

/// Says that a chunk behind a gap has come, of packets without checksum.
fn with_a_gap(packet: &mut [u8]) {
    assert_eq!(packet[8..12], [0; 4]);
    // A SACK with a gap of its own says more than there is.
    if packet[12] == 3 && packet[24..26] == [0, 1] {
        packet[30..32].copy_from_slice(&[0, 4]);
    }
}

#[test]
fn what_is_taken_back_is_sent_again() {
    let mut whole = 0;
    for seed in 0..20 {
        let mut net = connected(seed, configs(), wire(10));
        net.run(Duration::from_millis(200));
        net.wires[0].loss = 0.1;
        net.wires[1].tamper = Some(with_a_gap);
        for n in 0..60u8 {
            net.a.send(net.now, 1, Kind::Binary, Bytes::from(vec![n; 1000])).expect("room");
            net.run(Duration::from_millis(1));
        }
        net.wires[1].tamper = None;
        net.wires[0].loss = 0.0;
        net.run(Duration::from_secs(20));
        let came: Vec<u8> = std::iter::from_fn(|| net.b.receive()).map(|message| message.bytes[0]).collect();
        assert!(came.iter().copied().eq(0..came.len() as u8), "seed {seed}");
        // Where the lie named what was never sent, that is the end.
        assert!(came.len() == 60 || net.a.is_ended(), "seed {seed}: {} {:?}", came.len(), net.a.stats());
        whole += usize::from(came.len() == 60);
    }
    assert!(whole >= 5, "{whole}");
}
