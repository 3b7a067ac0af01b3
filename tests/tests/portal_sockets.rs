//! A captive portal in front of an SFU that has gone, over real sockets, with both drivers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use farwire_core::Config;
use farwire_sfu::Server;

/// What any single step may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than what a server may refuse in a row before a connection ends for good.
const ENOUGH: usize = 14;

const PAGE: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>";
const AWAY: &str = "HTTP/1.1 302 Found\r\nlocation: http://portal.example/login?mac=1\r\ncontent-length: 0\r\n\r\n";
const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\ncontent-length: 13\r\n\r\n<html></html>";

/// Where streams are led: to a server, or to this answer.
#[derive(Clone, Copy)]
enum Way {
    Server(SocketAddr),
    Portal(&'static str),
}

/// A way to a server that a portal can be put into. It lives as long as the process.
#[derive(Clone)]
struct Gate {
    way: Arc<Mutex<Way>>,
    answered: Arc<AtomicUsize>,
    address: SocketAddr,
}

impl Gate {
    fn new(way: Way) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let gate = Gate { way: Arc::new(Mutex::new(way)), answered: Arc::default(), address };
        let door = gate.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let gate = door.clone();
                thread::spawn(move || gate.lead(client));
            }
        });
        gate
    }

    fn turn(&self, way: Way) {
        *self.way.lock().expect("no panic") = way;
        self.answered.store(0, Ordering::Release);
    }

    /// One request after the other, each by the way of its time.
    fn lead(&self, mut client: TcpStream) {
        let mut request = vec![0; 64 * 1024];
        while let Ok(len @ 1..) = client.read(&mut request) {
            let way = *self.way.lock().expect("no panic");
            match way {
                Way::Portal(answer) => {
                    self.answered.fetch_add(1, Ordering::AcqRel);
                    if client.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
                Way::Server(address) => {
                    let Ok(mut server) = TcpStream::connect(address) else { return };
                    let sent = server.write_all(&request[..len]);
                    let (Ok(mut back), Ok(mut from)) = (server.try_clone(), client.try_clone()) else { return };
                    if sent.is_err() {
                        return;
                    }
                    let answers = thread::spawn(move || {
                        let _ = std::io::copy(&mut back, &mut from);
                        let _ = from.shutdown(std::net::Shutdown::Both);
                    });
                    let _ = std::io::copy(&mut client, &mut server);
                    let _ = server.shutdown(std::net::Shutdown::Both);
                    let _ = answers.join();
                    return;
                }
            }
        }
    }
}

fn start() -> (Server, SocketAddr) {
    let server = Server::spawn(farwire_sfu::Config::new("app", "secret")).expect("an SFU");
    let address = server.api_root().trim_start_matches("http://").trim_end_matches("/v1").parse();
    (server, address.expect("an address"))
}

fn config(gate: &Gate) -> Config {
    Config::new(&format!("http://{}/v1", gate.address), "app", "secret").expect("a good config")
}

fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Lets a connection run into each portal in turn, and find its way back.
fn outlives(gate: &Gate, server: Server, is_up: impl Fn() -> bool, ended: impl Fn() -> Option<String>) {
    let mut server = server;
    for answer in [PAGE, AWAY, FORBIDDEN] {
        gate.turn(Way::Portal(answer));
        drop(server);
        eventually("it dials into the portal again and again", || {
            assert_eq!(ended(), None);
            gate.answered.load(Ordering::Acquire) >= ENOUGH
        });
        assert!(!is_up());
        let (next, address) = start();
        server = next;
        gate.turn(Way::Server(address));
        eventually("it is up again", &is_up);
    }
    drop(server);
}

#[test]
fn threads_outlive_a_portal() {
    let (server, address) = start();
    let gate = Gate::new(Way::Server(address));
    let connection = farwire_blocking::connect(config(&gate)).expect("a connection");
    let ended = || connection.ended().map(|reason| reason.to_string());
    outlives(&gate, server, || connection.is_connected(), ended);
}

#[test]
fn tasks_outlive_a_portal() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let (server, address) = start();
    let gate = Gate::new(Way::Server(address));
    let connection = runtime.block_on(farwire_tokio::connect(config(&gate))).expect("a connection");
    let ended = || connection.ended().map(|reason| reason.to_string());
    outlives(&gate, server, || connection.is_connected(), ended);
}
