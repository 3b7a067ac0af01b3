//! How `farwire sub` finds `farwire pub` on the same machine.
//!
//! The API has no directory: a subscriber must know the publisher's session. So every `pub` that talks to an SFU of
//! this machine leaves a small file for as long as it runs, and a `sub` that was given no session reads the newest.

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::private_dir::PrivateDir;

/// File names stay well below what every file system takes.
const MAX_NAME: usize = 64;

/// Where to look for what.
pub(crate) struct Rendezvous {
    directory: PathBuf,
    topic: String,
    app_id: String,
    port: u16,
}

/// A publisher that runs right now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) session: String,
    pub(crate) reliable: bool,
    pid: u32,
    topic: String,
    app_id: String,
}

/// Removes the file when the publisher ends.
pub(crate) struct Announcement {
    directory: PrivateDir,
    name: String,
}

impl Rendezvous {
    pub(crate) fn new(topic: &str, app_id: &str, port: u16) -> Rendezvous {
        Rendezvous { directory: runtime_directory(), topic: topic.to_owned(), app_id: app_id.to_owned(), port }
    }

    /// Lets subscribers on this machine find `session`.
    pub(crate) fn announce(&self, session: &str, reliable: bool) -> io::Result<Announcement> {
        let directory = PrivateDir::make(&self.directory)?;
        let found = Found {
            session: session.to_owned(),
            reliable,
            pid: std::process::id(),
            topic: self.topic.clone(),
            app_id: self.app_id.clone(),
        };
        let name = format!("{}{}", self.prefix(), found.pid);
        directory.write(&name, &serde_json::to_vec(&found)?)?;
        Ok(Announcement { directory, name })
    }

    /// Makes sure that what is found was left by this user.
    ///
    /// # Errors
    /// When the directory is not this user's alone.
    pub(crate) fn check(&self) -> io::Result<()> {
        PrivateDir::find(&self.directory).map(drop)
    }

    /// The publisher that came last, of those still alive.
    pub(crate) fn newest(&self) -> Option<Found> {
        let prefix = self.prefix();
        let mut newest: Option<(SystemTime, Found)> = None;
        let directory = PrivateDir::find(&self.directory).ok()??;
        for name in directory.names().ok()? {
            if !name.starts_with(prefix.as_bytes()) {
                continue;
            }
            // A publisher that ends meanwhile takes its file along; that is the same as not being there.
            let Ok((since, content)) = directory.read(&name) else { continue };
            let Ok(found) = serde_json::from_slice::<Found>(&content) else { continue };
            if !is_alive(found.pid) {
                // It was killed, and will not tidy up any more.
                directory.remove(&name);
                continue;
            }
            let ours = found.topic == self.topic && found.app_id == self.app_id;
            if ours && newest.as_ref().is_none_or(|(latest, _)| since > *latest) {
                newest = Some((since, found));
            }
        }
        newest.map(|(_, found)| found)
    }

    /// Topics that look alike once sanitized share a prefix; the file's content tells them apart.
    fn prefix(&self) -> String {
        format!("{}.{}.", sanitized(&self.topic), self.port)
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        self.directory.remove(self.name.as_bytes());
    }
}

fn sanitized(name: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    name.chars().take(MAX_NAME).map(|character| if plain(character) { character } else { '_' }).collect()
}

fn is_alive(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
    // A process of another user is alive too, but may not be signalled.
    !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

fn runtime_directory() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|directory| directory.is_absolute()) {
        Some(directory) => directory.join("farwire"),
        None => {
            // The temp directory may be everybody's, so users keep out of each other's way.
            let uid = rustix::process::geteuid().as_raw();
            std::env::temp_dir().join(format!("farwire-{uid}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, DirBuilder};
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    use std::time::Duration;

    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let directory = std::env::temp_dir().join(format!("farwire-test-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&directory);
            Scratch(directory)
        }

        fn rendezvous(&self, topic: &str, port: u16) -> Rendezvous {
            let directory = self.0.clone();
            Rendezvous { directory, topic: topic.to_owned(), app_id: "farwire".to_owned(), port }
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn session(rendezvous: &Rendezvous) -> Option<String> {
        rendezvous.newest().map(|found| found.session)
    }

    #[test]
    fn found_while_announced() {
        let scratch = Scratch::new("found");
        let odom = scratch.rendezvous("robot/odom", 8787);
        assert_eq!(odom.newest(), None);
        let announcement = odom.announce("s1", true).expect("announced");
        assert!(odom.newest().is_some_and(|found| found.session == "s1" && found.reliable));
        assert_eq!(session(&scratch.rendezvous("robot/odom", 8788)), None, "another SFU");
        assert_eq!(session(&scratch.rendezvous("robot_odom", 8787)), None, "another topic of the same file name");
        drop(announcement);
        assert_eq!(odom.newest(), None);
        assert_eq!(fs::read_dir(&scratch.0).expect("directory").count(), 0, "nothing left behind");
    }

    #[test]
    fn stale_and_broken_files_do_not_count() {
        let scratch = Scratch::new("stale");
        let odom = scratch.rendezvous("odom", 1);
        let _announcement = odom.announce("alive", false).expect("announced");
        let soon = SystemTime::now() + Duration::from_secs(60);
        // No system hands out this pid.
        let dead = r#"{"session":"dead","reliable":false,"pid":2147483647,"topic":"odom","app_id":"farwire"}"#;
        for (name, content) in [("odom.1.2147483647", dead), ("odom.1.7", "{"), ("odom.1.8", "")] {
            let path = scratch.0.join(name);
            fs::write(&path, content).expect("written");
            fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(soon)).expect("newer");
        }
        assert_eq!(session(&odom).as_deref(), Some("alive"));
        assert!(!scratch.0.join("odom.1.2147483647").exists(), "swept away");
    }

    #[test]
    fn the_newest_wins() {
        let scratch = Scratch::new("newest");
        let odom = scratch.rendezvous("odom", 1);
        let _announcement = odom.announce("old", false).expect("announced");
        let newer = Found { session: "new".to_owned(), ..odom.newest().expect("announced") };
        let path = scratch.0.join("odom.1.other");
        fs::write(&path, serde_json::to_vec(&newer).expect("plain data")).expect("written");
        let soon = SystemTime::now() + Duration::from_secs(60);
        fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(soon)).expect("newer");
        assert_eq!(session(&odom).as_deref(), Some("new"));
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused() {
        let scratch = Scratch::new("private");
        DirBuilder::new().mode(0o777).create(&scratch.0).expect("created");
        fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o777)).expect("opened up");
        let refused = scratch.rendezvous("odom", 1).announce("s", false).err().expect("refused");
        assert!(refused.to_string().contains("0700"), "{refused}");
        assert!(scratch.rendezvous("odom", 1).check().is_err());
        // What was left there is nobody's.
        let found = r#"{"session":"s","reliable":false,"pid":1,"topic":"odom","app_id":"farwire"}"#;
        fs::write(scratch.0.join("odom.1.1"), found).expect("written");
        assert_eq!(session(&scratch.rendezvous("odom", 1)), None);
    }
}
