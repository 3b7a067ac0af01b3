//! Every way to a connection that clients of the API take.

use std::time::Duration;

use farwire_core::link::{Link, Role};
use farwire_core::signalling::Method;
use farwire_tests::{Foreigners, SFU};
use serde_json::{Value, json};

const MOMENT: Duration = Duration::from_millis(50);

fn offered(sdp: &str) -> Value {
    json!({"dataChannel": {"location": "remote", "dataChannelName": "server-events"},
        "sessionDescription": {"type": "offer", "sdp": sdp}})
}

/// A message goes from the first client to the second.
fn assert_carries(world: &mut Foreigners, from: usize, to: usize) {
    let (out, into) = (world.publish(from, "t"), world.subscribe(to, from, "t", &json!({})));
    world.send(from, out, false, b"hello");
    world.run_for(MOMENT);
    assert_eq!(world.received(to), [(into, false, b"hello".to_vec())]);
}

#[test]
fn the_client_offers_and_opens_server_events() {
    let mut world = Foreigners::new();
    world.connect_by_offer(false);
    world.connect_by_offer(false);
    assert_carries(&mut world, 0, 1);
    assert!(world.clients[0].announced.iter().all(|(id, _)| *id == 0), "{:?}", world.clients[0].announced);
    // Ids 0 and 1 are for server-events, and 100 is where DimOS has its placeholder.
    let ids: Vec<u16> = (0..110).map(|i| world.publish(0, &format!("c{i}"))).collect();
    assert!(ids.iter().all(|id| *id >= 2 && *id != 100), "{ids:?}");
    // A closed channel's id is not given again.
    world.item(0, "close", &json!({"id": ids[5]}));
    world.run_for(MOMENT);
    assert!(world.publish(0, "c5") > ids[109]);
}

#[test]
fn the_sfu_offers_and_opens_server_events() {
    let mut world = Foreigners::new();
    world.connect_by_answer();
    world.connect_by_answer();
    // 1 for a client that takes the DTLS client's role, as browsers do; str0m leaves it to the SFU.
    let [(id, label)] = &world.clients[0].announced[..] else { panic!("{:?}", world.clients[0].announced) };
    assert!(*id <= 1 && label == "server-events", "{id} {label}");
    assert_carries(&mut world, 0, 1);
    assert_carries(&mut world, 1, 0);
}

#[test]
fn an_answer_out_of_turn_is_refused_and_harms_nothing() {
    let mut world = Foreigners::new();
    let client = world.add(false);
    let renegotiate = format!("/{}/renegotiate", world.clients[client].session);
    let establish = format!("/{}/datachannels/establish", world.clients[client].session);
    let refused = (406, "invalid_session_description".to_owned());
    let early = json!({"sessionDescription": {"type": "answer", "sdp": "v=0"}});
    assert_eq!(world.refusal(Method::PUT, &renegotiate, &early), refused);
    let answer = world.answer_offer(client);
    for wrong in [
        json!({}),
        json!({"sessionDescription": {"type": "offer", "sdp": answer["sessionDescription"]["sdp"]}}),
        json!({"sessionDescription": {"type": "answer", "sdp": "nonsense"}}),
    ] {
        assert_eq!(world.refusal(Method::PUT, &renegotiate, &wrong), refused, "{wrong}");
    }
    let again = json!({"dataChannel": {"location": "remote", "dataChannelName": "server-events"}});
    assert_eq!(world.refusal(Method::POST, &establish, &again), (400, "decoding_error".into()));
    // The exchange can still be finished.
    assert_eq!(world.call(Method::PUT, &renegotiate, &answer), (200, json!({})));
    world.run_for(Duration::from_secs(1));
    assert!(world.clients[client].is_connected);
    assert_eq!(world.refusal(Method::PUT, &renegotiate, &answer), refused, "a second time");
    assert_eq!(world.refusal(Method::POST, &establish, &again), (400, "decoding_error".into()));
    assert_carries(&mut world, client, client);
}

