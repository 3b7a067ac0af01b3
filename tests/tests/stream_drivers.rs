//! Both drivers carry the lines of a provider that signals on a stream.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use farwire_core::provider::{Attempt, ChannelId, Connect, Context, Provider, SctpStream};
use farwire_core::signalling::StreamEvent;
use farwire_core::{Delivery, Dial, Direction, EndReason, Topic, Unavailable};

/// What any single step of a test may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that is asked by lines, and never brings anybody together.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Talk {
    url: String,
}

impl Connect for Talk {
    fn url(&self) -> &str {
        &self.url
    }

    fn provider(&self, _: &Attempt) -> Box<dyn Provider> {
        Box::new(Session { url: Some(self.url.clone()) })
    }
}

struct Session {
    /// `None` once it is dialed.
    url: Option<String>,
}

impl Provider for Session {
    fn want(&mut self, _: &mut Context<'_>, _: ChannelId, _: Direction, _: &Topic, _: Delivery) {}

    fn unwant(&mut self, _: &mut Context<'_>, _: ChannelId) {}

    fn channel_opened(&mut self, _: &mut Context<'_>, _: SctpStream) {}

    fn advance(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        if let Some(url) = self.url.take() {
            cx.stream_connect(&url);
            // Before it is open.
            assert!(cx.stream_send("hello"));
        }
        None
    }

    fn stream_event(&mut self, cx: &mut Context<'_>, event: StreamEvent) {
        let said = match event {
            StreamEvent::Line { line, .. } if line == "who?" => {
                assert!(cx.stream_send("a robot"));
                return;
            }
            StreamEvent::Line { line, .. } => line,
            StreamEvent::Closed { why, .. } => why.to_string(),
            _ => return,
        };
        cx.stream_close();
        cx.end(EndReason::Unavailable(Unavailable::new("told", said, false)));
    }
}

/// Connects, which fails; says how.
fn blocking(dial: Dial) -> String {
    farwire_blocking::connect(dial).map(|_| ()).expect_err("nobody is brought together").to_string()
}

/// Connects, which fails; says how.
fn tokio(dial: Dial) -> String {
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(farwire_tokio::connect(dial)).map(|_| ()).expect_err("nobody is brought together").to_string()
}

fn dial(address: SocketAddr) -> Dial {
    Dial::new(Talk { url: format!("tcp://{address}") })
}

/// A server that answers each line as it is told, and what it heard.
fn serve(answers: &'static [&'static str]) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (heard, told) = mpsc::channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a stream");
        let mut stream = BufReader::new(stream);
        for answer in answers {
            let mut line = String::new();
            stream.read_line(&mut line).expect("a line");
            heard.send(line).expect("somebody listens");
            stream.get_mut().write_all(answer.as_bytes()).expect("written");
        }
        // After the last answer the other end closes, or this one does.
        let mut rest = String::new();
        if answers.last().is_some_and(|last| !last.is_empty()) {
            assert_eq!(stream.read_line(&mut rest).expect("an end"), 0, "{rest}");
            heard.send("closed".to_owned()).expect("somebody listens");
        }
    });
    (address, told)
}

fn heard(told: &mpsc::Receiver<String>) -> String {
    told.recv_timeout(PATIENCE).expect("in time")
}

#[test]
fn lines_go_both_ways_and_the_stream_is_closed_at_the_end() {
    for connect in [blocking, tokio] {
        let (address, told) = serve(&["who?\n", "no such robot\n"]);
        assert!(connect(dial(address)).contains("no such robot"));
        assert_eq!([heard(&told), heard(&told), heard(&told)], ["hello\n", "a robot\n", "closed"]);
    }
}

#[test]
fn a_stream_that_ends_or_never_opens_is_told() {
    for connect in [blocking, tokio] {
        let (address, _told) = serve(&[""]);
        let text = connect(dial(address));
        assert!(text.contains("the server closed the stream"), "{text}");
        let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let text = connect(dial(closed));
        assert!(text.contains("connection refused"), "{text}");
        let text = connect(Dial::new(Talk { url: "udp://127.0.0.1:9".to_owned() }));
        assert!(text.contains("tcp://host:port"), "{text}");
    }
}
