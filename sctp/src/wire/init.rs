//! INIT and INIT ACK (RFC 9260, sections 3.3.2 and 3.3.3) with the extensions that they offer.

use super::{FORWARD_TSN, I_DATA, I_FORWARD_TSN, RECONFIG, items, put_item, short, word};

const COOKIE: u16 = 7;
const UNRECOGNIZED: u16 = 8;
/// RFC 9653, section 4.
const ZERO_CHECKSUM: u16 = 0x8001;
/// RFC 5061, section 4.2.7.
const SUPPORTED_EXTENSIONS: u16 = 0x8008;
/// RFC 3758, section 3.1.
const FORWARD_TSN_SUPPORTED: u16 = 0xc000;

/// Addresses and the like, which mean nothing inside DTLS.
const IGNORED: [u16; 8] = [5, 6, 9, 11, 12, 0x8002, 0x8003, 0x8004];

/// The alternate error detection method that is DTLS (RFC 9653, section 8.2).
const DTLS: u32 = 1;

/// Unknown parameters that are told back.
const MAX_UNKNOWN: usize = 16;

/// What an end says of itself as it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Init {
    pub(crate) tag: u32,
    pub(crate) window: u32,
    pub(crate) outbound: u16,
    pub(crate) inbound: u16,
    pub(crate) tsn: u32,
    pub(crate) partial_reliability: bool,
    pub(crate) reconfig: bool,
    pub(crate) interleaving: bool,
    pub(crate) zero_checksum: bool,
}

/// Parameters to be told back as unrecognized, as they came.
pub(crate) type Unknown<'a> = Vec<(u16, &'a [u8])>;

/// Reads the value of either chunk, and the cookie that an INIT ACK has. `None` for one that cannot be taken.
pub(crate) fn read_init(value: &[u8]) -> Option<(Init, Option<&[u8]>, Unknown<'_>)> {
    let mut init = Init {
        tag: word(value, 0)?,
        window: word(value, 4)?,
        outbound: short(value, 8)?,
        inbound: short(value, 10)?,
        tsn: word(value, 12)?,
        ..Init::default()
    };
    if init.tag == 0 || init.outbound == 0 || init.inbound == 0 {
        return None;
    }
    let (mut cookie, mut unknown) = (None, Vec::new());
    for parameter in items(&value[16..]) {
        let (kind, value) = parameter.ok()?;
        match kind {
            COOKIE => cookie = Some(value),
            FORWARD_TSN_SUPPORTED => init.partial_reliability = true,
            ZERO_CHECKSUM => init.zero_checksum |= word(value, 0) == Some(DTLS),
            SUPPORTED_EXTENSIONS => {
                let has = |kind| value.contains(&kind);
                init.partial_reliability |= has(FORWARD_TSN);
                init.reconfig |= has(RECONFIG);
                init.interleaving |= has(I_DATA) && has(I_FORWARD_TSN);
            }
            UNRECOGNIZED => {}
            _ if IGNORED.contains(&kind) => {}
            _ => {
                // The two highest bits say what is to be done (RFC 9260, section 3.2.1).
                if kind & 0x4000 != 0 && unknown.len() < MAX_UNKNOWN {
                    unknown.push((kind, value));
                }
                if kind & 0x8000 == 0 {
                    break;
                }
            }
        }
    }
    Some((init, cookie, unknown))
}

/// The value of an INIT, or with a cookie of an INIT ACK.
pub(crate) fn write_init(init: &Init, cookie: Option<&[u8]>) -> Vec<u8> {
    let mut value = Vec::with_capacity(192);
    value.extend(init.tag.to_be_bytes());
    value.extend(init.window.to_be_bytes());
    value.extend(init.outbound.to_be_bytes());
    value.extend(init.inbound.to_be_bytes());
    value.extend(init.tsn.to_be_bytes());
    if let Some(cookie) = cookie {
        put_item(&mut value, COOKIE, &[cookie]);
    }
    let mut extensions = Vec::new();
    if init.reconfig {
        extensions.push(RECONFIG);
    }
    if init.partial_reliability {
        put_item(&mut value, FORWARD_TSN_SUPPORTED, &[]);
        extensions.push(FORWARD_TSN);
    }
    if init.interleaving {
        extensions.extend([I_DATA, I_FORWARD_TSN]);
    }
    if !extensions.is_empty() {
        put_item(&mut value, SUPPORTED_EXTENSIONS, &[&extensions]);
    }
    if init.zero_checksum {
        put_item(&mut value, ZERO_CHECKSUM, &[&DTLS.to_be_bytes()]);
    }
    value
}

/// Adds to an INIT ACK's value what of the INIT was not understood, as far as `room` bytes take it.
pub(crate) fn unrecognized_parameters(to: &mut Vec<u8>, unknown: &[(u16, &[u8])], room: usize) {
    for (kind, value) in unknown {
        let mut inner = Vec::new();
        put_item(&mut inner, *kind, &[value]);
        if to.len() + 4 + inner.len() <= room {
            put_item(to, UNRECOGNIZED, &[&inner]);
        }
    }
}