#[test]
fn an_answer_that_does_not_fit_may_be_followed_by_another_exchange() {
    let mut world = Foreigners::new();
    let (_, foreign) = world.connect_by_offer(false);
    let client = world.add(false);
    world.answer_offer(client);
    let renegotiate = format!("/{}/renegotiate", world.clients[client].session);
    // An answer of the SFU's own: both ends would be ICE lite.
    let answer = json!({"sessionDescription": {"type": "answer", "sdp": foreign}});
    let (status, refused) = world.call(Method::PUT, &renegotiate, &answer);
    assert_eq!((status, &refused["errorCode"]), (406, &json!("invalid_session_description")));
    assert!(refused["errorDescription"].as_str().is_some_and(|text| text.contains("establish again")), "{refused}");
    let mut link =
        Link::new(Role::Client, "10.0.0.9:9".parse::<std::net::SocketAddr>().expect("an address"), None, world.now());
    let establish = format!("/{}/datachannels/establish", world.clients[client].session);
    assert_eq!(world.call(Method::POST, &establish, &offered(&link.offer())).0, 200);
}

#[test]
fn an_offer_that_cannot_be_answered_may_be_followed_by_one_that_can() {
    let mut world = Foreigners::new();
    let (_, answer) = world.connect_by_offer(false);
    let client = world.add(false);
    let establish = format!("/{}/datachannels/establish", world.clients[client].session);
    let no_fingerprint: String =
        answer.lines().filter(|line| !line.contains("fingerprint")).map(|l| format!("{l}\r\n")).collect();
    let no_data = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n";
    for bad in ["", "nonsense", no_data, &no_fingerprint, &"m=video 9 x 0\r\n".repeat(100)] {
        assert_eq!(world.refusal(Method::POST, &establish, &offered(bad)), (400, "decoding_error".into()), "{bad}");
    }
    let wrong_kind = json!({"dataChannel": {"location": "remote", "dataChannelName": "server-events"}, "sessionDescription": {"type": "answer", "sdp": answer}});
    let refused = (406, "invalid_session_description".to_owned());
    assert_eq!(world.refusal(Method::POST, &establish, &wrong_kind), refused);
    for other in [
        json!({}),
        json!({"dataChannel": {}}),
        json!({"dataChannel": {"location": "remote", "dataChannelName": "mine"}}),
        json!({"dataChannel": {"location": "local", "dataChannelName": "server-events"}}),
    ] {
        assert_eq!(world.refusal(Method::POST, &establish, &other), (406, "invalid_params".into()), "{other}");
    }
    let mut link =
        Link::new(Role::Client, "10.0.0.9:9".parse::<std::net::SocketAddr>().expect("an address"), None, world.now());
    let (status, _) = world.call(Method::POST, &establish, &offered(&link.offer()));
    assert_eq!(status, 200);
}

#[test]
fn a_session_can_be_made_with_its_offer() {
    let mut world = Foreigners::new();
    let mut link =
        Link::new(Role::Client, "10.0.0.9:9".parse::<std::net::SocketAddr>().expect("an address"), None, world.now());
    let body = json!({"sessionDescription": {"type": "offer", "sdp": link.offer()}});
    let (status, answer) = world.call(Method::POST, "/new", &body);
    assert_eq!((status, &answer["sessionDescription"]["type"]), (201, &json!("answer")));
    link.accept_answer(answer["sessionDescription"]["sdp"].as_str().expect("SDP")).expect("an answer that fits");
    assert!(answer["sessionId"].is_string());
    let (_, plain) = world.call(Method::POST, "/new?correlationId=x", &json!({}));
    assert_eq!(plain["sessionDescription"], Value::Null);
    let bad = json!({"sessionDescription": {"type": "offer", "sdp": "nonsense"}});
    assert_eq!(world.refusal(Method::POST, "/new", &bad), (400, "decoding_error".into()));
    assert_eq!(world.sfu.stats().sessions, 2, "a session that could not be made is not there");
}

#[test]
fn media_in_an_offer_is_declined_and_the_data_connects() {
    let mut world = Foreigners::new();
    let (robot, answer) = world.connect_by_offer(true);
    let operator = world.connect_by_answer();
    let kinds: Vec<&str> = answer.lines().filter_map(|line| line.strip_prefix("m=")?.split(' ').next()).collect();
    assert_eq!(kinds, ["video", "audio", "application"]);
    assert_carries(&mut world, robot, operator);
    assert_carries(&mut world, operator, robot);
}

