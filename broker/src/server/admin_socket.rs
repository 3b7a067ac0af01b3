//! Administrative requests of those who may write the state file: one JSON line and one in return, on a socket in a
//! directory beside the file that only its owner can enter.

use std::fs::{self, DirBuilder};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::run::Inbox;
use crate::admin::{AdminAnswer, AdminRequest};

/// How long one side waits for the other. A request itself may take 10 s.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest request, in bytes.
const MAX_REQUEST: u64 = 64 * 1024;

/// Takes administrative requests on a thread, until dropped.
#[derive(Debug)]
pub(super) struct AdminSocket {
    socket: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Where administrative requests to the broker of a state file go.
pub(super) fn socket_beside(state: &Path) -> PathBuf {
    let mut name = state.file_name().unwrap_or_default().to_owned();
    name.push(".d");
    state.with_file_name(name).join("orders")
}

impl AdminSocket {
    /// The caller has the state file open, so no other broker uses the socket.
    pub(super) fn spawn(state: &Path, inbox: Inbox) -> io::Result<AdminSocket> {
        let socket = socket_beside(state);
        if let Some(directory) = socket.parent() {
            match DirBuilder::new().mode(0o700).create(directory) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_private(directory, state)?,
                made => made?,
            }
        }
        match fs::remove_file(&socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&socket)?;
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let stop = Arc::clone(&stop);
            std::thread::Builder::new().name("farwire-admin".into()).spawn(move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::Acquire) {
                        return;
                    }
                    // Whoever goes away or says nothing in time gets no answer.
                    let _ = stream.and_then(|stream| serve(stream, &inbox));
                }
            })?
        };
        Ok(AdminSocket { socket, stop, thread: Some(thread) })
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the thread. If it cannot be woken, it is left to the end of the process.
        let woken = UnixStream::connect(&self.socket);
        let _ = fs::remove_file(&self.socket);
        let _ = self.socket.parent().map(fs::remove_dir);
        if let (Ok(_), Some(thread)) = (woken, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

/// Refuses a directory for the socket that is a link, not of the state file's owner, or open to others: whoever made it
/// could administer the broker, or see who does.
fn check_private(directory: &Path, state: &Path) -> io::Result<()> {
    let (found, owner) = (fs::symlink_metadata(directory)?, fs::metadata(state)?.uid());
    let mode = found.mode() & 0o7777;
    if found.is_dir() && found.uid() == owner && mode & 0o077 == 0 {
        return Ok(());
    }
    let what = if found.is_dir() { format!("of user {} with mode {mode:04o}", found.uid()) } else { "none".to_owned() };
    let why = format!(
        "{} must be a directory of user {owner}, whose state file it is for, with mode 0700, and it is {what}: remove it",
        directory.display()
    );
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

fn serve(mut stream: UnixStream, inbox: &Inbox) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new((&stream).take(MAX_REQUEST)).read_line(&mut line)?;
    let answer = match serde_json::from_str::<AdminRequest>(&line) {
        Ok(request) => inbox.administer(request),
        Err(_) => {
            AdminAnswer::Refused("this broker does not know that request; it may be older than the command".into())
        }
    };
    writeln!(stream, "{}", serde_json::to_string(&answer)?)
}

/// Sends a request to the broker that runs on a state file; `None` if there is none.
pub(super) fn ask(state: &Path, request: &AdminRequest) -> io::Result<Option<AdminAnswer>> {
    let socket = socket_beside(state);
    match socket.parent().map(|directory| check_private(directory, state)) {
        Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Some(checked) => checked?,
        None => {}
    }
    let mut stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        // Nobody listens, or did when the process was killed.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    writeln!(stream, "{}", serde_json::to_string(request)?)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(Some(serde_json::from_str(&line)?))
}
