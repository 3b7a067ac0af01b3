//! The example runs.

use std::process::Command;

use crate::sfu::start;

#[test]
fn the_service_talks_to_itself() {
    let sfu = start();
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "-p", "farwire-tokio", "--example", "service"])
        .env("FARWIRE_URL", sfu.api_root())
        .env("FARWIRE_APP_ID", "app")
        .env("FARWIRE_APP_SECRET", "secret")
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "heard 1 bytes\nheard 2 bytes\nheard 3 bytes\n");
}
