//! The process that is loaded.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use farwire_broker::{AdminAnswer, AdminRequest, Grant, RobotId, Scope, Store, administer};

use crate::Outcome;

/// A `farwire serve` with keys for so many pairs, which ends with this.
pub(crate) struct Server {
    child: Child,
    directory: PathBuf,
    pub(crate) url: String,
    /// Keys.
    pub(crate) robots: Vec<String>,
    /// Tokens, in the robots' order.
    pub(crate) operators: Vec<String>,
}

impl Server {
    pub(crate) fn start(farwire: &str, pairs: usize) -> Outcome<Server> {
        let directory = std::env::temp_dir().join(format!("farwire-teleop-load-{}", std::process::id()));
        fs::create_dir_all(&directory)?;
        let state = directory.join("broker.redb");
        let (mut robots, mut operators) = (Vec::new(), Vec::new());
        {
            let store = Store::open(&state)?;
            let create = |grant: Grant| -> Outcome<String> {
                match administer(&store, AdminRequest::Create { grant, label: String::new() }, 1)? {
                    AdminAnswer::Created { secret, .. } => Ok(secret),
                    _ => Err("no key".into()),
                }
            };
            for number in 0..pairs {
                let robot = RobotId::new(&format!("robot-{number}"))?;
                robots.push(create(Grant::Robot(robot.clone()))?);
                operators.push(create(Grant::Operator(Scope::Robots([robot].into())))?);
            }
        }
        let mut child = Command::new(farwire)
            .args(["serve", "--http", "127.0.0.1:0", "--json", "--log", "warn", "--no-local-keys", "--state"])
            .arg(&state)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut ready = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut ready)?;
        let ready: serde_json::Value = serde_json::from_str(&ready)?;
        let url = ready["broker"].as_str().ok_or("no broker")?.to_owned();
        Ok(Server { child, directory, url, robots, operators })
    }

    /// Its number among the system's processes.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
