//! Creating, listing and revoking keys: of a state file, and of the broker that runs on it.

use serde::{Deserialize, Serialize};

use crate::broker::Broker;
use crate::key::{Grant, Key, KeyId};
use crate::keys::{Keys, KeysError};
use crate::limits::{MAX_NAME, MAX_SCOPE};
use crate::store::{Store, StoreError};

/// What somebody who may write the state file asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminRequest {
    /// A new key.
    Create {
        /// What it lets its holder do.
        grant: Grant,
        /// What people call it, at most 256 bytes.
        label: String,
    },
    /// All keys.
    List,
    /// The end of a key, for good.
    Revoke {
        /// Its id.
        id: KeyId,
    },
}

/// What the answer is. Not `Debug`: it may hold a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AdminAnswer {
    /// The key, and its secret, which is told this once.
    Created {
        /// What is kept of it.
        key: KeyInfo,
        /// What its holder shows.
        secret: String,
    },
    /// All keys, in the order in which they were made.
    Keys(Vec<KeyInfo>),
    /// The key is of no use any more.
    Revoked(KeyInfo),
    /// Nothing was done.
    Refused(String),
}

/// A key as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeyInfo {
    /// What it is called here.
    pub id: KeyId,
    /// What it lets its holder do.
    pub grant: Grant,
    /// What people call it.
    pub label: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// When it was revoked, in seconds since 1970.
    pub revoked: Option<u64>,
}

impl KeyInfo {
    fn of(key: &Key) -> KeyInfo {
        let Key { grant, label, created, revoked, .. } = key.clone();
        KeyInfo { id: key.id(), grant, label, created, revoked }
    }
}

/// Why a request was not met.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The file cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are too many keys, or none with this id.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The label cannot be kept.
    #[error("the label has {0} bytes, or characters that no terminal shows: {MAX_NAME} printable ones at most")]
    Label(usize),
    /// The scope cannot be kept.
    #[error("an operator token names 1 to {MAX_SCOPE} robots, or all")]
    Scope,
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
}

/// What a request is about: the keys of a file alone, or of a broker that runs on it as well.
pub(crate) trait Holder {
    fn keys(&self) -> &Keys;
    fn admit(&mut self, key: Key) -> Result<(), KeysError>;
    fn revoke(&mut self, id: &KeyId, at: u64) -> Result<(), KeysError>;
}

impl Holder for Keys {
    fn keys(&self) -> &Keys {
        self
    }

    fn admit(&mut self, key: Key) -> Result<(), KeysError> {
        self.insert(key)
    }

    fn revoke(&mut self, id: &KeyId, at: u64) -> Result<(), KeysError> {
        Keys::revoke(self, id, at).map(|_| ())
    }
}

/// A broker at a time.
pub(crate) struct Running<'a>(pub(crate) &'a mut Broker, pub(crate) std::time::Instant);

impl Holder for Running<'_> {
    fn keys(&self) -> &Keys {
        self.0.keys()
    }

    fn admit(&mut self, key: Key) -> Result<(), KeysError> {
        self.0.admit(key)
    }

    fn revoke(&mut self, id: &KeyId, at: u64) -> Result<(), KeysError> {
        self.0.revoke(self.1, id, at)
    }
}

/// Does what is asked with a file that no broker runs on. `now` is in seconds since 1970.
///
/// # Errors
/// When the file cannot be used, or what is asked cannot be.
pub fn administer(store: &Store, request: AdminRequest, now: u64) -> Result<AdminAnswer, AdminError> {
    carry_out(store, &mut store.load()?.keys, request, now)
}

/// Does what is asked, in the file first: what has been answered is kept.
pub(crate) fn carry_out(
    store: &Store,
    holder: &mut impl Holder,
    request: AdminRequest,
    now: u64,
) -> Result<AdminAnswer, AdminError> {
    match request {
        AdminRequest::Create { grant, label } => {
            if label.len() > MAX_NAME || label.chars().any(char::is_control) {
                return Err(AdminError::Label(label.len()));
            }
            if matches!(&grant, Grant::Operator(scope) if !scope.is_bounded()) {
                return Err(AdminError::Scope);
            }
            let mut random = [0; 32];
            getrandom::fill(&mut random).map_err(|error| AdminError::Random(error.to_string()))?;
            let (key, secret) = Key::new(grant, &label, random, now);
            holder.admit(key.clone())?;
            if let Err(error) = store.save_key(&key) {
                // Nobody is told its secret, so nobody can use it; the next start knows nothing of it.
                let _ = holder.revoke(&key.id(), now);
                return Err(error.into());
            }
            Ok(AdminAnswer::Created { key: KeyInfo::of(&key), secret: secret.reveal().to_owned() })
        }
        AdminRequest::List => Ok(AdminAnswer::Keys(holder.keys().list().into_iter().map(KeyInfo::of).collect())),
        AdminRequest::Revoke { id } => {
            // At once, even if it cannot be written: better too early than not at all.
            holder.revoke(&id, now)?;
            let revoked = holder.keys().list().into_iter().find(|key| key.id() == id).cloned();
            let key = revoked.ok_or(KeysError::Unknown(id))?;
            store.save_key(&key)?;
            Ok(AdminAnswer::Revoked(KeyInfo::of(&key)))
        }
    }
}
