//! A store on a disk that fails, and on one that lies.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use proptest::prelude::*;
use redb::StorageBackend;

use super::{Changes, Store, StoreError, creation};
use crate::admin::{AdminAnswer, AdminRequest, Holder, carry_out};
use crate::key::{Grant, Key, KeyId, RobotId};
use crate::keys::{Keys, KeysError};
use crate::record::SessionRecord;

const PAGE: usize = 4096;

/// A disk under a cache, as an operating system has it.
#[derive(Debug, Default)]
struct Disk(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    cached: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
    /// Writes, syncs and changes of length so far.
    done: u64,
    /// Which of them fail.
    fails: std::ops::Range<u64>,
}

impl Disk {
    fn of(bytes: Vec<u8>, fails: std::ops::Range<u64>) -> Arc<Disk> {
        Arc::new(Disk(Mutex::new(State { durable: bytes.clone(), cached: bytes, fails, ..State::default() })))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("no panic")
    }

    fn recover(&self) {
        self.state().fails = 0..0;
    }

    /// What is there after the power is gone; of what was not synced, the pages that `reached` names.
    fn after_power_cut(&self, reached: impl Fn(usize) -> bool) -> Vec<u8> {
        let state = self.state();
        let mut bytes = state.durable.clone();
        for page in state.dirty.iter().filter(|page| reached(**page)) {
            copy_page(&state.cached, &mut bytes, *page);
        }
        bytes
    }
}

impl State {
    fn attempt(&mut self) -> io::Result<()> {
        self.done += 1;
        match self.fails.contains(&self.done) {
            true => Err(io::Error::from(io::ErrorKind::StorageFull)),
            false => Ok(()),
        }
    }
}

fn copy_page(from: &[u8], to: &mut Vec<u8>, page: usize) {
    let end = from.len().min((page + 1) * PAGE);
    if let Some(bytes) = from.get(page * PAGE..end) {
        to.resize(to.len().max(end), 0);
        to[page * PAGE..end].copy_from_slice(bytes);
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (state, at) = (self.state(), offset as usize);
        let bytes = state.cached.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        state.attempt()?;
        state.cached.resize(len as usize, 0);
        state.durable.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state();
        let done = state.attempt();
        let dirty = std::mem::take(&mut state.dirty);
        // As on Linux: after a sync that failed, pages count as clean and are on no disk.
        done?;
        let State { cached, durable, .. } = &mut *state;
        dirty.into_iter().for_each(|page| copy_page(cached, durable, page));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let done = state.attempt();
        // What fails has written a part.
        let (at, written) = (offset as usize, if done.is_ok() { data.len() } else { data.len() / 2 });
        state.cached.get_mut(at..at + written).ok_or(io::ErrorKind::UnexpectedEof)?.copy_from_slice(&data[..written]);
        state.dirty.extend(at / PAGE..=(at + data.len() - 1) / PAGE);
        done
    }
}

/// Keys in memory, as a broker that runs has them.
struct Remembering(Keys);

impl Holder for Remembering {
    const REMEMBERS: bool = true;

    fn keys(&self) -> &Keys {
        &self.0
    }

    fn admit(&mut self, key: Key) -> Result<(), KeysError> {
        self.0.insert(key)
    }

    fn revoke(&mut self, id: &KeyId, at: u64) -> Result<(), KeysError> {
        self.0.revoke(id, at).map(|_| ())
    }
}

fn open(disk: &Arc<Disk>) -> Result<Store, StoreError> {
    Store::on(Path::new("/a/broker.redb"), Arc::clone(disk) as Arc<dyn StorageBackend>)
}

fn robot(name: &str) -> RobotId {
    RobotId::new(name).expect("an id")
}

fn session(name: &str) -> Changes {
    let record = SessionRecord {
        id: format!("session-of-{name}"),
        robot: robot(name),
        key: KeyId::new("00000000"),
        name: Some("x".repeat(200)),
        kind: None,
        instance: None,
        created: None,
        sfu_session: "s".to_owned(),
        used: (0..200).collect(),
        owes_null: false,
        operator: None,
    };
    let sessions = [(robot(name), Some(record))].into();
    Changes { sessions, unclosed: [(format!("unclosed-{name}"), true)].into(), ..Changes::default() }
}