/// As aiortc writes it, where each section has a transport of its own until they are bundled.
const ROBOT: &str = "v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1 2
a=msid-semantic:WMS *
m=video 50001 UDP/TLS/RTP/SAVPF 97 98
c=IN IP4 192.168.0.7
a=sendonly
a=mid:0
a=rtcp-mux
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=98
a=rtpmap:98 VP8/90000
a=rtcp-fb:98 nack
a=fmtp:98 max-fs=12288
a=candidate:1 1 udp 2130706431 192.168.0.7 50001 typ host
a=end-of-candidates
a=ice-ufrag:vide
a=ice-pwd:videovideovideovideovi
a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F
a=setup:actpass
m=audio 50002 UDP/TLS/RTP/SAVPF 0
c=IN IP4 192.168.0.7
a=recvonly
a=mid:1
a=rtcp-mux
a=ice-ufrag:audi
a=ice-pwd:audioaudioaudioaudioau
a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F
a=setup:actpass
m=application 0 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 192.168.0.7
a=bundle-only
a=mid:2
a=sctp-port:5000
a=max-message-size:65536
";

/// The answer's lines, section by section; the session's come first.
fn answer_to(offer: &str) -> Vec<Vec<String>> {
    let now = std::time::Instant::now();
    let answer = Link::new(Role::Server, SFU, None, now).answer(offer).expect("an answer");
    let mut sections = vec![Vec::new()];
    for line in answer.lines() {
        if line.starts_with("m=") {
            sections.push(Vec::new());
        }
        sections.last_mut().expect("one").push(line.to_owned());
    }
    sections
}

#[test]
fn a_declined_section_keeps_what_foreign_clients_insist_on() {
    let answer = answer_to(ROBOT);
    let has = |section: usize, line: &str| answer[section].iter().any(|have| have.starts_with(line));
    assert!(has(0, "a=group:BUNDLE 0 1 2") && has(0, "a=ice-lite"), "{answer:?}");
    assert_eq!(answer[1][0], "m=video 9 UDP/TLS/RTP/SAVPF 98", "a codec, not a helper of one");
    assert_eq!(answer[2][0], "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a codec that needs no rtpmap");
    assert_eq!(answer[3][0].split(' ').next(), Some("m=application"));
    for line in ["a=rtpmap:98 VP8/90000", "a=fmtp:98 max-fs=12288"] {
        assert!(has(1, line), "no {line} in {:?}", answer[1]);
    }
    assert!(!has(1, "a=rtpmap:97"), "{:?}", answer[1]);
    for (section, mid) in [(1, "0"), (2, "1"), (3, "2")] {
        assert!(has(section, &format!("a=mid:{mid}")), "{:?}", answer[section]);
        for line in ["a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:passive", "a=candidate:"] {
            assert!(has(section, line), "no {line} in {:?}", answer[section]);
        }
    }
    for section in [1, 2] {
        assert!(has(section, "a=inactive") && has(section, "a=rtcp-mux"), "{:?}", answer[section]);
    }
    assert!(has(3, "a=sctp-port:") && has(3, "a=max-message-size:"), "{:?}", answer[3]);
}

#[test]
fn media_outside_of_the_bundle_gets_port_0_and_stays_outside() {
    let own_transport = "a=bundle-only\na=ice-ufrag:data\na=ice-pwd:datadatadatadatadatada\n\
        a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\n\
        a=setup:actpass\n";
    for group in ["a=group:BUNDLE 2\n", "a=group:BUNDLE 0 1\n", ""] {
        let offer = ROBOT.replace("a=group:BUNDLE 0 1 2\n", group).replace("a=bundle-only\n", own_transport);
        let answer = answer_to(&offer.replace("m=application 0", "m=application 50003"));
        assert!(answer[0].iter().any(|line| line == "a=group:BUNDLE 2"), "{answer:?}");
        assert_eq!(answer[1][0], "m=video 0 UDP/TLS/RTP/SAVPF 98");
        assert_eq!(answer[2][0], "m=audio 0 UDP/TLS/RTP/SAVPF 0");
        assert!(answer[3].iter().any(|line| line.starts_with("a=candidate:")), "{:?}", answer[3]);
    }
}

