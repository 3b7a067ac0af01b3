//! Payload types of sections that share a transport: each stands for one codec in all of them (RFC 9143, 10.1.2).

use std::collections::{BTreeMap, BTreeSet};

use super::sections::{Section, attribute};

/// Payload types of audio that need no rtpmap (RFC 3551, 6).
const STATIC: [(&str, &str); 7] = [
    ("0", "pcmu/8000"),
    ("3", "gsm/8000"),
    ("4", "g723/8000"),
    ("8", "pcma/8000"),
    ("9", "g722/8000"),
    ("13", "cn/8000"),
    ("18", "g729/8000"),
];

/// Whether a payload type stands for one codec here and for another there.
pub(super) fn has_conflict<'s, 'a: 's>(sections: impl Iterator<Item = &'s Section<'a>>) -> bool {
    let mut codecs = BTreeMap::<&str, (&str, String)>::new();
    for section in sections {
        let mut unmapped: BTreeSet<&str> = section.formats().collect();
        let mapped = attribute(section.lines(), "rtpmap").filter_map(|text| text.split_once(' '));
        let mapped: Vec<_> = mapped.filter(|(format, _)| section.formats().any(|offered| offered == *format)).collect();
        for (format, _) in &mapped {
            unmapped.remove(format);
        }
        let fixed = STATIC.iter().copied().filter(|(format, _)| section.kind() == "audio" && unmapped.contains(format));
        for (format, codec) in mapped.into_iter().chain(fixed) {
            let codec = (section.kind(), normal(codec));
            if codecs.get(format).is_some_and(|known| *known != codec) {
                return true;
            }
            codecs.insert(format, codec);
        }
    }
    false
}

/// The encoding, its clock and its channels: in lower case, and without the number of one channel, which need not be told.
fn normal(codec: &str) -> String {
    let codec = codec.trim().to_ascii_lowercase();
    codec.strip_suffix("/1").map(str::to_owned).unwrap_or(codec)
}
