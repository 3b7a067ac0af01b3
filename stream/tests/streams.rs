//! Both streams against servers on loopback: kind, strange and hostile ones.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use farwire_core::signalling::{Failure, MAX_LINE, MAX_QUEUED_LINES, StreamEvent, StreamKey};
use farwire_http::{TRUST, Trust};
use farwire_stream::{AsyncLineStream, CLOSE_TIMEOUT, CONNECT_TIMEOUT, LineStream, Lines};
use rcgen::KeyPair;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio::runtime::{Builder, Runtime};

/// What any single step of a test may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

const KEY: StreamKey = StreamKey(7);

/// A stream that a test uses.
trait Stream: Sized {
    fn connect(url: String, trust: Trust, events: mpsc::Sender<StreamEvent>) -> Self;
    fn send(&self, line: &str);
    fn close(&self);
}

impl Stream for LineStream {
    fn connect(url: String, trust: Trust, events: mpsc::Sender<StreamEvent>) -> Self {
        LineStream::connect(KEY, url, trust, move |event| drop(events.send(event))).expect("a thread")
    }

    fn send(&self, line: &str) {
        Lines::send(self, line.to_owned());
    }

    fn close(&self) {
        Lines::close(self);
    }
}

/// A stream and its runtime.
struct OnTokio(AsyncLineStream, #[expect(dead_code, reason = "lives as long as the stream")] Runtime);

impl Stream for OnTokio {
    fn connect(url: String, trust: Trust, events: mpsc::Sender<StreamEvent>) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let events = move |event| drop(events.send(event));
        OnTokio(AsyncLineStream::connect(runtime.handle(), KEY, url, trust, events), runtime)
    }

    fn send(&self, line: &str) {
        self.0.send(line.to_owned());
    }

    fn close(&self) {
        self.0.close();
    }
}

/// Makes a test for each stream of each of these.
macro_rules! for_each_stream {
    ($($test:ident),+ $(,)?) => {
        mod threads {
            $(#[test] fn $test() { super::$test::<farwire_stream::LineStream>(); })+
        }
        mod tasks {
            $(#[test] fn $test() { super::$test::<super::OnTokio>(); })+
        }
    };
}

for_each_stream!(
    lines_go_both_ways,
    what_was_said_before_it_is_open_is_sent_in_order,
    a_server_that_closes_is_an_end,
    nobody_there_is_a_failure_to_connect,
    a_line_without_an_end_is_too_large,
    garbage_is_an_end,
    a_server_that_takes_nothing_is_an_end_when_too_many_lines_wait,
    nothing_follows_a_close,
    a_close_sends_what_was_said,
    a_close_sends_what_was_said_to_a_server_that_goes_on_speaking,
    a_close_does_not_wait_for_a_server_that_takes_nothing,
    tls_shows_who_the_server_is,
    a_server_that_is_silent_in_the_handshake_is_given_up,
);

/// One that does this with its first stream.
fn serve(work: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || work(listener.accept().expect("a stream").0));
    address
}

fn connect<S: Stream>(address: SocketAddr) -> (S, mpsc::Receiver<StreamEvent>) {
    let (sender, events) = mpsc::channel();
    (S::connect(format!("tcp://{address}"), Trust::from_env(|_| None), sender), events)
}

fn next(events: &mpsc::Receiver<StreamEvent>) -> StreamEvent {
    let event = events.recv_timeout(PATIENCE + CONNECT_TIMEOUT).expect("an event in time");
    assert_eq!(event.stream(), KEY);
    event
}

fn expect_line(events: &mpsc::Receiver<StreamEvent>, expected: &str) {
    assert_eq!(next(events), StreamEvent::Line { stream: KEY, line: expected.to_owned() });
}

fn expect_open(events: &mpsc::Receiver<StreamEvent>) {
    assert_eq!(next(events), StreamEvent::Opened { stream: KEY });
}

/// Why it is closed, which is the last that is told.
fn expect_closed(events: &mpsc::Receiver<StreamEvent>) -> Failure {
    let StreamEvent::Closed { why, .. } = next(events) else { panic!("it goes on") };
    assert_eq!(events.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
    why
}

/// Sends back each line.
fn echo(stream: impl Read + Write) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
        stream.get_mut().write_all(line.as_bytes()).expect("written");
        stream.get_mut().flush().expect("written");
        line.clear();
    }
}

