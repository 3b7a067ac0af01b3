//! Pages of the web, and names that they may have pointed here.

use std::net::{IpAddr, SocketAddr};

use super::{Always, Client, LOOPBACK, NEVER, echo, echo_listener};
use crate::exchange::PREFLIGHT_MAX_AGE;
use crate::*;

fn uncalled() -> Site {
    Site::new().route(Route::new("/", |_, _| panic!("called")).gate(|_, _| panic!("asked")))
}

fn echoing() -> Site {
    Site::new().route(Route::new("/", echo))
}

fn origin(text: &str) -> Origin {
    text.parse().unwrap()
}

/// What a request is answered whose header lines these are.
fn ask(listener: &Listener, request: &str, lines: &[&str], body: &str) -> super::Answered {
    let mut client = Client::connect(listener);
    let length = format!("Content-Length: {}", body.len());
    client.write(format!("{request}\r\n{}\r\n\r\n{body}", [lines, &[&length]].concat().join("\r\n")));
    client.response()
}

#[test]
fn a_name_that_was_pointed_here_is_refused_before_anything_happens() {
    let listener = Listener::spawn(LOOPBACK, uncalled()).unwrap();
    for host in
        ["evil.example", "evil.example:8787", "localhost.evil.example", "192.0.2.1", "[2001:db8::1]:80", "0.0.0.0"]
    {
        let answered = ask(&listener, "POST /v1 HTTP/1.1", &[&format!("Host: {host}")], "{}");
        answered.assert_error(421, "misdirected");
        let text = String::from_utf8(answered.body).unwrap();
        assert!(text.contains("--allow-host"), "{text}");
    }
    for lines in [&[] as &[&str], &["Host: localhost", "Host: localhost"], &["Host: a b"], &["Host:"], &["Host: a:b"]] {
        ask(&listener, "GET /v1 HTTP/1.1", lines, "").assert_error(400, "decoding_error");
    }
    // The target's host counts as well.
    ask(&listener, "GET http://evil.example/v1 HTTP/1.1", &["Host: localhost"], "").assert_error(421, "misdirected");
    ask(&listener, "GET http://localhost/v1 HTTP/1.1", &["Host: evil.example"], "").assert_error(421, "misdirected");
    ask(&listener, "OPTIONS /v1 HTTP/1.1", &["Host: evil.example", "Origin: http://evil.example"], "")
        .assert_error(421, "misdirected");
}

#[test]
fn a_server_goes_by_loopback_names_its_address_and_those_that_were_allowed() {
    let site = echoing().allow_host("robots.example.com".parse().unwrap());
    let listener = Listener::spawn(LOOPBACK, site).unwrap();
    let port = listener.local_addr().port();
    for host in [
        "localhost",
        "LOCALHOST:80",
        "sfu.localhost",
        "127.0.0.1",
        "127.0.0.1:9",
        "[::1]",
        "robots.example.com",
        "Robots.Example.com.:443",
        &format!("127.0.0.1:{port}"),
    ] {
        assert_eq!(ask(&listener, "GET /v1 HTTP/1.1", &[&format!("Host: {host}")], "").status, 201, "{host}");
    }
    // No browser speaks it.
    assert_eq!(ask(&listener, "GET /v1 HTTP/1.0", &[], "").status, 201);
    assert_eq!(ask(&listener, "GET http://localhost:1/v1 HTTP/1.1", &["Host: localhost:1"], "").status, 201);
}

#[test]
fn a_foreign_page_is_refused_before_anything_happens_also_without_a_preflight() {
    let site = uncalled().metrics("a", || -> Always { panic!("read") });
    let listener = Listener::spawn(LOOPBACK, site).unwrap();
    for page in
        ["https://evil.example", "null", "http://192.0.2.1:8787", "http://localhost.evil.example", "", "nonsense"]
    {
        for (request, kind) in [
            ("POST /v1 HTTP/1.1", "Content-Type: text/plain"),
            ("GET /metrics HTTP/1.1", "X: y"),
            ("OPTIONS /v1 HTTP/1.1", "Access-Control-Request-Private-Network: true"),
        ] {
            let answered = ask(&listener, request, &["Host: localhost", &format!("Origin: {page}"), kind], "{}");
            answered.assert_error(403, "forbidden");
            assert!(!answered.headers.keys().any(|name| name.starts_with("access-control-allow")), "{page}");
        }
    }
    let two = ["Host: localhost", "Origin: http://localhost", "Origin: https://evil.example"];
    ask(&listener, "POST /v1 HTTP/1.1", &two, "{}").assert_error(403, "forbidden");
}

#[test]
fn allowed_pages_read_their_answers() {
    let site = echoing().allow_origin(origin("https://ops.example.com"));
    let listener = Listener::spawn(LOOPBACK, site).unwrap();
    let own = format!("http://{}", listener.local_addr());
    for page in ["http://localhost:3000", "http://127.0.0.1:1", "https://[::1]", "https://ops.example.com", &own] {
        let (host, page_line) = (format!("Host: {}", listener.local_addr()), format!("Origin: {page}"));
        let answered = ask(&listener, "POST /v1 HTTP/1.1", &[&host, &page_line], "{}");
        assert_eq!((answered.status, answered.headers["access-control-allow-origin"].as_str()), (201, page));
        assert_eq!(answered.headers["vary"], "Origin");
        // An error is to be read as well.
        let refused = ask(&listener, "PATCH /v1 HTTP/1.1", &[&host, &page_line], "");
        assert_eq!((refused.status, refused.headers["access-control-allow-origin"].as_str()), (405, page));
    }
    let any = Listener::spawn(LOOPBACK, echoing().allow_origin(origin("*"))).unwrap();
    for page in ["https://evil.example", "null"] {
        let answered = ask(&any, "POST /v1 HTTP/1.1", &["Host: localhost", &format!("Origin: {page}")], "{}");
        assert_eq!((answered.status, answered.headers["access-control-allow-origin"].as_str()), (201, "*"));
    }
    let files = Listener::spawn(LOOPBACK, echoing().allow_origin(origin("null"))).unwrap();
    let answered = ask(&files, "POST /v1 HTTP/1.1", &["Host: localhost", "Origin: null"], "{}");
    assert_eq!((answered.status, answered.headers["access-control-allow-origin"].as_str()), (201, "null"));
}

