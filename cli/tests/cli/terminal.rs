//! `farwire drive` at a terminal of its own, with somebody who reads the screen and presses keys.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::process::Scratch;
use crate::three_terminals::SOON;

/// A process at a terminal.
pub(crate) struct Screen {
    child: Child,
    keys: File,
    shown: Receiver<Vec<u8>>,
    /// What was shown since somebody last looked for something.
    seen: String,
}

impl Screen {
    pub(crate) fn start(scratch: &Scratch, args: &[&str]) -> Screen {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("its name");
        let open = || rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other end");
        let size = Winsize { ws_row: 40, ws_col: 140, ws_xpixel: 0, ws_ypixel: 0 };
        let stdin = open();
        tcsetwinsize(&stdin, size).expect("a size");
        let mut command: Command = scratch.farwire(args);
        command.stdin(Stdio::from(stdin)).stdout(Stdio::from(open())).stderr(Stdio::from(open()));
        let child = command.spawn().expect("farwire starts");
        drop(command);
        let keys = File::from(master);
        let mut screen = keys.try_clone().expect("one more handle");
        let (show, shown) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                if show.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Screen { child, keys, shown, seen: String::new() }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("pressed");
    }

    /// Waits until this is shown, from here on.
    pub(crate) fn shows(&mut self, text: &str) {
        self.shows_while(text, |_| {});
    }

    /// The same, while somebody does something all the time.
    pub(crate) fn shows_while(&mut self, text: &str, mut doing: impl FnMut(&mut Screen)) {
        let deadline = Instant::now() + SOON;
        self.seen.clear();
        while !self.seen.contains(text) {
            assert!(Instant::now() < deadline, "no {text:?} on the screen, but {:?}", self.last());
            doing(self);
            if let Ok(bytes) = self.shown.recv_timeout(Duration::from_millis(100)) {
                self.seen.push_str(&String::from_utf8_lossy(&bytes));
            }
        }
    }

    fn last(&self) -> String {
        let from = self.seen.len().saturating_sub(6000);
        self.seen.chars().skip(self.seen[..from].chars().count()).collect()
    }

    /// Waits for the end, and says with which code.
    pub(crate) fn end(mut self) -> Option<i32> {
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end");
            // A terminal that nobody reads holds up who writes there.
            let _ = self.shown.recv_timeout(Duration::from_millis(50));
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