#[test]
fn channels_that_a_client_opens_on_its_own_are_bounded_and_in_nobody_s_way() {
    let mut world = Foreigners::new();
    world.connect_by_offer(false);
    world.connect_by_offer(false);
    for i in 0..50 {
        world.open_in_band(0, &format!("mine {i}"));
        world.run_for(MOMENT);
    }
    assert_carries(&mut world, 0, 1);
    let open = world.open_in_band_count(0);
    assert!(open <= 16, "{open} channels are open");
}

/// Of DimOS 0.0.15, with camera and audio. Its credentials were thrown away.
const DIMOS: &str = include_str!("sdp/dimos_robot_offer.sdp");

/// What the API answers to an offer of a session of its own: the description, or the refusal.
fn establish(world: &mut Foreigners, sdp: &str) -> Result<String, (u16, String, String)> {
    let client = world.add(false);
    let path = format!("/{}/datachannels/establish", world.clients[client].session);
    let (status, answer) = world.call(Method::POST, &path, &offered(sdp));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match status {
        200 => Ok(text(&answer["sessionDescription"]["sdp"])),
        status => Err((status, text(&answer["errorCode"]), text(&answer["errorDescription"]))),
    }
}

#[test]
fn a_robot_of_dimos_with_camera_and_audio_is_answered_section_by_section() {
    let mut world = Foreigners::new();
    for offer in [DIMOS.to_owned(), DIMOS.replace("\r\n", "\n")] {
        let answer = establish(&mut world, &offer).expect("an answer");
        let told = |prefix: &str| answer.lines().filter_map(|line| line.strip_prefix(prefix)).collect::<Vec<_>>();
        let kinds: Vec<&str> = told("m=").into_iter().filter_map(|media| media.split(' ').next()).collect();
        assert_eq!((kinds, told("a=mid:")), (vec!["video", "audio", "application"], vec!["0", "1", "2"]));
        assert_eq!(told("a=group:BUNDLE "), ["0 1 2"]);
    }
}

#[test]
fn one_payload_type_for_two_codecs_in_one_bundle_is_refused() {
    let mut world = Foreigners::new();
    let video = DIMOS.replace("a=rtpmap:99 H264/90000", "a=rtpmap:99 VP8/90000");
    let both = video
        .replace("SAVPF 96 9 0 8", "SAVPF 99 9 0 8")
        .replace("a=rtpmap:96 opus/48000/2", "a=rtpmap:99 opus/48000/2");
    let (status, code, why) = establish(&mut world, &both).expect_err("two codecs");
    assert_eq!((status, code.as_str()), (406, "invalid_session_description"));
    assert!(why.contains("one payload type for two codecs in one bundle"), "{why}");
    establish(&mut world, &video).expect("one codec");
    establish(&mut world, &both.replace("BUNDLE 0 1 2", "BUNDLE 0 2")).expect("two transports");
}

