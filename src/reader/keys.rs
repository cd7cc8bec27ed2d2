//! Known keys: from an entry's raw bytes to where its value goes, without parsing twice.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::format::{Entries, Entry};

/// An index of something that is counted in a `Vec`; 2^32 of them would not fit into memory.
pub(crate) fn index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// An index into the keys of one [`KeyTable`].
type KeyIndex = u32;

const NONE: KeyIndex = KeyIndex::MAX;

/// The records seen in files of one type and mode (an entry's length, key and padding), each with a
/// `T` that was made for it once.
///
/// All processes of a service create their series in nearly the same order, so the record that
/// followed the last time is expected: one comparison, no decoding, no hash.
#[derive(Debug)]
pub(crate) struct KeyTable<T> {
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
    end: usize,
    /// The key that is expected to follow this one.
    next: KeyIndex,
    /// Whether `next` was right the last time. Then it survives one miss, so that a process with an
    /// order of its own does not spoil the expectation for all that come after it.
    is_sure: bool,
    target: T,
}

impl<T> KnownKey<T> {
    fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// Where a file's walk through the table is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    last: KeyIndex,
    expected: KeyIndex,
    /// Whether `last` is sure of `expected`.
    is_sure: bool,
}

impl Cursor {
    /// Before a file's first entry. Files begin alike, too.
    pub(crate) fn start() -> Self {
        Self { last: NONE, expected: 0, is_sure: true }
    }
}

impl<T: Copy> KeyTable<T> {
    pub(crate) fn new() -> Self {
        Self {
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            bytes: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Goes on as long as each entry has the record that is expected, and calls `each` with it and
    /// what was made for its record.
    ///
    /// Most entries pass through here, so nothing but what they need is in this loop.
    #[inline(never)]
    pub(crate) fn take_expected(
        &mut self,
        entries: &mut Entries<'_>,
        cursor: &mut Cursor,
        mut each: impl FnMut(T, Entry<'_>),
    ) {
        let Cursor { mut last, mut expected, mut is_sure } = *cursor;
        while let Some(&KnownKey { start, end, next, is_sure: is_next_sure, target }) =
            self.keys.get(expected as usize)
            && let Some(entry) = entries.next_like(&self.bytes[start..end])
        {
            if !is_sure && let Some(last) = self.keys.get_mut(last as usize) {
                last.is_sure = true;
            }
            (last, expected, is_sure) = (expected, next, is_next_sure);
            each(target, entry);
        }
        *cursor = Cursor { last, expected, is_sure };
    }

    /// Goes on to `record`, and returns what was made for it; `make` is called if it is new.
    pub(crate) fn look_up(&mut self, cursor: &mut Cursor, record: &[u8], make: impl FnOnce() -> T) -> T {
        let hash = self.hasher.hash_one(record);
        let is_same =
            |&(of, i): &(u64, KeyIndex)| of == hash && self.bytes[self.keys[i as usize].range()] == *record;
        let found = self.index.find(hash, is_same);
        let at = match found {
            Some(&(_, at)) => at,
            None => {
                let start = self.bytes.len();
                self.bytes.extend_from_slice(record);
                let end = self.bytes.len();
                let at = index(self.keys.len());
                self.keys.push(KnownKey { start, end, next: NONE, is_sure: false, target: make() });
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
        let KnownKey { next, is_sure, target, .. } = self.keys[at as usize];
        *cursor = Cursor { last: at, expected: next, is_sure };
        target
    }
}
