//! The broker's state in a file: keys by their hashes, sessions by their robots.
//!
//! What was answered is on the disk: each change is one transaction, synced before it returns. After an I/O error the
//! database is opened anew, and what could not be written is kept in memory and goes with the next writing.

mod creation;
mod opening;
mod quiet;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, StorageBackend, TableDefinition};

use self::opening::Trouble;
use crate::key::{Key, KeyHash, KeyId, RobotId};
use crate::keys::Keys;
use crate::record::{Known, SessionRecord};

/// A key's hash in hexadecimal, and the [`Key`] as JSON.
const KEYS: TableDefinition<&str, &str> = TableDefinition::new("keys");
/// A robot's id, and its [`SessionRecord`] as JSON.
const SESSIONS: TableDefinition<&str, &str> = TableDefinition::new("sessions");

/// Ids of sessions on the SFU that are to be closed.
const UNCLOSED: TableDefinition<&str, ()> = TableDefinition::new("owed");

/// What redb may keep of the file in memory, in bytes.
const CACHE: usize = 4 << 20;

/// Sessions to be closed, or closed meanwhile, that are remembered while the file cannot be written.
const MAX_UNWRITTEN: usize = 65_536;

/// Times that a change is tried at once: the second is with the database opened anew.
const TRIES: u32 = 2;

/// A file with a broker's state, open in one process at a time. It holds no secret.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// Locked for as long as the store lives, whatever becomes of the database on it.
    medium: Arc<dyn StorageBackend>,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    /// `None` after an I/O error, until it is opened again.
    database: Option<Database>,
    /// What could not be written, and goes with the next writing. Bounded as the tables are.
    unwritten: Changes,
}

/// What is new since the last writing.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// `None`: forgotten.
    pub(crate) keys: HashMap<KeyHash, Option<Key>>,
    /// `None`: forgotten.
    pub(crate) sessions: HashMap<RobotId, Option<SessionRecord>>,
    /// Whether a session on the SFU is to be closed.
    pub(crate) unclosed: HashMap<String, bool>,
}

impl Changes {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.sessions.is_empty() && self.unclosed.is_empty()
    }

    /// Adds what is newer.
    fn extend(&mut self, newer: Changes) {
        self.keys.extend(newer.keys);
        self.sessions.extend(newer.sessions);
        self.unclosed.extend(newer.unclosed);
    }
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has it open.
    #[error("the state file {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// What is in it is not what a broker has written. It is left as it is.
    #[error(
        "the state file {} is damaged, or is none: {what}; put a copy of it back, or move it away: then the next start \
         makes a new one, and every robot and operator needs a new key",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// It cannot be read or written.
    #[error("cannot use the state file {}: {error}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        error: AnyError,
    },
}

