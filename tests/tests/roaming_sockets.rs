//! The same over real sockets: a NAT between the client and the SFU forgets its mapping in mid-traffic.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use farwire_blocking::{Config, Delivery};
use farwire_sfu::Server;

/// An address of this machine's own loopback network, where the NAT stands in for the SFU.
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

const PATIENCE: Duration = Duration::from_secs(20);

/// For the address of before nothing is heard for 15 s; this is between that and what checks once a second allow, and a
/// busy machine's delays.
const SOON: Duration = Duration::from_secs(6);

/// Forwards datagrams to an SFU from a port for each client, until it is dropped.
struct Nat {
    epoch: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Nat {
    fn before(sfu: SocketAddr) -> Nat {
        let (epoch, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let inside = UdpSocket::bind((OUTSIDE, sfu.port())).expect("the port is free there");
        inside.set_read_timeout(Some(Duration::from_millis(1))).expect("a timeout");
        let (current, stopped) = (epoch.clone(), stop.clone());
        let thread = thread::spawn(move || {
            let mut mappings: HashMap<SocketAddr, (u32, UdpSocket)> = HashMap::new();
            let mut buffer = [0; 2048];
            while !stopped.load(Ordering::Relaxed) {
                let now = current.load(Ordering::Relaxed);
                if let Ok((len, client)) = inside.recv_from(&mut buffer) {
                    let mapping = mappings.entry(client).or_insert_with(|| (now, mapping(sfu)));
                    if mapping.0 != now {
                        *mapping = (now, self::mapping(sfu));
                    }
                    // A full buffer is a loss.
                    let _ = mapping.1.send(&buffer[..len]);
                }
                for (client, (_, mapping)) in mappings.iter().filter(|(_, (epoch, _))| *epoch == now) {
                    while let Ok(len) = mapping.recv(&mut buffer) {
                        let _ = inside.send_to(&buffer[..len], client);
                    }
                }
            }
        });
        Nat { epoch, stop, thread: Some(thread) }
    }

    fn forget(&self) {
        self.epoch.fetch_add(1, Ordering::Relaxed);
    }
}

fn mapping(sfu: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    socket.connect(sfu).expect("an address");
    socket.set_nonblocking(true).expect("a socket");
    socket
}

impl Drop for Nat {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[test]
fn both_ends_are_followed_to_another_port() {
    let config = farwire_sfu::Config::new("app", "secret").announce(IpAddr::V4(OUTSIDE));
    let sfu = Server::spawn(config).expect("an SFU");
    let nat = Nat::before(SocketAddr::from((Ipv4Addr::LOCALHOST, sfu.udp_addr().port())));
    let config = Config::new(&sfu.api_root(), "app", "secret").expect("a config");
    let robot = farwire_blocking::connect(config.clone()).expect("connected");
    let operator = config.publisher_session(robot.session_id()).expect("an id");
    let operator = farwire_blocking::connect(operator).expect("connected");
    for delivery in [Delivery::LOSSY, Delivery::RELIABLE] {
        let topic = delivery.to_string();
        let publisher = robot.publisher_with(&topic, delivery).expect("a publisher");
        let subscription = operator.subscribe_with(&topic, delivery).expect("a subscription");
        subscription.wait_open(PATIENCE).expect("the channel opens");
        let mut sent = 0u32;
        for round in 0..2 {
            // What comes with a higher number than this was sent after the change.
            let (changed, at) = (sent, Instant::now());
            if round == 1 {
                nat.forget();
            }
            loop {
                publisher.publish(&sent.to_be_bytes()).expect("published");
                sent += 1;
                assert!(at.elapsed() < SOON, "{topic}: nothing after the change of address, {sent} sent");
                let Ok(message) = subscription.recv_timeout(Duration::from_millis(20)) else { continue };
                let number = u32::from_be_bytes(message[..].try_into().expect("four bytes"));
                // Well after it, so that nothing was on its way.
                if number >= changed + 20 {
                    break;
                }
            }
        }
    }
    assert_eq!(sfu.sessions(), 4, "nobody reconnected");
}
