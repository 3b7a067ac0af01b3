//! A directory that nobody but this user can enter, reached by a handle, so that nobody can put another one in its place.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, fstat, mkdir, open, openat, renameat, unlinkat};
use rustix::io::Errno;

/// Bytes of the longest file that is read.
const MAX_LEN: u64 = 16 * 1024;

/// The directory, open.
#[derive(Debug)]
pub(crate) struct PrivateDir(OwnedFd);

impl PrivateDir {
    /// Opens it, after making it if it is not there.
    ///
    /// # Errors
    /// When it cannot be made or opened, is a link, belongs to somebody else, or lets others in. The error says what to do.
    pub(crate) fn make(path: &Path) -> io::Result<PrivateDir> {
        match mkdir(path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(of(path, &error.into())),
        }
        Ok(PrivateDir(opened(path)?))
    }

    /// Opens it; `None`: it is not there.
    ///
    /// # Errors
    /// As of [`PrivateDir::make`].
    pub(crate) fn find(path: &Path) -> io::Result<Option<PrivateDir>> {
        match opened(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => Ok(Some(PrivateDir(opened?))),
        }
    }

    /// Names of what is in it.
    pub(crate) fn names(&self) -> io::Result<Vec<Vec<u8>>> {
        let entries = Dir::read_from(&self.0)?;
        entries.map(|entry| Ok(entry?.file_name().to_bytes().to_vec())).collect()
    }

    /// Puts a file there as a whole, in place of one that there may be.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let unfinished = format!(".{}", std::process::id());
        // What a process of the same number left behind is not written to, whatever it is.
        self.remove(unfinished.as_bytes());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let written = openat(&self.0, &unfinished, flags, Mode::RUSR | Mode::WUSR).map_err(io::Error::from);
        let written = written.and_then(|file| File::from(file).write_all(content));
        let written = written.and_then(|()| Ok(renameat(&self.0, &unfinished, &self.0, name)?));
        if written.is_err() {
            self.remove(unfinished.as_bytes());
        }
        written
    }

    /// Reads a file of this user's, and when it was written. A link, or what is no plain file, counts as not there.
    pub(crate) fn read(&self, name: &[u8]) -> io::Result<(SystemTime, Vec<u8>)> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&self.0, OsStr::from_bytes(name), flags, Mode::empty())?);
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut content = Vec::new();
        file.take(MAX_LEN).read_to_end(&mut content)?;
        Ok((metadata.modified()?, content))
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, name: &[u8]) {
        let _ = unlinkat(&self.0, OsStr::from_bytes(name), AtFlags::empty());
    }
}

fn opened(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = open(path, flags, Mode::empty()).map_err(|error| match error {
        Errno::LOOP | Errno::NOTDIR => refused(path, "is a link, or no directory"),
        error => of(path, &error.into()),
    })?;
    let status = fstat(&directory)?;
    let (owner, own) = (status.st_uid, rustix::process::geteuid().as_raw());
    let mode = status.st_mode & 0o7777;
    if owner != own {
        return Err(refused(path, &format!("belongs to user {owner}, and this is user {own}")));
    }
    if mode & 0o077 != 0 {
        return Err(refused(path, &format!("has mode {mode:04o}, so others may enter it")));
    }
    Ok(directory)
}

fn of(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn refused(path: &Path, why: &str) -> io::Error {
    let why = format!(
        "{} {why}; it must be a directory of this user's with mode 0700: remove it, or set XDG_RUNTIME_DIR to a directory of \
         your own",
        path.display()
    );
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
    use std::path::PathBuf;

    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let directory = std::env::temp_dir().join(format!("farwire-private-{name}-{}", std::process::id()));
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

    fn why(made: io::Result<PrivateDir>) -> String {
        made.expect_err("refused").to_string()
    }

    #[test]
    fn one_that_others_made_opened_or_linked_is_refused() {
        let scratch = Scratch::new("refused");
        let (path, target) = (scratch.0.join("d"), scratch.0.join("target"));
        fs::create_dir(&target).expect("made");
        fs::set_permissions(&target, Permissions::from_mode(0o700)).expect("closed");
        symlink(&target, &path).expect("linked");
        for refused in [PrivateDir::make(&path), PrivateDir::find(&path).map(|found| found.expect("there"))] {
            let why = why(refused);
            assert!(why.contains("is a link") && why.contains("XDG_RUNTIME_DIR"), "{why}");
        }
        assert_eq!(fs::read_dir(&target).expect("a directory").count(), 0);
        fs::remove_file(&path).expect("removed");
        fs::write(&path, "").expect("written");
        assert!(why(PrivateDir::make(&path)).contains("no directory"));
        fs::remove_file(&path).expect("removed");
        for mode in [0o777, 0o755, 0o710, 0o701, 0o1777] {
            let _ = fs::create_dir(&path);
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("opened up");
            let why = why(PrivateDir::make(&path));
            assert!(why.contains("0700") && why.contains(&format!("{mode:04o}")), "{why}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("closed");
        // Only root can give a directory away.
        if chown(&path, Some(12_345), None).is_ok() && rustix::process::geteuid().is_root() {
            assert!(why(PrivateDir::make(&path)).contains("belongs to user 12345"));
            chown(&path, Some(0), None).expect("taken back");
        }
        assert!(PrivateDir::make(&path).is_ok());
    }

    #[test]
    fn no_link_in_it_is_followed() {
        let scratch = Scratch::new("links");
        let path = scratch.0.join("d");
        assert!(PrivateDir::find(&path).expect("not there").is_none());
        let directory = PrivateDir::make(&path).expect("made");
        let victim = scratch.0.join("victim");
        fs::write(&victim, "precious").expect("written");
        symlink(&victim, path.join(format!(".{}", std::process::id()))).expect("linked");
        symlink(&victim, path.join("name")).expect("linked");
        assert!(directory.read(b"name").is_err(), "a link is no file of this user's");
        directory.write("name", b"new").expect("written");
        assert_eq!(fs::read_to_string(&victim).expect("there"), "precious");
        assert!(!fs::symlink_metadata(path.join("name")).expect("there").is_symlink());
        assert_eq!(directory.read(b"name").expect("there").1, b"new");
        let made = fs::metadata(path.join("name")).expect("there").permissions().mode();
        assert_eq!(made & 0o777, 0o600);
        // Whoever is put in its place by others, the handle is still this one.
        let moved = scratch.0.join("moved");
        fs::rename(&path, &moved).expect("moved");
        fs::create_dir(&path).expect("made");
        directory.write("name", b"newer").expect("written");
        assert_eq!(fs::read_dir(&path).expect("a directory").count(), 0);
        assert_eq!(fs::read_to_string(moved.join("name")).expect("there"), "newer");
        directory.remove(b"name");
        assert_eq!(fs::read_dir(&moved).expect("a directory").count(), 0, "nothing left behind");
    }
}
