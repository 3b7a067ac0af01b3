//! An HTTP server that says what a test wants, and nothing else.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use farwire_blocking::Config;

/// Answers every request with the same bytes and then closes; or never, for an empty answer.
pub(crate) struct Script {
    url: String,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    stop: AtomicBool,
    requests: AtomicUsize,
}

impl Script {
    pub(crate) fn answering(answer: impl Into<Vec<u8>>) -> Script {
        let answer = answer.into();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let state = Arc::new(State::default());
        let thread = thread::spawn({
            let state = Arc::clone(&state);
            move || {
                for stream in listener.incoming() {
                    if state.stop.load(Ordering::Acquire) {
                        break;
                    }
                    state.serve(stream.expect("a stream"), &answer);
                }
            }
        });
        Script { url, state, thread: Some(thread) }
    }

    /// Answers with a status and a JSON body.
    pub(crate) fn status(status: &str, body: &str) -> Script {
        Script::answering(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
    }

    pub(crate) fn config(&self) -> Config {
        Config::new(&self.url, "app", "hunter2").expect("a good config")
    }

    pub(crate) fn requests(&self) -> usize {
        self.state.requests.load(Ordering::Acquire)
    }
}

impl State {
    fn serve(&self, mut stream: TcpStream, answer: &[u8]) {
        let mut request = [0; 16 * 1024];
        let _ = stream.read(&mut request);
        self.requests.fetch_add(1, Ordering::AcqRel);
        if answer.is_empty() {
            // Until the client hangs up.
            thread::spawn(move || while stream.read(&mut request).is_ok_and(|len| len > 0) {});
        } else {
            // The client may have hung up.
            let _ = stream.write_all(answer);
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.url.trim_start_matches("http://").trim_end_matches("/v1"));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Passes HTTP on to a server, and counts the requests for channels.
pub(crate) struct Tap {
    url: String,
    flow: Arc<Flow>,
}

#[derive(Default)]
struct Flow {
    allocations: AtomicUsize,
    /// Requests are swallowed.
    is_shut: AtomicBool,
}

impl Tap {
    pub(crate) fn before(api_root: &str) -> Tap {
        let upstream = api_root.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let flow = Arc::new(Flow::default());
        let requests = Arc::clone(&flow);
        // These threads end with the process, and hold streams only as long as both ends do.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.expect("a stream"), TcpStream::connect(&upstream).expect("the server"));
                let (from, to) = (client.try_clone().expect("a clone"), server.try_clone().expect("a clone"));
                let requests = Arc::clone(&requests);
                thread::spawn(move || pass(from, to, &requests));
                thread::spawn(move || pass(server, client, &Flow::default()));
            }
        });
        Tap { url, flow }
    }

    /// From now on requests get no answer.
    pub(crate) fn shut(&self) {
        self.flow.is_shut.store(true, Ordering::Release);
    }

    pub(crate) fn config(&self, app: &str, secret: &str) -> Config {
        Config::new(&self.url, app, secret).expect("a good config")
    }

    pub(crate) fn allocations(&self) -> usize {
        self.flow.allocations.load(Ordering::Acquire)
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, flow: &Flow) {
    let mut chunk = [0; 64 * 1024];
    while let Ok(len @ 1..) = from.read(&mut chunk) {
        let text = String::from_utf8_lossy(&chunk[..len]);
        flow.allocations.fetch_add(text.matches("/datachannels/new ").count(), Ordering::AcqRel);
        if flow.is_shut.load(Ordering::Acquire) {
            continue;
        }
        if to.write_all(&chunk[..len]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}
