//! The SFU's process.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

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

    /// Its number among the system's processes.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
