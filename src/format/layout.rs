//! What follows an entry's key: a value, with or without a timestamp.

/// What follows an entry's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layout {
    /// A value: 8 bytes, clients up to 0.17.1.
    Value,
    /// A value and its timestamp: 16 bytes, clients from 0.18.0.
    ValueAndTime,
}

impl Layout {
    /// Bytes after the key and its padding.
    #[inline]
    pub fn value_bytes(self) -> usize {
        match self {
            Self::Value => 8,
            Self::ValueAndTime => 16,
        }
    }
}
