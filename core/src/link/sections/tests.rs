use proptest::prelude::*;

use super::*;

const FINGERPRINT: &str =
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F";

/// A description of data alone, with other lines of the session and of the section.
fn with(session: &str, section: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n{session}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{section}\
         a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 {FINGERPRINT}\r\na=setup:actpass\r\n"
    )
}

fn alone(sdp: &str) -> String {
    Sections::parse(sdp).unwrap_or_else(|error| panic!("{error}: {sdp}")).data_alone("0")
}

fn refused(sdp: &str) -> &'static str {
    match Sections::parse(sdp) {
        Err(LinkError::Unacceptable(why) | LinkError::Sdp(why)) => why,
        other => panic!("{other:?}: {sdp}"),
    }
}

#[test]
fn lines_that_say_nothing_of_the_data_do_not_matter() {
    let plain = alone(&with("s=-\r\nt=0 0\r\n", "a=mid:0\r\n"));
    for (session, section) in [
        ("s= \r\nt=0 0\r\n", "a=mid:0\r\n"),
        ("s=\r\nt=0 0\r\n", "a=mid:0\r\n"),
        ("s=-\r\nt=3724394400 3724398000\r\nr=7d 1h 0 25h\r\n", "a=mid:0\r\n"),
        ("s=-\r\nb=CT:5\r\nb=AS:6\r\nt=0 0\r\n", "b=AS:30\r\nb=TIAS:30000\r\na=mid:0\r\n"),
        ("s=-\r\ni=about\r\nt=0 0\r\n", "i=data\r\na=mid:0\r\n"),
        ("s=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n", "a=mid:0\r\nk=prompt\r\n"),
    ] {
        assert_eq!(alone(&with(session, section)), plain, "{session}{section}");
    }
}

#[test]
fn candidates_count_whatever_follows_them() {
    let candidate = |text: &str| alone(&with("", &format!("a=candidate:{text}\r\n"))).contains("a=candidate:");
    let host = "1 1 udp 2130706431 127.0.0.1 4000 typ host";
    for extensions in [
        "",
        " generation 0 ufrag x network-id 1 network-cost 50",
        " network-cost 50 network-id 1 ufrag x generation 0",
        " made-up 1 and another",
        " raddr 10.0.0.1 rport 4001 generation 0",
    ] {
        assert!(candidate(&format!("{host}{extensions}")), "{extensions}");
    }
    assert!(candidate("ab+/ 1 UDP 1 fd00::2 4000 typ srflx raddr :: rport 0"));
    for unused in [
        "1 2 udp 2130706431 127.0.0.1 4000 typ host",
        "1 1 tcp 1 127.0.0.1 9 typ host tcptype active",
        "1 1 udp 1 3c2f.local 4000 typ host",
        "1 1 udp 99999999999 127.0.0.1 4000 typ host",
        "1 1 udp 1 127.0.0.1 0 typ host",
        "1 1 udp 1 127.0.0.1 4000 typ unheard",
        "1 1 udp",
    ] {
        assert!(!candidate(unused), "{unused}");
    }
    let many: String = (1..1_000).map(|port| format!("a=candidate:1 1 udp 1 10.0.0.1 {port} typ host\r\n")).collect();
    assert_eq!(alone(&with("", &many)).matches("a=candidate:").count(), 64);
}

#[test]
fn of_several_fingerprints_the_one_that_can_be_checked_counts() {
    let long = |bytes: usize| vec!["AB"; bytes].join(":");
    let with = |lines: &[String]| {
        let text = lines.iter().map(|line| format!("a=fingerprint:{line}\r\n")).collect::<String>();
        with("", "").replace(&format!("a=fingerprint:sha-256 {FINGERPRINT}\r\n"), &text)
    };
    let sha_256 = format!("SHA-256 {}", FINGERPRINT.to_lowercase());
    let others = [format!("sha-384 {}", long(48)), format!("sha-512 {}", long(64))];
    let all = [&others[..], std::slice::from_ref(&sha_256)].concat();
    assert!(alone(&with(&all)).contains(&format!("a=fingerprint:sha-256 {FINGERPRINT}\r\n")));
    assert!(refused(&with(&others)).contains("sha-256"));
    assert!(refused(&with(&others[1..])).contains("sha-256"));
    assert!(refused(&with(&[])).contains("no a=fingerprint"));
    assert!(refused(&with(&[sha_256, format!("sha-256 {}", long(32))])).contains("several certificates"));
    assert!(refused(&with(&[format!("sha-256 {}", long(31))])).contains("length"));
    assert!(refused(&with(&[format!("sha-256 {}", "x".repeat(95))])).contains("length"));
}

#[test]
fn what_cannot_work_is_refused_with_the_reason() {
    let good = with("", "a=mid:0\r\n");
    for (from, to, why) in [
        ("a=ice-ufrag:abcd\r\n", "", "a=ice-ufrag"),
        ("a=ice-pwd:abcdefghijklmnopqrstuv", "a=ice-pwd:short", "a=ice-pwd"),
        ("a=setup:actpass", "a=setup:holdconn", "a=setup"),
        ("m=application 9", "m=application 0", "port 0"),
        ("UDP/DTLS/SCTP webrtc-datachannel", "RTP/SAVPF 98", "UDP/DTLS/SCTP"),
        ("a=mid:0", "a=mid:a b", "a=mid"),
        ("a=mid:0", "a=mid:ä", "a=mid"),
        ("v=0", "v=1", "not SDP"),
        ("a=mid:0", "and so on", "not SDP"),
        ("a=mid:0", "m=text 9 RTP/AVP 0\r\na=mid:x\r\nm=text 9 RTP/AVP 0\r\na=mid:x", "same a=mid"),
    ] {
        let text = refused(&good.replace(from, to));
        assert!(text.contains(why), "{to}: {text}");
    }
    assert!(refused(&good.replace("a=mid:0", &format!("a=mid:{}", "x".repeat(256)))).contains("255 bytes"));
    assert!(refused(&"v=0\r\n".repeat(100_000)).contains("256 KiB"));
    let tcp = good.replace("UDP/DTLS", "TCP/DTLS");
    assert_eq!(alone(&tcp), alone(&good));
    let only_tcp = tcp + "a=candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype active\r\n";
    assert!(refused(&only_tcp).contains("TCP"));
    assert!(alone(&(only_tcp + "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n")).contains(" udp "));
}

