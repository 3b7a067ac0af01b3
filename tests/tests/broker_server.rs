//! The broker's server, with a state file, on an SFU that it reaches by HTTP.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use farwire_broker::{
    AdminAnswer, AdminRequest, Config, Grant, HttpSfu, KeyId, KeyInfo, RobotId, Scope, Server, Store, StoreError,
    administer,
};
use farwire_core::link::{Link, Role};
use farwire_listener::{Listener, Site};
use serde_json::{Value, json};

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A directory that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("farwire-broker-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&directory).expect("a directory");
        Scratch(directory)
    }

    fn state(&self) -> PathBuf {
        self.0.join("broker.redb")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A broker that runs, and whoever calls it.
struct Running {
    agent: ureq::Agent,
    root: String,
    _listener: Listener,
    server: Server,
}

impl Running {
    fn start(scratch: &Scratch, sfu: &farwire_sfu::Server) -> Running {
        let config = farwire_core::Config::new(&sfu.api_root(), "app", "app-s3cret").expect("a good config");
        let store = Store::open(&scratch.state()).expect("a state file");
        let config = Config::new(config).check_every(Duration::from_millis(300));
        let server = Server::spawn(config, store, HttpSfu::spawn(true).expect("threads")).expect("a broker");
        let listener = Listener::spawn(LOOPBACK, server.add_to(Site::new())).expect("a port");
        let root = format!("http://{}/api/v1/sessions", listener.local_addr());
        let agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent();
        Running { agent, root, _listener: listener, server }
    }

    /// A robot's `POST`.
    fn robot(&self, key: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = self.agent.post(format!("{}{path}", self.root)).header("X-Robot-API-Key", key);
        let mut response = request.send(body.to_string()).expect("an answer");
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.body_mut().read_to_string().expect("text")).expect("JSON"))
    }

    fn register(&self, key: &str) -> String {
        let offer = Link::new(Role::Client, LOOPBACK, None, Instant::now()).offer();
        let (status, answer) = self.robot(key, "", &json!({"robot_name": "r", "sdp_offer": offer}));
        assert_eq!(status, 201, "{answer}");
        assert!(answer["sdp_answer"].as_str().is_some_and(|sdp| sdp.contains("a=ice-pwd:")));
        answer["session_id"].as_str().expect("an id").to_owned()
    }

    /// The counters, as anybody may read them.
    fn metrics(&self) -> String {
        let root = self.root.trim_end_matches("/api/v1/sessions");
        let mut response = self.agent.get(format!("{root}/metrics")).call().expect("an answer");
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        assert_eq!(kind, Some(farwire_listener::METRICS_CONTENT_TYPE));
        response.body_mut().read_to_string().expect("text")
    }

    fn heartbeat(&self, key: &str, session: &str) -> u16 {
        self.robot(key, &format!("/{session}/heartbeat"), &json!({})).0
    }
}

fn sfu() -> farwire_sfu::Server {
    farwire_sfu::Server::spawn(farwire_sfu::Config::new("app", "app-s3cret")).expect("an SFU on loopback")
}

fn robot_key() -> AdminRequest {
    AdminRequest::Create { grant: Grant::Robot(RobotId::new("r").expect("an id")), label: "first".into() }
}

fn created(answer: AdminAnswer) -> (KeyInfo, String) {
    match answer {
        AdminAnswer::Created { key, secret } => (key, secret),
        _ => panic!("no key was created"),
    }
}

#[test]
fn keys_are_made_and_revoked_while_the_broker_runs_and_while_it_does_not() {
    let (scratch, sfu) = (Scratch::new(), sfu());
    let path = scratch.state();
    assert!(Server::ask(&path, &AdminRequest::List).expect("nobody").is_none());
    let before = {
        let store = Store::open(&path).expect("a state file");
        created(administer(&store, robot_key(), 1).expect("a key")).1
    };
    let running = Running::start(&scratch, &sfu);
    assert!(matches!(Store::open(&path), Err(StoreError::InUse(_))), "only one at a time");
    let session = running.register(&before);
    assert_eq!(running.heartbeat(&before, &session), 200);

    let ask = |request| Server::ask(&path, &request).expect("an answer").expect("it runs");
    let (info, during) = created(ask(robot_key()));
    assert_eq!(running.heartbeat(&during, &session), 200, "at once");
    let AdminAnswer::Keys(keys) = ask(AdminRequest::List) else { panic!("no list") };
    assert_eq!(keys.len(), 2);
    let AdminAnswer::Revoked(revoked) = ask(AdminRequest::Revoke { id: info.id }) else { panic!("not revoked") };
    assert!(revoked.revoked.is_some());
    assert_eq!((running.heartbeat(&during, &session), running.server.stats().robots), (401, 0), "at once");
    for (wrong, says) in [
        (AdminRequest::Revoke { id: KeyId::new("nothing") }, "farwire keys list"),
        (AdminRequest::Create { grant: Grant::Operator(Scope::Robots([].into())), label: String::new() }, "1 to 256"),
        (AdminRequest::Create { grant: Grant::Operator(Scope::All), label: "\u{1b}[2J".into() }, "label"),
    ] {
        let AdminAnswer::Refused(why) = ask(wrong) else { panic!("not refused") };
        assert!(why.contains(says), "{why}");
    }
    drop(running);
    assert!(Server::ask(&path, &AdminRequest::List).expect("nobody").is_none());
    let store = Store::open(&path).expect("it is free");
    let AdminAnswer::Keys(keys) = administer(&store, AdminRequest::List, 1).expect("a list") else { panic!("no list") };
    assert_eq!(keys.iter().filter(|key| key.revoked.is_some()).count(), 1);
}

