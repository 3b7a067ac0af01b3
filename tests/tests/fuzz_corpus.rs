//! What the fuzz targets run, over the committed corpus and over pseudo-random inputs that are the same every time.

use std::fs;
use std::path::PathBuf;

use farwire_tests::fuzz;

/// The longest input.
const MAX_LEN: usize = 512;

/// Prints the input if the body panics over it.
struct Input<'a>(&'a [u8]);

impl Drop for Input<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input was \"{}\"", self.0.escape_ascii());
        }
    }
}

/// Runs a body over `corpus/<target>/seed-*` and over `count` inputs: bytes at random, and seeds with changes.
fn run(target: &str, body: fn(&[u8]), count: usize) {
    let seeds = seeds(target);
    for seed in &seeds {
        body(Input(seed).0);
    }
    let mut random = fastrand::Rng::with_seed(0xfa12);
    for n in 0..count {
        let mut input = if n % 2 == 0 { seeds[random.usize(..seeds.len())].clone() } else { Vec::new() };
        if input.is_empty() {
            let len = random.usize(..MAX_LEN);
            input.resize_with(len, || random.u8(..));
        } else {
            for _ in 0..random.usize(1..8) {
                let at = random.usize(..input.len());
                match random.u8(..3) {
                    0 => input[at] = random.u8(..),
                    1 => input.insert(at, random.u8(..)),
                    _ => input.truncate(at + 1),
                }
            }
        }
        let input = Input(&input);
        body(input.0);
    }
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let files = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    // Fuzzing leaves what it finds beside them.
    let is_seed = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-"));
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("readable").path()).filter(is_seed).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} has no seeds", directory.display());
    paths.into_iter().map(|path| fs::read(path).expect("readable")).collect()
}

#[test]
fn channel_name() {
    run("channel_name", fuzz::channel_name, 4000);
}

#[test]
fn api_json() {
    run("api_json", fuzz::api_json, 4000);
}

#[test]
fn demux() {
    run("demux", fuzz::demux, 4000);
}

#[test]
fn lcm_decode() {
    run("lcm_decode", fuzz::lcm_decode, 2000);
}

#[test]
fn guard_packets() {
    run("guard_packets", fuzz::guard_packets, 4000);
}

#[test]
fn session_description() {
    run("session_description", fuzz::session_description, 400);
}

#[test]
fn sfu_requests() {
    run("sfu_requests", fuzz::sfu_requests, 100);
}

#[test]
fn bridge_inputs() {
    run("bridge_inputs", fuzz::bridge_inputs, 20);
}

#[test]
fn broker_requests() {
    run("broker_requests", fuzz::broker_requests, 2000);
}

#[test]
fn peer_inputs() {
    run("peer_inputs", fuzz::peer_inputs, 100);
}

#[test]
fn sctp_packets() {
    run("sctp_packets", fuzz::sctp_packets, 4000);
}

#[test]
fn sctp_network() {
    run("sctp_network", fuzz::sctp_network, 400);
}