/// What a person was told.
#[derive(Debug, Default)]
struct Told {
    created: BTreeSet<KeyId>,
    revoked: BTreeSet<KeyId>,
    until_restart: BTreeSet<KeyId>,
    sessions: BTreeSet<RobotId>,
}

impl Told {
    fn create(&mut self, store: &Store, holder: &mut Remembering, name: &str) -> Option<KeyId> {
        let request = AdminRequest::Create { grant: Grant::Robot(robot(name)), label: name.repeat(40) };
        match carry_out(store, holder, request, 1) {
            Ok(AdminAnswer::Created { key, .. }) => {
                self.created.insert(key.id.clone());
                Some(key.id)
            }
            _ => None,
        }
    }

    fn revoke(&mut self, store: &Store, holder: &mut Remembering, id: Option<&KeyId>) {
        let Some(id) = id else { return };
        match carry_out(store, holder, AdminRequest::Revoke { id: id.clone() }, 2) {
            Ok(AdminAnswer::Revoked(key)) => {
                assert!(!key.unwritten && key.revoked.is_some());
                self.revoked.insert(key.id);
            }
            Ok(AdminAnswer::RevokedUntilRestart { key, why }) => {
                assert!(key.unwritten && why.contains("/a/broker.redb"), "{why}");
                self.until_restart.insert(key.id);
            }
            _ => panic!("a broker that runs revokes, whatever its disk does"),
        }
        assert!(!holder.keys().is_good(id), "at once");
    }

    fn save(&mut self, store: &Store, name: &str) {
        if store.save_sessions(session(name)).is_ok() {
            self.sessions.insert(robot(name));
        }
    }

    /// Does a bit of everything.
    fn live(&mut self, store: &Store, holder: &mut Remembering) {
        let first = self.create(store, holder, "a");
        self.save(store, "r1");
        let second = self.create(store, holder, "b");
        self.revoke(store, holder, first.as_ref());
        self.save(store, "r2");
        let third = self.create(store, holder, "c");
        self.revoke(store, holder, third.as_ref());
        self.save(store, "r3");
        self.revoke(store, holder, second.as_ref());
        let AdminAnswer::Keys(keys) = carry_out(store, holder, AdminRequest::List, 3).expect("a list") else {
            panic!("no list")
        };
        // What is not yet there is listed as that. A later change may have taken it along.
        let unwritten: BTreeSet<_> = keys.iter().filter(|key| key.unwritten).map(|key| key.id.clone()).collect();
        assert!(unwritten.is_subset(&self.until_restart), "{unwritten:?} {self:?}");
        let is_listed = |id: &KeyId| keys.iter().any(|key| key.id == *id);
        assert!(self.created.iter().all(is_listed));
        self.revoked.extend(self.until_restart.difference(&unwritten).cloned());
    }

    /// What was told is true of a disk.
    fn holds(&self, bytes: Vec<u8>, when: &str) {
        let store = open(&Disk::of(bytes, 0..0)).unwrap_or_else(|error| panic!("{when}: {error}"));
        let known = store.load().unwrap_or_else(|error| panic!("{when}: {error}"));
        for id in &self.revoked {
            assert!(!known.keys.is_good(id), "{when}: {id} works again: {self:?}");
        }
        let listed: BTreeMap<KeyId, &Key> = known.keys.list().into_iter().map(|key| (key.id(), key)).collect();
        for id in &self.created {
            let key = listed.get(id).unwrap_or_else(|| panic!("{when}: {id} is lost: {self:?}"));
            let may_be_revoked = self.revoked.contains(id) || self.until_restart.contains(id);
            assert!(key.revoked.is_none() || may_be_revoked, "{when}");
        }
        let kept: BTreeSet<RobotId> = known.sessions.iter().map(|record| record.robot.clone()).collect();
        assert!(self.sessions.is_subset(&kept), "{when}: {kept:?} of {self:?}");
    }
}

