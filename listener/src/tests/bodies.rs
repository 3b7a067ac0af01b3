//! Whose bodies are read, and how many at once.

use std::time::{Duration, Instant};

use farwire_core::signalling::Response;

use super::{Client, LOOPBACK, NEVER, SOON_ENOUGH, echo, listen, silent_listener};
use crate::*;

/// Lets in who says so.
fn gated(limits: Limits) -> Listener {
    let route = Route::new("/", echo).header("authorization").gate(|head, pass| {
        assert!(head.body.is_empty());
        match head.header("authorization") {
            Some("let me in") => pass.admit(),
            Some("nobody is there") => drop(pass),
            _ => pass.refuse(Response { status: 401, body: b"{}".to_vec() }),
        }
    });
    Listener::spawn(LOOPBACK, Site::new().route(route).limits(limits)).unwrap()
}

#[test]
fn who_may_not_ask_is_told_so_before_the_body() {
    let listener = gated(Limits::default());
    for length in
        ["Content-Length: 1000000", "Content-Length: 104857600", "Transfer-Encoding: chunked", "Content-Length: 9"]
    {
        let mut client = Client::connect(&listener);
        client.write(format!("POST / HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n"));
        let answered = client.response();
        assert_eq!((answered.status, answered.headers["connection"].as_str()), (401, "close"), "{length}");
        assert!(client.is_closed());
    }
    // Nor is it asked for.
    let mut client = Client::connect(&listener);
    client.write("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
    assert_eq!(client.response().status, 401);
    // A short one that came along costs nobody the connection.
    let mut client = Client::connect(&listener);
    for (authorization, status) in [("x", 401), ("let me in", 201), ("nobody is there", 503), ("let me in", 201)] {
        let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}");
        client.write(format!("{head}\r\nContent-Length: 5\r\n\r\nhello"));
        assert_eq!(client.response().status, status, "{authorization}");
    }
}

#[test]
fn an_invited_body_is_read() {
    let listener = gated(Limits::default());
    let mut client = Client::connect(&listener);
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: let me in";
    client.write(format!("{head}\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"));
    assert_eq!(client.response().status, 100);
    client.write("5\r\nhello\r\n0\r\n\r\n");
    let answered = client.response();
    assert!(answered.body.ends_with(b" hello"));
    assert!(!answered.headers.contains_key("connection"), "it goes on");
}

#[test]
fn all_bodies_together_have_a_bound_until_they_are_answered() {
    let limits = Limits { body_memory: 100 * 1024, ..Limits::default() };
    let (listener, held) = silent_listener(limits);
    let put = |bytes: usize| {
        let mut client = Client::connect(&listener);
        client.write(format!("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {bytes}\r\n\r\n"));
        client.write(vec![b'x'; bytes]);
        client
    };
    let large = put(SMALL_BODY + 60 * 1024);
    let reply = held.recv_timeout(NEVER).unwrap();
    let mut second = put(SMALL_BODY + 60 * 1024);
    let answered = second.response();
    answered.assert_error(503, "temporarily_unavailable_error");
    assert_eq!(answered.headers["retry-after"], "1");
    // A body that had come whole before it was refused leaves nothing on the connection that is in the way.
    assert!(answered.headers.get("connection").is_none_or(|connection| connection == "close"));
    // Small ones go on.
    let mut small = put(SMALL_BODY);
    held.recv_timeout(NEVER).unwrap().send(Response { status: 200, body: Vec::new() }).unwrap();
    assert_eq!(small.response().status, 200);
    // Whoever asked may be gone: what holds the request holds its memory.
    drop(large.stream.get_ref().shutdown(std::net::Shutdown::Both));
    put(SMALL_BODY + 60 * 1024).response().assert_error(503, "temporarily_unavailable_error");
    drop(reply);
    let mut third = put(SMALL_BODY + 60 * 1024);
    held.recv_timeout(NEVER).unwrap().send(Response { status: 200, body: Vec::new() }).unwrap();
    assert_eq!(third.response().status, 200);
    drop(large);
}

#[test]
fn a_body_that_trickles_is_given_up_and_holds_nobody_up() {
    let limits = Limits { body: NEVER, body_grace: SOON_ENOUGH, ..Limits::default() };
    let listener = listen(limits, echo);
    let trickling: Vec<_> = (0..64)
        .map(|_| {
            let mut client = Client::connect(&listener);
            client.write("PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
            client
        })
        .collect();
    let begun = Instant::now();
    assert_eq!(Client::connect(&listener).request("PUT / HTTP/1.1", "small").status, 201);
    assert!(begun.elapsed() < NEVER / 2);
    for mut client in trickling {
        client.response().assert_error(408, "decoding_error");
    }
}

#[test]
fn a_body_at_the_pace_of_a_bad_network_is_read() {
    let limits = Limits { body: NEVER, body_grace: Duration::from_secs(1), ..Limits::default() };
    let listener = listen(limits, echo);
    let mut client = Client::connect(&listener);
    client.write("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8192\r\n\r\n");
    for _ in 0..16 {
        client.write([b'x'; 512]);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(client.response().status, 201);
}
