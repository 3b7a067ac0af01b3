//! Making a state file that is there as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::opening::{self, Shared};
use super::{AnyError, Changes, commit};

/// Makes a state file without keys, that only its owner can read. One that somebody else makes meanwhile is left alone.
pub(super) fn create(path: &Path) -> Result<(), AnyError> {
    let mut name = path.file_name().ok_or("it has no name")?.to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let unfinished = path.with_file_name(name);
    // What an earlier process of the same number left behind could be of any kind.
    let _ = fs::remove_file(&unfinished);
    let linked = write(&unfinished).and_then(|()| match fs::hard_link(&unfinished, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Not every file system has links.
        Err(_) => fs::rename(&unfinished, path).map_err(AnyError::from),
        Ok(()) => Ok(()),
    });
    let _ = fs::remove_file(&unfinished);
    linked?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(File::open(directory)?.sync_all()?)
}

fn write(path: &Path) -> Result<(), AnyError> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(&empty()?)?;
    Ok(file.sync_all()?)
}

/// The bytes of a state file with all tables and nothing in them.
pub(super) fn empty() -> Result<Vec<u8>, AnyError> {
    let memory: Arc<dyn StorageBackend> = Arc::new(InMemoryBackend::new());
    let database = opening::builder().create_with_backend(Shared(Arc::clone(&memory)))?;
    commit(&database, &Changes::default())?;
    drop(database);
    let length = usize::try_from(memory.len()?)?;
    let mut bytes = vec![0; length];
    memory.read(0, &mut bytes)?;
    Ok(bytes)
}
