//! Files whose leases are held: nobody writes to them, and whoever wants to is known.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use super::survey::used;
use crate::directory::{DirectoryError, FileId, InDirectory, MetricFile, Opener};
use crate::liveness::lease::{self, is_wanted};
use crate::liveness::{Evidence, Examined, weigh};
use crate::reader::Source;

/// A file on which a lease is held, until this is dropped.
#[derive(Debug)]
pub(super) struct Leased<F> {
    pub(super) file: F,
    pub(super) id: FileId,
    opened: File,
}

impl<F: InDirectory> Leased<F> {
    /// Whether somebody wants to write to it, or did.
    pub(super) fn is_wanted(&self) -> bool {
        is_wanted(&self.opened)
    }

    /// Whether its name still leads to it.
    pub(super) fn is_in_its_place(&self) -> bool {
        let found = self.file.directory().metadata(self.file.file_name());
        found.is_ok_and(|metadata| FileId::of(&metadata) == self.id)
    }

    /// Its length, and what it occupies.
    pub(super) fn sizes(&self) -> (u64, u64) {
        self.opened.metadata().map_or((0, 0), |found| (found.len(), found.blocks() * 512))
    }

    /// A hash of the bytes that are used.
    pub(super) fn hash(&self) -> io::Result<u64> {
        content_hash(&self.opened)
    }
}

/// Takes leases on files; returns those that are proven dead, and the others. Those that are gone are neither.
#[expect(clippy::type_complexity, reason = "two lists")]
pub(super) fn lease_all<F: InDirectory>(
    files: Vec<F>,
) -> Result<(Vec<Leased<F>>, Vec<Examined<F>>), DirectoryError> {
    let (mut examined, mut looks, mut opened) = (Vec::new(), Vec::new(), Vec::new());
    for file in files {
        match lease::look(&file) {
            Ok((look, handle)) => {
                examined.push(Examined::unasked(file));
                looks.push(Some(look));
                opened.push(handle);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(DirectoryError::Io { path: file.path(), source }),
        }
    }
    weigh(examined.iter_mut().zip(looks).collect())?;
    let (mut leased, mut others) = (Vec::new(), Vec::new());
    for (examined, opened) in examined.into_iter().zip(opened) {
        match (opened, examined.id) {
            (Some(opened), Some(id)) if examined.evidence == Some(Evidence::LeaseGranted) => {
                leased.push(Leased { file: examined.file, id, opened });
            }
            _ => others.push(examined),
        }
    }
    Ok((leased, others))
}

/// Leased files, read by the descriptors that hold their leases.
pub(super) struct ByLease<'l> {
    files: Vec<MetricFile>,
    leased: &'l [Leased<MetricFile>],
}

impl<'l> ByLease<'l> {
    pub(super) fn new(leased: &'l [Leased<MetricFile>]) -> Self {
        Self { files: leased.iter().map(|leased| leased.file.clone()).collect(), leased }
    }
}

impl Source for ByLease<'_> {
    fn files(&self) -> &[MetricFile] {
        &self.files
    }

    fn open(&self, index: usize, _: &mut Opener) -> io::Result<File> {
        self.leased[index].opened.try_clone()
    }
}

/// A hash of a file's used bytes: the same in every version of promproc, since it stands in names.
///
/// It need not withstand who forges it, only tell whether a process has counted: words are mixed by a
/// multiplication and a rotation.
fn content_hash(file: &File) -> io::Result<u64> {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    const CHUNK_BYTES: usize = 64 << 10;
    let used = used(file);
    let mut hash = used.wrapping_mul(MULTIPLIER);
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut at = 0;
    while at < used {
        let wanted = usize::try_from(used - at).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        file.read_exact_at(&mut buffer[..wanted], at)?;
        let (words, rest) = buffer[..wanted].as_chunks::<8>();
        for word in words {
            hash = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(MULTIPLIER).rotate_left(29);
        }
        for byte in rest {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(MULTIPLIER).rotate_left(29);
        }
        at += wanted as u64;
    }
    Ok(hash ^ (hash >> 32))
}
