//! The file format of the client's multiprocess mode: names, header, entries, keys, eras.
//!
//! Bytes in, values out. Nothing here opens a file, knows a path or a process, or is `unsafe`;
//! this is the part that is fuzzed.
//!
//! ```text
//! file   i32 used | 4 bytes 0 | entry … | zeros up to the capacity
//! entry  i32 len | key[len], JSON text | 1 to 8 spaces, up to a multiple of 8 | value
//! value  f64                     eras A to C (clients up to 0.17.1)
//!        f64, f64 unix time      era D       (clients from 0.18.0)
//! ```
//!
//! Numbers are in native byte order. The writer stores an entry first and `used` after it, and
//! never moves or removes one, so the bytes before `used` are complete at any moment.

mod bound;
mod bucket;
mod encode;
mod entries;
mod era;
mod key;
mod layout;
mod name;
mod plain_key;
mod raw_key;

pub use bound::parse as parse_bound;
pub use bucket::BucketKey;
pub use encode::Encoder;
pub use entries::{
    Entries, Entry, FormatError, HEADER_BYTES, LONGEST_KEY_BYTES, MISPLACED_HEADER_AT, Used, misplaced_used,
    used,
};
pub use era::{Detected, Era, detect};
pub use key::{Key, KeyError, MULTIPROCESS_HELP};
pub use layout::Layout;
pub use name::MetricFileName;
pub use raw_key::{KeyLabels, KeyShape};
