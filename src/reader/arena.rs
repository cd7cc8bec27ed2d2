//! Things that are numbered and never removed. A number takes four bytes, and its type says what it counts.

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::ops;

/// The number of a `T` in its [`Arena`]; an `Option` of it takes four bytes, too.
pub(crate) struct Index<T> {
    /// Counted from 1.
    place: NonZeroU32,
    of: PhantomData<fn() -> T>,
}

impl<T> Index<T> {
    /// The number of the next one, after this many.
    #[inline]
    pub(crate) fn after(count: usize) -> Self {
        let place = u32::try_from(count + 1).ok().and_then(NonZeroU32::new);
        #[expect(clippy::expect_used, reason = "as a Vec does where there is no memory for more")]
        Self { place: place.expect("fewer than 2^32 of a kind"), of: PhantomData }
    }

    #[inline]
    fn place(self) -> usize {
        self.place.get() as usize - 1
    }
}

impl<T> Clone for Index<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Index<T> {}

impl<T> PartialEq for Index<T> {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl<T> Eq for Index<T> {}

impl<T> PartialOrd for Index<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Index<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place.cmp(&other.place)
    }
}

impl<T> std::hash::Hash for Index<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.place.hash(state);
    }
}

impl<T> fmt::Debug for Index<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place().fmt(f)
    }
}

/// Values, found by their numbers.
#[derive(Clone, Debug)]
pub(crate) struct Arena<T>(Vec<T>);

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Arena<T> {
    #[inline]
    pub(crate) fn push(&mut self, value: T) -> Index<T> {
        let index = self.next();
        self.0.push(value);
        index
    }

    /// The number that the next one gets.
    #[inline]
    pub(crate) fn next(&self) -> Index<T> {
        Index::after(self.0.len())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut()
    }

    /// All with their numbers.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (Index<T>, &T)> {
        self.0.iter().enumerate().map(|(at, value)| (Index::after(at), value))
    }

    /// The first, if there is one.
    #[inline]
    pub(crate) fn first(&self) -> Option<Index<T>> {
        (!self.0.is_empty()).then(|| Index::after(0))
    }

    pub(crate) fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T> ops::Index<Index<T>> for Arena<T> {
    type Output = T;

    #[inline]
    fn index(&self, index: Index<T>) -> &T {
        &self.0[index.place()]
    }
}

impl<T> ops::IndexMut<Index<T>> for Arena<T> {
    #[inline]
    fn index_mut(&mut self, index: Index<T>) -> &mut T {
        &mut self.0[index.place()]
    }
}
