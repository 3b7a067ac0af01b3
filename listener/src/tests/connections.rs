//! Who gives way when all places are taken.

use std::net::Shutdown;
use std::time::Instant;

use super::{Client, NEVER, echo, listen, silent_listener};
use crate::*;

fn get(client: &mut Client) -> u16 {
    client.request("GET / HTTP/1.1", "").status
}

#[test]
fn idle_connections_give_way_and_one_that_is_used_stays() {
    let limits = Limits { connections: 8, header: NEVER, ..Limits::default() };
    let listener = listen(limits, echo);
    let mut robot = Client::connect(&listener);
    assert_eq!(get(&mut robot), 201);
    let begun = Instant::now();
    let mut idle = Vec::new();
    for round in 0..50 {
        let mut client = Client::connect(&listener);
        // Some have begun a request, or a handshake for all anybody knows.
        client.write(["", "GET", "POST / HTTP/1.1\r\nHo"][round % 3]);
        idle.push(client);
        if round % 10 == 9 {
            assert_eq!(get(&mut Client::connect(&listener)), 201, "a new caller");
            assert_eq!(get(&mut robot), 201, "a heartbeat");
        }
    }
    assert!(begun.elapsed() < NEVER / 2);
    assert!(idle[0].is_closed(), "the oldest");
    assert_eq!(get(&mut robot), 201, "a heartbeat");
}

#[test]
fn those_that_are_busy_are_waited_for() {
    let (listener, held) = silent_listener(Limits { connections: 2, ..Limits::default() });
    let mut busy: Vec<Client> = (0..2).map(|_| Client::connect(&listener)).collect();
    for client in &mut busy {
        client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    let replies: Vec<Reply> = (0..2).map(|_| held.recv_timeout(NEVER).unwrap()).collect();
    let mut third = Client::connect(&listener);
    third.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(held.recv_timeout(super::SOON).is_err());
    let answer = || farwire_core::signalling::Response { status: 200, body: b"{}".to_vec() };
    let mut replies = replies.into_iter();
    replies.next().unwrap().send(answer()).unwrap();
    held.recv_timeout(NEVER).unwrap().send(answer()).unwrap();
    assert_eq!(third.response().status, 200);
    replies.next().unwrap().send(answer()).unwrap();
    third.stream.get_ref().shutdown(Shutdown::Both).unwrap();
}

#[test]
fn two_thousand_pipelined_requests_are_answered_and_hold_nobody_up() {
    let listener = listen(Limits::default(), echo);
    let mut many = Client::connect(&listener);
    let requests = "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2_000);
    let mut writer = many.stream.get_ref().try_clone().unwrap();
    let sent = std::thread::spawn(move || std::io::Write::write_all(&mut writer, requests.as_bytes()));
    assert_eq!(get(&mut Client::connect(&listener)), 201);
    for _ in 0..2_000 {
        assert_eq!(many.response().status, 201);
    }
    sent.join().unwrap().unwrap();
}

#[test]
fn as_many_headers_as_anybody_sends_are_read_and_more_end_the_connection() {
    let listener = listen(Limits::default(), echo);
    let fields = |count: usize| (0..count).map(|n| format!("\r\nX-{n}: y")).collect::<String>();
    let mut client = Client::connect(&listener);
    assert_eq!(client.request(&format!("GET / HTTP/1.1{}", fields(90)), "").status, 201);
    client.write(format!("GET / HTTP/1.1\r\nHost: localhost{}\r\n\r\n", fields(1_000)));
    assert_eq!(client.response().status, 431);
    assert!(client.is_closed());
}
