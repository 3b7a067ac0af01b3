//! Proof that farwire-core does no I/O, reads no clock, and starts and blocks no thread: neither itself nor through a
//! crate made for that. `core/clippy.toml` says the same to clippy.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What core depends on directly, and nothing else.
const DIRECT: [&str; 14] = [
    "base64",
    "bytes",
    "crc",
    "farwire-sctp",
    "fastrand",
    "heapless",
    "http",
    "png",
    "serde",
    "serde_json",
    "sha1",
    "str0m",
    "thiserror",
    "toml",
];

/// Crates that do I/O, run threads or keep time; `*` stands for any end.
const IMPURE: [&str; 34] = [
    "actix*",
    "async-*",
    "calloop",
    "chrono",
    "crossbeam*",
    "curl*",
    "embassy*",
    "futures-executor",
    "h2",
    "hyper*",
    "io-uring",
    "mio*",
    "monoio",
    "native-tls",
    "nix",
    "openssl*",
    "polling",
    "quinn*",
    "rayon*",
    "reqwest*",
    "rustix",
    "rustls",
    "signal-hook*",
    "smol",
    "socket2",
    "tempfile",
    "threadpool",
    "tokio*",
    "tungstenite*",
    "ureq*",
    "webrtc*",
    "winapi",
    "windows-sys",
    "zenoh*",
];

/// What the source may not say outside of its tests, each with something that is to be found by it.
const TOKENS: [(&str, &str); 22] = [
    ("Instant::now", "let now = std::time::Instant::now();"),
    (".elapsed()", "start.elapsed()"),
    ("SystemTime", "SystemTime::now()"),
    ("UNIX_EPOCH", "UNIX_EPOCH"),
    ("std::thread", "use std::thread;"),
    ("thread::", "thread::sleep(pause)"),
    ("thread_local!", "thread_local! {"),
    ("sleep(", "sleep(pause)"),
    ("UdpSocket", "UdpSocket::bind(address)"),
    ("TcpStream", "TcpStream::connect(address)"),
    ("TcpListener", "TcpListener::bind(address)"),
    ("ToSocketAddrs", "use std::net::ToSocketAddrs;"),
    ("std::io", "use std::io::Write;"),
    ("std::fs", "std::fs::read(path)"),
    ("std::env", "use std::env;"),
    ("std::process", "std::process::exit(1)"),
    ("std::os", "use std::os::fd::AsFd;"),
    ("print!(", "eprint!(\"x\")"),
    ("println!(", "eprintln!(\"x\")"),
    ("Condvar", "Condvar::new()"),
    ("static mut", "static mut COUNT: u32 = 0;"),
    ("extern \"C\"", "unsafe extern \"C\" {"),
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is in the workspace").to_owned()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(workspace()).output().expect("cargo runs");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Everything that core is linked with on this platform, without what only its tests or builds need.
fn dependencies() -> BTreeSet<String> {
    let what = ["tree", "--offline", "-p", "farwire-core", "--all-features", "-e", "normal,no-proc-macro"];
    let lines = cargo(&[&what[..], &["--prefix", "none", "--format", "{p}"]].concat());
    lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// What core's manifest asks for on any platform and with any feature.
fn direct_dependencies() -> BTreeSet<String> {
    let text = cargo(&["metadata", "--offline", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&text).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let core = packages.iter().find(|package| package["name"] == "farwire-core").expect("core is in the workspace");
    let all = core["dependencies"].as_array().expect("dependencies").iter();
    let of_the_library = all.filter(|dependency| dependency["kind"] != "dev");
    of_the_library.filter_map(|dependency| dependency["name"].as_str()).map(str::to_owned).collect()
}

fn is_impure(name: &str) -> bool {
    IMPURE.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *pattern,
    })
}

#[test]
fn core_depends_on_nothing_that_does_io() {
    let all = dependencies();
    assert!(all.contains("str0m") && all.contains("sctp-proto"), "not core's dependencies: {all:?}");
    let impure: Vec<&String> = all.iter().filter(|name| is_impure(name)).collect();
    assert!(impure.is_empty(), "farwire-core depends on {impure:?}; see cargo tree -p farwire-core -i NAME");
}

#[test]
fn core_depends_directly_on_what_was_agreed() {
    let allowed = BTreeSet::from(DIRECT.map(str::to_owned));
    assert_eq!(direct_dependencies(), allowed, "what core depends on, and what it may");
}

#[test]
fn impure_crates_are_recognized() {
    for name in ["tokio", "tokio-util", "mio", "ureq", "hyper-util", "async-std", "socket2", "quinn-udp", "rustix"] {
        assert!(is_impure(name), "{name}");
    }
    assert!(!is_impure("str0m") && !is_impure("bytes"));
}

/// Lines of code outside of tests and comments, with their numbers. A file's tests are one module at its end.
fn code<'a>(path: &Path, source: &'a str) -> Vec<(usize, &'a str)> {
    let mut lines: Vec<&str> = source.lines().collect();
    if let Some(tests) = lines.iter().position(|line| line.trim_start().starts_with("#[cfg(test)]")) {
        let is_last = lines[tests] == "#[cfg(test)]"
            && matches!(lines.get(tests + 1), Some(&("mod tests {" | "pub(crate) mod tests {")))
            && lines.iter().skip(tests).position(|line| *line == "}") == Some(lines.len() - tests - 1);
        // Tests in a file of their own are called `tests.rs`.
        let is_last = is_last || lines[tests..] == ["#[cfg(test)]", "mod tests;"];
        assert!(is_last, "{}:{}: only `mod tests` at the end may be for tests", path.display(), tests + 1);
        lines.truncate(tests);
    }
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    (1..).zip(lines).filter(|(_, line)| is_code(line)).collect()
}

