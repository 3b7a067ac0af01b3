//! API and data in different IP versions, over real sockets, with both drivers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs, UdpSocket};
use std::time::Duration;

use farwire_core::Config;
use farwire_sfu::Server;

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// What any single step may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

fn has_ipv6() -> bool {
    UdpSocket::bind((V6, 0)).is_ok()
}

/// An SFU with its API and its data at these addresses, and how to reach it.
fn sfu(api: IpAddr, data: IpAddr, name: Option<&str>) -> (Server, Config) {
    let config = farwire_sfu::Config::new("app", "secret").http((api, 0).into()).udp((data, 0).into());
    let server = Server::spawn(config).expect("an SFU");
    let mut root = server.api_root();
    if let Some(name) = name {
        let port = root.trim_end_matches("/v1").rsplit(':').next().expect("a port").to_owned();
        root = format!("http://{name}:{port}/v1");
    }
    let config = Config::new(&root, "app", "secret").expect("a good config");
    (server, config.connect_timeout(PATIENCE))
}

fn ways() -> Vec<(IpAddr, IpAddr, Option<&'static str>)> {
    let mut ways = vec![(V4, V4, None), (V4, V4, Some("localhost"))];
    if has_ipv6() {
        ways.extend([(V6, V4, None), (V4, V6, None), (V6, V6, None), (V4, V6, Some("localhost"))]);
        let names = ("localhost", 0).to_socket_addrs().expect("it has addresses");
        if names.into_iter().any(|address| address.ip() == V6) {
            ways.extend([(V6, V6, Some("localhost")), (V6, V4, Some("localhost"))]);
        }
    }
    ways
}

#[test]
fn threads_reach_an_sfu_in_either_version() {
    for (api, data, name) in ways() {
        let (server, config) = sfu(api, data, name);
        let connection = farwire_blocking::connect(config).unwrap_or_else(|error| {
            panic!("API {api}, data {data}, by {name:?}: {error}");
        });
        let messages = connection.subscribe("t").expect("a subscription");
        messages.wait_open(PATIENCE).expect("it opens");
        connection.publisher("t").expect("a publisher").publish(b"x").expect("sent");
        assert_eq!(&messages.recv_timeout(PATIENCE).expect("it comes")[..], b"x");
        drop((connection, messages, server));
    }
}

#[test]
fn tasks_reach_an_sfu_in_either_version() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for (api, data, name) in ways() {
        let (server, config) = sfu(api, data, name);
        runtime.block_on(async {
            let connection = farwire_tokio::connect(config).await.unwrap_or_else(|error| {
                panic!("API {api}, data {data}, by {name:?}: {error}");
            });
            assert!(connection.is_connected());
        });
        drop(server);
    }
}
