//! Runs a script of `interop/` on an SFU in this process.
//!
//! ```text
//! python3 -m venv VENV
//! VENV/bin/pip install -r tests/interop/requirements.txt
//! VENV/bin/pip install --no-deps -r tests/interop/requirements-dimos.txt
//! FARWIRE_PYTHON=VENV/bin/python cargo test -p farwire-tests -p farwire -- --ignored
//! ```

use std::io::{BufRead, BufReader, pipe};
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use farwire_sfu::{Config, Server};

/// Checks that the script finds nothing wrong with an SFU, within a time.
pub(crate) fn passes(script: &str, within: Duration) {
    let server = Server::spawn(Config::new("app", "secret")).expect("an SFU on loopback");
    passes_with(script, &[&server.api_root(), "app", "secret"], within);
}

/// Checks that the script finds nothing wrong, within a time.
pub(crate) fn passes_with(script: &str, arguments: &[&str], within: Duration) {
    let python = std::env::var("FARWIRE_PYTHON").unwrap_or_else(|_| "python3".into());
    let (output, errors) = pipe().expect("a pipe");
    let mut process = Command::new(&python)
        .arg(format!("{}/interop/{script}", env!("CARGO_MANIFEST_DIR")))
        .args(arguments)
        .stdout(errors.try_clone().expect("a second end"))
        .stderr(errors)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {python}: {error}"));
    let (open, ended) = sync_channel::<()>(0);
    // The test shows what it printed if it fails.
    thread::spawn(move || {
        BufReader::new(output).lines().map_while(Result::ok).for_each(|line| println!("{line}"));
        drop(open);
    });
    let in_time = ended.recv_timeout(within) == Err(RecvTimeoutError::Disconnected);
    if !in_time {
        process.kill().expect("it runs");
    }
    let status = process.wait().expect("a child");
    assert!(in_time, "{script} was not done after {within:?}");
    assert!(status.success(), "{script}: {status}; its output says why");
}
