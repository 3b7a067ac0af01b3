//! Robots and operators of both drivers, on a broker and an SFU with real sockets.

mod hand_over;
mod operators;
mod robots;
mod servers;

use std::time::{Duration, Instant};

use farwire_blocking::{Accepted, ConnectionEvent, Delivery, OperatorLost, RecvError, RobotConfig, SubscribeOptions};
use farwire_listener::{Listener, Site};

use crate::servers::Servers;

/// What any single step may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

fn fresh() -> SubscribeOptions {
    SubscribeOptions::from(Delivery::LOSSY).stale_after(Duration::from_millis(300))
}

#[test]
fn a_blocking_robot_and_an_operator_on_tokio() {
    let servers = Servers::new("blocking-robot");
    let robot = farwire_blocking::connect(servers.robot()).expect("the robot registers");
    let events = robot.events().expect("room for a listener");
    let commands = robot.subscribe_with("cmd_unreliable", fresh()).expect("a channel of the bridge");
    let telemetry = robot.publisher("state_reliable_back").expect("a channel of the bridge");
    assert!(!robot.operator_present() && robot.operator_lost().is_none());
    assert_eq!(telemetry.publish(b"nobody"), Ok(Accepted::Dropped));

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let operator = runtime.block_on(farwire_tokio::connect(servers.operator())).expect("the operator joins");
    assert!(operator.robot_present() && operator.clock().is_some());
    assert_eq!(events.recv_timeout(PATIENCE), Ok(ConnectionEvent::OperatorPresent));
    assert!(robot.operator_present());
    let mut heard = operator.subscribe("state_reliable_back").expect("a channel of the bridge");
    telemetry.publish(b"telemetry").expect("published");
    let heard = runtime.block_on(async {
        loop {
            // Pongs come on it as well.
            match tokio::time::timeout(PATIENCE, heard.recv()).await.expect("in time") {
                Ok(message) if message.is_text() => {}
                other => return other,
            }
        }
    });
    assert_eq!(&*heard.expect("telemetry"), b"telemetry");

    let drive = operator.publisher("cmd_unreliable").expect("a channel of the bridge");
    drive.publish(b"go").expect("published");
    assert_eq!(&*commands.recv_timeout(PATIENCE).expect("a command"), b"go");
    assert_eq!(commands.recv_timeout(PATIENCE), Err(RecvError::Stale));
    assert_eq!(commands.recv_timeout(Duration::from_millis(400)), Err(RecvError::Timeout), "told once");

    drop((operator, drive));
    drop(runtime);
    assert_eq!(events.recv_timeout(PATIENCE), Ok(ConnectionEvent::OperatorLost { reason: OperatorLost::Left }));
    assert!(!robot.operator_present());
    assert_eq!(robot.operator_lost(), Some(OperatorLost::Left));
    drop((robot, events, commands, telemetry));
    servers.assert_empty();
}

#[test]
fn a_robot_on_tokio_and_a_blocking_operator() {
    let servers = Servers::new("tokio-robot");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let robot = runtime.block_on(farwire_tokio::connect(servers.robot())).expect("the robot registers");
    let mut commands = robot.subscribe_with("cmd_unreliable", fresh()).expect("a channel of the bridge");
    let mut state = robot.subscribe("state_reliable").expect("a channel of the bridge");
    let operator = farwire_blocking::connect(servers.operator()).expect("the operator joins");
    let drive = operator.publisher("cmd_unreliable").expect("a channel of the bridge");
    drive.publish(b"go").expect("published");
    runtime.block_on(async {
        let command = tokio::time::timeout(PATIENCE, commands.recv()).await.expect("in time");
        assert_eq!(&*command.expect("a command"), b"go");
        let stale = tokio::time::timeout(PATIENCE, commands.recv()).await.expect("in time");
        assert_eq!(stale, Err(RecvError::Stale));
    });
    assert!(operator.clock().is_some_and(|clock| clock.offset.abs() < 1.0 && clock.samples > 0));
    drop((operator, drive));
    runtime.block_on(async {
        let begun = Instant::now();
        loop {
            let message = tokio::time::timeout(PATIENCE, state.recv()).await.expect("in time");
            assert!(begun.elapsed() < PATIENCE);
            if message.is_ok_and(|message| &*message == br#"{"type": "operator_lost"}"#) {
                return;
            }
        }
    });
    assert!(!robot.operator_present());
    drop((robot, commands, state));
    servers.assert_empty();
}

#[test]
fn a_broker_with_a_certificate_of_its_own_is_trusted_by_who_is_told_to() {
    use farwire_core::signalling::{Failure, Method, Request, RequestId};
    use farwire_listener::Tls;

    let directory = std::env::temp_dir().join(format!("farwire-trust-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(&certificate, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let site = Site::new().tls(Tls::from_files(&certificate, &key).expect("a certificate and its key"));
    let listener = Listener::spawn(([127, 0, 0, 1], 0).into(), site).expect("a port");
    let url = format!("https://localhost:{}/nowhere", listener.local_addr().port());
    let ask = |file: Option<&std::path::Path>| {
        let request = Request::new(RequestId(0), Method::GET, url.clone(), PATIENCE);
        let lookup = |name: &str| file.filter(|_| name == "SSL_CERT_FILE").map(|file| file.as_os_str().to_owned());
        farwire_http::Client::from_env(true, lookup).perform(request)
    };
    assert_eq!(ask(Some(&certificate)).map(|response| response.status), Ok(404));
    assert!(ask(None).is_err(), "nobody vouches for it");
    for (file, why) in [(&key, "no certificate"), (&directory.join("none.pem"), "cannot be read")] {
        match ask(Some(file)) {
            Err(Failure::Tls(text)) => assert!(text.contains("SSL_CERT_FILE") && text.contains(why), "{text}"),
            other => panic!("{other:?}"),
        }
    }
    std::fs::remove_dir_all(&directory).expect("the directory");
}

#[test]
fn a_wrong_key_and_a_missing_robot_are_errors_that_help() {
    let servers = Servers::new("errors");
    let wrong = RobotConfig::new(&servers.url(), "wrong").expect("a good config");
    let error = farwire_blocking::connect(wrong).expect_err("a wrong key").to_string();
    assert!(error.contains("401") && !error.contains("wrong"), "{error}");
    drop(servers.robot());
    let operator = servers.operator().connect_timeout(Duration::from_millis(300));
    let error = farwire_blocking::connect(operator).expect_err("no robot").to_string();
    assert!(error.contains("\"rover\" is not connected"), "{error}");
}
