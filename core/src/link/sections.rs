//! Session descriptions taken apart: what of them concerns the data, and an answer to all of an offer.
//!
//! str0m gets to see a description of one section, the data's, written anew from what was read here: its own parser takes
//! less than RFC 8866 allows, and its mids are shorter. Its answer is put among refusals of the other sections, with the
//! mid of the offer. In a BUNDLE group all sections share the transport of the group's first one (RFC 9143), so that
//! one's credentials count. What foreign clients want of a declined section, Chromium and aiortc: its mid and place,
//! `inactive` rather than port 0 inside the group, a codec of the offer with its rtpmap, rtcp-mux, and the transport's
//! attributes again.

use std::collections::BTreeSet;

use super::LinkError;
use super::codecs::has_conflict;
use super::transport::Transport;

/// The longest description, in bytes.
const MAX_LEN: usize = 256 * 1024;

/// Sections in one description at most.
const MAX_SECTIONS: usize = 64;

/// The longest mid, in bytes: what an RTP header extension can hold of it (RFC 9143).
const MAX_MID: usize = 255;

/// Formats of a declined section that are looked at: as many as there are payload types.
const MAX_FORMATS: usize = 128;

/// The types of lines (RFC 8866, 5).
const TYPES: &[u8] = b"vosiuepcbtrzkam";

/// What carries data channels (RFC 8841).
const PROTOCOLS: [&str; 3] = ["UDP/DTLS/SCTP", "TCP/DTLS/SCTP", "DTLS/SCTP"];

/// What belongs to the transport and is the same for all sections that share it.
const TRANSPORT: [&str; 7] = [
    "a=ice-ufrag:",
    "a=ice-pwd:",
    "a=ice-options:",
    "a=fingerprint:",
    "a=setup:",
    "a=candidate:",
    "a=end-of-candidates",
];

/// Codecs that only accompany others.
const HELPERS: [&str; 4] = ["rtx", "red", "ulpfec", "flexfec-03"];

/// A description in its parts, whose data can be used.
#[derive(Debug)]
pub(super) struct Sections<'a> {
    sections: Vec<Section<'a>>,
    /// The place of the data's section.
    data: usize,
    /// The mids that share the data's transport, if others do.
    bundle: Vec<&'a str>,
    transport: Transport<'a>,
}

/// By what the far end of the data's transport is known: its section and credentials. They are secrets.
#[derive(PartialEq, Eq)]
pub(super) struct FarEnd {
    mid: String,
    ufrag: String,
    pwd: String,
    fingerprint: String,
}

#[derive(Debug)]
pub(super) struct Section<'a> {
    /// Without the `m=`.
    media: &'a str,
    mid: Option<&'a str>,
    /// The lines below the `m=` line.
    lines: Vec<&'a str>,
}

impl<'a> Sections<'a> {
    /// Takes a description apart.
    ///
    /// # Errors
    /// [`LinkError::Sdp`] when it is none, or has no data; [`LinkError::Unacceptable`] when its data cannot be used.
    pub(super) fn parse(sdp: &'a str) -> Result<Sections<'a>, LinkError> {
        if sdp.len() > MAX_LEN {
            return Err(LinkError::Sdp("it is longer than 256 KiB"));
        }
        let (session, sections) = split(sdp)?;
        check_mids(&sections)?;
        let data = data_section(&sections)?;
        let bundle = bundle(&session, &sections, data);
        let place = |mid: &str| sections.iter().position(|section| section.mid == Some(mid));
        let shared = bundle.first().and_then(|mid| place(mid)).unwrap_or(data);
        if shared == data && sections[data].is_off() {
            return Err(LinkError::Sdp("its section for data channels has port 0, which declines them"));
        }
        let in_bundle = |section: &&Section<'_>| section.mid.is_some_and(|mid| bundle.contains(&mid));
        if has_conflict(sections.iter().filter(in_bundle).filter(|section| !section.is_refused())) {
            return Err(LinkError::Unacceptable(
                "it has one payload type for two codecs in one bundle (RFC 9143, 10.1.2)",
            ));
        }
        let transport = Transport::read([&sections[shared].lines, &sections[data].lines, &session])?;
        let is_tcp = sections[data].protocol().starts_with("TCP/");
        if is_tcp && transport.has_only_tcp() {
            return Err(LinkError::Unacceptable("all of its candidates are TCP, and data channels come by UDP here"));
        }
        Ok(Sections { sections, data, bundle, transport })
    }

    /// How many sections there are.
    pub(super) fn len(&self) -> usize {
        self.sections.len()
    }

    /// The mid of the data's section.
    pub(super) fn mid(&self) -> Option<&'a str> {
        self.sections[self.data].mid
    }

    /// Who describes itself so; `mid` is what a section without one is called.
    pub(super) fn far_end(&self, mid: &str) -> FarEnd {
        let Transport { ufrag, pwd, fingerprint, .. } = &self.transport;
        FarEnd {
            mid: self.mid().unwrap_or(mid).to_owned(),
            ufrag: (*ufrag).to_owned(),
            pwd: (*pwd).to_owned(),
            fingerprint: fingerprint.clone(),
        }
    }