/// Whether a page that was written without a sync reached the disk before the power was cut.
type Reach = fn(usize) -> bool;

/// Lives with some operations failing, cuts the power, and looks; then lets the disk work again, cuts once more.
fn lives_through(fails: std::ops::Range<u64>) -> u64 {
    let when = format!("{fails:?}");
    let disk = Disk::of(creation::empty().expect("a new file"), fails);
    let store = match open(&disk) {
        Ok(store) => store,
        Err(StoreError::Unusable { .. }) => {
            disk.recover();
            open(&disk).unwrap_or_else(|error| panic!("{when}: {error}"))
        }
        Err(error) => panic!("{when}: {error}"),
    };
    let (mut told, mut holder) = (Told::default(), Remembering(Keys::new()));
    told.live(&store, &mut holder);
    assert_eq!(holder.keys().list().len(), told.created.len(), "what was not created is not listed");
    let reach: [(&str, Reach); 4] =
        [("durable", |_| false), ("all", |_| true), ("even", |page| page % 2 == 0), ("odd", |page| page % 2 == 1)];
    for (name, reached) in reach {
        told.holds(disk.after_power_cut(reached), &format!("{when}, {name}"));
    }
    disk.recover();
    store.save_sessions(Changes::default()).unwrap_or_else(|error| panic!("{when}: {error}"));
    assert!(!store.has_unwritten() && store.unwritten_keys().is_empty());
    // Now all that was to be is, and what was not created is not listed.
    told.revoked.append(&mut told.until_restart);
    told.sessions.extend(["r1", "r2", "r3"].map(robot));
    let bytes = disk.after_power_cut(|_| false);
    told.holds(bytes.clone(), &format!("{when}, in the end"));
    let known = open(&Disk::of(bytes, 0..0)).expect("it opens").load().expect("it loads");
    assert_eq!(known.keys.list().len(), told.created.len(), "{when}");
    assert_eq!(known.unclosed.len(), 3);
    disk.state().done
}

#[test]
fn whatever_fails_what_was_told_stays_true() {
    let all = lives_through(0..0);
    assert!(all > 40, "{all} operations");
    for n in 1..=all {
        lives_through(n..n + 1);
        lives_through(n..n + 3);
        lives_through(n..u64::MAX);
    }
}

/// A file with keys and sessions, as a broker leaves it that ends, or is killed, and what is in it.
fn lived_in(ends: bool) -> &'static (Vec<u8>, String) {
    static FILES: [OnceLock<(Vec<u8>, String)>; 2] = [OnceLock::new(), OnceLock::new()];
    FILES[usize::from(ends)].get_or_init(|| {
        let disk = Disk::of(creation::empty().expect("a new file"), 0..0);
        let store = open(&disk).expect("it opens");
        let mut holder = Remembering(Keys::new());
        for round in 0..30 {
            Told::default().live(&store, &mut holder);
            store.save_sessions(session(&format!("robot-{round}"))).expect("saved");
        }
        if ends {
            drop(store);
        }
        let bytes = disk.after_power_cut(|_| false);
        let is = content(&open(&Disk::of(bytes.clone(), 0..0)).expect("it opens"));
        (bytes, is)
    })
}

fn content(store: &Store) -> String {
    let known = store.load().expect("it loads");
    format!("{:?} {:?} {:?}", known.keys.list(), known.sessions, known.unclosed)
}

/// Opens damaged bytes: an error that says what to do and leaves them as they are, or what was there before. Answers whether
/// it was refused.
fn is_refused(bytes: &[u8], before: &str, what: &str) -> bool {
    let disk = Disk::of(bytes.to_vec(), 0..0);
    match open(&disk) {
        Ok(store) => {
            assert_eq!(content(&store), before, "{what}");
            false
        }
        Err(error @ StoreError::Damaged { .. }) => {
            let text = error.to_string();
            assert!(text.contains("/a/broker.redb") && text.contains("put a copy of it back"), "{text}");
            assert_eq!(disk.state().cached, bytes, "{what}: it is left as it is");
            true
        }
        Err(error) => panic!("{what}: {error}"),
    }
}

