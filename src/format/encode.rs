//! Writes the format: the inverse of [`Entries`](super::Entries).

use super::entries::{HEADER_BYTES, LONGEST_KEY_BYTES, value_start};
use super::layout::Layout;

/// Builds the bytes of a metric file, up to `used`.
#[derive(Clone, Debug)]
pub struct Encoder {
    bytes: Vec<u8>,
    layout: Layout,
}

impl Encoder {
    /// A file without entries.
    pub fn new(layout: Layout) -> Self {
        let mut encoder = Self { bytes: vec![0; HEADER_BYTES], layout };
        encoder.store_used();
        encoder
    }

    /// Appends an entry; the timestamp is stored if the layout has one. Returns `false` and changes
    /// nothing if the key is empty or longer than [`LONGEST_KEY_BYTES`], or if the file would grow beyond
    /// 2 GiB, which `used` cannot count.
    #[must_use]
    pub fn push(&mut self, key: &[u8], value: f64, timestamp: f64) -> bool {
        let size = value_start(key.len()) + self.layout.value_bytes();
        if key.len() > LONGEST_KEY_BYTES {
            return false;
        }
        let (Ok(len @ 1..), Ok(_)) = (i32::try_from(key.len()), i32::try_from(self.bytes.len() + size))
        else {
            return false;
        };
        let value_at = self.bytes.len() + value_start(key.len());
        self.bytes.extend_from_slice(&len.to_ne_bytes());
        self.bytes.extend_from_slice(key);
        self.bytes.resize(value_at, b' ');
        self.bytes.extend_from_slice(&value.to_ne_bytes());
        if self.layout == Layout::ValueAndTime {
            self.bytes.extend_from_slice(&timestamp.to_ne_bytes());
        }
        self.store_used();
        true
    }

    /// Header and entries; a file of the client has zeros after them, up to its capacity.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn store_used(&mut self) {
        let used = i32::try_from(self.bytes.len()).unwrap_or(i32::MAX);
        self.bytes[..4].copy_from_slice(&used.to_ne_bytes());
    }
}
