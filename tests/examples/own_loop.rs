//! An application with an event loop of its own around `farwire_core`: std's sockets, no driver, no async runtime.
//! `own_loop [MESSAGES]`, with `FARWIRE_URL` and so on set.
//!
//! The loop is the whole application. Only HTTP has threads, one for each request; a program with an HTTP client of its
//! own would use that.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, thread};

use farwire_core::{Config, ConnectionEvent, Delivery, Event, Output, Peer, Topic, TransportId};

type Failed = Box<dyn std::error::Error>;

/// How long the loop sleeps at most. A program with many sockets would use `poll` or mio and wait for them.
const NAP: Duration = Duration::from_millis(1);

fn main() -> Result<(), Failed> {
    let messages = env::args().nth(1).map_or(Ok(10_u32), |messages| messages.parse())?;
    let config = Config::from_env(|name| env::var(name).ok())?;
    let sockets = [bind_towards(&config)?, bind_towards(&config)?];
    let local = [sockets[0].local_addr()?, sockets[1].local_addr()?];
    let http = farwire_http::Client::new(config.is_loopback());
    let (answer, answers) = mpsc::channel();

    let mut peer = Peer::new(&config, local, local[0].port().into(), Instant::now());
    let ticks = Topic::new("ticks")?;
    let topic = peer.topic(Instant::now(), &ticks, Delivery::RELIABLE)?;
    peer.subscribe(Instant::now(), &ticks, Delivery::RELIABLE)?;
    let (mut subscribed, mut published, mut received) = (false, 0, 0);
    let mut buffer = [0; 2048];

    loop {
        // What the peer wants done.
        let deadline = loop {
            match peer.poll(Instant::now()) {
                Output::Transmit { transport, destination, datagram } => {
                    // A datagram that the system does not take is lost, as others are.
                    let _ = sockets[transport.index()].send_to(&datagram, destination);
                }
                Output::Http(request) => {
                    let (http, answer) = (http.clone(), answer.clone());
                    // The loop may be over when the answer comes.
                    thread::spawn(move || answer.send((request.id, http.perform(request))));
                }
                Output::Event(Event::Subscribed(_)) => subscribed = true,
                Output::Event(Event::Message { topic, payload, .. }) => {
                    println!("{topic}: {}", String::from_utf8_lossy(&payload.bytes));
                    received += 1;
                    if received == messages {
                        peer.close(Instant::now());
                    }
                }
                Output::Event(Event::Connection(ConnectionEvent::Ended { reason })) => {
                    return if received == messages { Ok(()) } else { Err(reason.into()) };
                }
                Output::WaitUntil(deadline, _) => break deadline,
                _ => {}
            }
        };

        // What the application wants: one message under way at a time.
        if subscribed && published == received && published < messages {
            peer.publish(Instant::now(), topic, false, format!("tick {published}").as_bytes())?;
            published += 1;
            continue;
        }

        // What came.
        let mut idle = true;
        for transport in (0..sockets.len()).filter_map(TransportId::new) {
            match sockets[transport.index()].recv_from(&mut buffer) {
                Ok((len, source)) => {
                    peer.handle_datagram(Instant::now(), transport, source, &buffer[..len]);
                    idle = false;
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionRefused) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Ok((id, result)) = answers.try_recv() {
            peer.handle_response(Instant::now(), id, result);
            idle = false;
        }
        let now = Instant::now();
        if deadline.is_some_and(|deadline| deadline <= now) {
            peer.handle_timeout(now);
        } else if idle {
            thread::sleep(deadline.map_or(NAP, |deadline| NAP.min(deadline - now)));
        }
    }
}

/// A socket with the address of this machine that the SFU is reached from.
fn bind_towards(config: &Config) -> Result<UdpSocket, Failed> {
    let any = |ip: IpAddr| SocketAddr::new(ip, 0);
    let probe = UdpSocket::bind(any(IpAddr::from([0; 4])))?;
    // This sends nothing.
    probe.connect((config.host(), config.port()))?;
    let socket = UdpSocket::bind(any(probe.local_addr()?.ip()))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
