//! An aiortc program that does what DimOS does, and farwire, on either side of farwire's SFU.
//!
//! ```text
//! python3 -m venv VENV && VENV/bin/pip install -r tests/interop/requirements.txt
//! FARWIRE_PYTHON=VENV/bin/python cargo test -p farwire-tests --test interop_aiortc -- --ignored
//! ```

#[path = "script/dialogue.rs"]
mod dialogue;

use std::thread;
use std::time::{Duration, Instant};

use farwire_blocking::{Config, Connection, Delivery, Publisher, RecvError, Subscription, connect};
use farwire_core::ChannelName;
use farwire_sfu::Server;
use serde_json::{Value, json};

use crate::dialogue::Dialogue;

/// Messages in the long cases.
const COUNT: usize = 1000;

/// Lossy messages on their way at a time: fewer than any queue or buffer on the way holds, however slow its reader.
const BATCH: usize = 32;

/// After so long without a message no more are expected.
const IDLE: Duration = Duration::from_secs(5);

/// What an aiortc publisher sends until the subscription has it.
const PROBE: &[u8] = b"probe";

/// A message: whether it is text, and its bytes.
type Message = (bool, Vec<u8>);

/// A running `aiortc_client.py`, connected.
struct Aiortc {
    dialogue: Dialogue,
    session: String,
}

impl Aiortc {
    fn connect(server: &Server) -> Aiortc {
        Aiortc::connect_with(server, &json!({"do": "connect"}))
    }

    fn connect_with(server: &Server, connect: &Value) -> Aiortc {
        let mut dialogue = Dialogue::start("aiortc_client.py", &[&server.api_root(), "app", "secret"]);
        let session = dialogue.ask(connect)["session"].as_str().expect("a session").to_owned();
        Aiortc { dialogue, session }
    }

    fn call(&mut self, command: &Value) -> Value {
        self.dialogue.ask(command)
    }

    /// Opens a channel to publish `topic` on. `None`: no policy in the request and a lossy channel, as DimOS does.
    fn publish(&mut self, topic: &str, delivery: Option<Delivery>) {
        let entry = json!({"location": "local", "dataChannelName": channel_name(topic)});
        self.open(entry, delivery);
    }

    /// Opens a channel on which `topic` of another session arrives.
    fn subscribe(&mut self, topic: &str, session: &str, delivery: Option<Delivery>) {
        let entry = json!({"location": "remote", "sessionId": session, "dataChannelName": channel_name(topic)});
        self.open(entry, delivery);
    }

    fn open(&mut self, mut entry: Value, delivery: Option<Delivery>) {
        match delivery {
            Some(Delivery::RELIABLE) => entry["ordered"] = true.into(),
            Some(_) => {
                entry["ordered"] = false.into();
                entry["maxRetransmits"] = 0.into();
            }
            None => {}
        }
        let lossy = delivery != Some(Delivery::RELIABLE);
        self.call(&json!({"do": "open", "entry": entry, "lossy": lossy}));
    }

    fn send(&mut self, topic: &str, messages: &[Message]) {
        let messages: Vec<Value> = messages.iter().map(|(text, bytes)| json!([kind(*text), to_hex(bytes)])).collect();
        let channel = channel_name(topic);
        self.call(&json!({"do": "send", "channel": channel, "messages": messages}));
    }

    /// What has come on `topic`, up to `count` messages.
    fn received(&mut self, topic: &str, count: usize) -> Vec<Message> {
        let channel = channel_name(topic);
        let command = json!({"do": "received", "channel": channel, "count": count, "idle": IDLE.as_secs()});
        let answer = self.call(&command);
        let messages = answer["messages"].as_array().expect("a list");
        messages.iter().map(|item| (item[0] == kind(true), from_hex(item[1].as_str().expect("hex")))).collect()
    }
}

fn server() -> Server {
    Server::spawn(farwire_sfu::Config::new("app", "secret")).expect("an SFU on loopback")
}

fn config(server: &Server) -> Config {
    Config::new(&server.api_root(), "app", "secret").expect("a good config")
}

fn channel_name(topic: &str) -> String {
    ChannelName::published(topic).to_string()
}

fn kind(text: bool) -> &'static str {
    if text { "text" } else { "binary" }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex")).collect()
}

fn numbered() -> Vec<Message> {
    (0..COUNT).map(|number| (false, format!("message {number}").into_bytes())).collect()
}

fn of_both_kinds() -> Vec<Message> {
    let empty = |text| (text, Vec::new());
    vec![
        (true, "text with ünicode".into()),
        empty(true),
        (false, vec![0, 1, 2, 255]),
        empty(false),
        empty(false),
        (true, "\0".into()),
        (false, vec![0]),
        (true, "last".into()),
    ]
}

fn of_many_sizes() -> Vec<Message> {
    let sizes = [1, 1200, 16 * 1024, 60 * 1024];
    sizes.map(|size| (false, (0..size).map(|at| (at % 251) as u8).collect())).to_vec()
}