#[test]
fn a_preflight_is_answered_without_the_handler() {
    let listener = Listener::spawn(LOOPBACK, uncalled()).unwrap();
    let mut client = Client::connect(&listener);
    for private in [true, false] {
        let asks = if private { "\r\nAccess-Control-Request-Private-Network: true" } else { "" };
        let head = format!("OPTIONS /v1/x HTTP/1.1\r\nOrigin: http://localhost:3000{asks}\r\nAuthorization: s");
        let answered = client.request(&head, "");
        assert_eq!(answered.status, 204);
        assert!(answered.body.is_empty());
        let header = |name: &str| answered.headers[name].as_str();
        assert_eq!(header("access-control-allow-origin"), "http://localhost:3000");
        assert_eq!(header("access-control-allow-methods"), "GET, POST, PUT, DELETE, OPTIONS");
        assert_eq!(header("access-control-allow-headers"), "authorization, content-type");
        assert_eq!(header("access-control-max-age"), PREFLIGHT_MAX_AGE);
        assert_eq!(header("vary"), "Origin");
        let network = answered.headers.get("access-control-allow-private-network").map(String::as_str);
        assert_eq!(network, private.then_some("true"));
    }
}

#[test]
fn a_server_of_the_network_goes_by_the_address_at_which_it_is_reached() {
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let site = || echoing().metrics("a", || Always(1));
    let listener = Listener::spawn(everywhere, site()).unwrap();
    // Another address of this machine's stands for the one on its network.
    let reached = SocketAddr::from(([127, 0, 0, 2], listener.local_addr().port()));
    let mut client = Client { stream: std::io::BufReader::new(std::net::TcpStream::connect(reached).unwrap()) };
    client.stream.get_ref().set_read_timeout(Some(NEVER)).unwrap();
    for (host, status) in [("127.0.0.2", 201), ("0.0.0.0", 201), ("192.0.2.7", 421), ("evil.example", 421)] {
        client.write(format!("GET /v1 HTTP/1.1\r\nHost: {host}:{}\r\n\r\n", reached.port()));
        assert_eq!(client.response().status, status, "{host}");
    }
    client.write("GET /metrics HTTP/1.1\r\nHost: 127.0.0.2\r\n\r\n");
    assert_eq!(client.response().status, 200);
}

#[test]
fn counters_are_for_programs_on_this_machine_unless_they_are_public() {
    // What comes from an address of the network looks like another machine's.
    let Some(source) = network_address() else { return };
    for (is_public, status) in [(false, 403), (true, 200)] {
        let site = echoing().metrics("a", || Always(1));
        let site = if is_public { site.public_metrics() } else { site };
        let listener = Listener::spawn(LOOPBACK, site).unwrap();
        let mut client = connect_from(source, listener.local_addr());
        let answered = client.request("GET /metrics HTTP/1.1", "");
        assert_eq!(answered.status, status);
        if !is_public {
            answered.assert_error(403, "forbidden");
            assert!(String::from_utf8(answered.body).unwrap().contains("--public-metrics"));
        }
        assert_eq!(client.request("GET /v1 HTTP/1.1", "").status, 201);
        assert_eq!(Client::connect(&listener).request("GET /metrics HTTP/1.1", "").status, 200);
        // A proxy on this machine asks for others.
        for forwarded in ["X-Forwarded-For: 192.0.2.7", "Forwarded: for=192.0.2.7", "Via: 1.1 proxy"] {
            let head = format!("GET /metrics HTTP/1.1\r\n{forwarded}");
            assert_eq!(Client::connect(&listener).request(&head, "").status, status, "{forwarded}");
        }
    }
}

fn connect_from(source: IpAddr, to: SocketAddr) -> Client {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(source, 0)).unwrap();
        socket.connect(to).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(NEVER)).unwrap();
    Client { stream: std::io::BufReader::new(stream) }
}

/// The address of the interface that packets to elsewhere would leave by; nothing is sent.
fn network_address() -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

#[test]
fn what_was_refused_is_counted() {
    let listener = Listener::spawn(LOOPBACK, echoing().metrics("a", || Always(1))).unwrap();
    ask(&listener, "GET /v1 HTTP/1.1", &["Host: evil.example"], "");
    for _ in 0..2 {
        ask(&listener, "GET /v1 HTTP/1.1", &["Host: localhost", "Origin: https://evil.example"], "");
    }
    let text = String::from_utf8(ask(&listener, "GET /metrics HTTP/1.1", &["Host: localhost"], "").body).unwrap();
    for line in ["farwire_listener_foreign_hosts_total 1", "farwire_listener_foreign_origins_total 2"] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn who_has_no_page_is_not_asked_for_one() {
    let answered = ask(&echo_listener(), "GET /v1 HTTP/1.1", &["Host: localhost"], "");
    assert_eq!((answered.status, answered.headers.get("access-control-allow-origin")), (201, None));
}
