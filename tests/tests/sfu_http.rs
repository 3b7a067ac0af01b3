//! The SFU's server as a hostile network meets it: by HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use farwire_sfu::{Config, SecretError, Server, SpawnError};

const SECRET: &str = "app-s3cret";
const NEVER: Duration = Duration::from_secs(20);

fn sfu() -> Server {
    Server::spawn(Config::new("app", SECRET)).expect("an SFU on loopback")
}

fn address(sfu: &Server) -> SocketAddr {
    sfu.api_root().trim_start_matches("http://").trim_end_matches("/v1").parse().expect("an address")
}

/// A connection that is kept.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(sfu: &Server) -> Client {
        let stream = TcpStream::connect(address(sfu)).expect("a connection");
        stream.set_read_timeout(Some(NEVER)).expect("a timeout");
        Client(BufReader::new(stream))
    }

    fn head(&mut self, request: &str, lines: &str) {
        write!(self.0.get_mut(), "{request} HTTP/1.1\r\n{lines}\r\n\r\n").expect("sent");
    }

    fn ask(&mut self, request: &str, lines: &str, body: &str) -> (u16, String) {
        let length = body.len();
        write!(self.0.get_mut(), "{request} HTTP/1.1\r\n{lines}\r\nContent-Length: {length}\r\n\r\n{body}")
            .expect("sent");
        self.answer()
    }

    fn answer(&mut self) -> (u16, String) {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a status line");
        let status =
            line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{line:?}"));
        let mut length = 0;
        loop {
            line.clear();
            self.0.read_line(&mut line).expect("a header");
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().expect("a number");
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        (status, String::from_utf8(body).expect("text"))
    }
}

const NEW: &str = "POST /v1/apps/app/sessions/new";

fn with(secret: &str) -> String {
    format!("Host: localhost\r\nAuthorization: Bearer {secret}")
}

#[test]
fn no_page_of_the_web_makes_a_session_however_it_got_here() {
    let sfu = sfu();
    let authorization = format!("Authorization: Bearer {SECRET}");
    for (lines, status, code) in [
        ("Host: evil.example", 421, "misdirected"),
        ("Host: evil.example\r\nOrigin: http://evil.example", 421, "misdirected"),
        ("Host: localhost\r\nOrigin: https://evil.example\r\nContent-Type: text/plain", 403, "forbidden"),
        ("Host: localhost\r\nOrigin: null", 403, "forbidden"),
    ] {
        let (told, body) = Client::connect(&sfu).ask(NEW, &format!("{lines}\r\n{authorization}"), "");
        assert_eq!(told, status, "{lines}");
        assert!(body.contains(&format!(r#""errorCode":"{code}""#)) && body.contains("errorDescription"), "{body}");
    }
    assert_eq!((sfu.sessions(), sfu.stats().created), (0, 0));
    let page = format!("Host: localhost\r\nOrigin: http://localhost:3000\r\n{authorization}");
    assert_eq!(Client::connect(&sfu).ask(NEW, &page, "").0, 201);
}

#[test]
fn names_and_pages_can_be_allowed() {
    let config = Config::new("app", SECRET).allow_host("sfu.example.com".parse().expect("a host"));
    let config = config.allow_origin("https://ops.example.com".parse().expect("an origin"));
    let sfu = Server::spawn(config).expect("an SFU on loopback");
    let lines = format!("Host: sfu.example.com\r\nOrigin: https://ops.example.com\r\nAuthorization: Bearer {SECRET}");
    assert_eq!(Client::connect(&sfu).ask(NEW, &lines, "").0, 201);
}

#[test]
fn a_secret_is_guessed_a_few_times_only_and_a_good_one_is_never_counted() {
    let sfu = sfu();
    let mut client = Client::connect(&sfu);
    let mut statuses = Vec::new();
    for guess in 0..500 {
        statuses.push(client.ask(NEW, &with(&format!("guess-{guess}")), "").0);
        if guess % 100 == 99 {
            assert_eq!(client.ask(NEW, &with(SECRET), "").0, 201, "the same address, with the secret");
        }
    }
    let checked = statuses.iter().filter(|status| **status == 401).count();
    assert!(statuses[..20].iter().all(|status| *status == 401), "{statuses:?}");
    assert!(checked < 200 && statuses.iter().all(|status| matches!(status, 401 | 429)), "{checked}");
    // On a slow machine an address may have earned another guess meanwhile.
    let mut refusals = (1..50).map(|n| (n, client.ask(NEW, &with("x"), "")));
    let (more, (_, body)) = refusals.find(|(_, (status, _))| *status == 429).expect("too many are refused");
    assert!(
        body.contains("too_many_wrong_keys") && body.contains("errorDescription") && !body.contains(SECRET),
        "{body}"
    );
    for _ in 0..30 {
        assert_eq!(client.ask(NEW, &with(SECRET), "").0, 201);
    }
    let stats = sfu.stats();
    assert_eq!((stats.wrong_secrets, stats.refused), (500 + more, 500 + more));
}

#[test]
fn bodies_of_those_without_the_secret_are_not_read() {
    let sfu = sfu();
    for (path, secret, statuses) in [("app", "wrong", [401, 429]), ("other", SECRET, [404, 404])] {
        let mut clients: Vec<Client> = (0..64)
            .map(|_| {
                let mut client = Client::connect(&sfu);
                let lines = format!("{}\r\nContent-Length: 1048576", with(secret));
                client.head(&format!("POST /v1/apps/{path}/sessions/new"), &lines);
                client
            })
            .collect();
        for client in &mut clients {
            let status = client.answer().0;
            assert!(statuses.contains(&status), "{status}");
        }
    }
    assert_eq!(sfu.sessions(), 0);
}

#[test]
fn the_scheme_of_the_secret_may_have_any_case() {
    let sfu = sfu();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let lines = format!("Host: localhost\r\nAuthorization: {scheme} {SECRET}");
        let (status, body) = Client::connect(&sfu).ask(NEW, &lines, "");
        assert_eq!(status, 201, "{scheme}");
        let made: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let id = made["sessionId"].as_str().expect("an id");
        assert!(id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{id}");
    }
    let lines = format!("Host: localhost\r\nAuthorization: Basic {SECRET}");
    assert_eq!(Client::connect(&sfu).ask(NEW, &lines, "").0, 401);
}

#[test]
fn a_weak_secret_is_for_loopback() {
    let open = SocketAddr::from(([0, 0, 0, 0], 0));
    for (secret, is_known) in [("a", false), (farwire_core::Config::LOCAL_APP_SECRET, true)] {
        match Server::spawn(Config::new("app", secret).http(open)) {
            Err(SpawnError::Secret(SecretError::Known(_))) => assert!(is_known),
            Err(SpawnError::Secret(error @ SecretError::Short { .. })) => {
                assert!(!is_known && error.to_string().contains("openssl rand"), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
    Server::spawn(Config::new("app", "sixteen letters!").http(open)).expect("good enough");
}