#[test]
fn a_part_of_a_file_is_refused() {
    for ends in [true, false] {
        let (bytes, before) = lived_in(ends);
        let pages = (0..bytes.len() / PAGE).map(|page| page * PAGE);
        let odd = (0..400).map(|n| n * bytes.len() / 400 + 1);
        for length in pages.chain(odd).chain([0, 1, 8, 9, 10, 63, 64, 319, 320, bytes.len() - 1]) {
            if length < bytes.len() {
                assert!(is_refused(&bytes[..length], before, &format!("cut to {length}")), "{length}");
            }
        }
        assert!(!is_refused(bytes, before, "whole"));
    }
}

#[test]
fn no_bit_of_a_header_turns_one_state_into_another() {
    for ends in [true, false] {
        let (bytes, before) = lived_in(ends);
        for at in 0..320 {
            // The flags and sizes bit by bit; the rest has a checksum.
            for bit in (0..8).filter(|bit| at < 64 || bit == &(at % 8)) {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                is_refused(&damaged, before, &format!("bit {bit} of byte {at}, ended: {ends}"));
            }
        }
    }
}

#[test]
fn a_page_that_is_lost_is_noticed() {
    for ends in [true, false] {
        let (bytes, before) = lived_in(ends);
        let mut refused = 0;
        for page in (0..bytes.len() / PAGE).filter(|page| bytes[page * PAGE..][..PAGE].iter().any(|byte| *byte != 0)) {
            for (fill, what) in [(0, "zeros"), (0xff, "ones"), (0x5a, "a pattern")] {
                let mut damaged = bytes.clone();
                damaged[page * PAGE..][..PAGE].fill(fill);
                refused += u32::from(is_refused(&damaged, before, &format!("{what} in page {page}")));
            }
        }
        assert!(refused > 10, "{refused}");
    }
}

#[test]
fn garbage_is_refused() {
    let mut random = Vec::new();
    let mut seed = 1u64;
    for length in [1usize, 9, 512, 4096, 100_000, 2_000_000] {
        random.resize_with(length, || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 56) as u8
        });
        assert!(is_refused(&random, "", "garbage"));
        let mut looks_like_one = random.clone();
        let magic = &b"redb\x1a\x0a\xa9\x0d\x0a"[..length.min(9)];
        looks_like_one[..magic.len()].copy_from_slice(magic);
        assert!(is_refused(&looks_like_one, "", "garbage with a good start"));
        assert!(is_refused(&vec![0; length], "", "zeros"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes that went wrong anywhere are noticed, or were nobody's.
    #[test]
    fn flipped_bytes_change_nothing_unnoticed(
        ends in any::<bool>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1u8..), 1..12),
    ) {
        let (bytes, before) = lived_in(ends);
        let used: Vec<usize> = (0..bytes.len() / PAGE)
            .filter(|page| bytes[page * PAGE..][..PAGE].iter().any(|byte| *byte != 0))
            .collect();
        let mut damaged = bytes.clone();
        for (page, at, bits) in flips {
            damaged[page.get(&used) * PAGE + at.index(PAGE)] ^= bits;
        }
        is_refused(&damaged, before, "flipped");
    }

    /// The same of bytes that matter for the form of a page.
    #[test]
    fn wrong_counts_in_pages_are_noticed(page in any::<prop::sample::Index>(), at in 0usize..12, byte in any::<u8>()) {
        let (bytes, before) = lived_in(false);
        let used: Vec<usize> = (1..bytes.len() / PAGE)
            .filter(|page| bytes[page * PAGE..][..PAGE].iter().any(|byte| *byte != 0))
            .collect();
        let mut damaged = bytes.clone();
        damaged[page.get(&used) * PAGE + at] = byte;
        is_refused(&damaged, before, "a wrong count");
    }
}
