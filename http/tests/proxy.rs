//! Proxies of the environment: good, dead and unwilling ones, and what a person is told of them.

mod clients;

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use farwire_core::signalling::{Failure, HeaderName, Method, Request, RequestId, Response, header};

use crate::clients::{Asked, for_each_client};

const TIMEOUT: Duration = Duration::from_secs(10);

for_each_client!(
    a_proxy_is_used_and_gets_its_own_credentials_alone,
    a_dead_proxy_is_named_with_its_variable_and_without_its_password,
    a_proxy_that_does_not_connect_is_named_with_what_to_do,
    exceptions_go_around_the_proxy,
    what_is_set_and_not_used_is_told_when_it_matters,
    a_redirect_is_not_followed_and_its_target_gets_nothing,
);

/// A proxy on loopback, and what it was asked.
struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Answers CONNECT so; if that is 200, it goes on as the server itself would.
    fn answering(answer: &'static str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heads);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                serve(stream, answer, &log);
            }
        });
        Proxy { address, heads }
    }

    fn heads(&self) -> String {
        self.heads.lock().expect("no panic").join("\n")
    }
}

fn head(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

fn serve(stream: TcpStream, answer: &str, heads: &Mutex<Vec<String>>) {
    let mut writer = stream.try_clone().expect("a clone");
    let mut reader = BufReader::new(stream);
    while let Some(head) = head(&mut reader) {
        let is_connect = head.starts_with("CONNECT ");
        heads.lock().expect("no panic").push(head);
        let answer = if is_connect { answer } else { "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}" };
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn client<C: Asked>(variables: &[(&str, &str)]) -> C {
    C::from_env(false, |name| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value)))
}

fn ask(client: &impl Asked, url: &str) -> Result<Response, Failure> {
    let request = Request::new(RequestId(0), Method::POST, url.to_owned(), TIMEOUT)
        .with_secret(header::AUTHORIZATION, "Bearer token-of-mine")
        .with_secret(HeaderName::from_static("x-robot-api-key"), "key-of-mine");
    client.perform(request)
}

fn words(answer: Result<Response, Failure>) -> String {
    answer.expect_err("it cannot succeed").to_string()
}

/// An address where nobody listens.
fn closed() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address")
}

fn a_proxy_is_used_and_gets_its_own_credentials_alone<C: Asked>() {
    for variable in ["ALL_PROXY", "HTTPS_PROXY", "http_proxy"] {
        let proxy = Proxy::answering("HTTP/1.1 200 Connection established\r\n\r\n");
        let client = client::<C>(&[(variable, &format!("http://user:hunter2@{}", proxy.address))]);
        assert_eq!(ask(&client, "http://sfu.invalid/v1").map(|answer| answer.status), Ok(200));
        let heads = proxy.heads();
        let (connect, request) = heads.split_once("\r\n\r\n").expect("two heads");
        assert!(connect.starts_with("CONNECT sfu.invalid:80 ") && connect.contains("Basic "), "{connect}");
        assert!(!connect.contains("of-mine") && request.contains("of-mine"), "{heads}");
    }
}

fn a_dead_proxy_is_named_with_its_variable_and_without_its_password<C: Asked>() {
    let dead = closed();
    for variable in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
        let client = client::<C>(&[(variable, &format!("http://user:hunter2@{dead}"))]);
        for url in ["http://sfu.invalid/v1", "https://sfu.invalid/v1"] {
            let text = words(ask(&client, url));
            assert!(text.contains(&dead.to_string()) && text.contains(variable), "{text}");
            assert!(text.contains("refused") && text.contains("NO_PROXY") && text.contains("sfu.invalid"), "{text}");
            assert!(!text.contains("hunter2") && !text.contains("of-mine"), "{text}");
        }
    }
    let nowhere = client::<C>(&[("HTTPS_PROXY", "http://proxy.invalid:3128")]);
    let text = words(ask(&nowhere, "https://sfu.invalid/v1"));
    assert!(text.contains("proxy.invalid:3128") && text.contains("HTTPS_PROXY"), "{text}");
}

