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
    /// The key is of no use any more, and the file says so.
    Revoked(KeyInfo),
    /// The running broker lets nobody in with the key any more, but its file does not say so yet: should the broker end
    /// before it does, the key is good again. Writing it is tried again until it succeeds; the list tells.
    RevokedUntilRestart {
        /// The key.
        key: KeyInfo,
        /// Why the file cannot be written.
        why: String,
    },
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
    /// The state file does not say so yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unwritten: bool,
}

impl KeyInfo {
    fn of(key: &Key, unwritten: bool) -> KeyInfo {
        let Key { grant, label, created, revoked, .. } = key.clone();
        KeyInfo { id: key.id(), grant, label, created, revoked, unwritten }
    }
}

/// Why a request was not met.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be written, and nobody else knows that the key is to be revoked.
    #[error("key {id} is not revoked: {error}; try again")]
    NotRevoked {
        /// The key.
        id: KeyId,
        /// What is wrong.
        #[source]
        error: StoreError,
    },
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
    /// Whether it goes on refusing a key that is revoked, whatever the file says.
    const REMEMBERS: bool;

    fn keys(&self) -> &Keys;
    fn admit(&mut self, key: Key) -> Result<(), KeysError>;
    fn revoke(&mut self, id: &KeyId, at: u64) -> Result<(), KeysError>;
}

impl Holder for Keys {
    const REMEMBERS: bool = false;

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
    const REMEMBERS: bool = true;

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

/// Creates several keys with the same label in a file that no broker runs on, all or none. Hands back their secrets, in the
/// order of the grants. `now` is in seconds since 1970.
///
/// # Errors
/// When the file cannot be used, or there is no room for so many.
pub fn create_keys<const N: usize>(
    store: &Store,
    grants: [Grant; N],
    label: &str,
    now: u64,
) -> Result<[String; N], AdminError> {
    Ok(create(store, &mut store.load()?.keys, grants, label, now)?.map(|(_, secret)| secret))
}

/// Does what is asked, in the file first: what has been answered is kept.
pub(crate) fn carry_out<H: Holder>(
    store: &Store,
    holder: &mut H,
    request: AdminRequest,
    now: u64,
) -> Result<AdminAnswer, AdminError> {
    match request {
        AdminRequest::Create { grant, label } => {
            let [(key, secret)] = create(store, holder, [grant], &label, now)?;
            Ok(AdminAnswer::Created { key: KeyInfo::of(&key, false), secret })
        }
        AdminRequest::List => {
            let unwritten = store.unwritten_keys();
            let info = |key: &Key| KeyInfo::of(key, unwritten.contains(&key.id()));
            Ok(AdminAnswer::Keys(holder.keys().list().into_iter().map(info).collect()))
        }
        AdminRequest::Revoke { id } => {
            // At once, even if it cannot be written: better too early than not at all.
            holder.revoke(&id, now)?;
            let revoked = holder.keys().list().into_iter().find(|key| key.id() == id).cloned();
            let key = revoked.ok_or_else(|| KeysError::Unknown(id.clone()))?;
            match store.save_key(&key) {
                Ok(()) => Ok(AdminAnswer::Revoked(KeyInfo::of(&key, false))),
                Err(error) if H::REMEMBERS => {
                    tracing::error!(key = %id, %error, "revoked, but the state file does not say so yet: trying again");
                    let (key, why) = (KeyInfo::of(&key, true), error.to_string());
                    Ok(AdminAnswer::RevokedUntilRestart { key, why })
                }
                Err(error) => Err(AdminError::NotRevoked { id, error }),
            }
        }
    }
}

/// Makes keys, in the file first and in one step.
fn create<const N: usize>(
    store: &Store,
    holder: &mut impl Holder,
    grants: [Grant; N],
    label: &str,
    now: u64,
) -> Result<[(Key, String); N], AdminError> {
    if label.len() > MAX_NAME || label.chars().any(char::is_control) {
        return Err(AdminError::Label(label.len()));
    }
    if grants.iter().any(|grant| matches!(grant, Grant::Operator(scope) if !scope.is_bounded())) {
        return Err(AdminError::Scope);
    }
    let mut random = [[0; 32]; N];
    getrandom::fill(random.as_flattened_mut()).map_err(|error| AdminError::Random(error.to_string()))?;
    let mut random = random.into_iter();
    let made = grants.map(|grant| {
        let (key, secret) = Key::new(grant, label, random.next().unwrap_or_default(), now);
        (key, secret.reveal().to_owned())
    });
    for (key, _) in &made {
        holder.keys().check_room(key)?;
    }
    if let Err(error) = store.save_keys(made.iter().map(|(key, _)| key.clone())) {
        // Nobody is told their secrets, so nobody can use them; and the file is not to list them.
        store.forget_keys(made.iter().map(|(key, _)| key.hash));
        return Err(error.into());
    }
    for (key, _) in &made {
        holder.admit(key.clone())?;
    }
    Ok(made)
}
