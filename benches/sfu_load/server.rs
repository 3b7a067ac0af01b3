//! The SFU's process.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Outcome;

/// An SFU in a child process, which ends with this.
pub(crate) struct Server {
    child: Child,
    pub(crate) root: String,
}

/// What the child does: serve until its standard input ends.
pub(crate) fn serve() -> Outcome<()> {
    let config = farwire_sfu::Config::new("load", "load").max_sessions(20_000);
    let server = farwire_sfu::Server::spawn(config)?;
    println!("{}", server.api_root());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

impl Server {
    pub(crate) fn start() -> Outcome<Server> {
        let mut child =
            Command::new(std::env::current_exe()?).arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut root = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut root)?;
        Ok(Server { child, root: root.trim().to_owned() })
    }

    /// CPU time of all its threads so far, as Linux counts it.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        let mut nanos = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += schedstat.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Resident bytes.
    pub(crate) fn memory(&self) -> Outcome<u64> {
        let statm = fs::read_to_string(format!("/proc/{}/statm", self.child.id()))?;
        Ok(statm.split(' ').nth(1).ok_or("no such field")?.parse::<u64>()? * 4096)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