#[test]
fn a_restarted_broker_knows_its_robots_and_its_file_no_secret() {
    let (scratch, sfu) = (Scratch::new(), sfu());
    let running = Running::start(&scratch, &sfu);
    let key = created(running.server.administer(robot_key())).1;
    let operators = AdminRequest::Create { grant: Grant::Operator(Scope::All), label: String::new() };
    let token = created(running.server.administer(operators)).1;
    let session = running.register(&key);
    drop(running);

    let copied = std::fs::read(scratch.state()).expect("the file");
    let holds = |text: &str| copied.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(&session), "it is no file of something else");
    let random = |secret: &str| secret.splitn(3, '_').nth(2).expect("a part").to_owned();
    for secret in [&key, &token, &random(&key)[..20].to_owned(), &random(&token)[..20].to_owned()] {
        assert!(!holds(secret), "a secret is in the file");
    }
    for text in ["app-s3cret", "a=ice-pwd", "ice-ufrag", "fingerprint"] {
        assert!(!holds(text), "{text} is in the file");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(scratch.state()).expect("the file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }

    let running = Running::start(&scratch, &sfu);
    let begun = Instant::now();
    let status = loop {
        match running.heartbeat(&key, &session) {
            503 if begun.elapsed() < Duration::from_secs(10) => std::thread::sleep(Duration::from_millis(10)),
            status => break status,
        }
    };
    assert_eq!(status, 200, "the SFU still has it");
    drop(running);
    // What the file says of a key is not the key.
    let hash = farwire_broker::KeyHash::of(&key).to_string();
    assert!(holds(&hash));
    let running = Running::start(&scratch, &sfu);
    assert_eq!(running.heartbeat(&hash, &session), 401);
}

#[test]
fn counters_are_there_for_prometheus() {
    let (scratch, sfu) = (Scratch::new(), sfu());
    let running = Running::start(&scratch, &sfu);
    let key = created(running.server.administer(robot_key())).1;
    let session = running.register(&key);
    assert_eq!((running.heartbeat(&key, &session), running.heartbeat("wrong", &session)), (200, 401));
    assert_eq!(running.heartbeat(&key, "none"), 404);
    // The counters are those of the last turn, which the last answer was a part of.
    let is_counted = |text: &str| text.contains("farwire_broker_requests_total 4\n");
    let texts = std::iter::repeat_with(|| running.metrics());
    let text = texts.take(10_000).find(|text| is_counted(text)).expect("the requests are counted");
    for line in [
        "# HELP farwire_broker_robots Robots that are registered",
        "# TYPE farwire_broker_robots gauge",
        "farwire_broker_robots 1",
        "farwire_broker_operators 0",
        "farwire_broker_registrations_total 1",
        "# TYPE farwire_broker_requests counter",
        "farwire_broker_wrong_keys_total 1",
        "farwire_broker_requests_refused_total{status=\"401\"} 1",
        "farwire_broker_requests_refused_total{status=\"404\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains(&key) && !text.contains(&session));
}

#[test]
fn a_hundred_megabytes_are_refused_and_nobody_waits_for_them() {
    use std::io::{Read as _, Write as _};
    let (scratch, sfu) = (Scratch::new(), sfu());
    let running = Running::start(&scratch, &sfu);
    let key = created(running.server.administer(robot_key())).1;
    let session = running.register(&key);
    let address = running.root.trim_start_matches("http://").split('/').next().expect("a host").to_owned();
    for length in ["Content-Length: 104857600", "Transfer-Encoding: chunked"] {
        let mut stream = std::net::TcpStream::connect(&address).expect("a connection");
        write!(
            stream,
            "POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nX-Robot-API-Key: {key}\r\n{length}\r\n\r\n"
        )
        .expect("sent");
        let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
        // The listener stops reading; what it has answered by then is what counts.
        for _ in 0..1600 {
            if stream.write_all(&chunk).is_err() {
                break;
            }
        }
        let mut answer = [0; 12];
        if stream.read_exact(&mut answer).is_ok() {
            assert_eq!(&answer, b"HTTP/1.1 413", "{length}");
        }
    }
    assert_eq!(running.heartbeat(&key, &session), 200);
}

#[test]
fn who_has_no_key_has_no_body_read_and_is_counted_once() {
    use std::io::{Read as _, Write as _};
    let (scratch, sfu) = (Scratch::new(), sfu());
    let running = Running::start(&scratch, &sfu);
    let address = running.root.trim_start_matches("http://").split('/').next().expect("a host").to_owned();
    for (request, status) in [
        ("POST /api/v1/sessions", "401"),
        ("POST /api/v1/sessions/x/heartbeat", "401"),
        ("POST /api/v1/sessions/x/join", "401"),
        ("POST /api/v1/nothing", "404"),
    ] {
        let mut stream = std::net::TcpStream::connect(&address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        let head = "HTTP/1.1\r\nHost: localhost\r\nX-Robot-API-Key: wrong\r\nContent-Length: 100000";
        write!(stream, "{request} {head}\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer, and the end");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains("errorCode"), "{answer}");
    }
    let is_counted = || running.server.stats().requests == 4;
    while !is_counted() {
        std::thread::yield_now();
    }
    let stats = running.server.stats();
    assert_eq!((stats.wrong_keys, stats.refused.total()), (3, 4));
}

#[test]
fn tokens_and_bodies_are_read_as_their_standards_have_it() {
    let (scratch, sfu) = (Scratch::new(), sfu());
    let running = Running::start(&scratch, &sfu);
    let key = created(running.server.administer(robot_key())).1;
    let operators = AdminRequest::Create { grant: Grant::Operator(Scope::All), label: String::new() };
    let token = created(running.server.administer(operators)).1;
    let session = running.register(&key);
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let request = running.agent.get(&running.root).header("Authorization", format!("{scheme} {token}"));
        assert_eq!(request.call().expect("an answer").status().as_u16(), 200, "{scheme}");
    }
    assert_eq!(running.robot(&key, "", &json!([])).0, 422);
    for action in ["join", "bridge-datachannel", "leave"] {
        let request = running.agent.post(format!("{}/{session}/{action}", running.root));
        let request = request.header("Authorization", format!("bearer {token}"));
        let mut response = request.send("[]").expect("an answer");
        let body = response.body_mut().read_to_string().expect("text");
        assert_eq!(response.status().as_u16(), 422, "{action}: {body}");
        assert!(body.contains("decoding_error"), "{body}");
    }
}

#[test]
fn an_sfu_that_is_not_there_is_told_in_time() {
    let (scratch, sfu) = (Scratch::new(), sfu());
    let running = Running::start(&scratch, &sfu);
    let key = created(running.server.administer(robot_key())).1;
    drop(sfu);
    let begun = Instant::now();
    let (status, answer) = running.robot(&key, "", &json!({"robot_name": "r", "sdp_offer": "v=0"}));
    assert_eq!((status, begun.elapsed() < Duration::from_secs(10)), (503, true), "{answer}");
}

#[test]
fn ten_thousand_wrong_keys_slow_nobody() {
    let (scratch, sfu) = (Scratch::new(), sfu());
    let running = Running::start(&scratch, &sfu);
    let key = created(running.server.administer(robot_key())).1;
    let session = running.register(&key);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let waits = std::thread::scope(|scope| {
        let beats = scope.spawn(|| {
            let mut waits = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let begun = Instant::now();
                assert_eq!(running.heartbeat(&key, &session), 200);
                waits.push(begun.elapsed());
                std::thread::sleep(Duration::from_millis(5));
            }
            waits
        });
        let guessing: Vec<_> = (0..4)
            .map(|thread| {
                let running = &running;
                scope.spawn(move || {
                    (0..2_500)
                        .map(|n| running.heartbeat(&format!("farwire_robot_{thread}_{n:040}"), "x"))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let statuses: Vec<u16> = guessing.into_iter().flat_map(|thread| thread.join().expect("answers")).collect();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(statuses.len(), 10_000);
        let guesses = statuses.iter().filter(|status| **status == 401).count();
        assert!((20..200).contains(&guesses) && statuses.iter().all(|status| matches!(status, 401 | 429)), "{guesses}");
        beats.join().expect("waits")
    });
    let mut sorted = waits.clone();
    sorted.sort_unstable();
    println!("{} heartbeats beside 10,000 wrong keys: median {:?}", sorted.len(), sorted[sorted.len() / 2]);
    assert!(sorted[sorted.len() / 2] < Duration::from_millis(200), "{:?}", sorted[sorted.len() / 2]);
}
