//! The example runs. `cargo test` builds it, unless it is told which targets to build.

use std::process::Command;

use crate::sfu::start;

#[test]
fn the_service_talks_to_itself() {
    let sfu = start();
    let test = std::env::current_exe().expect("a path");
    let directory = test.parent().and_then(|deps| deps.parent()).expect("the target's directory").join("examples");
    let output = Command::new(directory.join("service"))
        .env("FARWIRE_URL", sfu.api_root())
        .env("FARWIRE_APP_ID", "app")
        .env("FARWIRE_APP_SECRET", "secret")
        .output()
        .expect("cargo build --examples has built it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "heard 1 bytes\nheard 2 bytes\nheard 3 bytes\n");
}
