//! What the client for tasks does with its connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use farwire_core::signalling::{Failure, MAX_RESPONSE, Method, Request, RequestId, Response};
use farwire_http::AsyncClient;

const TIMEOUT: Duration = Duration::from_secs(10);

/// A server that answers each request on a connection so, as often as it is asked, and counts connections.
fn serve(answer: impl Fn(usize, &mut TcpStream) -> bool + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let connections = Arc::new(AtomicUsize::new(0));
    let (count, answer) = (Arc::clone(&connections), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            count.fetch_add(1, Ordering::SeqCst);
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let mut writer = stream.try_clone().expect("a clone");
                let mut reader = BufReader::new(stream);
                for n in 0.. {
                    if !read_request(&mut reader) || !answer(n, &mut writer) {
                        return;
                    }
                }
            });
        }
    });
    (address, connections)
}

fn read_request(reader: &mut BufReader<TcpStream>) -> bool {
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let before = head.len();
        if reader.read_line(&mut head).is_ok_and(|read| read == 0) {
            return false;
        }
        if let Some(value) = head[before..].to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    reader.read_exact(&mut vec![0; length]).is_ok()
}

fn request(address: SocketAddr, timeout: Duration) -> Request {
    let mut request = Request::new(RequestId(0), Method::POST, format!("http://{address}/v1/x?y"), timeout);
    request.body = Some("{}".to_owned());
    request
}

async fn ask(client: &AsyncClient, address: SocketAddr) -> Result<Response, Failure> {
    client.perform(request(address, TIMEOUT)).await
}

fn alive_tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::test]
async fn a_connection_is_used_again_and_closed_at_the_end() {
    let (address, connections) = serve(|_, stream| stream.write_all(OK).is_ok());
    let client = AsyncClient::from_env(true, |_| None);
    for _ in 0..5 {
        assert_eq!(ask(&client, address).await.map(|answer| answer.body), Ok(b"{}".to_vec()));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    client.shut_down();
    while alive_tasks() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_no_failure() {
    let (address, connections) = serve(|n, stream| stream.write_all(OK).is_ok() && n < 1);
    let client = AsyncClient::from_env(true, |_| None);
    for asked in 1..=6 {
        assert_eq!(ask(&client, address).await.map(|answer| answer.status), Ok(200));
        // The server closes after every second answer; once the client has noticed, nothing of the connection is left.
        while asked % 2 == 0 && alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn answers_have_a_largest_size() {
    for (length, fits) in [(MAX_RESPONSE, true), (MAX_RESPONSE + 1, false)] {
        let (address, _) = serve(move |_, stream| {
            let body = vec![b' '; length];
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).is_ok() && stream.write_all(&body).is_ok()
        });
        let answer = ask(&AsyncClient::from_env(true, |_| None), address).await;
        match fits {
            true => assert_eq!(answer.map(|answer| answer.body.len()), Ok(length)),
            false => assert_eq!(answer, Err(Failure::TooLarge)),
        }
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_and_one_that_breaks_off_are_told_apart() {
    let (silent, _) = serve(|_, stream| stream.flush().is_ok());
    let client = AsyncClient::from_env(true, |_| None);
    let start = Instant::now();
    let timeout = Duration::from_millis(100);
    assert_eq!(client.perform(request(silent, timeout)).await, Err(Failure::Timeout(timeout)));
    assert!(start.elapsed() < TIMEOUT);
    assert_eq!(client.perform(request(silent, Duration::ZERO)).await, Err(Failure::Timeout(Duration::ZERO)));
    for half in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"] {
        let (breaking, _) = serve(move |_, stream| {
            let _ = stream.write_all(half.as_bytes());
            false
        });
        let answer = ask(&client, breaking).await;
        assert!(matches!(answer, Err(Failure::Broken(_))), "{half:?}: {answer:?}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    assert_eq!(ask(&client, closed).await, Err(Failure::Connect("connection refused".to_owned())));
}

#[tokio::test]
async fn what_is_no_http_is_said() {
    let (address, _) = serve(|_, stream| stream.write_all(b"220 smtp.example ESMTP\r\n").is_ok());
    let answer = ask(&AsyncClient::from_env(true, |_| None), address).await;
    assert!(matches!(&answer, Err(Failure::Broken(text)) if text.contains("not HTTP")), "{answer:?}");
}
