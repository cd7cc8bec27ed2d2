//! Reads the entries of files, in order, while other threads read ahead.
//!
//! `pread` of the `used` bytes takes a snapshot that no other process can change or truncate, and
//! costs less than a mapping. The kernel copies aligned doubles whole, and every value is aligned.
//!
//! ```
//! use std::path::Path;
//!
//! use promproc::directory::{InDirectory, scan};
//! use promproc::reader::read_files;
//!
//! let scan = scan(Path::new("tests/data/gunicorn"))?;
//! let mut values = 0.0;
//! read_files(&scan.files, None, |file, reader| {
//!     reader
//!         .read(|entries, _layout| {
//!             entries.try_for_each(|entry| {
//!                 let entry = entry?;
//!                 println!("{} {} {}", file.file_name(), String::from_utf8_lossy(entry.key()), entry.value);
//!                 values += entry.value;
//!                 Ok(())
//!             })
//!         })
//!         .map(drop)
//! })?;
//! assert!(values > 0.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub(crate) mod arena;
mod facts;
mod file;
mod helper;
pub(crate) mod keys;
mod queue;

use std::fs::File;
use std::io;
use std::thread;

pub(crate) use facts::BadKeys;
pub use facts::{Dumped, Dumper, FileFacts};
pub use file::{FileReader, OpenFile, ReadError};

use crate::directory::{MetricFile, Opener};
use queue::Queue;

/// Files to read, and how each is opened.
pub trait Source: Sync {
    /// The files, in the order in which they are to be read.
    fn files(&self) -> &[MetricFile];

    /// Opens the file of that index for reading from its start. Each is opened once in a reading, by any
    /// thread.
    ///
    /// # Errors
    /// Those of the system.
    fn open(&self, index: usize, opener: &mut Opener) -> io::Result<File> {
        opener.open(&self.files()[index])
    }
}

impl Source for Vec<MetricFile> {
    fn files(&self) -> &[MetricFile] {
        self
    }
}

impl Source for &[MetricFile] {
    fn files(&self) -> &[MetricFile] {
        self
    }
}

/// For fewer bytes than this, another thread costs more than it saves,
const WORTH_A_THREAD_BYTES: u64 = 1 << 20;
/// unless there are this many files: to open them takes a millisecond.
const WORTH_A_THREAD_FILES: usize = 256;

/// Opens all files, in order, with at most that many threads (`None`: as many as help), and calls
/// `each` for every one on this thread. Other threads only read ahead.
///
/// # Errors
/// The first error of `each`, which ends the walk.
pub fn read_files<E>(
    source: &impl Source,
    threads: Option<usize>,
    mut each: impl FnMut(&MetricFile, FileReader<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let files = source.files();
    let queue = Queue::new(source);
    thread::scope(|scope| {
        // Also when `each` panics: the scope waits for its threads.
        let _stop = StopOnDrop(&queue);
        let mut is_alone = true;
        let mut read_bytes = if files.len() < WORTH_A_THREAD_FILES { 0 } else { WORTH_A_THREAD_BYTES };
        for (index, file) in files.iter().enumerate() {
            if is_alone && read_bytes >= WORTH_A_THREAD_BYTES {
                is_alone = false;
                let threads = threads.unwrap_or_else(helper::threads_that_help);
                for _ in 1..threads.min(files.len() + 1) {
                    // If the system refuses another thread, those that run do all the work.
                    if helper::start(scope, &queue).is_err() {
                        break;
                    }
                }
            }
            let mut used = 0;
            each(file, FileReader { queue: &queue, index, used: &mut used })?;
            queue.skip(index);
            read_bytes += used;
        }
        Ok(())
    })
}

struct StopOnDrop<'a>(&'a Queue<'a>);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}
