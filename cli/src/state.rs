//! Where the broker's state is, and how to open it.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use farwire_broker::{Store, StoreError};

use crate::failure::Failure;

/// Which state file: whose keys they are.
#[derive(clap::Args)]
pub(crate) struct StateFile {
    /// The file with the broker's robot keys, operator tokens (as hashes) and sessions
    /// [default: farwire/broker.redb in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, env = "FARWIRE_STATE", value_name = "FILE", global = true)]
    state: Option<PathBuf>,
}

impl StateFile {
    /// Whether nobody chose a file.
    pub(crate) fn is_default(&self) -> bool {
        self.state.as_ref().is_none_or(|path| path.as_os_str().is_empty())
    }

    /// The file, whether or not it is there.
    pub(crate) fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(path) = self.state.as_ref().filter(|path| !path.as_os_str().is_empty()) {
            return Ok(path.clone());
        }
        let from = |variable| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let directory = from("XDG_STATE_HOME").or_else(|| Some(from("HOME")?.join(".local/state")));
        let none = || Failure::usage("there is no home directory for the broker's state: pass --state FILE");
        Ok(directory.ok_or_else(none)?.join("farwire/broker.redb"))
    }

    /// Opens the file, or makes it.
    pub(crate) fn open(&self) -> Result<Store, Failure> {
        let path = self.path()?;
        if let (None, Some(directory)) = (&self.state, path.parent()) {
            DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
                Failure::failed(format_args!("cannot make {}: {error}; pass --state FILE", directory.display()))
            })?;
        }
        Store::open(&path).map_err(|error| explain(&path, &error))
    }
}

fn explain(path: &Path, error: &StoreError) -> Failure {
    match error {
        StoreError::InUse(_) => Failure::failed(format_args!(
            "the state file {} is in use, perhaps by another `farwire serve`: stop that one, or pass --state FILE",
            path.display()
        )),
        StoreError::Damaged { .. } => Failure::Damaged(error.to_string()),
        error => Failure::failed(format_args!("{error}; pass --state FILE for another one")),
    }
}

/// Seconds since 1970.
pub(crate) fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
