//! What a description says of the transport of its data: ICE (RFC 8839), DTLS (RFC 8842) and the certificate (RFC 8122).

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::LinkError;
use super::sections::attribute;

/// Candidates of one description that are used at most; what is missing is learned from connectivity checks.
const MAX_CANDIDATES: usize = 64;

/// The longest foundation, in characters (RFC 8839, 5.1).
const MAX_FOUNDATION: usize = 32;

/// Digests that can be checked, the better ones first, and their lengths in bytes.
const DIGESTS: [(&str, usize); 2] = [("sha-256", 32), ("sha-1", 20)];

const KINDS: [&str; 4] = ["host", "srflx", "prflx", "relay"];

/// The credentials are secrets.
#[derive(Debug)]
pub(super) struct Transport<'a> {
    pub(super) ufrag: &'a str,
    pub(super) pwd: &'a str,
    /// The digest's name and value, as str0m reads them.
    pub(super) fingerprint: String,
    pub(super) is_lite: bool,
    setup: Option<&'static str>,
    candidates: Vec<String>,
    is_complete: bool,
    has_only_tcp: bool,
}

impl<'a> Transport<'a> {
    /// Reads it from lists of lines, of which the earlier ones count more; the last one is the session's.
    pub(super) fn read(levels: [&[&'a str]; 3]) -> Result<Transport<'a>, LinkError> {
        let first = |name: &str| levels.iter().find_map(|lines| attribute(lines, name).next());
        let flag = |name: &str| levels.iter().any(|lines| lines.contains(&name));
        let (ufrag, pwd) = (first("ice-ufrag"), first("ice-pwd"));
        let is_credential =
            |text: &&str, least: usize| (least..=256).contains(&text.len()) && text.bytes().all(is_ice_char);
        let (Some(ufrag), Some(pwd)) =
            (ufrag.filter(|text| is_credential(text, 4)), pwd.filter(|text| is_credential(text, 22)))
        else {
            return Err(LinkError::Unacceptable("it has no a=ice-ufrag and a=ice-pwd as RFC 8839 wants them"));
        };
        let setup = match first("setup") {
            None => None,
            Some(setup) => Some(
                ["actpass", "active", "passive"]
                    .into_iter()
                    .find(|known| *known == setup)
                    .ok_or(LinkError::Unacceptable("its a=setup is none of actpass, active and passive"))?,
            ),
        };
        let given: Vec<Result<String, Unused>> =
            levels.iter().flat_map(|lines| attribute(lines, "candidate")).take(MAX_CANDIDATES).map(candidate).collect();
        Ok(Transport {
            ufrag,
            pwd,
            fingerprint: fingerprint(&levels)?,
            is_lite: flag("a=ice-lite"),
            setup,
            has_only_tcp: !given.is_empty() && given.iter().all(|candidate| *candidate == Err(Unused::Tcp)),
            candidates: given.into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect(),
            is_complete: flag("a=end-of-candidates"),
        })
    }

    /// Whether it takes the DTLS client's part.
    pub(super) fn is_active(&self) -> bool {
        self.setup == Some("active")
    }

    /// Whether it names candidates, and all of them are for TCP.
    pub(super) fn has_only_tcp(&self) -> bool {
        self.has_only_tcp
    }

    /// As lines of a section.
    pub(super) fn write(&self, lines: &mut Vec<String>) {
        lines.push(format!("a=ice-ufrag:{}", self.ufrag));
        lines.push(format!("a=ice-pwd:{}", self.pwd));
        lines.push(format!("a=fingerprint:{}", self.fingerprint));
        lines.extend(self.setup.map(|setup| format!("a=setup:{setup}")));
        lines.extend(self.candidates.iter().map(|candidate| format!("a=candidate:{candidate}")));
        lines.extend(self.is_complete.then(|| "a=end-of-candidates".to_owned()));
    }
}

/// The certificate's digest: of several, the best that can be checked. Sections' own ones count more than the session's.
fn fingerprint(levels: &[&[&str]]) -> Result<String, LinkError> {
    let given = levels.iter().map(|lines| attribute(lines, "fingerprint").collect::<Vec<_>>());
    let Some(given) = given.into_iter().find(|given| !given.is_empty()) else {
        return Err(LinkError::Sdp("it has no a=fingerprint"));
    };
    for (name, len) in DIGESTS {
        let of_name = |text: &&str| {
            let (hash, digest) = text.split_once(' ')?;
            hash.eq_ignore_ascii_case(name).then(|| digest.trim().to_ascii_uppercase())
        };
        let digests: BTreeSet<String> = given.iter().filter_map(of_name).collect();
        let Some(digest) = digests.first() else { continue };
        if digests.len() > 1 {
            return Err(LinkError::Unacceptable("it names several certificates, of which only one can be checked"));
        }
        if !is_digest(digest, len) {
            return Err(LinkError::Unacceptable(
                "its a=fingerprint has another length or form than its digest (RFC 8122)",
            ));
        }
        return Ok(format!("{name} {digest}"));
    }
    Err(LinkError::Unacceptable(
        "none of its a=fingerprint lines is sha-256, the one digest that every end has (RFC 8122)",
    ))
}

fn is_digest(text: &str, len: usize) -> bool {
    let is_byte = |byte: &str| byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit());
    text.len() == 3 * len - 1 && text.split(':').all(is_byte)
}

/// Why a candidate is left out.
#[derive(Debug, PartialEq, Eq)]
enum Unused {
    Tcp,
    /// A name instead of an address (mDNS), another component, or nothing that RFC 8839 knows.
    Other,
}

/// A candidate as str0m reads it: without extensions (RFC 8839, 5.1), which may come in any order and of any name.
fn candidate(text: &str) -> Result<String, Unused> {
    let mut words = text.split_ascii_whitespace();
    let mut next = || words.next().ok_or(Unused::Other);
    let (foundation, component, protocol, priority) = (next()?, next()?, next()?, next()?);
    let (address, port, typ, kind) = (next()?, next()?, next()?, next()?);
    let priority: u32 = priority.parse().map_err(|_| Unused::Other)?;
    let port: u16 = port.parse().map_err(|_| Unused::Other)?;
    if protocol.eq_ignore_ascii_case("tcp") {
        return Err(Unused::Tcp);
    }
    let address: IpAddr = address.parse().map_err(|_| Unused::Other)?;
    let is_foundation = (1..=MAX_FOUNDATION).contains(&foundation.len()) && foundation.bytes().all(is_ice_char);
    let is_known = protocol.eq_ignore_ascii_case("udp") && typ == "typ" && KINDS.contains(&kind);
    if !is_foundation || !is_known || component != "1" || port == 0 {
        return Err(Unused::Other);
    }
    Ok(format!("{foundation} 1 udp {priority} {address} {port} typ {kind}"))
}

/// RFC 8839, 5.1.
fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}
