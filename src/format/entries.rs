//! The header and the entries of a file: a walk over bytes that checks every bound.

use super::layout::Layout;

/// Bytes before the first entry: the i32 `used` and four bytes of padding.
pub const HEADER_BYTES: usize = 8;

/// No client refuses a longer key, but none has a use for one. What looks like one is damage, or a hole in
/// the file, which would cost as much memory as the length it claims.
pub const LONGEST_KEY_BYTES: usize = 1 << 20;

/// A rule of the format that the bytes break. Offsets count from the start of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// `used` is negative, or between 1 and 7.
    #[error("byte 0: used is {used}, which is neither 0 nor at least 8")]
    Used {
        /// What the header says.
        used: i32,
    },
    /// The file ends before `used`.
    #[error("byte {offset}: the file ends here, used is {used}")]
    UsedBeyondFile {
        /// Where the readable bytes end.
        offset: u64,
        /// What the header says.
        used: u64,
    },
    /// The length of an entry's key is zero or negative.
    #[error("byte {offset}: the entry's length is {len}, which no key has")]
    Length {
        /// Where the entry starts.
        offset: u64,
        /// What the entry says.
        len: i32,
    },
    /// An entry's key is longer than [`LONGEST_KEY_BYTES`].
    #[error("byte {offset}: the entry's length is {len}, more than the {LONGEST_KEY_BYTES} bytes of a key")]
    LongKey {
        /// Where the entry starts.
        offset: u64,
        /// What the entry says.
        len: i32,
    },
    /// An entry does not end before `used`.
    #[error("byte {offset}: the entry (length {len}) ends at byte {end}, beyond used {used}")]
    BeyondUsed {
        /// Where the entry starts.
        offset: u64,
        /// The length of its key.
        len: i32,
        /// Where it would end.
        end: u64,
        /// What the header says.
        used: u64,
    },
    /// The bytes are not entries, whichever size their values have.
    #[error("byte {offset}: not a metric file: no client version writes such bytes (used {used})")]
    Foreign {
        /// Where the first entry should be.
        offset: u64,
        /// What the header says.
        used: u64,
    },
    /// The file of another program, which is known.
    #[error("byte 0: an SQLite database, not a metric file")]
    Sqlite,
    /// Ruby's prometheus-client-mmap wrote it: keys alike, and other rules for values.
    #[error(
        "byte {offset}: written by the Ruby client (prometheus-client-mmap), which has other rules for values"
    )]
    Ruby {
        /// Where the first entry is.
        offset: u64,
    },
}

impl FormatError {
    /// Whether nothing of the file is the official client's.
    pub fn is_of_whole_file(&self) -> bool {
        matches!(self, Self::Foreign { .. } | Self::Sqlite | Self::Used { .. } | Self::Ruby { .. })
    }

    /// The byte offset in the file at which the rule is broken.
    pub fn offset(&self) -> u64 {
        match self {
            Self::Used { .. } | Self::Sqlite => 0,
            Self::UsedBeyondFile { offset, .. }
            | Self::Length { offset, .. }
            | Self::LongKey { offset, .. }
            | Self::BeyondUsed { offset, .. }
            | Self::Foreign { offset, .. }
            | Self::Ruby { offset } => *offset,
        }
    }
}

/// Where the header is in a file written on WSL, after as many zeros.
pub const MISPLACED_HEADER_AT: u64 = 65_536;

/// What a header at [`MISPLACED_HEADER_AT`] says is used, if it is one.
pub fn misplaced_used(header: [u8; HEADER_BYTES]) -> Option<u64> {
    u64::try_from(read_i32(&header, 0)).ok().filter(|used| *used >= HEADER_BYTES as u64)
}

/// How an SQLite database begins.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// What the header says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// The file has no entry (yet): it is shorter than a header, or `used` is 0 or 8.
    Empty,
    /// Entries fill the file from byte 8 to this offset.
    Bytes(u64),
}

/// Reads `used` from the first bytes of a file; fewer than 8 are an empty file.
///
/// # Errors
/// [`FormatError::Used`] if the client cannot have written that number, [`FormatError::Sqlite`] if it is not one.
pub fn used(file_start: &[u8]) -> Result<Used, FormatError> {
    if file_start.starts_with(SQLITE) {
        return Err(FormatError::Sqlite);
    }
    let Some(header) = file_start.first_chunk::<HEADER_BYTES>() else {
        return Ok(Used::Empty);
    };
    match read_i32(header, 0) {
        0 | 8 => Ok(Used::Empty),
        used @ 9.. => Ok(Used::Bytes(u64::from(used.unsigned_abs()))),
        used => Err(FormatError::Used { used }),
    }
}

