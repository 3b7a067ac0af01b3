//! Messages as the PyPI package dimos-lcm writes and reads them, byte for byte.
//!
//! ```text
//! python3 -m venv VENV && VENV/bin/pip install -r tests/interop/requirements.txt
//! FARWIRE_PYTHON=VENV/bin/python cargo test -p farwire-tests --test interop_lcm -- --ignored
//! ```

use std::fmt::Debug;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use farwire_core::lcm::Message;
use farwire_core::with_lcm_messages;
use farwire_tests::lcm::random_message;
use fastrand::Rng;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Messages of each type and in each direction.
const COUNT: u64 = 20;

/// A running `lcm_messages.py`.
struct Python {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Python {
    fn start() -> Python {
        let python = std::env::var("FARWIRE_PYTHON").unwrap_or_else(|_| "python3".into());
        let mut process = Command::new(&python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/interop/lcm_messages.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {python}: {error}"));
        let commands = process.stdin.take().expect("piped");
        let answers = BufReader::new(process.stdout.take().expect("piped"));
        Python { process, commands, answers }
    }

    /// The bytes and the fields of the message that the command is about.
    fn call(&mut self, command: &Value) -> (Vec<u8>, Value) {
        writeln!(self.commands, "{command}").expect("it runs");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        let mut answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        assert_eq!(answer["error"], Value::Null, "from dimos-lcm, to {command}");
        (from_hex(answer["hex"].as_str().expect("hex")), answer["fields"].take())
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(hex: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
    (0..hex.len()).step_by(2).map(pair).collect()
}

/// Both ends write the same bytes for the same fields, and both read the other's.
fn agrees<M: Message + DeserializeOwned + PartialEq + Debug>(python: &mut Python) {
    for seed in 0..COUNT {
        let (theirs, fields) = python.call(&json!({"do": "random", "type": M::NAME, "seed": seed}));
        let message: M = serde_json::from_value(fields).unwrap_or_else(|error| panic!("{}: {error}", M::NAME));
        assert_eq!(to_hex(&message.to_bytes().expect("it has an encoding")), to_hex(&theirs), "{message:?}");
        assert_eq!(M::decode(&theirs), Ok(message));

        let ours = random_message(M::schema(), &mut Rng::with_seed(seed));
        let message = M::decode(&ours).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(to_hex(&message.to_bytes().expect("it has an encoding")), to_hex(&ours), "{message:?}");
        let (again, fields) = python.call(&json!({"do": "decode", "type": M::NAME, "hex": to_hex(&ours)}));
        assert_eq!(to_hex(&again), to_hex(&ours), "{message:?}");
        assert_eq!(serde_json::from_value::<M>(fields).expect("the same fields"), message);
    }
}

macro_rules! all_agree {
    ($($message:path)*) => {
        #[test]
        #[ignore = "needs dimos-lcm: pip install -r tests/interop/requirements.txt"]
        fn every_message_agrees() {
            let mut python = Python::start();
            $(agrees::<$message>(&mut python);)*
        }
    };
}

with_lcm_messages!(all_agree);