/// A farwire subscriber to what aiortc publishes, past the SFU's gate.
fn farwire_subscribes(
    server: &Server,
    aiortc: &mut Aiortc,
    topic: &str,
    delivery: Delivery,
) -> (Connection, Subscription) {
    let config = config(server).publisher_session(&aiortc.session).expect("a good id");
    let connection = connect(config).expect("connected");
    let subscription = connection.subscribe_with(topic, delivery).expect("a good topic");
    subscription.wait_open(IDLE).expect("an open channel");
    // "Open" is this end's word; the SFU delivers from when it has our acknowledgement.
    let by = Instant::now() + IDLE;
    loop {
        aiortc.send(topic, &[(false, PROBE.into())]);
        match subscription.recv_timeout(Duration::from_millis(200)) {
            Ok(message) => break assert_eq!(&*message, PROBE),
            Err(error) => assert!(Instant::now() < by, "no probe arrives: {error}"),
        }
    }
    (connection, subscription)
}

fn farwire_receives(subscription: &Subscription, count: usize) -> Vec<Message> {
    let mut messages = Vec::new();
    while messages.len() < count {
        match subscription.recv_timeout(IDLE) {
            Ok(message) if &*message == PROBE => {}
            Ok(message) => messages.push((message.is_text(), message.to_vec())),
            Err(RecvError::Timeout) => break,
            Err(error) => panic!("after {} messages: {error}", messages.len()),
        }
    }
    messages
}

/// A farwire publisher to which aiortc has subscribed.
fn farwire_publishes(
    server: &Server,
    aiortc: &mut Aiortc,
    topic: &str,
    delivery: Delivery,
    asked: Option<Delivery>,
) -> (Connection, Publisher) {
    let connection = connect(config(server)).expect("connected");
    let publisher = connection.publisher_with(topic, delivery).expect("a good topic");
    aiortc.subscribe(topic, &connection.session_id(), asked);
    (connection, publisher)
}

fn farwire_sends(publisher: &Publisher, messages: &[Message]) {
    for (text, bytes) in messages {
        match text {
            true => publisher.publish_text(std::str::from_utf8(bytes).expect("text")).expect("accepted"),
            false => publisher.publish(bytes).expect("accepted"),
        };
    }
}

/// Sends numbered messages batch by batch, each when the one before has arrived, and checks what arrived.
fn assert_lossy(mut exchange: impl FnMut(&[Message]) -> Vec<Message>) {
    let sent = numbered();
    let received = sent.chunks(BATCH).flat_map(&mut exchange).collect();
    assert_nearly_all(received, sent);
}

/// Waits until the SFU has this many sessions.
fn sessions_become(server: &Server, sessions: usize, within: Duration) {
    let by = Instant::now() + within;
    while server.sessions() != sessions {
        assert!(Instant::now() < by, "{} sessions after {within:?}, not {sessions}", server.sessions());
        thread::sleep(Duration::from_millis(10));
    }
}

/// All in order; says where they first differ, and not all of them.
#[track_caller]
fn assert_same(received: &[Message], sent: &[Message]) {
    let differ = received.iter().zip(sent).position(|(a, b)| a != b);
    if let Some(at) = differ {
        let show = |(text, bytes): &Message| format!("{} bytes of {}", bytes.len(), kind(*text));
        panic!("message {at} is {}, not {}", show(&received[at]), show(&sent[at]));
    }
    assert_eq!(received.len(), sent.len(), "messages");
}

/// At least 99 % of them, none twice, and none that was not sent.
#[track_caller]
fn assert_nearly_all(mut received: Vec<Message>, mut sent: Vec<Message>) {
    let count = received.len();
    assert!(count * 100 >= sent.len() * 99, "{count} of {} arrived", sent.len());
    received.sort_unstable();
    received.dedup();
    assert_eq!(received.len(), count, "messages without duplicates");
    sent.sort_unstable();
    assert!(received.iter().all(|message| sent.binary_search(message).is_ok()), "a message that nobody sent");
}

#[test]
#[ignore = "needs aiortc: pip install -r tests/interop/requirements.txt"]
fn reliable_from_aiortc() {
    let server = server();
    let mut aiortc = Aiortc::connect(&server);
    aiortc.publish("a/reliable topic", Some(Delivery::RELIABLE));
    let (_connection, subscription) = farwire_subscribes(&server, &mut aiortc, "a/reliable topic", Delivery::RELIABLE);
    aiortc.send("a/reliable topic", &numbered());
    assert_same(&farwire_receives(&subscription, COUNT), &numbered());
}

#[test]
#[ignore = "needs aiortc: pip install -r tests/interop/requirements.txt"]
fn reliable_to_aiortc() {
    let server = server();
    let mut aiortc = Aiortc::connect(&server);
    let (_connection, publisher) =
        farwire_publishes(&server, &mut aiortc, "a/reliable topic", Delivery::RELIABLE, Some(Delivery::RELIABLE));
    farwire_sends(&publisher, &numbered());
    assert_same(&aiortc.received("a/reliable topic", COUNT), &numbered());
}

