//! Who may use a `farwire serve`, and from where.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::process::{Ended, Running, Scratch};

const SOON: Duration = Duration::from_secs(20);

fn serve(scratch: &Scratch, args: &[&str]) -> (Running, Value) {
    let args = [&["serve", "--http", "127.0.0.1:0", "--json"], args].concat();
    let mut serve = Running::start(scratch.farwire(&args));
    let line = serve.line(SOON);
    (serve, serde_json::from_str(&line).expect("JSON"))
}

fn refused(args: &[&str]) -> Ended {
    Running::start(Scratch::new().farwire(&[&["serve"], args].concat())).end(SOON).expect(2)
}

/// The whole answer to a request with these header lines.
fn ask(ready: &Value, request: &str, lines: &str) -> String {
    let address = ready["broker"].as_str().expect("a URL").trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(stream, "{request} HTTP/1.1\r\n{lines}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.to_ascii_lowercase()
}

const NEW: &str = "POST /v1/apps/farwire/sessions/new";
const SECRET: &str = "Authorization: Bearer farwire-local";

#[test]
fn a_page_of_the_web_is_refused_whatever_it_tries() {
    let scratch = Scratch::new();
    let (mut running, ready) = serve(&scratch, &[]);
    let evil = "Host: localhost\r\nOrigin: https://evil.example";
    let preflight = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Private-Network: true";
    for (request, lines, status, way_out) in [
        (NEW, format!("Host: evil.example\r\n{SECRET}"), "421", "--allow-host evil.example"),
        (NEW, format!("{evil}\r\n{SECRET}"), "403", "--allow-origin https://evil.example"),
        (NEW, format!("{evil}\r\n{SECRET}\r\nContent-Type: text/plain"), "403", "--allow-origin"),
        (NEW, format!("Host: localhost\r\nOrigin: null\r\n{SECRET}"), "403", "--allow-origin null"),
        ("OPTIONS /v1/apps/farwire/sessions/new", format!("{evil}\r\n{preflight}"), "403", "--allow-origin"),
        ("GET /metrics", evil.to_owned(), "403", "--allow-origin"),
        ("GET /metrics", "Host: evil.example".to_owned(), "421", "--allow-host"),
        ("GET /api/v1/sessions", evil.to_owned(), "403", "--allow-origin"),
    ] {
        let answer = ask(&ready, request, &lines);
        assert!(answer.starts_with(&format!("http/1.1 {status}")) && answer.contains(way_out), "{lines}: {answer}");
        assert!(answer.contains("errorcode") && !answer.contains("access-control-allow"), "{answer}");
    }
    running.note("evil.example", SOON);
    let page = "Host: localhost\r\nOrigin: http://localhost:3000";
    let answer = ask(&ready, "OPTIONS /v1", &format!("{page}\r\n{preflight}"));
    assert!(answer.contains("access-control-allow-private-network: true"), "{answer}");
    assert!(ask(&ready, NEW, &format!("{page}\r\n{SECRET}")).starts_with("http/1.1 201"));
}

#[test]
fn names_and_pages_are_allowed_by_flags() {
    let scratch = Scratch::new();
    let flags = ["--allow-host", "robots.example.com", "--allow-host", "other.example.com"];
    let flags = [&flags[..], &["--allow-origin", "https://ops.example.com", "--allow-origin", "null"]].concat();
    let (_running, ready) = serve(&scratch, &flags);
    for (host, origin) in [("robots.example.com", "https://ops.example.com"), ("other.example.com:443", "null")] {
        let answer = ask(&ready, NEW, &format!("Host: {host}\r\nOrigin: {origin}\r\n{SECRET}"));
        assert!(answer.starts_with("http/1.1 201"), "{answer}");
        assert!(answer.contains(&format!("access-control-allow-origin: {origin}\r\n")), "{answer}");
    }
    assert!(ask(&ready, NEW, &format!("Host: a\r\n{SECRET}")).starts_with("http/1.1 421"));
    for wrong in [
        ["--allow-host", "https://a"],
        ["--allow-host", "a:80"],
        ["--allow-origin", "a"],
        ["--allow-origin", "http://a/b"],
    ] {
        assert!(refused(&wrong).stderr.contains(wrong[0]), "{wrong:?}");
    }
    let help = Running::start(scratch.farwire(&["serve", "--help"])).end(SOON).expect(0).stdout;
    for flag in ["--allow-host", "--allow-origin", "--public-metrics"] {
        assert!(help.contains(flag), "{help}");
    }
}

#[test]
fn a_secret_that_can_be_guessed_is_for_loopback() {
    for secret in ["a", "fifteen-letters"] {
        let short = refused(&["--http", "0.0.0.0:0", "--app-secret", secret]).stderr;
        assert!(
            short.contains("16") && short.contains("openssl rand") && short.contains("FARWIRE_APP_SECRET"),
            "{short}"
        );
        assert!(!short.contains("fifteen"), "{short}");
    }
    refused(&["--http", "[::]:0", "--app-secret", "farwire-local"]);
    let scratch = Scratch::new();
    let open = ["--http", "0.0.0.0:0", "--app-secret", "sixteen-letters!"];
    let mut running = Running::start(scratch.farwire(&[&["serve", "--json"], &open[..]].concat()));
    running.line(SOON);
}

#[test]
fn a_key_that_is_encrypted_is_called_so() {
    let scratch = Scratch::new();
    let key = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIHsMFcGCSqGSIb3DQEFDTBK\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let (cert, key) = (scratch.file("cert.pem", certificate), scratch.file("key.pem", key));
    let told = refused(&["--tls-cert", &cert, "--tls-key", &key]).stderr;
    assert!(told.contains(&key) && told.contains("is encrypted") && told.contains("openssl pkey -in"), "{told}");
    let told = refused(&["--tls-cert", &key, "--tls-key", &cert]).stderr;
    assert!(told.contains("swap them"), "{told}");
    let told = refused(&["--tls-cert", &cert, "--tls-key", &scratch.file("empty.pem", "")]).stderr;
    assert!(told.contains("empty.pem") && told.contains("it is empty"), "{told}");
}
