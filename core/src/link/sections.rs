//! Offers with audio and video beside the data: the data is answered, the media declined.
//!
//! str0m gets to see an offer of one section, the data's, and its answer is put among refusals of the others. In a
//! BUNDLE group all sections share the transport of the group's first one (RFC 9143), so that one's credentials count.
//! What foreign clients want of a declined section, Chromium and aiortc: its mid and place, `inactive` rather than
//! port 0 inside the group, a codec of the offer with its rtpmap, rtcp-mux, and the transport's attributes again.

use std::collections::BTreeSet;

/// Sections in one offer at most.
const MAX_SECTIONS: usize = 64;

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

/// Of these, what makes it another transport when it changes.
const IDENTITY: [&str; 3] = ["a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:"];

/// Codecs that only accompany others.
const HELPERS: [&str; 4] = ["rtx", "red", "ulpfec", "flexfec-03"];

/// An offer in its parts.
#[derive(Debug)]
pub(super) struct Sections<'a> {
    session: Vec<&'a str>,
    sections: Vec<Section<'a>>,
    /// The place of the data's section.
    data: usize,
    /// The place of the section whose transport the data uses.
    transport: usize,
    /// The mids that share it, if the data's does.
    bundle: Vec<&'a str>,
}

/// By what the far end of the data's transport is known: its section and credentials. They are secrets.
#[derive(PartialEq, Eq)]
pub(super) struct FarEnd(BTreeSet<String>);

#[derive(Debug)]
struct Section<'a> {
    lines: Vec<&'a str>,
}

impl<'a> Sections<'a> {
    /// Takes an offer apart. `Err` says what is wrong with it.
    pub(super) fn parse(sdp: &'a str) -> Result<Sections<'a>, &'static str> {
        let (session, sections) = split(sdp);
        if sections.len() > MAX_SECTIONS {
            return Err("the offer has more than 64 sections");
        }
        let is_data = |section: &Section<'_>| section.kind() == "application";
        let data = sections.iter().position(is_data);
        let data = data.ok_or("the offer has no section for data channels: create one before the offer")?;
        if sections.iter().skip(data + 1).any(is_data) {
            return Err("the offer has two sections for data channels");
        }
        let group = session.iter().find_map(|line| line.strip_prefix("a=group:BUNDLE "));
        let group: Vec<&str> = group.into_iter().flat_map(str::split_whitespace).collect();
        let place = |mid: &str| sections.iter().position(|section| section.mid() == Some(mid));
        let bundle: Vec<&str> = match sections[data].mid() {
            Some(mid) if group.contains(&mid) => group.into_iter().filter(|mid| place(mid).is_some()).collect(),
            _ => Vec::new(),
        };
        let transport = bundle.first().and_then(|mid| place(mid)).unwrap_or(data);
        Ok(Sections { session, sections, data, transport, bundle })
    }

    /// Who describes itself so; `None`: it declines the data.
    pub(super) fn far_end(&self) -> Option<FarEnd> {
        let data = &self.sections[self.data];
        let is_declined = self.bundle.is_empty() || self.transport == self.data;
        if is_declined && data.words().nth(1) == Some("0") {
            return None;
        }
        let shared = self.session.iter().copied().chain(self.sections[self.transport].transport_lines());
        let known = shared.filter(|line| IDENTITY.iter().any(|prefix| line.starts_with(prefix)));
        let mid = data.lines.iter().copied().filter(|line| line.starts_with("a=mid:"));
        Some(FarEnd(known.chain(mid).map(str::to_owned).collect()))
    }

    /// The offer of the data alone.
    pub(super) fn data_offer(&self) -> String {
        let data = &self.sections[self.data];
        let mut lines = self.session_lines(&data.mid().into_iter().collect::<Vec<_>>());
        if self.transport == self.data {
            lines.extend(data.lines.iter().map(|line| (*line).to_owned()));
        } else {
            let shared = self.sections[self.transport].transport_lines();
            // A section that only lives in the bundle may have port 0 and no transport of its own.
            lines.push(with_port(data.lines[0], "9"));
            let own = data.lines.iter().skip(1).filter(|line| !is_transport(line) && **line != "a=bundle-only");
            lines.extend(own.map(|line| (*line).to_owned()));
            lines.extend(shared.map(str::to_owned));
        }
        join(&lines)
    }

