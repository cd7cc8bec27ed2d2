//! The system interfaces that neither std nor a safe crate offers: leases on files, and descriptors by their
//! number. All of promproc's `unsafe` stands here.
#![allow(unsafe_code)]

#[cfg(target_os = "linux")]
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::os::fd::{FromRawFd, OwnedFd};

use libc::c_int;

/// The same number on every Linux that Rust runs on; libc has it for musl only.
#[cfg(target_os = "linux")]
const F_SETSIG: c_int = 10;

/// Asks for a read lease, which Linux grants only where nobody has the file open for writing, by a
/// descriptor or a mapping, in any pid namespace. It ends when `file`, which is open for reading only, is
/// closed.
///
/// While it is held, whoever opens the file for writing waits, and this process gets a signal; so hold it
/// for microseconds. Readers neither wait nor count.
#[cfg(target_os = "linux")]
pub(crate) fn take_read_lease(file: &File) -> io::Result<()> {
    // That signal is SIGIO unless another is chosen, and SIGIO kills. SIGURG is ignored by default.
    control(file, F_SETSIG, libc::SIGURG)?;
    control(file, libc::F_SETLEASE, c_int::from(libc::F_RDLCK)).map(drop)
}

/// Ends a lease; the file stays open.
#[cfg(target_os = "linux")]
pub(crate) fn end_lease(file: &File) -> io::Result<()> {
    control(file, libc::F_SETLEASE, c_int::from(libc::F_UNLCK)).map(drop)
}

/// Whether a lease holds as it was granted: nobody waits to open the file for writing, or has opened it
/// since.
#[cfg(target_os = "linux")]
pub(crate) fn does_lease_hold(file: &File) -> io::Result<bool> {
    // The answer is the lease that this process should go down to.
    if control(file, libc::F_GETLEASE, 0)? != c_int::from(libc::F_RDLCK) {
        return Ok(false);
    }
    // Who came and went while this process stood still, for longer than the system waits, left no trace
    // but a lease that could be had again; and who watches for opens is seen by asking again only.
    match control(file, libc::F_SETLEASE, c_int::from(libc::F_RDLCK)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(target_os = "linux")]
fn control(file: &File, command: c_int, value: c_int) -> io::Result<c_int> {
    // SAFETY: `file` keeps the descriptor open during the call, and the commands used take an int
    // or nothing: no memory of ours is read or written.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), command, value) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Another descriptor of what a descriptor of this process, wherever it came from, has open.
pub(crate) fn duplicate(descriptor: c_int) -> io::Result<OwnedFd> {
    // Above those that programs take for standard input, output and error.
    const LOWEST: c_int = 3;
    // SAFETY: the command takes an int, and no memory of ours is read or written. A number that is no open
    // descriptor gives an error.
    let duplicate = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, LOWEST) };
    if duplicate == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the system has just made it, so nothing else in this process owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(duplicate) })
}

/// As long as it lives, the signals that end or stop a process wait: those of the terminal, of `kill`, and of a
/// closed pipe. Only for a process that has no other threads meanwhile.
pub(crate) struct SignalsBlocked {
    before: libc::sigset_t,
}

impl SignalsBlocked {
    /// Blocks them.
    pub(crate) fn new() -> Self {
        const BLOCKED: [c_int; 6] =
            [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGTSTP, libc::SIGPIPE];
        let mut blocked = MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: both sets are ours and live during the calls; `sigemptyset` makes the first one whole before
        // it is added to, `pthread_sigmask` the second one, since none of these calls fails with such arguments.
        unsafe {
            libc::sigemptyset(blocked.as_mut_ptr());
            for signal in BLOCKED {
                libc::sigaddset(blocked.as_mut_ptr(), signal);
            }
            libc::sigemptyset(before.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_BLOCK, blocked.as_ptr(), before.as_mut_ptr());
            Self { before: before.assume_init() }
        }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: the set is whole, and nothing is written.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut());
        }
    }
}
