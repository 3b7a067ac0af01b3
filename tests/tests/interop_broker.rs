//! DimOS's robot from PyPI, unmodified, on farwire's broker, with operators of aiortc.

mod script;

use std::time::{Duration, Instant};

use farwire_broker::{AdminAnswer, AdminRequest, Config, Grant, HttpSfu, RobotId, Scope, Server, Store};
use farwire_listener::{Listener, Site};

fn secret(broker: &Server, grant: Grant) -> String {
    match broker.administer(AdminRequest::Create { grant, label: String::new() }) {
        AdminAnswer::Created { secret, .. } => secret,
        _ => panic!("no key was created"),
    }
}

#[test]
#[ignore = "needs DimOS from PyPI: see tests/script/mod.rs"]
fn a_robot_of_dimos_on_farwires_broker() {
    // The script that takes the SFU alone is another test's.
    let _ = script::passes;
    let sfu = farwire_sfu::Server::spawn(farwire_sfu::Config::new("app", "secret")).expect("an SFU on loopback");
    let directory = std::env::temp_dir().join(format!("farwire-interop-broker-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let state = directory.join("broker.redb");
    let config = farwire_core::Config::new(&sfu.api_root(), "app", "secret").expect("a good config");
    let config = Config::new(config).check_every(Duration::from_millis(500));
    let store = Store::open(&state).expect("a state file");
    let broker = Server::spawn(config, store, HttpSfu::spawn(true).expect("threads")).expect("a broker");
    let listener = Listener::spawn(([127, 0, 0, 1], 0).into(), broker.add_to(Site::new())).expect("a port");
    let robot = || Grant::Robot(RobotId::new("dimos").expect("an id"));
    let everything = || Grant::Operator(Scope::All);
    let secrets = [robot(), robot(), everything(), everything()].map(|grant| secret(&broker, grant));
    let url = format!("http://{}", listener.local_addr());
    let orders = directory.join("broker.redb.d/orders");
    let mut arguments = vec![url.as_str(), orders.to_str().expect("UTF-8")];
    arguments.extend(secrets.iter().map(String::as_str));
    script::passes_with("dimos_broker.py", &arguments, Duration::from_secs(120));

    let begun = Instant::now();
    while sfu.sessions() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(40), "{} sessions are left on the SFU", sfu.sessions());
        std::thread::sleep(Duration::from_millis(100));
    }
    drop((listener, broker));
    std::fs::remove_dir_all(&directory).expect("the directory");
}
