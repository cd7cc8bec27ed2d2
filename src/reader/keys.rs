//! Known keys: finds what was made of an entry's key from its raw bytes, so that no key is parsed twice.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::arena::{Arena, Index};
use crate::format::{Entries, Entry, FormatError};

/// The records seen in files (an entry's length, key and padding), each with a `T` that was made for it
/// once.
///
/// All processes of a service create their series in nearly the same order, so the record that
/// followed the last time is expected: one comparison, no decoding, no hash.
#[derive(Debug)]
pub(crate) struct KeyTable<T> {
    /// With their hashes, so that growing the table does not touch the records.
    index: HashTable<(u64, KeyIndex<T>)>,
    hasher: DefaultHashBuilder,
    /// All records, one after the other.
    bytes: Vec<u8>,
    keys: Arena<KnownKey<T>>,
}

type KeyIndex<T> = Index<KnownKey<T>>;

#[derive(Debug)]
struct KnownKey<T> {
    start: usize,
    end: usize,
    /// The key that is expected to follow this one.
    next: Option<KeyIndex<T>>,
    /// Whether `next` was right the last time. If so, it survives one miss: a process that has another
    /// order does not spoil the expectation for those after it.
    is_sure: bool,
    made: T,
}

impl<T> KnownKey<T> {
    fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// Where a file's walk through the table is.
#[derive(Debug)]
pub(crate) struct Cursor<T> {
    last: Option<KeyIndex<T>>,
    expected: Option<KeyIndex<T>>,
    /// Whether `last` is sure of `expected`.
    is_sure: bool,
}

impl<T> Default for KeyTable<T> {
    fn default() -> Self {
        Self {
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            bytes: Vec::new(),
            keys: Arena::default(),
        }
    }
}

impl<T: Copy> KeyTable<T> {
    /// Before a file's first entry. Files begin alike, too.
    pub(crate) fn start(&self) -> Cursor<T> {
        Cursor { last: None, expected: self.keys.first(), is_sure: true }
    }

    /// Calls `each` for every entry of a piece of a file, with what `make` made for its record; `make` is
    /// called once per record. Both get the `context`.
    ///
    /// If `make` returns nothing, the entry is skipped and its record is not kept: bytes that are not a key may
    /// be as long as one, differ in each entry, and come from a hole in the file.
    ///
    /// # Errors
    /// The damage at which the walk stops.
    #[inline]
    pub(crate) fn walk<C>(
        &mut self,
        entries: &mut Entries<'_>,
        cursor: &mut Cursor<T>,
        context: &mut C,
        make: impl Fn(&mut C, &Entry<'_>) -> Option<T>,
        each: impl Fn(&mut C, T, Entry<'_>),
    ) -> Result<(), FormatError> {
        loop {
            self.take_expected(entries, cursor, |made, entry| each(context, made, entry));
            let Some(entry) = entries.next() else {
                return Ok(());
            };
            let entry = entry?;
            if let Some(made) = self.look_up(cursor, entry.record, || make(context, &entry)) {
                each(context, made, entry);
            }
        }
    }

    /// Goes on as long as each entry has the expected record.
    ///
    /// Most entries pass through this loop, so it has only what they need.
    #[inline(never)]
    fn take_expected(
        &mut self,
        entries: &mut Entries<'_>,
        cursor: &mut Cursor<T>,
        mut each: impl FnMut(T, Entry<'_>),
    ) {
        let Cursor { mut last, mut expected, mut is_sure } = *cursor;
        while let Some(at) = expected
            && let KnownKey { start, end, next, is_sure: is_next_sure, made } = self.keys[at]
            && let Some(entry) = entries.next_like(&self.bytes[start..end])
        {
            if !is_sure && let Some(last) = last {
                self.keys[last].is_sure = true;
            }
            (last, expected, is_sure) = (expected, next, is_next_sure);
            each(made, entry);
        }
        *cursor = Cursor { last, expected, is_sure };
    }

    /// Moves on to `record` and returns what was made for it; calls `make` if the record is new.
    fn look_up(
        &mut self,
        cursor: &mut Cursor<T>,
        record: &[u8],
        make: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        let hash = self.hasher.hash_one(record);
        let is_same =
            |&(of, at): &(u64, KeyIndex<T>)| of == hash && self.bytes[self.keys[at].range()] == *record;
        let at = match self.index.find(hash, is_same) {
            Some(&(_, at)) => at,
            None => {
                let made = make()?;
                let start = self.bytes.len();
                self.bytes.extend_from_slice(record);
                let end = self.bytes.len();
                let at = self.keys.push(KnownKey { start, end, next: None, is_sure: false, made });
                self.index.insert_unique(hash, (hash, at), |&(hash, _)| hash);
                at
            }
        };
        if let Some(last) = cursor.last {
            let last = &mut self.keys[last];
            if last.is_sure {
                last.is_sure = false;
            } else {
                last.next = Some(at);
            }
        }
        let KnownKey { next, is_sure, made, .. } = self.keys[at];
        *cursor = Cursor { last: Some(at), expected: next, is_sure };
        Some(made)
    }
}