    /// Whether who describes itself so is the DTLS client, in an answer (RFC 8842).
    pub(super) fn is_active(&self) -> bool {
        self.transport.is_active()
    }

    /// `a=max-message-size` of the data's section.
    pub(super) fn max_message_size(&self) -> Option<&'a str> {
        attribute(&self.sections[self.data].lines, "max-message-size").next()
    }

    /// A description of the data alone, under another mid, as str0m reads it.
    pub(super) fn data_alone(&self, mid: &str) -> String {
        let data = &self.sections[self.data].lines;
        let mut lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"].map(str::to_owned).to_vec();
        lines.push(format!("a=group:BUNDLE {mid}"));
        lines.extend(self.transport.is_lite.then(|| "a=ice-lite".to_owned()));
        lines.push("m=application 9 UDP/DTLS/SCTP webrtc-datachannel".to_owned());
        lines.push("c=IN IP4 0.0.0.0".to_owned());
        lines.push(format!("a=mid:{mid}"));
        self.transport.write(&mut lines);
        let number = |name: &str| attribute(data, name).find_map(|text| text.parse::<u64>().ok());
        let port = number("sctp-port").and_then(|port| u16::try_from(port).ok()).unwrap_or(5000);
        lines.push(format!("a=sctp-port:{port}"));
        let size = number("max-message-size").map(|size| size.min(u64::from(u32::MAX)));
        lines.extend(size.map(|size| format!("a=max-message-size:{size}")));
        join(&lines)
    }

    /// The answer to the whole offer, made from the answer to the data's.
    pub(super) fn whole_answer(&self, data_answer: &str) -> String {
        let Ok((session, answered)) = split(data_answer) else { return data_answer.to_owned() };
        let Some(answered) = answered.first() else { return data_answer.to_owned() };
        let data = &self.sections[self.data];
        let data_mid: Vec<&str> = data.mid.into_iter().collect();
        let bundle = if self.bundle.is_empty() { &data_mid } else { &self.bundle };
        let ungrouped = session.iter().filter(|line| !line.starts_with("a=group:"));
        let mut lines: Vec<String> = ungrouped.map(|line| (*line).to_owned()).collect();
        if !bundle.is_empty() {
            lines.push(format!("a=group:BUNDLE {}", bundle.join(" ")));
        }
        for (place, section) in self.sections.iter().enumerate() {
            if place == self.data {
                section.take(answered, &mut lines);
                continue;
            }
            let is_bundled = section.mid.is_some_and(|mid| self.bundle.contains(&mid));
            section.decline(is_bundled, &mut lines);
            // aiortc takes the candidates of the first section of a bundle or of its last one, depending on its policy.
            let wanted = |line: &&str| is_bundled || !line.starts_with("a=candidate:");
            lines.extend(answered.transport_lines().filter(wanted).map(str::to_owned));
        }
        join(&lines)
    }
}

impl<'a> Section<'a> {
    /// `audio`, `video`, `application`, …
    pub(super) fn kind(&self) -> &'a str {
        self.words().next().unwrap_or_default()
    }

    /// The lines below the `m=` line.
    pub(super) fn lines(&self) -> &[&'a str] {
        &self.lines
    }

    /// The formats of the `m=` line, 128 at most.
    pub(super) fn formats(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        self.words().skip(3).take(MAX_FORMATS)
    }

    /// The words of the `m=` line: kind, port, protocol, formats.
    fn words(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        self.media.split_ascii_whitespace()
    }

    fn protocol(&self) -> &'a str {
        self.words().nth(2).unwrap_or_default()
    }

    fn is_data(&self) -> bool {
        self.kind() == "application" && PROTOCOLS.contains(&self.protocol())
    }

    /// Whether its port is 0: refused, or in a bundle only.
    fn is_off(&self) -> bool {
        self.words().nth(1) == Some("0")
    }

    fn is_refused(&self) -> bool {
        self.is_off() && !self.lines.contains(&"a=bundle-only")
    }

    fn transport_lines(&self) -> impl Iterator<Item = &'a str> {
        self.lines.iter().copied().filter(|line| TRANSPORT.iter().any(|prefix| line.starts_with(prefix)))
    }

    /// The data's section as it was answered, in this offer's terms: its protocol (RFC 8841, 10.3) and its mid.
    fn take(&self, answered: &Section<'_>, lines: &mut Vec<String>) {
        let format = self.formats().next().unwrap_or("webrtc-datachannel");
        lines.push(format!("m=application 9 {} {format}", self.protocol()));
        for line in &answered.lines {
            match (line.starts_with("a=mid:"), self.mid) {
                (true, Some(mid)) => lines.push(format!("a=mid:{mid}")),
                (true, None) => {}
                (false, _) => lines.push((*line).to_owned()),
            }
        }
        // Before RFC 8841 the format was the port.
        if format.parse::<u16>().is_ok() {
            lines.push(format!("a=sctpmap:{format} webrtc-datachannel 65535"));
        }
    }

    /// The section as it is refused, but for the transport's lines.
    fn decline(&self, is_bundled: bool, lines: &mut Vec<String>) {
        let format = self.format();
        let protocol = self.words().nth(2).unwrap_or("UDP/TLS/RTP/SAVPF");
        let port = if is_bundled { 9 } else { 0 };
        lines.push(format!("m={} {port} {protocol} {format}", self.kind()));
        lines.push("c=IN IP4 0.0.0.0".to_owned());
        lines.extend(self.mid.map(|mid| format!("a=mid:{mid}")));
        lines.extend(["a=inactive", "a=rtcp-mux"].map(str::to_owned));
        let describes = |line: &&str| {
            let described = line.strip_prefix("a=rtpmap:").or_else(|| line.strip_prefix("a=fmtp:"));
            described.and_then(|text| text.split(' ').next()) == Some(format)
        };
        lines.extend(self.lines.iter().copied().filter(describes).map(str::to_owned));
    }

    /// The first format of the offer that stands for a codec.
    fn format(&self) -> &'a str {
        let is_helper = |format: &str| {
            let codec = attribute(&self.lines, "rtpmap").find_map(|text| {
                let (of, codec) = text.split_once(' ')?;
                (of == format).then_some(codec)
            });
            let name = codec.and_then(|codec| codec.split('/').next()).unwrap_or_default();
            HELPERS.iter().any(|helper| helper.eq_ignore_ascii_case(name))
        };
        let mut formats = self.formats();
        formats.clone().find(|format| !is_helper(format)).or_else(|| formats.next()).unwrap_or("0")
    }
}

