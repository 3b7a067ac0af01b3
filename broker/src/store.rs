//! The broker's state in a file: keys by their hashes, sessions by their robots.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use crate::key::{Key, RobotId};
use crate::keys::Keys;
use crate::record::{Known, SessionRecord};

/// A key's hash in hexadecimal, and the [`Key`] as JSON.
const KEYS: TableDefinition<&str, &str> = TableDefinition::new("keys");
/// A robot's id, and its [`SessionRecord`] as JSON.
const SESSIONS: TableDefinition<&str, &str> = TableDefinition::new("sessions");

/// What redb may keep of the file in memory, in bytes.
const CACHE: usize = 4 << 20;

/// A file with a broker's state, open in one process at a time. It holds no secret.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    database: Database,
}

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has it open.
    #[error("the state file {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The file, or what is in it, cannot be read or written.
    #[error("cannot use the state file {}: {error}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        error: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Store {
    /// Opens a state file, or makes one that only its owner can read.
    ///
    /// # Errors
    /// When another process has it open, or it cannot be read or written.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let unusable = |error| StoreError::Unusable { path: path.to_owned(), error };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| unusable(error.into()))?;
        let database = Database::builder().set_cache_size(CACHE).create_file(file).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::InUse(path.to_owned()),
            error => unusable(error.into()),
        })?;
        let store = Store { path: path.to_owned(), database };
        // Both tables exist from here on.
        store.write(&[], &[], &[])?;
        Ok(store)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything that is kept.
    ///
    /// # Errors
    /// When the file cannot be read, or holds what no broker of this version writes.
    pub fn load(&self) -> Result<Known, StoreError> {
        let load = || -> Result<Known, Box<dyn std::error::Error + Send + Sync>> {
            let (mut keys, mut sessions) = (Keys::new(), Vec::new());
            let read = self.database.begin_read()?;
            for entry in read.open_table(KEYS)?.iter()? {
                keys.insert(serde_json::from_str(entry?.1.value())?)?;
            }
            for entry in read.open_table(SESSIONS)?.iter()? {
                sessions.push(serde_json::from_str(entry?.1.value())?);
            }
            Ok(Known::new(keys, sessions))
        };
        load().map_err(|error| self.unusable(error))
    }

    /// Keeps a key, new or changed, before it returns.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_key(&self, key: &Key) -> Result<(), StoreError> {
        self.write(std::slice::from_ref(key), &[], &[])
    }

    /// Keeps sessions and forgets others, in one step, before it returns.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_sessions(&self, saved: &[SessionRecord], forgotten: &[RobotId]) -> Result<(), StoreError> {
        self.write(&[], saved, forgotten)
    }

    fn write(&self, keys: &[Key], saved: &[SessionRecord], forgotten: &[RobotId]) -> Result<(), StoreError> {
        let write = || -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            let transaction = self.database.begin_write()?;
            {
                let mut table = transaction.open_table(KEYS)?;
                for key in keys {
                    table.insert(key.hash.to_string().as_str(), serde_json::to_string(key)?.as_str())?;
                }
                let mut table = transaction.open_table(SESSIONS)?;
                for robot in forgotten {
                    table.remove(robot.as_str())?;
                }
                for session in saved {
                    table.insert(session.robot.as_str(), serde_json::to_string(session)?.as_str())?;
                }
            }
            Ok(transaction.commit()?)
        };
        write().map_err(|error| self.unusable(error))
    }

    fn unusable(&self, error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
        StoreError::Unusable { path: self.path.clone(), error }
    }
}