/// One record of a file.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Where the record starts in the file, in bytes.
    pub offset: u64,
    /// Everything before the value: the length, the key and its padding.
    pub record: &'a [u8],
    /// The stored value.
    pub value: f64,
    /// When the value was set (Unix seconds); 0.0 if the client did not say, `None` in eras A to C.
    pub timestamp: Option<f64>,
}

impl<'a> Entry<'a> {
    /// An entry made of all of `bytes`; its value starts at `value_at` in them.
    #[inline]
    fn new(offset: u64, bytes: &'a [u8], value_at: usize, layout: Layout) -> Self {
        let (record, value) = bytes.split_at(value_at);
        Self {
            offset,
            record,
            value: read_f64(value, 0),
            timestamp: match layout {
                Layout::Value => None,
                Layout::ValueAndTime => Some(read_f64(value, 8)),
            },
        }
    }

    /// The JSON text that names the sample, as stored.
    pub fn key(&self) -> &'a [u8] {
        let len = usize::try_from(read_i32(self.record, 0)).unwrap_or_default();
        self.record.get(4..4 + len).unwrap_or_default()
    }

    /// Where the value starts in the file, in bytes; the client calls it `pos`.
    pub fn value_offset(&self) -> u64 {
        self.offset + self.record.len() as u64
    }
}

/// The distance from an entry's start to its value: the length, the key and 1 to 8 spaces.
#[inline]
pub(super) fn value_start(key_len: usize) -> usize {
    (4 + key_len) / 8 * 8 + 8
}

#[inline]
pub(super) fn read_i32(bytes: &[u8], at: usize) -> i32 {
    bytes[at..].first_chunk().map_or(0, |b| i32::from_ne_bytes(*b))
}

#[inline]
fn read_f64(bytes: &[u8], at: usize) -> f64 {
    bytes[at..].first_chunk().map_or(f64::NAN, |b| f64::from_ne_bytes(*b))
}

/// Walks the entries in a piece of a file.
///
/// The piece may end anywhere. The walk stops before an entry that it does not hold completely;
/// [`Entries::offset`] says where to go on and [`Entries::missing`] how many bytes that takes.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    bytes: &'a [u8],
    /// Where `bytes` starts in the file.
    base: u64,
    pos: usize,
    used: u64,
    layout: Layout,
    missing: usize,
}

impl<'a> Entries<'a> {
    /// A walk over `bytes`, which start at byte `base` of a file with that `used` and layout.
    /// `base` is where an entry starts: 8, or what [`Entries::offset`] said of an earlier piece.
    pub fn new(bytes: &'a [u8], base: u64, used: u64, layout: Layout) -> Self {
        // Bytes beyond `used` are not written yet.
        let len = usize::try_from(used.saturating_sub(base)).unwrap_or(usize::MAX);
        Self { bytes: &bytes[..bytes.len().min(len)], base, pos: 0, used, layout, missing: 0 }
    }

    /// Where the next entry starts in the file.
    pub fn offset(&self) -> u64 {
        self.base + self.pos as u64
    }

    /// The next entry, if its record (see [`Entry::record`]) is byte for byte `record`; otherwise
    /// nothing happens. Comparing is less work than decoding.
    #[inline]
    pub fn next_like(&mut self, record: &[u8]) -> Option<Entry<'a>> {
        let rest = &self.bytes[self.pos..];
        let size = record.len() + self.layout.value_bytes();
        if rest.len() < size || rest[..record.len()] != *record {
            return None;
        }
        let offset = self.offset();
        self.pos += size;
        Some(Entry::new(offset, &rest[..size], record.len(), self.layout))
    }

    /// How many bytes the next entry needs, from [`Entries::offset`] on, if the walk stopped because
    /// the piece ends; 0 if it reached `used`.
    pub fn missing(&self) -> usize {
        self.missing
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, FormatError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.bytes[self.pos..];
        let offset = self.offset();
        if rest.len() < 4 {
            if offset >= self.used {
                return None;
            }
            if offset + 4 > self.used {
                let end = offset + 4;
                return Some(Err(FormatError::BeyondUsed { offset, len: 0, end, used: self.used }));
            }
            self.missing = 4;
            return None;
        }
        let len = read_i32(rest, 0);
        let Ok(key_len @ 1..) = usize::try_from(len) else {
            return Some(Err(FormatError::Length { offset, len }));
        };
        let value_at = value_start(key_len);
        let size = value_at + self.layout.value_bytes();
        let is_whole = size <= rest.len();
        let end = offset + size as u64;
        if !is_whole && end > self.used {
            return Some(Err(FormatError::BeyondUsed { offset, len, end, used: self.used }));
        }
        if key_len > LONGEST_KEY_BYTES {
            return Some(Err(FormatError::LongKey { offset, len }));
        }
        if !is_whole {
            self.missing = size;
            return None;
        }
        self.pos += size;
        Some(Ok(Entry::new(offset, &rest[..size], value_at, self.layout)))
    }
}
