//! The first keys of a broker, left for the commands on the same machine that need one.
//!
//! They are in a file of their own beside the state file, which holds nothing that lets anybody in.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Bytes of the longest file that is read.
const MAX_LEN: u64 = 16 * 1024;

/// Which broker, and the keys for it. Not `Debug`: they are secrets.
#[derive(Serialize, Deserialize)]
pub(crate) struct LocalKeys {
    /// The broker's URL.
    pub(crate) broker: String,
    pub(crate) robot_key: String,
    pub(crate) operator_token: String,
}

impl LocalKeys {
    /// Where they are left for a state file.
    pub(crate) fn path(state: &Path) -> PathBuf {
        state.with_extension("local-keys.json")
    }

    /// Leaves them where only this user can read them.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let unfinished = path.with_extension(format!("{}.tmp", std::process::id()));
        // What an earlier process of the same number left behind could have any mode.
        let _ = fs::remove_file(&unfinished);
        let written =
            File::options().write(true).create_new(true).mode(0o600).open(&unfinished).and_then(|mut file| {
                file.write_all(&serde_json::to_vec_pretty(self)?)?;
                file.sync_all()?;
                // Renamed into place, so that nobody reads half a file, whenever the machine stops.
                fs::rename(&unfinished, path)
            });
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// Reads them; `None` if there are none. A file that others can read or write is refused.
    pub(crate) fn read(path: &Path) -> io::Result<Option<LocalKeys>> {
        // A link could lead to anybody's file, and opening a pipe would wait for its other end.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let file = match File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                let why = format!("it is a link: remove it (`rm {}`)", path.display());
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
            }
            file => file?,
        };
        let metadata = file.metadata()?;
        let own = rustix::process::geteuid().as_raw();
        if metadata.uid() != own || !metadata.is_file() {
            let why =
                format!("it is no file of this user's (its owner is user {}, this is user {own})", metadata.uid());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            let why = format!("other users can read it: `chmod 600 {}`", path.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        let mut json = Vec::new();
        file.take(MAX_LEN).read_to_end(&mut json)?;
        // What serde says of it could repeat a secret.
        let keys =
            serde_json::from_slice(&json).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is damaged"));
        keys.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let directory = std::env::temp_dir().join(format!("farwire-keys-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&directory);
            fs::create_dir_all(&directory).expect("a directory");
            Scratch(directory)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn keys(broker: &str) -> LocalKeys {
        LocalKeys { broker: broker.to_owned(), robot_key: "r".to_owned(), operator_token: "o".to_owned() }
    }

    #[test]
    fn keys_are_private_and_replaced_whole() {
        let scratch = Scratch::new("private");
        let path = LocalKeys::path(&scratch.0.join("broker.redb"));
        assert!(path.ends_with("broker.local-keys.json"), "{path:?}");
        assert!(LocalKeys::read(&path).expect("nothing there").is_none());
        for broker in ["http://127.0.0.1:1", "http://127.0.0.1:2"] {
            keys(broker).write(&path).expect("written");
            let read = LocalKeys::read(&path).expect("readable").expect("there");
            assert_eq!((read.broker.as_str(), read.robot_key.as_str()), (broker, "r"));
            assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&scratch.0).expect("a directory").count(), 1, "nothing left behind");
    }

    #[test]
    fn what_others_can_read_is_refused_and_damage_told_without_secrets() {
        let scratch = Scratch::new("refused");
        let path = scratch.0.join("k.json");
        keys("http://127.0.0.1:1").write(&path).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("opened up");
        let refused = LocalKeys::read(&path).err().expect("refused");
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
        let link = scratch.0.join("link.json");
        std::os::unix::fs::symlink(&path, &link).expect("linked");
        assert!(LocalKeys::read(&link).err().expect("refused").to_string().contains("a link"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("closed");
        fs::write(&path, r#"{"broker": "b", "robot_key": 4242}"#).expect("written");
        let damaged = LocalKeys::read(&path).err().expect("refused").to_string();
        assert!(damaged.contains("damaged") && !damaged.contains("4242"), "{damaged}");
    }
}
