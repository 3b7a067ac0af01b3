use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use farwire_core::signalling::Response;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::exchange::status;
use crate::*;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Long enough that reaching it is a failure on any machine.
const NEVER: Duration = Duration::from_secs(20);
/// A limit that a test reaches on purpose.
const SOON: Duration = Duration::from_millis(50);
/// The same where reaching it before the client has done its part would fail the test.
const SOON_ENOUGH: Duration = Duration::from_secs(1);

/// Answers with the method, the path, the credentials and the body.
fn echo(incoming: Incoming, reply: Reply) {
    let head = format!("{} {} {:?} ", incoming.method, incoming.path, incoming.header("authorization"));
    let _ = reply.send(Response { status: 201, body: [head.into_bytes(), incoming.body].concat() });
}

/// A listener for every path.
fn listen(limits: Limits, handler: impl Fn(Incoming, Reply) + Send + Sync + 'static) -> Listener {
    let site = Site::new().route(Route::new("/", handler).header("authorization")).limits(limits);
    Listener::spawn(LOOPBACK, site).unwrap()
}

fn echo_listener() -> Listener {
    listen(Limits::default(), echo)
}

/// One counter, a gauge to be exact.
#[derive(Debug)]
struct Always(i64);

impl Collector for Always {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let metric = encoder.encode_descriptor("always", "The same", None, MetricType::Gauge)?;
        ConstGauge::new(self.0).encode(metric)
    }
}

/// A listener that never answers, and the requests it holds.
fn silent_listener(limits: Limits) -> (Listener, Receiver<Reply>) {
    let (requests, held) = mpsc::channel();
    let requests = Mutex::new(requests);
    let handler = move |_: Incoming, reply| drop(requests.lock().unwrap().send(reply));
    (listen(limits, handler), held)
}

struct Client {
    stream: BufReader<std::net::TcpStream>,
}

struct Answered {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Client {
    fn connect(listener: &Listener) -> Client {
        let stream = std::net::TcpStream::connect(listener.local_addr()).unwrap();
        stream.set_read_timeout(Some(NEVER)).unwrap();
        stream.set_write_timeout(Some(NEVER)).unwrap();
        Client { stream: BufReader::new(stream) }
    }

    fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    fn request(&mut self, head: &str, body: impl AsRef<[u8]>) -> Answered {
        let length = body.as_ref().len();
        self.write(format!("{head}\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"));
        self.write(body);
        self.response()
    }