fn lines_go_both_ways<S: Stream>() {
    let (stream, events) = connect::<S>(serve(echo));
    expect_open(&events);
    let long = "x".repeat(MAX_LINE);
    for line in ["one", "", "thr\u{e9}e", long.as_str(), "last"] {
        stream.send(line);
        expect_line(&events, line);
    }
}

fn what_was_said_before_it_is_open_is_sent_in_order<S: Stream>() {
    let (stream, events) = connect::<S>(serve(echo));
    let lines: Vec<_> = (0..MAX_QUEUED_LINES).map(|n| n.to_string()).collect();
    lines.iter().for_each(|line| stream.send(line));
    expect_open(&events);
    lines.iter().for_each(|line| expect_line(&events, line));
}

fn a_server_that_closes_is_an_end<S: Stream>() {
    let address = serve(|mut stream| stream.write_all(b"hello\r\nhalf a li").expect("written"));
    let (_stream, events) = connect::<S>(address);
    expect_open(&events);
    expect_line(&events, "hello");
    assert!(matches!(expect_closed(&events), Failure::Broken(_)));
}

fn nobody_there_is_a_failure_to_connect<S: Stream>() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let (_stream, events) = connect::<S>(closed);
    assert_eq!(expect_closed(&events), Failure::Connect("connection refused".to_owned()));
    for url in ["tcp://stream.invalid:9", "http://127.0.0.1:9", "tcp://127.0.0.1"] {
        let (sender, events) = mpsc::channel();
        let _stream = S::connect(url.to_owned(), Trust::from_env(|_| None), sender);
        assert!(matches!(expect_closed(&events), Failure::Connect(_)), "{url}");
    }
}

fn a_line_without_an_end_is_too_large<S: Stream>() {
    let address = serve(|mut stream| while stream.write_all(&[b'x'; 65_536]).is_ok() {});
    let (_stream, events) = connect::<S>(address);
    expect_open(&events);
    assert_eq!(expect_closed(&events), Failure::TooLarge);
}

fn garbage_is_an_end<S: Stream>() {
    let address = serve(|mut stream| {
        stream.write_all(b"good\n\xff\xfe\x00\n").expect("written");
        // It is closed from the other end.
        let _ = stream.read(&mut [0; 16]);
    });
    let (_stream, events) = connect::<S>(address);
    expect_open(&events);
    expect_line(&events, "good");
    assert!(matches!(expect_closed(&events), Failure::Broken(_)));
}

fn a_server_that_takes_nothing_is_an_end_when_too_many_lines_wait<S: Stream>() {
    let (done, until) = mpsc::channel::<()>();
    let address = serve(move |_stream| until.recv().unwrap_or_default());
    let (stream, events) = connect::<S>(address);
    expect_open(&events);
    let line = "x".repeat(MAX_LINE);
    // What the system's buffers hold is more than a few lines, and less than this.
    for _ in 0..MAX_QUEUED_LINES * 4 {
        stream.send(&line);
    }
    assert!(matches!(expect_closed(&events), Failure::Broken(text) if text.contains("wait")));
    drop(done);
}

fn nothing_follows_a_close<S: Stream>() {
    let address = serve(|mut stream| while stream.write_all(b"again\n").is_ok() {});
    let (stream, events) = connect::<S>(address);
    expect_open(&events);
    expect_line(&events, "again");
    stream.close();
    // What was on its way may still come, but no end is told.
    while let Ok(event) = events.recv_timeout(PATIENCE) {
        assert!(matches!(event, StreamEvent::Line { .. }), "{event:?}");
    }
}

fn a_close_sends_what_was_said<S: Stream>() {
    let (heard, told) = mpsc::channel();
    let address = serve(move |mut stream| {
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("text");
        heard.send(text).expect("sent");
    });
    let (stream, events) = connect::<S>(address);
    expect_open(&events);
    stream.send("farewell");
    stream.close();
    assert_eq!(told.recv_timeout(PATIENCE), Ok("farewell\n".to_owned()));
}