fn a_proxy_that_does_not_connect_is_named_with_what_to_do<C: Asked>() {
    for (answer, parts) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", ["407", "user:password@"]),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", ["403", "NO_PROXY"]),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", ["502", "cannot reach sfu.invalid"]),
        ("HTTP/1.1 302 Found\r\nlocation: http://portal.example/\r\n\r\n", ["302", "NO_PROXY"]),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n", ["not HTTP", "through the proxy"]),
    ] {
        let proxy = Proxy::answering(answer);
        let client = client::<C>(&[("HTTPS_PROXY", &format!("http://{}", proxy.address))]);
        let text = words(ask(&client, "https://sfu.invalid/v1"));
        assert!(text.contains(&proxy.address.to_string()) && text.contains("HTTPS_PROXY"), "{text}");
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        assert!(!proxy.heads().contains("of-mine"), "no credential goes to the proxy");
    }
    let proxy = Proxy::answering("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    let client = client::<C>(&[("HTTPS_PROXY", &format!("http://user:hunter2@{}", proxy.address))]);
    let text = words(ask(&client, "https://sfu.invalid/v1"));
    assert!(text.contains("does not accept the user and password") && !text.contains("hunter2"), "{text}");
}

fn exceptions_go_around_the_proxy<C: Asked>() {
    let server = Proxy::answering("");
    let url = format!("http://{}/v1", server.address);
    let dead = format!("http://{}", closed());
    for exceptions in ["127.0.0.1", "sfu.example, 127.0.0.1", "*"] {
        let client = client::<C>(&[("HTTPS_PROXY", &dead), ("NO_PROXY", exceptions)]);
        assert_eq!(ask(&client, &url).map(|answer| answer.status), Ok(200), "{exceptions}");
    }
    let text = words(ask(&client::<C>(&[("HTTPS_PROXY", &dead), ("NO_PROXY", "other.example")]), &url));
    assert!(text.contains("HTTPS_PROXY"), "{text}");
    // A server on this machine is never looked for at a proxy.
    let local = C::from_env(true, |name| (name == "HTTPS_PROXY").then(|| OsString::from(&dead)));
    assert_eq!(ask(&local, &url).map(|answer| answer.status), Ok(200));
}

fn what_is_set_and_not_used_is_told_when_it_matters<C: Asked>() {
    for value in ["socks5://127.0.0.1:1080", "://"] {
        let client = client::<C>(&[("ALL_PROXY", value)]);
        let text = words(ask(&client, &format!("http://{}/v1", closed())));
        assert!(text.contains("ALL_PROXY is not used"), "{text}");
    }
    let proxy = Proxy::answering("HTTP/1.1 200 OK\r\n\r\n");
    let both =
        client::<C>(&[("ALL_PROXY", "socks5://127.0.0.1:1080"), ("HTTPS_PROXY", &format!("http://{}", proxy.address))]);
    assert_eq!(ask(&both, "http://sfu.invalid/v1").map(|answer| answer.status), Ok(200));
}

fn a_redirect_is_not_followed_and_its_target_gets_nothing<C: Asked>() {
    let target = TcpListener::bind("127.0.0.1:0").expect("a port");
    target.set_nonblocking(true).expect("set");
    let port = target.local_addr().expect("an address").port();
    for status in [301, 302, 303, 307, 308] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let thread = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a stream");
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let location = format!("http://u:hunter2@127.0.0.1:{port}/login?token=hunter2");
            let answer = format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).expect("written");
        });
        let answer = ask(&client::<C>(&[]), &url);
        let to = format!("http://127.0.0.1:{port}/…");
        assert_eq!(answer, Err(Failure::Redirected { status, to }));
        thread.join().expect("no panic");
        assert!(target.accept().is_err(), "nobody went there");
    }
}