    /// The answer to the whole offer, made from the answer to the data's.
    pub(super) fn whole_answer(&self, data_answer: &str) -> String {
        if self.sections.len() == 1 {
            return data_answer.to_owned();
        }
        let (session, answered) = split(data_answer);
        let Some(answered) = answered.first() else { return data_answer.to_owned() };
        let data_mid: Vec<&str> = self.sections[self.data].mid().into_iter().collect();
        let bundle = if self.bundle.is_empty() { &data_mid } else { &self.bundle };
        let mut lines = with_bundle(&session, bundle);
        for (place, section) in self.sections.iter().enumerate() {
            if place == self.data {
                lines.extend(answered.lines.iter().map(|line| (*line).to_owned()));
                continue;
            }
            let is_bundled = section.mid().is_some_and(|mid| self.bundle.contains(&mid));
            section.decline(is_bundled, &mut lines);
            // aiortc takes the candidates of the first section of a bundle or of its last one, depending on its policy.
            let wanted = |line: &&str| is_bundled || !line.starts_with("a=candidate:");
            lines.extend(answered.transport_lines().filter(wanted).map(str::to_owned));
        }
        join(&lines)
    }

    fn session_lines(&self, bundle: &[&str]) -> Vec<String> {
        with_bundle(&self.session, bundle)
    }
}

impl<'a> Section<'a> {
    /// `audio`, `video`, `application`, …
    fn kind(&self) -> &'a str {
        self.words().next().unwrap_or_default()
    }

    /// The words of the `m=` line: kind, port, protocol, formats.
    fn words(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        self.lines[0].strip_prefix("m=").unwrap_or_default().split_whitespace()
    }

    fn mid(&self) -> Option<&'a str> {
        self.lines.iter().find_map(|line| line.strip_prefix("a=mid:"))
    }

    fn transport_lines(&self) -> impl Iterator<Item = &'a str> {
        self.lines.iter().copied().filter(|line| is_transport(line))
    }

    /// The section as it is refused, but for the transport's lines.
    fn decline(&self, is_bundled: bool, lines: &mut Vec<String>) {
        let format = self.format();
        let protocol = self.words().nth(2).unwrap_or("UDP/TLS/RTP/SAVPF");
        let port = if is_bundled { 9 } else { 0 };
        lines.push(format!("m={} {port} {protocol} {format}", self.kind()));
        lines.push("c=IN IP4 0.0.0.0".to_owned());
        lines.extend(self.mid().map(|mid| format!("a=mid:{mid}")));
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
            let codec = self.lines.iter().find_map(|line| {
                let (of, codec) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
                (of == format).then_some(codec)
            });
            let name = codec.and_then(|codec| codec.split('/').next()).unwrap_or_default();
            HELPERS.iter().any(|helper| helper.eq_ignore_ascii_case(name))
        };
        let mut formats = self.words().skip(3);
        formats.clone().find(|format| !is_helper(format)).or_else(|| formats.next()).unwrap_or("0")
    }
}

/// The lines before the first section, and the sections.
fn split(sdp: &str) -> (Vec<&str>, Vec<Section<'_>>) {
    let (mut session, mut sections) = (Vec::new(), Vec::<Section<'_>>::new());
    for line in sdp.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        match sections.last_mut() {
            _ if line.starts_with("m=") => sections.push(Section { lines: vec![line] }),
            Some(section) => section.lines.push(line),
            None => session.push(line),
        }
    }
    (session, sections)
}

fn is_transport(line: &str) -> bool {
    TRANSPORT.iter().any(|prefix| line.starts_with(prefix))
}

fn with_bundle(session: &[&str], bundle: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> =
        session.iter().filter(|line| !line.starts_with("a=group:")).map(|line| (*line).to_owned()).collect();
    if !bundle.is_empty() {
        lines.push(format!("a=group:BUNDLE {}", bundle.join(" ")));
    }
    lines
}

fn with_port(media: &str, port: &str) -> String {
    let mut words: Vec<&str> = media.split_whitespace().collect();
    if let Some(word) = words.get_mut(1) {
        *word = port;
    }
    words.join(" ")
}

fn join(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect()
}