/// What sounds like I/O and is none: it reads memory.
const HARMLESS: &str = "std::io::Cursor";

/// Where a file says what it may not.
fn offences(path: &Path, source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in code(path, source) {
        let line = line.replace(HARMLESS, "");
        let said = TOKENS.iter().filter(|(token, _)| line.contains(token));
        found.extend(said.map(|(token, _)| format!("{}:{number}: {token}", path.display())));
    }
    found
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

#[test]
fn core_says_nothing_of_io_clocks_or_threads() {
    let mut files = Vec::new();
    sources(&workspace().join("core/src"), &mut files);
    assert!(files.len() > 10 && files.iter().any(|file| file.ends_with("link/mod.rs")), "not core: {files:?}");
    let read = |path: &PathBuf| offences(path, &fs::read_to_string(path).expect("readable"));
    let offences: Vec<String> = files.iter().flat_map(read).collect();
    assert!(offences.is_empty(), "farwire-core is to be pure:\n{}", offences.join("\n"));
}

/// The broker's state machine is in one crate with what runs it: these files and directories.
const RUNS_THE_BROKER: [&str; 3] = ["server", "store", "store.rs"];

#[test]
fn the_brokers_state_machine_says_nothing_of_them_either() {
    let mut files = Vec::new();
    let source = workspace().join("broker/src");
    sources(&source, &mut files);
    files.retain(|file| !RUNS_THE_BROKER.iter().any(|name| file.starts_with(source.join(name))));
    assert!(files.len() > 10 && files.iter().any(|file| file.ends_with("broker/operators.rs")), "{files:?}");
    let read = |path: &PathBuf| offences(path, &fs::read_to_string(path).expect("readable"));
    let offences: Vec<String> = files.iter().flat_map(read).collect();
    assert!(offences.is_empty(), "the broker's state machine is to be pure:\n{}", offences.join("\n"));
}

#[test]
fn the_simulated_robot_and_its_operator_say_nothing_of_them_either() {
    let mut files = Vec::new();
    sources(&workspace().join("sim/src"), &mut files);
    assert!(files.len() > 10 && files.iter().any(|file| file.ends_with("robot/body.rs")), "not sim: {files:?}");
    let read = |path: &PathBuf| offences(path, &fs::read_to_string(path).expect("readable"));
    let offences: Vec<String> = files.iter().flat_map(read).collect();
    assert!(offences.is_empty(), "farwire-sim is to be pure:\n{}", offences.join("\n"));
}

#[test]
fn sctp_says_nothing_of_them_either() {
    let mut files = Vec::new();
    sources(&workspace().join("sctp/src"), &mut files);
    assert!(
        files.len() > 10 && files.iter().any(|file| file.ends_with("association/output.rs")),
        "not sctp: {files:?}"
    );
    let read = |path: &PathBuf| offences(path, &fs::read_to_string(path).expect("readable"));
    let offences: Vec<String> = files.iter().flat_map(read).collect();
    assert!(offences.is_empty(), "farwire-sctp is to be pure:\n{}", offences.join("\n"));
    let normal = cargo(&[
        "tree",
        "--offline",
        "-p",
        "farwire-sctp",
        "-e",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let names: Vec<&str> = normal.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"crc32c") && !names.iter().any(|name| is_impure(name)), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("farwire") && *name != "farwire-sctp"), "{names:?}");
}

#[test]
fn what_may_not_be_said_is_found_outside_of_tests_alone() {
    let path = Path::new("example.rs");
    for (token, example) in TOKENS {
        let file = format!("// {example}\nfn f() {{\n    {example}\n}}\n");
        assert!(offences(path, &file).contains(&format!("example.rs:3: {token}")), "{token}");
        let tested = format!("fn f() {{}}\n\n#[cfg(test)]\nmod tests {{\n    {example}\n}}\n");
        assert_eq!(offences(path, &tested), Vec::<String>::new(), "{token}");
    }
}

#[test]
fn core_is_linted_for_it() {
    let text = fs::read_to_string(workspace().join("core/clippy.toml")).expect("core has a clippy.toml");
    for path in ["std::time::Instant::now", "std::thread::spawn", "std::net::UdpSocket", "std::env::var"] {
        assert!(text.contains(&format!("path = \"{path}\"")), "{path} is allowed");
    }
}
