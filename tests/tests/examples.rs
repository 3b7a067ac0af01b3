//! The example runs, against an SFU in this process. `cargo test` builds it, unless it is told which targets to build.

use std::env;
use std::process::Command;

#[test]
fn own_loop() {
    let sfu = farwire_sfu::Server::spawn(farwire_sfu::Config::new("app", "secret")).expect("an SFU");
    let test = env::current_exe().expect("a path");
    let directory = test.parent().and_then(|deps| deps.parent()).expect("the target's directory").join("examples");
    let output = Command::new(directory.join("own_loop"))
        .arg("3")
        .env_remove("FARWIRE_PUBLISHER_SESSION")
        .env_remove("FARWIRE_CONNECT_TIMEOUT")
        .env("FARWIRE_URL", sfu.api_root())
        .env("FARWIRE_APP_ID", "app")
        .env("FARWIRE_APP_SECRET", "secret")
        .output()
        .expect("cargo build --examples has built it");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ticks: tick 0\nticks: tick 1\nticks: tick 2\n");
}
