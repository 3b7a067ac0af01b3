//! The broker's state in a file: keys by their hashes, sessions by their robots.

use std::collections::HashMap;
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

/// Ids of sessions on the SFU that are to be closed.
const OWED: TableDefinition<&str, ()> = TableDefinition::new("owed");

/// What redb may keep of the file in memory, in bytes.
const CACHE: usize = 4 << 20;

/// A file with a broker's state, open in one process at a time. It holds no secret.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    database: Database,
}

/// What is new since the last writing.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// `None`: forgotten.
    pub(crate) sessions: HashMap<RobotId, Option<SessionRecord>>,
    /// Whether a session on the SFU is to be closed.
    pub(crate) owed: HashMap<String, bool>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.owed.is_empty()
    }
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
        // All tables exist from here on.
        store.write(&[], &Changes::default())?;
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
            let mut owed = Vec::new();
            for entry in read.open_table(OWED)?.iter()? {
                owed.push(entry?.0.value().to_owned());
            }
            Ok(Known::new(keys, sessions, owed))
        };
        load().map_err(|error| self.unusable(error))
    }

    /// Keeps a key, new or changed, before it returns.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_key(&self, key: &Key) -> Result<(), StoreError> {
        self.write(std::slice::from_ref(key), &Changes::default())
    }

    /// Makes changes to sessions, in one step, before it returns.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn save_sessions(&self, changes: &Changes) -> Result<(), StoreError> {
        self.write(&[], changes)
    }

    fn write(&self, keys: &[Key], changes: &Changes) -> Result<(), StoreError> {
        let write = || -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
            let transaction = self.database.begin_write()?;
            {
                let mut table = transaction.open_table(KEYS)?;
                for key in keys {
                    table.insert(key.hash.to_string().as_str(), serde_json::to_string(key)?.as_str())?;
                }
                let mut table = transaction.open_table(SESSIONS)?;
                for (robot, record) in &changes.sessions {
                    match record {
                        Some(record) => drop(table.insert(robot.as_str(), serde_json::to_string(record)?.as_str())?),
                        None => drop(table.remove(robot.as_str())?),
                    }
                }
                let mut table = transaction.open_table(OWED)?;
                for (session, is_owed) in &changes.owed {
                    match is_owed {
                        true => drop(table.insert(session.as_str(), ())?),
                        false => drop(table.remove(session.as_str())?),
                    }
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
