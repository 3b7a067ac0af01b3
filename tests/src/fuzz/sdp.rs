//! Hostile session descriptions, on either side.

use std::time::{Duration, Instant};

use farwire_core::Delivery;
use farwire_core::link::{Link, LinkOutput, Role};

use super::choices::Choices;
use super::{MAX_OUTPUTS, SFU, address, certificate};

/// Round trips that a connection gets; it is up after five.
const ROUNDS: u32 = 12;

/// Hands a link an offer and another one an answer. Bytes that begin as an SDP are taken as they are; others edit what
/// farwire itself says.
pub fn session_description(data: &[u8]) {
    let now = Instant::now();
    let client_address = address(2, 1);
    let mut server = Link::new(Role::Server, SFU, certificate(), now);
    let mut client = Link::new(Role::Client, client_address, certificate(), now);
    let offer = client.offer();
    let mut choices = Choices::new(data);
    if data.starts_with(b"v=") {
        let text = String::from_utf8_lossy(data);
        // Refusals are fine; panics are not.
        let _ = server.answer(&text);
        let _ = client.accept_answer(&text);
    } else {
        let which = choices.byte();
        let offer = if which & 1 == 1 { choices.edit(&offer) } else { offer };
        let answer = server.answer(&offer).unwrap_or_default();
        let answer = if which & 2 == 2 { choices.edit(&answer) } else { answer };
        let _ = client.accept_answer(&answer);
    }
    let mut ends = [(SFU, server), (client_address, client)];
    for round in 0..ROUNDS {
        let now = now + round * Duration::from_millis(50);
        for end in 0..ends.len() {
            let (from, link) = &mut ends[end];
            let from = *from;
            link.handle_timeout(now);
            let sent = outputs(now, link);
            let (to, other) = &mut ends[1 - end];
            for (destination, datagram) in sent {
                if destination == *to {
                    other.handle_datagram(now, from, &datagram);
                }
            }
        }
        for (_, link) in &mut ends {
            // Neither may be possible yet, or ever.
            let _ = link.open(now, choices.short(), Delivery::LOSSY);
            let _ = link.write(now, choices.short(), choices.flag(), bytes::Bytes::from_static(b"x"));
        }
    }
    for (_, link) in &mut ends {
        link.close(now + Duration::from_secs(1));
        outputs(now + Duration::from_secs(1), link);
    }
}

/// What a link sends until it waits.
fn outputs(now: Instant, link: &mut Link) -> Vec<(std::net::SocketAddr, Vec<u8>)> {
    let mut sent = Vec::new();
    for _ in 0..MAX_OUTPUTS {
        match link.poll(now) {
            LinkOutput::Transmit(to, datagram) => sent.push((to, datagram)),
            LinkOutput::WaitUntil(_) => return sent,
            _ => {}
        }
    }
    panic!("the link does not come to rest");
}
