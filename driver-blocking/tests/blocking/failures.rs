//! Servers that refuse, fail, babble or say nothing: a clear error in time, and nothing left.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use farwire_blocking::{Config, ConnectError, connect};

use crate::leftovers::{Holdings, alone};
use crate::script::Script;

const TIMEOUT: Duration = Duration::from_millis(1500);

/// Connects in vain; the error's text must have all of `parts`, and must not have the secret.
fn fails(config: &Config, within: Duration, parts: &[&str]) {
    let before = Holdings::now();
    let start = Instant::now();
    let error = connect(config.clone().connect_timeout(TIMEOUT)).expect_err("this cannot succeed");
    let took = start.elapsed();
    let text = error.to_string();
    assert!(matches!(error, ConnectError::Ended(_)), "{error:?}");
    assert!(took < within, "{text:?} took {took:?}");
    assert!(parts.iter().all(|part| text.contains(part)), "{text:?} lacks one of {parts:?}");
    assert!(!text.contains("hunter2"), "{text:?}");
    before.assert_unchanged();
}

/// Well before the deadline.
const AT_ONCE: Duration = Duration::from_millis(1000);

/// At the deadline, and a moment for a busy machine.
const IN_TIME: Duration = Duration::from_millis(2500);

#[test]
fn a_wrong_secret() {
    let _alone = alone();
    let body = r#"{"errorCode":"authentication_error","errorDescription":"Wrong app secret"}"#;
    let server = Script::status("401 Unauthorized", body);
    fails(&server.config(), AT_ONCE, &["401", "Wrong app secret", "FARWIRE_APP_SECRET"]);
    assert!(server.requests() <= 2, "a refusal is not asked again");
}

#[test]
fn an_unknown_app() {
    let _alone = alone();
    let server = Script::status("404 Not Found", "");
    fails(&server.config(), AT_ONCE, &["404", "FARWIRE_APP_ID"]);
}

#[test]
fn a_closed_port() {
    let _alone = alone();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    drop(listener);
    let config = Config::new(&url, "app", "hunter2").expect("a good config");
    fails(&config, IN_TIME, &["connection refused", &url]);
}

#[test]
fn a_name_that_does_not_exist() {
    let _alone = alone();
    let config = Config::new("http://sfu.invalid/v1", "app", "hunter2").expect("a good config");
    fails(&config, Duration::from_secs(10), &["sfu.invalid"]);
}

#[test]
fn a_server_that_fails() {
    let _alone = alone();
    let server = Script::status("500 Internal Server Error", "oops");
    fails(&server.config(), IN_TIME, &["500"]);
    assert!(server.requests() > 2, "a failure is asked again");
}

#[test]
fn a_server_that_is_overloaded() {
    let _alone = alone();
    let server = Script::status("429 Too Many Requests", "");
    fails(&server.config(), IN_TIME, &["429"]);
    assert!(server.requests() <= 10, "{} requests", server.requests());
}

#[test]
fn a_server_that_says_nothing() {
    let _alone = alone();
    let server = Script::answering("");
    fails(&server.config(), IN_TIME, &["answer"]);
}

#[test]
fn a_server_that_hangs_up() {
    let _alone = alone();
    let server = Script::answering("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{");
    fails(&server.config(), IN_TIME, &["closed the connection"]);
}

#[test]
fn a_server_that_speaks_something_else() {
    let _alone = alone();
    let server = Script::answering("SSH-2.0-OpenSSH_9.6\r\n\r\n");
    fails(&server.config(), IN_TIME, &["not HTTP"]);
}

#[test]
fn a_server_that_is_another_website() {
    let _alone = alone();
    fails(&Script::status("200 OK", "<html>").config(), AT_ONCE, &["check the URL"]);
    fails(&Script::status("200 OK", "{}").config(), AT_ONCE, &["check the URL"]);
    // A redirect is not followed: it would take the secret elsewhere.
    let moved = Script::answering("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n");
    fails(&moved.config(), AT_ONCE, &["302", "check the URL"]);
}

#[test]
fn a_server_that_does_not_stop() {
    let _alone = alone();
    let server = Script::status("200 OK", &"x".repeat(300 * 1024));
    fails(&server.config(), AT_ONCE, &["longer than"]);
}

#[test]
fn a_server_that_answers_one_session_and_leaves_the_other() {
    let _alone = alone();
    // Whatever the session's id is good for, this is not an answer to `establish`.
    let server = Script::status("201 Created", r#"{"sessionId":"s"}"#);
    fails(&server.config(), AT_ONCE, &["check the URL"]);
}