/// The values of an attribute, in their order.
pub(super) fn attribute<'b, 'a: 'b>(lines: &'b [&'a str], name: &'b str) -> impl Iterator<Item = &'a str> + 'b {
    let value = move |line: &&'a str| line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':');
    lines.iter().filter_map(value).map(str::trim)
}

/// The lines before the first section, and the sections.
fn split(sdp: &str) -> Result<(Vec<&str>, Vec<Section<'_>>), LinkError> {
    let (mut session, mut sections) = (Vec::new(), Vec::<Section<'_>>::new());
    for line in sdp.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        match line.as_bytes() {
            [kind, b'=', ..] if TYPES.contains(kind) => {}
            _ => return Err(LinkError::Sdp("it is not SDP")),
        }
        if let Some(media) = line.strip_prefix("m=") {
            if sections.len() == MAX_SECTIONS {
                return Err(LinkError::Sdp("it has more than 64 sections"));
            }
            sections.push(Section { media, mid: None, lines: Vec::new() });
        } else {
            sections.last_mut().map_or(&mut session, |section| &mut section.lines).push(line);
        }
    }
    if session.first() != Some(&"v=0") || !session.iter().any(|line| line.starts_with("o=")) {
        return Err(LinkError::Sdp("it is not SDP"));
    }
    for section in &mut sections {
        section.mid = attribute(&section.lines, "mid").next();
    }
    Ok((session, sections))
}

fn check_mids(sections: &[Section<'_>]) -> Result<(), LinkError> {
    let mut seen = BTreeSet::new();
    for mid in sections.iter().filter_map(|section| section.mid) {
        if mid.len() > MAX_MID || !is_token(mid) {
            return Err(LinkError::Unacceptable("an a=mid is no token (RFC 5888), or longer than 255 bytes"));
        }
        if !seen.insert(mid) {
            return Err(LinkError::Unacceptable("two sections have the same a=mid (RFC 5888)"));
        }
    }
    Ok(())
}

/// RFC 8866, 9.
fn is_token(text: &str) -> bool {
    let is_char = |byte: u8| matches!(byte, 0x21 | 0x23..=0x27 | 0x2a..=0x2b | 0x2d..=0x2e | 0x30..=0x39 | 0x41..=0x5a | 0x5e..=0x7e);
    !text.is_empty() && text.bytes().all(is_char)
}

fn data_section(sections: &[Section<'_>]) -> Result<usize, LinkError> {
    let mut places = sections.iter().enumerate().filter(|(_, section)| section.is_data()).map(|(place, _)| place);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => Err(LinkError::Sdp("it has two sections for data channels")),
        (None, _) if sections.iter().any(|section| section.kind() == "application") => Err(LinkError::Unacceptable(
            "its application section is for none of UDP/DTLS/SCTP, TCP/DTLS/SCTP and DTLS/SCTP",
        )),
        (None, _) => Err(LinkError::Sdp("it has no section for data channels: create one before the offer")),
    }
}

/// The mids of the group that has the data's section, those that are there, each once.
fn bundle<'a>(session: &[&'a str], sections: &[Section<'a>], data: usize) -> Vec<&'a str> {
    let Some(data) = sections[data].mid else { return Vec::new() };
    let groups = attribute(session, "group").filter_map(|group| group.strip_prefix("BUNDLE"));
    let known: BTreeSet<&str> = sections.iter().filter_map(|section| section.mid).collect();
    for group in groups {
        let mut members = known.clone();
        let mids: Vec<&str> = group.split_ascii_whitespace().filter(|mid| members.remove(mid)).collect();
        if mids.contains(&data) {
            return mids;
        }
    }
    Vec::new()
}

fn join(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect()
}

#[cfg(test)]
mod tests;