#[test]
fn what_foreign_clients_write_is_answered_or_refused_at_once_with_the_reason() {
    let mut world = Foreigners::new();
    let now = world.now();
    let offer =
        Link::new(Role::Client, "10.0.0.9:9".parse::<std::net::SocketAddr>().expect("an address"), None, now).offer();
    let mid = offer.lines().find_map(|line| line.strip_prefix("a=mid:")).expect("a mid").to_owned();
    for (from, to) in [
        ("s=-\r\n", "s= \r\n"),
        ("s=-\r\n", "s=\r\n"),
        ("s=-\r\n", "s=-\r\ni=data\r\nb=AS:30\r\nb=CT:30\r\n"),
        ("t=0 0\r\n", "t=3724394400 3724398000\r\n"),
        ("a=mid:", "i=data\r\nb=AS:30\r\nb=TIAS:30000\r\na=mid:"),
        ("UDP/DTLS/SCTP", "TCP/DTLS/SCTP"),
    ] {
        assert!(offer.contains(from), "{from}");
        establish(&mut world, &offer.replace(from, to)).unwrap_or_else(|refusal| panic!("{to:?}: {refusal:?}"));
    }
    for name in ["data-0", "6f1c9f6e-4f0b-4c39-8f4e-5f5d6d3b2a10"] {
        let named = offer.replace(&format!("a=mid:{mid}"), &format!("a=mid:{name}"));
        let named = named.replace(&format!("BUNDLE {mid}"), &format!("BUNDLE {name}"));
        let answer = establish(&mut world, &named).expect("an answer");
        assert!(answer.contains(&format!("a=mid:{name}\r\n")), "{answer}");
        assert!(answer.contains(&format!("a=group:BUNDLE {name}\r\n")), "{answer}");
    }
    let fingerprint = offer.lines().find(|line| line.starts_with("a=fingerprint:")).expect("a fingerprint");
    for (from, to, why) in [
        (fingerprint, format!("a=fingerprint:sha-512 {}", ["AB"; 64].join(":")), "sha-256"),
        (fingerprint, format!("a=fingerprint:sha-384 {}", ["AB"; 48].join(":")), "sha-256"),
        ("a=setup:actpass", "a=setup:holdconn".to_owned(), "a=setup"),
        ("a=ice-pwd:", "a=ice-pwd:x\r\na=x:".to_owned(), "a=ice-pwd"),
    ] {
        let (status, code, told) = establish(&mut world, &offer.replace(from, &to)).expect_err(why);
        assert_eq!((status, code.as_str()), (406, "invalid_session_description"), "{told}");
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn a_message_too_large_for_a_reliable_subscriber_closes_its_channel_and_no_other() {
    let mut world = Foreigners::new();
    let (publisher, _) = world.connect_by_offer(false);
    let (roomy, _) = world.connect_by_offer(false);
    let (small, offer) = world.offering(false);
    let (_, session) = world.call(Method::POST, "/new", &Value::Null);
    world.clients[small].session = session["sessionId"].as_str().expect("an id").to_owned();
    let own: Vec<&str> = offer.lines().filter(|line| !line.starts_with("a=max-message-size:")).collect();
    let limited = own.join("\r\n") + "\r\na=max-message-size:2000\r\n";
    let path = format!("/{}/datachannels/establish", world.clients[small].session);
    let (status, answer) = world.call(Method::POST, &path, &offered(&limited));
    assert_eq!(status, 200, "{answer}");
    world.accept(small, answer["sessionDescription"]["sdp"].as_str().expect("an answer"));
    world.run_for(Duration::from_secs(2));
    assert!(world.clients[small].is_connected);

    let (events, odometry) = (world.publish(publisher, "events"), world.publish(publisher, "odometry"));
    let reliable = world.subscribe(small, publisher, "events", &json!({}));
    let lossy = world.subscribe(small, publisher, "odometry", &json!({"ordered": false, "maxRetransmits": 0}));
    let other = world.subscribe(roomy, publisher, "events", &json!({}));
    for (channel, bytes) in [(events, 2_000), (odometry, 2_001), (odometry, 2_000), (events, 2_001), (events, 1)] {
        world.send(publisher, channel, true, &vec![7; bytes]);
        world.run_for(MOMENT);
    }
    let lengths = |world: &mut Foreigners, client: usize| -> Vec<(u16, usize)> {
        world.received(client).into_iter().map(|(channel, _, bytes)| (channel, bytes.len())).collect()
    };
    assert_eq!(lengths(&mut world, small), [(reliable, 2_000), (lossy, 2_000)]);
    assert_eq!(world.clients[small].closed, [reliable], "it sees that something is missing");
    assert_eq!(lengths(&mut world, roomy), [(other, 2_000), (other, 2_001), (other, 1)]);
    let stats = world.sfu.stats();
    assert_eq!((stats.oversized, stats.outsized), (2, 1));
    // It may subscribe again, and goes on from there.
    let again = world.subscribe(small, publisher, "events", &json!({}));
    world.send(publisher, events, true, b"more");
    world.run_for(MOMENT);
    assert_eq!(lengths(&mut world, small), [(again, 4)]);
}
