//! The one system interface that neither std nor a safe crate offers: leases on files. All of
//! promproc's `unsafe` stands here.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use libc::c_int;

/// The same number on every Linux that Rust runs on; libc has it for musl only.
const F_SETSIG: c_int = 10;

/// Asks for a write lease, which Linux grants only where no other descriptor or mapping of the file
/// exists, in any pid namespace. It ends when `file` is closed.
///
/// While it is held, whoever opens the file waits, and this process gets a signal; so hold it for
/// microseconds.
pub(crate) fn take_write_lease(file: &File) -> io::Result<()> {
    // That signal is SIGIO unless another is chosen, and SIGIO kills. SIGURG is ignored by default.
    control(file, F_SETSIG, libc::SIGURG)?;
    control(file, libc::F_SETLEASE, c_int::from(libc::F_WRLCK)).map(drop)
}

/// Ends a lease; the file stays open.
pub(crate) fn end_lease(file: &File) -> io::Result<()> {
    control(file, libc::F_SETLEASE, c_int::from(libc::F_UNLCK)).map(drop)
}

/// Whether another process wants to open a file on which this one holds the lease; it waits.
pub(crate) fn is_lease_wanted(file: &File) -> io::Result<bool> {
    // The answer is the lease that this process should go down to.
    Ok(control(file, libc::F_GETLEASE, 0)? != c_int::from(libc::F_WRLCK))
}

fn control(file: &File, command: c_int, value: c_int) -> io::Result<c_int> {
    // SAFETY: `file` keeps the descriptor open during the call, and the commands used take an int
    // or nothing: no memory of ours is read or written.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command, value) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
