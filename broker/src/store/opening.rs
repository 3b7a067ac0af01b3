//! Opening a database of which nothing is trusted before it was verified.
//!
//! redb keeps a checksum of every page in the page above it, and of the topmost in the header, but looks at them only after
//! a crash, falls back to an older state when they are wrong, and panics over a header that cannot be. So all of it is
//! verified on a copy in memory first. Source of the header's layout: redb 4, its `docs/design.md`, file format 3.

use std::io;
use std::sync::Arc;

use redb::backends::InMemoryBackend;
use redb::{Builder, Database, DatabaseError, StorageBackend, StorageError};

use super::{AnyError, CACHE, load, quiet};

/// Bytes of the longest state file; with as many keys and sessions as there may be it is a tenth of that.
const MAX_FILE: u64 = 1 << 30;

const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";

/// Where the flags are: which of the two commit slots counts, whether the last process crashed, and how it has committed.
const FLAGS_AT: usize = 9;
const SECOND_SLOT: u8 = 1;
const CRASHED: u8 = 2;
const TWO_PHASES: u8 = 4;

/// Where the sizes are: of a page, of a region's header and of its pages, then how many regions are full, and how many pages
/// the last one has.
const SIZES_AT: usize = 12;
const PAGE: u32 = 4096;
const REGION_PAGES: u32 = 1 << 20;

/// The commit slots, and where the number of its transaction is in each.
const SLOTS_AT: [usize; 2] = [64, 192];
const SLOT: usize = 128;
const TRANSACTION_AT: usize = 104;

/// Why a database cannot be opened.
#[derive(Debug)]
pub(super) enum Trouble {
    /// What is there cannot be right.
    Damaged(String),
    /// It cannot be read or written.
    Failed(AnyError),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Failed(error.into())
    }
}

fn damaged(what: &str) -> Trouble {
    Trouble::Damaged(what.to_owned())
}

/// A medium that outlives the databases on it.
#[derive(Debug)]
pub(super) struct Shared(pub(super) Arc<dyn StorageBackend>);

impl StorageBackend for Shared {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}

pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

/// Verifies all that a medium holds, and opens it. `has_failed`: reading or writing it has failed since it was opened last, here.
pub(super) fn open(medium: &Arc<dyn StorageBackend>, has_failed: bool) -> Result<Database, Trouble> {
    let length = medium.len()?;
    if length > MAX_FILE {
        return Err(damaged("it is too long"));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| damaged("it is too long"))?];
    medium.read(0, &mut bytes)?;
    let flags = verify(&bytes)?;
    if has_failed || flags & CRASHED != 0 {
        write_again(medium.as_ref(), &bytes)?;
    }
    if bytes.get(FLAGS_AT) != Some(&flags) {
        medium.write(FLAGS_AT as u64, &[flags])?;
        medium.sync_data()?;
    }
    let opened = quiet::catch(|| builder().create_with_backend(Shared(Arc::clone(medium))));
    let opened = opened.ok_or_else(|| damaged("its pages do not fit together"))?;
    opened.map_err(|error| match error {
        DatabaseError::Storage(StorageError::Io(_) | StorageError::PreviousIo) => Trouble::Failed(error.into()),
        // The slot that does not count is looked at as well.
        error => Trouble::Damaged(error.to_string()),
    })
}

/// Writes what was read. After a sync that failed the system may hold pages for written that are not, and would not write
/// them again by itself. Pages of zeros are none of the database's, and may be holes.
fn write_again(medium: &dyn StorageBackend, bytes: &[u8]) -> io::Result<()> {
    for (page, at) in bytes.chunks(PAGE as usize).zip((0u64..).step_by(PAGE as usize)) {
        if page.iter().any(|byte| *byte != 0) {
            medium.write(at, page)?;
        }
    }
    medium.sync_data()
}

/// Verifies a whole database, and answers the flags with which it is to be opened.
fn verify(bytes: &[u8]) -> Result<u8, Trouble> {
    if bytes.is_empty() {
        return Err(damaged("it is empty"));
    }
    let flags = bytes.get(FLAGS_AT).copied().unwrap_or_default();
    let sizes = |place: usize| u32_at(bytes, SIZES_AT + 4 * place);
    if !bytes.starts_with(&MAGIC) {
        return Err(damaged("it does not begin as one"));
    }
    let [page, header_pages, region_pages, full, last] = [sizes(0), sizes(1), sizes(2), sizes(3), sizes(4)];
    let is_possible = (page, header_pages, region_pages, full) == (PAGE, 0, REGION_PAGES, 0)
        && (1..REGION_PAGES).contains(&last)
        && flags & !(SECOND_SLOT | CRASHED | TWO_PHASES) == 0;
    if !is_possible {
        return Err(damaged("its header cannot be"));
    }
    if !bytes.len().is_multiple_of(PAGE as usize) || bytes.len() < (last as usize + 1) * PAGE as usize {
        return Err(damaged("a part of it is missing"));
    }
    let chosen = usize::from(flags & SECOND_SLOT);
    let other = 1 - chosen;
    let is_newer = transaction(bytes, other) > transaction(bytes, chosen);
    // The newer of the two that is whole. Without the second phase the newer may be half there after a crash; else only a
    // commit that does not count yet can be, and never the one that does.
    let candidates = match (flags & TWO_PHASES != 0, is_newer) {
        (true, true) | (false, true) => vec![other, chosen],
        (true, false) => vec![chosen],
        (false, false) => vec![chosen, other],
    };
    let mut what = String::new();
    for slot in candidates {
        match verify_slot(bytes, slot) {
            Ok(()) if flags & TWO_PHASES != 0 => {
                return Ok(flags & !SECOND_SLOT | if slot == 1 { SECOND_SLOT } else { 0 });
            }
            Ok(()) => return Ok(flags),
            Err(error) if what.is_empty() => what = error,
            Err(_) => {}
        }
    }
    Err(Trouble::Damaged(what))
}

/// Opens a copy whose two slots are both this one, as after a crash, so that redb verifies all that belongs to it and has
/// nothing to fall back to.
fn verify_slot(bytes: &[u8], slot: usize) -> Result<(), String> {
    let verified = quiet::catch(|| -> Result<(), AnyError> {
        let mut copy = bytes.to_vec();
        let at = SLOTS_AT[slot];
        copy.copy_within(at..at + SLOT, SLOTS_AT[1 - slot]);
        copy[FLAGS_AT] = CRASHED;
        let memory = InMemoryBackend::new();
        StorageBackend::set_len(&memory, copy.len() as u64)?;
        StorageBackend::write(&memory, 0, &copy)?;
        drop(copy);
        let database = builder().create_with_backend(memory)?;
        load(&database).map(drop)
    });
    match verified {
        Some(verified) => verified.map_err(|error| error.to_string()),
        None => Err("its pages are not what was written".to_owned()),
    }
}

fn transaction(bytes: &[u8], slot: usize) -> u64 {
    let at = SLOTS_AT[slot] + TRANSACTION_AT;
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}
