//! What there is for each stream id, found without hashing: two levels of 256, of which a page costs memory once it is used.

const PAGE: usize = 256;

#[derive(Debug)]
struct Page<T> {
    used: usize,
    entries: Vec<Option<Box<T>>>,
}

/// A map from stream ids.
#[derive(Debug)]
pub(crate) struct Table<T> {
    pages: Vec<Option<Page<T>>>,
    len: usize,
}

impl<T> Table<T> {
    pub(crate) fn new() -> Table<T> {
        Table { pages: Vec::new(), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, id: u16) -> Option<&T> {
        let page = self.pages.get(usize::from(id) / PAGE)?.as_ref()?;
        page.entries[usize::from(id) % PAGE].as_deref()
    }

    pub(crate) fn get_mut(&mut self, id: u16) -> Option<&mut T> {
        let page = self.pages.get_mut(usize::from(id) / PAGE)?.as_mut()?;
        page.entries[usize::from(id) % PAGE].as_deref_mut()
    }

    pub(crate) fn get_or_insert_with(&mut self, id: u16, make: impl FnOnce() -> T) -> &mut T {
        let (page, entry) = (usize::from(id) / PAGE, usize::from(id) % PAGE);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let page = self.pages[page].get_or_insert_with(|| {
            let mut entries = Vec::new();
            entries.resize_with(PAGE, || None);
            Page { used: 0, entries }
        });
        let entry = &mut page.entries[entry];
        if entry.is_none() {
            page.used += 1;
            self.len += 1;
        }
        entry.get_or_insert_with(|| Box::new(make()))
    }

    pub(crate) fn remove(&mut self, id: u16) -> Option<Box<T>> {
        let slot = self.pages.get_mut(usize::from(id) / PAGE)?;
        let page = slot.as_mut()?;
        let removed = page.entries[usize::from(id) % PAGE].take()?;
        page.used -= 1;
        self.len -= 1;
        if page.used == 0 {
            *slot = None;
        }
        Some(removed)
    }

    /// All that is there, by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u16, &T)> {
        let pages = self.pages.iter().enumerate().filter_map(|(n, page)| Some((n, page.as_ref()?)));
        pages.flat_map(|(n, page)| {
            let entries = page.entries.iter().enumerate();
            entries.filter_map(move |(m, entry)| Some(((n * PAGE + m) as u16, &**entry.as_ref()?)))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_a_map(steps in prop::collection::vec((0u16..1024, any::<Option<u8>>()), 0..200)) {
            let (mut table, mut map) = (Table::new(), BTreeMap::new());
            for (id, value) in steps {
                match value {
                    Some(value) => {
                        *table.get_or_insert_with(id, || value) = value;
                        map.insert(id, value);
                    }
                    None => prop_assert_eq!(table.remove(id).map(|value| *value), map.remove(&id)),
                }
                prop_assert_eq!(table.get(id), map.get(&id));
                prop_assert_eq!(table.len(), map.len());
            }
            prop_assert!(table.iter().eq(map.iter().map(|(id, value)| (*id, value))));
        }
    }
}
