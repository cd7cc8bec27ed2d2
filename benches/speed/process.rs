//! A whole process from its start to its end: what it cost.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// What a process cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// From before it was started until it was waited for.
    pub wall: Duration,
    pub user: Duration,
    pub system: Duration,
    /// The most memory that was resident at once.
    pub peak_bytes: u64,
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> io::Result<(ExitStatus, Usage)> {
    let start = Instant::now();
    let child = command.spawn()?;
    let (status, usage) = wait(child.id().cast_signed())?;
    let wall = start.elapsed();
    let peak_bytes = u64::try_from(usage.ru_maxrss).unwrap_or_default() << 10;
    Ok((status, Usage { wall, user: duration(usage.ru_utime), system: duration(usage.ru_stime), peak_bytes }))
}

/// `Child::wait` does not say what the child used.
#[allow(unsafe_code)]
fn wait(pid: libc::pid_t) -> io::Result<(ExitStatus, libc::rusage)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: both pointers are valid for writes for the whole call, and the kernel fills `usage`
    // when it returns the pid.
    unsafe {
        if libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()) != pid {
            return Err(io::Error::last_os_error());
        }
        Ok((ExitStatus::from_raw(status), usage.assume_init()))
    }
}

fn duration(time: libc::timeval) -> Duration {
    let microseconds = time.tv_sec * 1_000_000 + time.tv_usec;
    Duration::from_micros(u64::try_from(microseconds).unwrap_or_default())
}