#[test]
#[ignore = "needs aiortc: pip install -r tests/interop/requirements.txt"]
fn lossy_from_aiortc() {
    let server = server();
    let mut aiortc = Aiortc::connect(&server);
    aiortc.publish("lossy", Some(Delivery::LOSSY));
    let (_connection, subscription) = farwire_subscribes(&server, &mut aiortc, "lossy", Delivery::LOSSY);
    assert_lossy(|batch| {
        aiortc.send("lossy", batch);
        farwire_receives(&subscription, batch.len())
    });
}

#[test]
#[ignore = "needs aiortc: pip install -r tests/interop/requirements.txt"]
fn lossy_to_aiortc() {
    let server = server();
    let mut aiortc = Aiortc::connect(&server);
    let (_connection, publisher) =
        farwire_publishes(&server, &mut aiortc, "lossy", Delivery::LOSSY, Some(Delivery::LOSSY));
    assert_lossy(|batch| {
        farwire_sends(&publisher, batch);
        aiortc.received("lossy", batch.len())
    });
}

#[test]
#[ignore = "needs aiortc: pip install -r tests/interop/requirements.txt"]
fn text_binary_and_empty_messages_keep_their_kind() {
    let server = server();
    let mut aiortc = Aiortc::connect(&server);
    let (connection, publisher) =
        farwire_publishes(&server, &mut aiortc, "to aiortc", Delivery::RELIABLE, Some(Delivery::RELIABLE));
    let sent = of_both_kinds();
    farwire_sends(&publisher, &sent);
    assert_same(&aiortc.received("to aiortc", sent.len()), &sent);
    drop((connection, publisher));

    aiortc.publish("from aiortc", Some(Delivery::RELIABLE));
    let (_connection, subscription) = farwire_subscribes(&server, &mut aiortc, "from aiortc", Delivery::RELIABLE);
    aiortc.send("from aiortc", &sent);
    assert_same(&farwire_receives(&subscription, sent.len()), &sent);
}

#[test]
#[ignore = "needs aiortc: pip install -r tests/interop/requirements.txt"]
fn messages_of_many_sizes_arrive_whole() {
    let server = server();
    let mut aiortc = Aiortc::connect(&server);
    let (connection, publisher) =
        farwire_publishes(&server, &mut aiortc, "to aiortc", Delivery::RELIABLE, Some(Delivery::RELIABLE));
    let sent = of_many_sizes();
    farwire_sends(&publisher, &sent);
    assert_same(&aiortc.received("to aiortc", sent.len()), &sent);
    drop((connection, publisher));

    aiortc.publish("from aiortc", Some(Delivery::RELIABLE));
    let (_connection, subscription) = farwire_subscribes(&server, &mut aiortc, "from aiortc", Delivery::RELIABLE);
    aiortc.send("from aiortc", &sent);
    assert_same(&farwire_receives(&subscription, sent.len()), &sent);
}

#[test]
#[ignore = "needs aiortc: pip install -r tests/interop/requirements.txt"]
fn requests_without_a_policy_work_as_dimos_makes_them() {
    let server = server();
    let mut aiortc = Aiortc::connect(&server);
    let (connection, publisher) = farwire_publishes(&server, &mut aiortc, "cmd/vel", Delivery::LOSSY, None);
    assert_lossy(|batch| {
        farwire_sends(&publisher, batch);
        aiortc.received("cmd/vel", batch.len())
    });
    drop((connection, publisher));

    aiortc.publish("odom", None);
    let (_connection, subscription) = farwire_subscribes(&server, &mut aiortc, "odom", Delivery::LOSSY);
    assert_lossy(|batch| {
        aiortc.send("odom", batch);
        farwire_receives(&subscription, batch.len())
    });
}

#[test]
#[ignore = "needs aiortc: pip install -r tests/interop/requirements.txt"]
fn video_and_audio_in_an_offer_do_not_keep_the_data_from_flowing() {
    let server = server();
    for policy in ["balanced", "max-bundle", "max-compat"] {
        let mut aiortc = Aiortc::connect_with(&server, &json!({"do": "connect", "media": policy}));
        aiortc.publish("odom", Some(Delivery::RELIABLE));
        let (_connection, subscription) = farwire_subscribes(&server, &mut aiortc, "odom", Delivery::RELIABLE);
        aiortc.send("odom", &of_many_sizes());
        assert_same(&farwire_receives(&subscription, of_many_sizes().len()), &of_many_sizes());
    }
}

#[test]
#[ignore = "needs aiortc: pip install -r tests/interop/requirements.txt"]
fn a_client_that_leaves_is_gone_at_once() {
    let server = server();
    let mut aiortc = Aiortc::connect(&server);
    sessions_become(&server, 1, Duration::from_secs(1));
    aiortc.call(&json!({"do": "leave"}));
    sessions_become(&server, 0, Duration::from_secs(5));
}

#[test]
#[ignore = "needs aiortc: pip install -r tests/interop/requirements.txt"]
fn a_client_that_is_killed_is_gone_soon() {
    let server = server();
    let aiortc = Aiortc::connect(&server);
    sessions_become(&server, 1, Duration::from_secs(1));
    drop(aiortc);
    sessions_become(&server, 0, Duration::from_secs(35));
}