impl Store {
    /// Opens a state file, or makes one that only its owner can read. All of it is verified first, on a copy in memory, so
    /// that a damaged one is left as it is.
    ///
    /// # Errors
    /// When another process has it open, it is damaged, or it cannot be read or written.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let unusable = |error: AnyError| StoreError::Unusable { path: path.to_owned(), error };
        let open = || OpenOptions::new().read(true).write(true).open(path);
        let file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                creation::create(path).and_then(|()| Ok(open()?)).map_err(unusable)?
            }
            file => file.map_err(|error| unusable(error.into()))?,
        };
        if !file.metadata().map_err(|error| unusable(error.into()))?.is_file() {
            return Err(StoreError::Damaged { path: path.to_owned(), what: "it is no regular file".to_owned() });
        }
        let medium = FileBackend::new(file).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::InUse(path.to_owned()),
            error => unusable(error.into()),
        })?;
        Store::on(path, Arc::new(medium))
    }

    /// A store on anything that keeps bytes.
    fn on(path: &Path, medium: Arc<dyn StorageBackend>) -> Result<Store, StoreError> {
        let database = opening::open(&medium, false).map_err(|trouble| told(path, trouble))?;
        let held = Mutex::new(Held { database: Some(database), unwritten: Changes::default() });
        Ok(Store { path: path.to_owned(), medium, held })
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
        self.attempt(&mut self.held(), load)
    }

    /// Keeps a key, new or changed, before it returns. After an error it may or may not be kept; it is tried again with
    /// every later change, an empty one included.
    pub(crate) fn save_key(&self, key: &Key) -> Result<(), StoreError> {
        self.save_keys([key.clone()])
    }

    /// The same with several, in one step.
    pub(crate) fn save_keys(&self, keys: impl IntoIterator<Item = Key>) -> Result<(), StoreError> {
        let keys = keys.into_iter().map(|key| (key.hash, Some(key))).collect();
        self.write(Changes { keys, ..Changes::default() })
    }

    /// Keeps keys no more whose saving has failed, and that nobody was given. It is done with the next change.
    pub(crate) fn forget_keys(&self, keys: impl IntoIterator<Item = KeyHash>) {
        self.held().unwritten.keys.extend(keys.into_iter().map(|hash| (hash, None)));
    }

    /// Makes changes to sessions, in one step, before it returns. After an error they are tried again as keys are.
    pub(crate) fn save_sessions(&self, changes: Changes) -> Result<(), StoreError> {
        self.write(changes)
    }

    /// Whether there is something that could not be written yet.
    pub(crate) fn has_unwritten(&self) -> bool {
        !self.held().unwritten.is_empty()
    }

    /// The keys of which the file does not say yet what is true.
    pub(crate) fn unwritten_keys(&self) -> BTreeSet<KeyId> {
        self.held().unwritten.keys.keys().map(KeyHash::id).collect()
    }

    fn write(&self, changes: Changes) -> Result<(), StoreError> {
        let mut held = self.held();
        let mut all = std::mem::take(&mut held.unwritten);
        all.extend(changes);
        if all.is_empty() {
            return Ok(());
        }
        let written = self.attempt(&mut held, |database| commit(database, &all));
        if written.is_err() {
            if all.unclosed.len() > MAX_UNWRITTEN {
                // A session that is gone and still to be closed by the file is looked for once more after a restart.
                all.unclosed.retain(|_, is_unclosed| *is_unclosed);
            }
            held.unwritten = all;
        }
        written
    }

    /// Does something with the database, and once more with one that was opened anew.
    fn attempt<T>(
        &self,
        held: &mut Held,
        mut act: impl FnMut(&Database) -> Result<T, AnyError>,
    ) -> Result<T, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let done = self.reopened(held).and_then(|database| match quiet::catch(|| act(database)) {
                Some(done) => done.map_err(Trouble::Failed),
                None => Err(Trouble::Damaged("it cannot be read any more".to_owned())),
            });
            match done {
                Ok(done) => return Ok(done),
                Err(trouble) => {
                    // redb writes nothing more after an I/O error; whatever it was, only a new start is trusted.
                    let database = held.database.take();
                    let _ = quiet::catch(|| drop(database));
                    if tries == TRIES {
                        return Err(told(&self.path, trouble));
                    }
                }
            }
        }
    }

    fn reopened<'a>(&self, held: &'a mut Held) -> Result<&'a Database, Trouble> {
        match &mut held.database {
            Some(database) => Ok(database),
            closed => Ok(closed.insert(opening::open(&self.medium, true)?)),
        }
    }

    /// Whoever panicked with the lock has left a database that is opened anew.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(path: &Path, trouble: Trouble) -> StoreError {
    let path = path.to_owned();
    match trouble {
        Trouble::Damaged(what) => StoreError::Damaged { path, what },
        Trouble::Failed(error) => StoreError::Unusable { path, error },
    }
}

/// Reads all tables.
fn load(database: &Database) -> Result<Known, AnyError> {
    let (mut keys, mut sessions) = (Keys::new(), Vec::new());
    let read = database.begin_read()?;
    for entry in read.open_table(KEYS)?.iter()? {
        let (hash, json) = entry?;
        let key: Key = serde_json::from_str(json.value())?;
        if key.hash.to_string() != hash.value() {
            return Err("a key is not the one that it is kept as".into());
        }
        keys.insert(key)?;
    }
    for entry in read.open_table(SESSIONS)?.iter()? {
        sessions.push(serde_json::from_str(entry?.1.value())?);
    }
    let mut unclosed = Vec::new();
    for entry in read.open_table(UNCLOSED)?.iter()? {
        unclosed.push(entry?.0.value().to_owned());
    }
    Ok(Known::new(keys, sessions, unclosed))
}

/// Writes changes in one step, and makes sure that they are on the disk.
fn commit(database: &Database, changes: &Changes) -> Result<(), AnyError> {
    let mut transaction = database.begin_write()?;
    // Synced before it counts: so what counts is never half there, and damage never brings an older state back.
    transaction.set_two_phase_commit(true);
    {
        let mut table = transaction.open_table(KEYS)?;
        for (hash, key) in &changes.keys {
            let hash = hash.to_string();
            match key {
                Some(key) => drop(table.insert(hash.as_str(), serde_json::to_string(key)?.as_str())?),
                None => drop(table.remove(hash.as_str())?),
            }
        }
        let mut table = transaction.open_table(SESSIONS)?;
        for (robot, record) in &changes.sessions {
            match record {
                Some(record) => drop(table.insert(robot.as_str(), serde_json::to_string(record)?.as_str())?),
                None => drop(table.remove(robot.as_str())?),
            }
        }
        let mut table = transaction.open_table(UNCLOSED)?;
        for (session, is_unclosed) in &changes.unclosed {
            match is_unclosed {
                true => drop(table.insert(session.as_str(), ())?),
                false => drop(table.remove(session.as_str())?),
            }
        }
    }
    Ok(transaction.commit()?)
}
