//! Known keys: from an entry's raw bytes to where its value goes, without parsing twice.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::series::index;

/// An index into the keys of one [`KeyTable`].
type KeyIndex = u32;

const NONE: KeyIndex = KeyIndex::MAX;

/// The records seen in files of one type and mode (an entry's length, key and padding), each with a
/// `T` that was made for it once.
///
/// All processes of a service create their series in nearly the same order, so the record that
/// followed the last time is expected: one comparison, no decoding, no hash.
#[derive(Debug)]
pub(super) struct KeyTable<T> {
    /// With their hashes, so that growing the table does not touch the records.
    index: HashTable<(u64, KeyIndex)>,
    hasher: DefaultHashBuilder,
    /// All records, one after the other.
    bytes: Vec<u8>,
    keys: Vec<KnownKey<T>>,
}

#[derive(Debug)]
struct KnownKey<T> {
    start: usize,
    len: u32,
    /// The key that is expected to follow this one.
    next: KeyIndex,
    /// Whether `next` was right the last time. Then it survives one miss, so that a process with an
    /// order of its own does not spoil the expectation for all that come after it.
    is_sure: bool,
    target: T,
}

impl<T> KnownKey<T> {
    fn range(&self) -> Range<usize> {
        self.start..self.start + self.len as usize
    }
}

/// Where a file's walk through the table is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    last: KeyIndex,
    expected: KeyIndex,
}

impl Cursor {
    /// Before a file's first entry. Files begin alike, too.
    pub(super) fn start() -> Self {
        Self { last: NONE, expected: 0 }
    }
}

impl<T: Copy> KeyTable<T> {
    pub(super) fn new() -> Self {
        Self {
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            bytes: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// The record that is expected next; empty if there is no expectation.
    #[inline]
    pub(super) fn expected(&self, cursor: Cursor) -> &[u8] {
        self.keys.get(cursor.expected as usize).map_or(&[], |key| &self.bytes[key.range()])
    }

    /// Goes on to the record that was expected, and returns what was made for it.
    #[inline]
    pub(super) fn take_expected(&mut self, cursor: &mut Cursor) -> Option<T> {
        if let Some(last) = self.keys.get_mut(cursor.last as usize)
            && !last.is_sure
        {
            last.is_sure = true;
        }
        let key = self.keys.get(cursor.expected as usize)?;
        *cursor = Cursor { last: cursor.expected, expected: key.next };
        Some(key.target)
    }

    /// Goes on to `record`, and returns what was made for it; `make` is called if it is new.
    pub(super) fn look_up(&mut self, cursor: &mut Cursor, record: &[u8], make: impl FnOnce() -> T) -> T {
        let hash = self.hasher.hash_one(record);
        let is_same =
            |&(of, i): &(u64, KeyIndex)| of == hash && self.bytes[self.keys[i as usize].range()] == *record;
        let found = self.index.find(hash, is_same);
        let at = match found {
            Some(&(_, at)) => at,
            None => {
                let (start, len) = (self.bytes.len(), index(record.len()));
                self.bytes.extend_from_slice(record);
                let at = index(self.keys.len());
                self.keys.push(KnownKey { start, len, next: NONE, is_sure: false, target: make() });
                self.index.insert_unique(hash, (hash, at), |&(hash, _)| hash);
                at
            }
        };
        if let Some(last) = self.keys.get_mut(cursor.last as usize) {
            if last.is_sure {
                last.is_sure = false;
            } else {
                last.next = at;
            }
        }
        *cursor = Cursor { last: at, expected: self.keys[at as usize].next };
        self.keys[at as usize].target
    }
}