#[test]
fn a_payload_type_stands_for_one_codec_in_a_bundle() {
    let offer = |video: &str, audio: &str, group: &str| {
        let media = format!(
            "m=video 9 UDP/TLS/RTP/SAVPF 99 0\r\na=mid:v\r\n{video}m=audio 9 UDP/TLS/RTP/SAVPF 99 0\r\na=mid:a\r\n{audio}"
        );
        let session = format!("s=-\r\nt=0 0\r\na=group:BUNDLE {group}\r\n");
        with(&session, "a=mid:0\r\n").replace("m=application", &format!("{media}m=application"))
    };
    let (vp8, opus) = ("a=rtpmap:99 VP8/90000\r\n", "a=rtpmap:99 opus/48000/2\r\n");
    assert!(refused(&offer(vp8, opus, "0 v a")).contains("one payload type for two codecs"));
    assert!(refused(&offer("a=rtpmap:0 VP8/90000\r\n", "", "v a 0")).contains("one payload type for two codecs"));
    assert!(refused(&offer(&format!("{vp8}a=rtpmap:99 H264/90000\r\n"), "", "v a 0")).contains("two codecs"));
    for apart in ["0", "0 v", "v a"] {
        alone(&offer(vp8, opus, apart));
    }
    alone(&offer(vp8, "a=rtpmap:0 PCMU/8000/1\r\n", "0 v a"));
    alone(&offer(vp8, opus, "0 v a").replace("m=audio 9", "m=audio 0"));
}

/// A line of a session's description, of its type.
fn line(kind: char) -> impl Strategy<Value = String> {
    let value = match kind {
        't' => "[0-9]{1,12} [0-9]{1,12}",
        'b' => "[A-Z]{2,4}:[0-9]{1,6}",
        _ => "[ -~]{0,30}",
    };
    value.prop_map(move |value| format!("{kind}={value}\r\n"))
}

/// Lines in the order of RFC 8866, 5: which may be missing, and which may come more than once.
fn session_lines() -> impl Strategy<Value = String> {
    let some = |kind, count: std::ops::RangeInclusive<usize>| {
        prop::collection::vec(line(kind), count).prop_map(|lines| lines.concat())
    };
    let times = prop::collection::vec((line('t'), some('r', 0..=2)), 1..3)
        .prop_map(|times| times.into_iter().map(|(t, r)| t + &r).collect::<String>());
    let unknown = prop::collection::vec("x-[a-z]{1,10}(:[ -~]{0,20})?", 0..4)
        .prop_map(|lines| lines.into_iter().map(|line| format!("a={line}\r\n")).collect::<String>());
    let head = (some('s', 1..=1), some('i', 0..=1), some('u', 0..=1), some('e', 0..=2), some('p', 0..=2));
    let tail = (some('c', 0..=1), some('b', 0..=3), times, some('z', 0..=1), some('k', 0..=1), unknown);
    (head, tail).prop_map(|((s, i, u, e, p), (c, b, t, z, k, a))| [s, i, u, e, p, c, b, t, z, k, a].concat())
}

proptest! {
    #[test]
    fn no_line_of_a_session_changes_the_outcome(session in session_lines()) {
        let plain = alone(&with("s=-\r\nt=0 0\r\n", "a=mid:data-0\r\n"));
        prop_assert_eq!(alone(&with(&session, "a=mid:data-0\r\n")), plain);
    }

    #[test]
    fn a_mid_of_any_token_is_kept(mid in "[!#-'*+.0-9A-Z^-~-]{1,255}") {
        let sdp = with("s=-\r\nt=0 0\r\n", &format!("a=mid:{mid}\r\n"));
        let sections = Sections::parse(&sdp).expect("a token");
        let answer = sections.whole_answer(&sections.data_alone("0"));
        let named = format!("a=mid:{mid}\r\n");
        prop_assert!(answer.contains(&named), "{}", answer);
    }

    #[test]
    fn writing_anew_changes_nothing_the_second_time(session in session_lines(), candidate in "[ -~]{0,60}") {
        let once = alone(&with(&session, &format!("a=mid:x\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host {candidate}\r\n")));
        prop_assert_eq!(alone(&once), once);
    }

    #[test]
    fn any_text_is_read_or_refused_within_bounds(text in "(?s).{0,400}", at in 0usize..600) {
        let good = with("s=-\r\nt=0 0\r\n", "a=mid:0\r\n");
        let at = at.min(good.len());
        let damaged = format!("{}{text}{}", &good[..at], &good[at..]);
        for sdp in [&text, &damaged] {
            if let Ok(sections) = Sections::parse(sdp) {
                prop_assert!(sections.data_alone("0").len() <= sdp.len() + 1_000);
                prop_assert!(sections.whole_answer(&good).len() <= 64 * (good.len() + sdp.len()));
            }
        }
    }
}
