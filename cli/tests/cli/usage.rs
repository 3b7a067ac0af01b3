//! What `farwire` says when it is asked, or asked wrongly.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::process::{Ended, Running, Scratch};

const SOON: Duration = Duration::from_secs(20);

fn ended(args: &[&str]) -> Ended {
    Running::start(Scratch::new().farwire(args)).end(SOON)
}

#[test]
fn help_lists_the_commands() {
    let help = ended(&["--help"]).expect(0).stdout;
    for command in ["serve", "keys", "robot", "drive", "demo", "pub", "sub", "bench"] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
        assert!(ended(&[command, "--help"]).expect(0).stdout.contains("Usage: farwire"));
    }
    assert!(!help.contains("bench-worker"), "{help}");
    assert!(ended(&["--version"]).expect(0).stdout.starts_with("farwire "));
}

#[test]
fn help_hides_the_environment() {
    let mut command = Scratch::new().farwire(&["pub", "--help"]);
    command.env("FARWIRE_APP_SECRET", "hunter2");
    let help = Running::start(command).end(SOON).expect(0).stdout;
    assert!(help.contains("FARWIRE_APP_SECRET") && !help.contains("hunter2"), "{help}");
}

#[test]
fn wrong_usage_is_2() {
    for args in [
        &["launch"] as &[&str],
        &[],
        &["pub"],
        &["pub", "odom", "--hz", "0"],
        &["pub", "odom", "+"],
        &["sub", "odom", "--json", "--raw"],
        &["sub", "odom", "--type", "std_msgs.Bool", "--raw"],
        &["sub", "odom", "--type", "std_msgs.Boolean"],
        &["pub", "odom", "--type", "std_msgs.Bool"],
        &["pub", "odom", "--type", "std_msgs.Bool", "--json", "true"],
        &["serve", "--http", "8787"],
        &["bench", "--sizes", "1"],
        &["bench", "--sizes", "67108865"],
        &["bench", "--drain", "-1"],
        &["bench", "--count", "5", "--max-messages", "5"],
        &["bench", "--svg", "/nowhere/heat.svg"],
        &["demo", "--seconds", "soon"],
        &["sub", "odom", "--url", "127.0.0.1:8787"],
        &["robot"],
        &["robot", "--stale-after", "300"],
        &["robot", "--hz", "1000"],
        &["drive"],
        &["drive", "--json"],
        &["drive", "--script", "sideways 2s"],
        &["drive", "--forward", "0.5"],
        &["drive", "--forward", "9", "--for", "1s"],
        &["drive", "--forward", "0.5", "--for", "1s"],
    ] {
        ended(args).expect(2);
    }
}

#[test]
fn serve_does_not_open_up_by_accident() {
    let no_secret = ended(&["serve", "--http", "0.0.0.0:0"]).expect(2).stderr;
    assert!(no_secret.contains("FARWIRE_APP_SECRET") && no_secret.contains("--app-secret"), "{no_secret}");
    ended(&["serve", "--udp", "0.0.0.0:0", "--announce", "127.0.0.1"]).expect(2);
    // The one that is in the documentation does not count as one's own.
    ended(&["serve", "--http", "0.0.0.0:0", "--app-secret", "farwire-local"]).expect(2);
    let no_address = ended(&["serve", "--udp", "0.0.0.0:0", "--app-secret", "hunter2"]).expect(2).stderr;
    assert!(no_address.contains("--announce") && !no_address.contains("hunter2"), "{no_address}");
}

#[test]
fn other_machines_need_settings() {
    let far = "http://192.0.2.1:8787/v1";
    let no_secret = ended(&["pub", "odom", "--url", far, "--app-id", "app"]).expect(2).stderr;
    assert!(no_secret.contains("FARWIRE_APP_SECRET is not set: export it, or pass --app-secret"), "{no_secret}");
    let no_session = ended(&["sub", "odom", "--url", far, "--app-id", "app", "--app-secret", "s"]).expect(2).stderr;
    assert!(no_session.contains("--session") && no_session.contains("farwire pub"), "{no_session}");
}

#[test]
fn a_file_of_settings_is_read_with_care() {
    let scratch = Scratch::new();
    let far = "url = 'http://192.0.2.1:8787/v1'\napp_id = 'a'\n";
    for (name, text, told) in [
        ("redacted.toml", &format!("{far}app_secret = '…redacted…'"), "to_json_with_secret"),
        ("unquoted.toml", &format!("{far}app_secret = hunter2"), "line 3"),
        ("number.json", &r#"{"app_secret": 4242424242}"#.to_owned(), "app_secret: a secret is a text in quotes"),
        ("unknown.toml", &"app_key = 'hunter2'".to_owned(), "app_key"),
        ("late.json", &r#"{"connect_timeout": 0}"#.to_owned(), "connect_timeout"),
        ("missing.toml", &far.to_owned(), "FARWIRE_APP_SECRET is not set"),
        ("settings.yaml", &String::new(), "name it .toml or .json"),
    ] {
        let path = scratch.file(name, text);
        let error = ended(&["pub", "odom", "--config", &path]).expect(2).stderr;
        assert!(error.contains(told), "{name}: {error}");
        assert!(!error.contains("hunter2") && !error.contains("4242424242"), "{name}: {error}");
    }
    let error = ended(&["pub", "odom", "--config", "/nowhere/sfu.toml"]).expect(2).stderr;
    assert!(error.contains("/nowhere/sfu.toml") && error.contains("cannot read"), "{error}");
}

#[test]
fn a_closed_port_is_told_at_once() {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let url = format!("http://{free}/v1");
    let start = Instant::now();
    let failed = ended(&["pub", "odom", "--url", &url]).expect(1).stderr;
    assert!(failed.contains(&url) && failed.contains("farwire serve"), "{failed}");
    assert!(start.elapsed() < Duration::from_secs(5), "took {:?}", start.elapsed());
}

#[test]
fn a_port_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let http = taken.local_addr().expect("its address").to_string();
    let failed = ended(&["serve", "--http", &http]).expect(1).stderr;
    assert!(failed.contains("in use") && failed.contains("--http 127.0.0.1:0"), "{failed}");
}