/// A socket that is closed with something unread in it has the system drop what it has not sent yet.
fn a_close_sends_what_was_said_to_a_server_that_goes_on_speaking<S: Stream>() {
    let (heard, told) = mpsc::channel();
    let address = serve(move |mut stream| {
        let mut speaking = stream.try_clone().expect("a handle");
        thread::spawn(move || while speaking.write_all(b"tick\n").is_ok() {});
        let (mut length, mut buffer) = (0, [0; 1024]);
        let end = loop {
            match stream.read(&mut buffer) {
                Ok(0) => break Ok(length),
                Ok(read) => length += read,
                Err(error) => break Err((length, error.kind())),
            }
        };
        let _ = stream.shutdown(Shutdown::Both);
        heard.send(end).expect("sent");
    });
    let (stream, events) = connect::<S>(address);
    expect_open(&events);
    let line = "x".repeat(MAX_LINE);
    for _ in 0..4 {
        stream.send(&line);
    }
    stream.close();
    assert_eq!(told.recv_timeout(CLOSE_TIMEOUT + PATIENCE), Ok(Ok(4 * (MAX_LINE + 1))));
}

fn a_close_does_not_wait_for_a_server_that_takes_nothing<S: Stream>() {
    let (done, until) = mpsc::channel::<()>();
    let address = serve(move |_stream| until.recv().unwrap_or_default());
    let (stream, events) = connect::<S>(address);
    expect_open(&events);
    let line = "x".repeat(MAX_LINE);
    for _ in 0..MAX_QUEUED_LINES {
        stream.send(&line);
    }
    let start = Instant::now();
    stream.close();
    assert!(start.elapsed() < CLOSE_TIMEOUT / 2);
    assert_eq!(events.recv_timeout(CLOSE_TIMEOUT + PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
    drop(done);
}

/// A server over TLS for `localhost`, and its certificate.
fn serve_tls() -> (SocketAddr, String) {
    let key = KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("names");
    let certificate = params.self_signed(&key).expect("a certificate");
    let (pem, chain) = (certificate.pem(), vec![certificate.der().clone()]);
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate and its key");
    let address = serve(move |stream| {
        let connection = ServerConnection::new(Arc::new(config)).expect("a connection");
        // A client that does not trust it hangs up, and then there is nothing to send back.
        echo(StreamOwned::new(connection, stream));
    });
    (address, pem)
}

fn tls_shows_who_the_server_is<S: Stream>() {
    let file =
        std::env::temp_dir().join(format!("farwire-stream-{}-{:?}.pem", std::process::id(), thread::current().id()));
    let (address, pem) = serve_tls();
    std::fs::write(&file, pem).expect("written");
    let trust = Trust::from_env(|name| (name == TRUST).then(|| OsString::from(&file)));
    let (sender, events) = mpsc::channel();
    let stream = S::connect(format!("tls://localhost:{}", address.port()), trust.clone(), sender);
    expect_open(&events);
    let long = "x".repeat(MAX_LINE);
    for line in ["one", long.as_str(), "last"] {
        stream.send(line);
        expect_line(&events, line);
    }
    drop(stream);
    let (other, _) = serve_tls();
    let (sender, events) = mpsc::channel();
    let _stream = S::connect(format!("tls://localhost:{}", other.port()), trust, sender);
    assert!(matches!(expect_closed(&events), Failure::Tls(_)));
    let no_tls = serve(|mut stream| drop(stream.write_all(b"hello\n")));
    let (sender, events) = mpsc::channel();
    let _stream = S::connect(format!("tls://localhost:{}", no_tls.port()), Trust::from_env(|_| None), sender);
    assert!(matches!(expect_closed(&events), Failure::Tls(_)));
    std::fs::remove_file(file).expect("removed");
}

fn a_server_that_is_silent_in_the_handshake_is_given_up<S: Stream>() {
    let (done, until) = mpsc::channel::<()>();
    let silent = serve(move |_stream| until.recv().unwrap_or_default());
    let (sender, events) = mpsc::channel();
    let start = Instant::now();
    let _stream = S::connect(format!("tls://localhost:{}", silent.port()), Trust::from_env(|_| None), sender);
    assert_eq!(expect_closed(&events), Failure::Timeout(CONNECT_TIMEOUT));
    assert!(start.elapsed() >= CONNECT_TIMEOUT);
    drop(done);
}
