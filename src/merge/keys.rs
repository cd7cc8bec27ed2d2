//! Known keys: from an entry's raw key bytes to where its value goes, without parsing twice.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// An index into the keys of one [`KeyTable`].
type KeyIndex = u32;

const NONE: KeyIndex = KeyIndex::MAX;

/// The raw keys seen in files of one type and mode, each with a `T` that was made for it once.
///
/// All processes of a service create their series in nearly the same order, so the key that
/// followed the last time is tried first: one comparison, no hash.
#[derive(Debug)]
pub(crate) struct KeyTable<T> {
    index: HashTable<KeyIndex>,
    hasher: DefaultHashBuilder,
    /// All keys, one after the other.
    text: Vec<u8>,
    keys: Vec<KnownKey<T>>,
}

#[derive(Debug)]
struct KnownKey<T> {
    start: usize,
    end: usize,
    /// The key that followed this one when it was met last.
    next: KeyIndex,
    target: T,
}

/// Where a file's walk through the table is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    last: KeyIndex,
    expected: KeyIndex,
}

impl Cursor {
    /// Before a file's first entry. Files begin alike, too.
    pub(crate) fn start() -> Self {
        Self { last: NONE, expected: 0 }
    }
}

impl<T: Copy> KeyTable<T> {
    pub(crate) fn new() -> Self {
        Self {
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            text: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// What was made for `key`; `make` is called if it is new.
    #[inline]
    pub(crate) fn get_or_insert_with(
        &mut self,
        cursor: &mut Cursor,
        key: &[u8],
        make: impl FnOnce() -> T,
    ) -> T {
        if let Some(known) = self.keys.get(cursor.expected as usize)
            && self.text[known.start..known.end] == *key
        {
            cursor.last = cursor.expected;
            cursor.expected = known.next;
            return known.target;
        }
        self.look_up(cursor, key, make)
    }

    fn look_up(&mut self, cursor: &mut Cursor, key: &[u8], make: impl FnOnce() -> T) -> T {
        let hash = self.hasher.hash_one(key);
        let bytes = |keys: &[KnownKey<T>], i: KeyIndex| keys[i as usize].start..keys[i as usize].end;
        let found = self.index.find(hash, |&i| self.text[bytes(&self.keys, i)] == *key);
        let at = match found {
            Some(&at) => at,
            None => {
                let start = self.text.len();
                self.text.extend_from_slice(key);
                // 2^32 keys would take hundreds of gigabytes of files.
                let at = KeyIndex::try_from(self.keys.len()).unwrap_or(NONE);
                self.keys.push(KnownKey { start, end: self.text.len(), next: NONE, target: make() });
                let (hasher, text, keys) = (&self.hasher, &self.text, &self.keys);
                self.index.insert_unique(hash, at, |&i| hasher.hash_one(&text[bytes(keys, i)]));
                at
            }
        };
        if let Some(last) = self.keys.get_mut(cursor.last as usize) {
            last.next = at;
        }
        cursor.last = at;
        cursor.expected = self.keys[at as usize].next;
        self.keys[at as usize].target
    }
}