    fn response(&mut self) -> Answered {
        let status_line = self.line();
        let status = status_line.split(' ').nth(1).expect("a status line").parse().unwrap();
        let mut headers = HashMap::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").unwrap();
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
        self.stream.read_exact(&mut body).unwrap();
        Answered { status, headers, body }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Whether the server has closed the connection, in order or by a reset.
    fn is_closed(&mut self) -> bool {
        match self.stream.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}

impl Answered {
    fn assert_error(&self, status: u16, code: &str) {
        let body = std::str::from_utf8(&self.body).unwrap();
        assert_eq!(self.status, status, "{body}");
        let error: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(error["errorCode"], code);
        assert!(error["errorDescription"].is_string());
        self.assert_json();
    }

    fn assert_json(&self) {
        assert_eq!(self.headers["content-type"], "application/json");
        assert_eq!(self.headers["vary"], "Origin");
    }
}

#[test]
fn the_query_comes_apart_from_the_path() {
    let listener = listen(Limits::default(), |incoming: Incoming, reply: Reply| {
        let _ = reply.send(Response { status: 200, body: [incoming.path, incoming.query].join("|").into_bytes() });
    });
    let mut client = Client::connect(&listener);
    for (uri, told) in [("/a/b", "/a/b|"), ("/a?x=1&y?", "/a|x=1&y?"), ("/a?", "/a|")] {
        let answered = client.request(&format!("GET {uri} HTTP/1.1"), "");
        assert_eq!(String::from_utf8_lossy(&answered.body), told, "{uri}");
    }
}

#[test]
fn one_connection_carries_many_requests() {
    let listener = echo_listener();
    let mut client = Client::connect(&listener);

    let first = client.request("POST /v1/apps/a%20b?x=1 HTTP/1.1\r\nAuthorization: Bearer s", r#"{"hello":1}"#);
    assert_eq!(first.status, 201);
    assert_eq!(first.body, br#"POST /v1/apps/a%20b Some("Bearer s") {"hello":1}"#);
    first.assert_json();

    let second = client.request("GET /v1 HTTP/1.1", "");
    assert_eq!(second.body, b"GET /v1 None ");
    second.assert_json();
}

#[test]
fn a_body_is_taken_whatever_it_is_called() {
    let listener = echo_listener();
    let mut client = Client::connect(&listener);
    for kind in ["", "Content-Type: text/plain;charset=UTF-8", "Content-Type: nonsense"] {
        let head = format!("POST / HTTP/1.1\r\n{kind}");
        assert_eq!(client.request(head.trim_end(), "{}").body, b"POST / None {}", "{kind}");
    }
}

#[test]
fn the_largest_body_goes_through_both_ways() {
    let listener = echo_listener();
    let mut client = Client::connect(&listener);
    let body: Vec<u8> = (0..MAX_BODY).map(|at| at as u8).collect();
    let answered = client.request("PUT / HTTP/1.1", &body);
    assert_eq!(answered.status, 201);
    assert!(answered.body == [b"PUT / None ", &body[..]].concat());
}

#[test]
fn a_body_that_announces_too_much_gets_413_before_it_is_sent() {
    let listener = echo_listener();
    let mut client = Client::connect(&listener);
    client.write(format!("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", MAX_BODY + 1));
    client.response().assert_error(413, "payload_too_large");
    assert!(client.is_closed());
}

#[test]
fn a_client_that_sends_too_much_before_it_reads_still_gets_413() {
    let listener = echo_listener();
    let mut client = Client::connect(&listener);
    client.request("PUT / HTTP/1.1", vec![0; 8 * MAX_BODY]).assert_error(413, "payload_too_large");

    let mut client = Client::connect(&listener);
    client.write("PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..=MAX_BODY / 0x10000 {
        client.write("10000\r\n");
        client.write([0; 0x10000]);
        client.write("\r\n");
    }
    client.response().assert_error(413, "payload_too_large");
}

#[test]
fn a_slow_body_gets_408() {
    let limits = Limits { body: SOON, ..Limits::default() };
    let listener = listen(limits, echo);
    let mut client = Client::connect(&listener);
    client.write("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf ");
    client.response().assert_error(408, "decoding_error");
    assert!(client.is_closed());
}

#[test]
fn a_slow_head_and_an_idle_client_are_cut_off() {
    let limits = Limits { header: SOON_ENOUGH, ..Limits::default() };
    let listener = listen(limits, echo);
    let mut slow = Client::connect(&listener);
    slow.write("GET / HTTP/1.1\r\nHos");
    assert!(slow.is_closed());

    let mut idle = Client::connect(&listener);
    assert_eq!(idle.request("GET / HTTP/1.1", "").status, 201);
    assert!(idle.is_closed());
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let limits = Limits { header: NEVER, stall: SOON, ..Limits::default() };
    let big = |_, reply: Reply| drop(reply.send(Response { status: 200, body: vec![0; 64 * MAX_BODY] }));
    let listener = listen(limits, big);
    let mut client = Client::connect(&listener);
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");

    // A write to a closed connection fails in the end; until then each byte is the start of a further request.
    let start = Instant::now();
    while client.stream.get_mut().write_all(b"\r\n").is_ok() {
        assert!(start.elapsed() < NEVER);
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn counters_are_answered_on_one_page_without_the_handler_and_without_a_secret() {
    let site = Site::new().route(Route::new("/", |_, _| panic!("called")));
    let site = site.metrics("a", || Always(1)).metrics("b", || Always(2));
    let listener = Listener::spawn(LOOPBACK, site).unwrap();
    let answered = Client::connect(&listener).request("GET /metrics?x=y HTTP/1.1", "");
    let text = String::from_utf8(answered.body).unwrap();
    assert_eq!((answered.status, text.matches("# EOF\n").count(), text.ends_with("# EOF\n")), (200, 1, true), "{text}");
    let said = |name, value| format!("# HELP {name} The same\n# TYPE {name} gauge\n{name} {value}\n");
    assert!(text.starts_with(&(said("a_always", 1) + &said("b_always", 2))), "{text}");
    assert!(text.contains("\nfarwire_listener_connections 1\n"), "{text}");
    assert_eq!(answered.headers["content-type"], METRICS_CONTENT_TYPE);
}

#[test]
fn who_has_no_counters_has_no_page_of_them() {
    let answered = Client::connect(&echo_listener()).request("GET /metrics HTTP/1.1", "");
    assert_eq!(answered.status, 201, "the route's");
}

#[test]
fn unknown_methods_and_long_uris_are_refused() {
    let listener = echo_listener();
    let mut client = Client::connect(&listener);
    let answered = client.request("PATCH / HTTP/1.1", "{}");
    answered.assert_error(405, "decoding_error");
    assert_eq!(answered.headers["allow"], "GET, POST, PUT, DELETE, OPTIONS");

    let longest = format!("GET /{} HTTP/1.1", "a".repeat(MAX_URI - 1));
    assert_eq!(client.request(&longest, "").status, 201);
    let too_long = format!("GET /?{} HTTP/1.1", "a".repeat(MAX_URI - 1));
    client.request(&too_long, "").assert_error(414, "decoding_error");
    // The connection survives both.
    assert_eq!(client.request("GET / HTTP/1.1", "").status, 201);
}

#[test]
fn what_is_not_http_ends_the_connection() {
    let listener = echo_listener();
    let mut client = Client::connect(&listener);
    client.write("hello\r\n\r\n");
    assert_eq!(client.response().status, 400);
    assert!(client.is_closed());

    let mut client = Client::connect(&listener);
    let field = format!("X: {}\r\n", "a".repeat(MAX_HEADER));
    client.write(format!("GET / HTTP/1.1\r\n{field}\r\n"));
    assert_eq!(client.response().status, 431);
    assert!(client.is_closed());
}

#[test]
fn a_dropped_reply_is_503() {
    let (listener, held) = silent_listener(Limits::default());
    let mut client = Client::connect(&listener);
    for _ in 0..2 {
        client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        drop(held.recv().unwrap());
        client.response().assert_error(503, "temporarily_unavailable_error");
    }
}

#[test]
fn who_asks_too_often_is_told_when_to_come_back() {
    let busy = |_, reply: Reply| drop(reply.send(Response { status: 429, body: b"{}".to_vec() }));
    let listener = listen(Limits::default(), busy);
    let answered = Client::connect(&listener).request("GET / HTTP/1.1", "");
    assert_eq!((answered.status, answered.headers["retry-after"].as_str()), (429, "1"));
    // A page may read it, too.
    assert_eq!(answered.headers["access-control-expose-headers"], "retry-after");
    let fine = Client::connect(&echo_listener()).request("GET / HTTP/1.1", "");
    assert!(!fine.headers.contains_key("retry-after"));
}

#[test]
fn a_late_reply_is_503() {
    let (listener, held) = silent_listener(Limits { reply: SOON, ..Limits::default() });
    let mut client = Client::connect(&listener);
    client.request("GET / HTTP/1.1", "").assert_error(503, "temporarily_unavailable_error");
    let late = held.recv().unwrap().send(Response { status: 200, body: Vec::new() });
    assert!(late.is_err());
}

#[test]
fn a_slow_reply_outlives_the_other_limits() {
    let limits = Limits { header: SOON_ENOUGH, body: SOON_ENOUGH, stall: SOON_ENOUGH, ..Limits::default() };
    let (listener, held) = silent_listener(limits);
    let mut client = Client::connect(&listener);
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let reply = held.recv().unwrap();
    thread::sleep(SOON_ENOUGH * 5 / 2);
    reply.send(Response { status: 200, body: b"{}".to_vec() }).unwrap();
    assert_eq!(client.response().body, b"{}");
}

#[test]
fn a_status_that_ends_no_exchange_becomes_500() {
    for code in [0, 100, 101, 1000] {
        assert_eq!(status(code), 500);
    }
    assert_eq!(status(410), 410);
}

#[test]
fn dropping_the_listener_does_not_wait_for_its_clients() {
    let (listener, held) = silent_listener(Limits::default());
    let mut half = Client::connect(&listener);
    half.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Le");
    let mut half_body = Client::connect(&listener);
    half_body.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf ");
    let mut idle = Client::connect(&listener);
    let mut waiting = Client::connect(&listener);
    waiting.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let reply = held.recv().unwrap();

    let start = Instant::now();
    drop(listener);
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    for client in [&mut half, &mut half_body, &mut idle, &mut waiting] {
        assert!(client.is_closed());
    }
    assert!(reply.is_closed());
}

#[test]
fn port_zero_is_chosen_and_a_taken_port_is_an_error() {
    let listener = echo_listener();
    assert_ne!(listener.local_addr().port(), 0);
    let error = Listener::spawn(listener.local_addr(), Site::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

#[test]
fn the_longest_prefix_takes_the_request_with_its_own_bounds_and_headers() {
    let named = |name: &'static str| {
        move |incoming: Incoming, reply: Reply| {
            let body = format!("{name} {:?} {:?}", incoming.header("x-key"), incoming.header("authorization"));
            let _ = reply.send(Response { status: 200, body: body.into() });
        }
    };
    let site = Site::new()
        .route(Route::new("/v1/", named("one")).header("authorization"))
        .route(Route::new("/v1/longer/", named("two")).header("x-key").max_body(10));
    let listener = Listener::spawn(LOOPBACK, site).unwrap();
    let mut client = Client::connect(&listener);
    let heads = "HTTP/1.1\r\nX-Key: k\r\nAuthorization: a";
    assert_eq!(client.request(&format!("POST /v1/x {heads}"), "").body, b"one None Some(\"a\")");
    assert_eq!(client.request(&format!("POST /v1/longer/x {heads}"), "").body, b"two Some(\"k\") None");
    client.request("GET /elsewhere HTTP/1.1", "").assert_error(404, "not_found");
    assert_eq!(client.request("POST /v1/x HTTP/1.1", "eleven bytes").status, 200);
    client.request("POST /v1/longer/x HTTP/1.1", "eleven bytes").assert_error(413, "payload_too_large");
}

#[test]
fn a_hundred_megabytes_are_refused_before_they_are_sent() {
    let listener = echo_listener();
    let mut client = Client::connect(&listener);
    client.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857600\r\n\r\n");
    client.response().assert_error(413, "payload_too_large");
}

mod bodies;
mod connections;
mod pages;
mod smuggling;
mod tls;
