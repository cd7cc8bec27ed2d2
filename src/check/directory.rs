//! The directory itself: is it there, whose is it, is there room?

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{Access, AtFlags, StatVfsMountFlags};
use rustix::io::Errno;

use super::survey::{Survey, Surveyed};
use super::writers::named_by_pid;
use super::{Code, Finding};
use crate::directory::compaction::is_of_compaction;
use crate::directory::{Directory, InDirectory, Listed, OtherKind, user_named, user_to_be};
use crate::liveness::{Liveness, RemovedFiles, is_numbered, own_number, removed_files};
use crate::model::GaugeMode;
use crate::notation::{Remedy, counted, some_of};

/// From this share on a file system is nearly full.
const NEARLY_FULL: f64 = 0.9;

/// Directories that do not exist. Who still writes to what was in one goes on doing so.
pub(super) fn missing(paths: &[PathBuf]) -> Vec<Finding> {
    let removed =
        if paths.is_empty() { Vec::new() } else { removed_files(paths.iter().map(PathBuf::as_path)) };
    paths.iter().map(|path| one_missing(path, removed.iter().filter(|of| of.directory == *path))).collect()
}

fn one_missing<'a>(path: &Path, removed: impl Iterator<Item = &'a RemovedFiles>) -> Finding {
    let removed: Vec<_> = removed.collect();
    let mut message =
        "it does not exist; the client does not create it, so processes fail when they start".to_owned();
    let mut advice =
        "create it, as the user that the service runs as, before the service starts; promproc find shows \
                      the directories that running processes use"
            .to_owned();
    if !removed.is_empty() {
        let files = removed.iter().map(|of| of.names.len()).sum();
        let writers = some_of(removed.iter().map(|of| format!("pid {}", of.process)));
        let verb = if removed.len() == 1 { "writes" } else { "write" };
        let were = if files == 1 { "was" } else { "were" };
        message += &format!(
            "; {writers} still {verb} to {} that {were} removed with it: what they count there is lost",
            counted(files, "file")
        );
        advice += "; then restart these processes";
    }
    let mut finding = Finding::new(Code::MissingDirectory, path.to_string_lossy(), message).advice(advice);
    // A path that nobody writes to may be mistyped, and whose it should be is not known.
    if let Some(owner) = removed.iter().find_map(|of| of.process.user()) {
        let directory = path.to_owned();
        let caller = rustix::process::geteuid().as_raw();
        finding = match caller {
            0 if owner != 0 => finding.remedy(Remedy::CreateFor { user: user_named(owner), directory }),
            caller if caller == owner => finding.remedy(Remedy::Clean { directory, keep_live: false }),
            _ => finding,
        };
    }
    for of in removed {
        finding.pids.insert(of.process.pid.to_string());
        finding.files.extend(of.names.iter().map(|name| path.join(name).into()));
    }
    finding
}

pub(super) fn findings(paths: &[PathBuf], recursive: bool, survey: &Survey) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut by_directory: BTreeMap<&Path, Vec<&Surveyed>> = BTreeMap::new();
    for file in survey.files() {
        by_directory.entry(file.directory().path()).or_default().push(file);
    }
    let listed: BTreeMap<&Path, &Listed> =
        survey.directories.iter().map(|listed| (listed.directory.path(), listed)).collect();
    let given: BTreeSet<&Path> =
        paths.iter().map(PathBuf::as_path).filter(|path| listed.contains_key(path)).collect();
    for &directory in &given {
        // Paths are in order of their parts: what is below a directory comes next.
        let next = by_directory.range(directory..).next();
        if !next.is_some_and(|(path, _)| path.starts_with(directory)) {
            let subject = directory.to_string_lossy();
            let message = "no metric files: nothing was counted yet, or the service writes elsewhere";
            let finding = Finding::new(Code::EmptyDirectory, subject, message);
            found.push(
                finding.advice("compare it with PROMETHEUS_MULTIPROC_DIR in the service's environment"),
            );
        }
    }
    let looked_at = listed.values().filter(|listed| {
        let path = listed.directory.path();
        given.contains(path) || by_directory.contains_key(path)
    });
    let looked_at: Vec<&Listed> = looked_at.copied().collect();
    for listed in &looked_at {
        let files = by_directory.get(listed.directory.path()).map_or(&[][..], Vec::as_slice);
        found.extend(read_only(&listed.directory, files));
        found.extend(match files {
            [] => not_writable_to_caller(&listed.directory),
            files => not_writable(&listed.directory, files),
        });
        found.extend(several_owners(listed.directory.path(), files));
        found.extend(interrupted_removal(listed));
        found.extend(other_files(listed, recursive));
        found.extend(file_system(&listed.directory, files));
    }
    let looked_at = looked_at.iter().map(|listed| listed.directory.path());
    let named_by_pid = named_by_pid(survey);
    for mut removed in removed_files(looked_at) {
        if let (Some(own), true) = (own_number(&removed.process), named_by_pid.contains(&*removed.directory))
        {
            // The others were inherited from the process that forked it, and are not written.
            removed.names.retain(|name| is_numbered(name, own));
        }
        if !removed.names.is_empty() {
            found.push(written_though_removed(removed));
        }
    }
    found
}

/// Whether the file system of a directory takes files. A sidecar may have mounted that of a live service so that
/// it does not.
fn read_only(directory: &Directory, files: &[&Surveyed]) -> Option<Finding> {
    let is_dead = files.iter().all(|file| file.liveness() == Liveness::Dead);
    let system = rustix::fs::fstatvfs(directory).ok()?;
    (is_dead && system.f_flag.contains(StatVfsMountFlags::RDONLY)).then(|| {
        let message = "its file system is mounted read-only: processes fail when they start";
        Finding::new(Code::NotWritable, directory.path().to_string_lossy(), message)
            .advice("mount it for writing")
    })
}

/// Whether the caller may create files in an empty directory.
fn not_writable_to_caller(directory: &Directory) -> Option<Finding> {
    let flags = AtFlags::EACCESS;
    let error = rustix::fs::accessat(directory, ".", Access::WRITE_OK | Access::EXEC_OK, flags).err()?;
    (error == Errno::ACCESS).then(|| {
        let owner =
            directory.own_metadata().map_or_else(|_| "unknown".to_owned(), |own| own.uid().to_string());
        let caller = rustix::process::geteuid().as_raw();
        let message =
            format!("the user {caller}, who runs promproc, may not create files in it (owner {owner})");
        Finding::new(Code::NotWritable, directory.path().to_string_lossy(), message)
            .advice("nothing, if the service runs as another user; else give the directory to this one")
    })
}

/// Whether the owner of the newest file may create another one.
fn not_writable(directory: &Directory, files: &[&Surveyed]) -> Option<Finding> {
    let newest = files.iter().max_by_key(|file| file.facts.created)?;
    let metadata = directory.own_metadata().ok()?;
    let (owner, mode) = (newest.facts.owner, metadata.mode());
    // Groups of the owner are not known here: what the group may do is taken for enough.
    let may_write = match owner {
        0 => true,
        owner if owner == metadata.uid() => mode & 0o300 == 0o300,
        _ => mode & 0o003 == 0o003 || mode & 0o030 == 0o030,
    };
    (!may_write).then(|| {
        let message = format!(
            "the user {owner}, who owns the files, may not create files in it (owner {}, mode {:04o}): new processes \
             fail",
            metadata.uid(),
            mode & 0o7777
        );
        let path = directory.path();
        // The commands are for what a link leads to, not for the link.
        let target = if path.is_symlink() { path.canonicalize().ok() } else { None };
        let target = target.unwrap_or_else(|| path.to_owned());
        // Only root gives a directory away.
        let user = user_to_be(0);
        Finding::new(Code::NotWritable, path.to_string_lossy(), message)
            .advice("give the directory to that user")
            .remedy(Remedy::GiveDirectory { owner, directory: target.clone() }.as_user(user.clone()))
            .remedy(Remedy::OpenToOwner { directory: target }.as_user(user))
    })
}

fn several_owners(directory: &Path, files: &[&Surveyed]) -> Option<Finding> {
    let mut by_owner: BTreeMap<u32, usize> = BTreeMap::new();
    for file in files {
        *by_owner.entry(file.facts.owner).or_default() += 1;
    }
    if by_owner.len() < 2 {
        return None;
    }
    let shown =
        some_of(by_owner.iter().map(|(owner, count)| format!("{} of user {owner}", counted(*count, "file"))));
    let message =
        format!("{shown}: each can only be maintained by its own, and may be unreadable for the others");
    Some(
        Finding::new(Code::SeveralOwners, directory.to_string_lossy(), message)
            .summary(shown)
            .advice("stop the service, clean the directory, and run all of it as one user"),
    )
}

fn written_though_removed(RemovedFiles { process, directory, names }: RemovedFiles) -> Finding {
    let message = format!(
        "pid {process} writes to {}, removed from the directory: what it counts there is lost",
        some_of(&names)
    );
    let mut finding = Finding::new(Code::RemovedFile, directory.to_string_lossy(), message)
        .summary(format!(
            "pid {process} still writes to {} that {} removed",
            counted(names.len(), "file"),
            if names.len() == 1 { "was" } else { "were" }
        ))
        .advice(format!("restart pid {}", process.pid));
    finding.files = names.iter().map(|name| directory.join(name).into()).collect();
    finding.pids.insert(process.pid.to_string());
    finding
}

/// What a prune or clean left that was killed.
fn interrupted_removal(listed: &Listed) -> Option<Finding> {
    let aside = listed.leftovers.iter().filter_map(|left| Some((left, left.name_before_removal()?)));
    let aside: Vec<_> = aside.collect();
    let (_, example) = aside.first()?;
    let path = listed.directory.path();
    let count = counted(aside.len(), "file");
    let message = format!(
        "an interrupted prune or clean left {count} under another name ({example}, say): what they hold is not counted"
    );
    let mut finding = Finding::new(Code::InterruptedRemoval, path.to_string_lossy(), message)
        .summary(format!("{count} left under another name by an interrupted prune or clean"))
        .advice("finish it: what a process still writes to gets its name back, the rest goes")
        .remedy(Remedy::prune(path, GaugeMode::LiveAll));
    finding.files = aside.iter().map(|(left, _)| left.path().into()).collect();
    Some(finding)
}

/// With `recursive`, sub-directories are looked into, and no files.
fn other_files(listed: &Listed, recursive: bool) -> Option<Finding> {
    let others = listed.unseen.iter().filter(|other| !recursive || other.kind != OtherKind::Directory);
    let own = listed.leftovers.iter().filter(|left| left.name_before_removal().is_none());
    let own = own.filter(|left| !is_of_compaction(left.file_name()));
    let mut others: Vec<_> = others.map(|other| other.name.to_string_lossy()).collect();
    others.extend(own.map(|own| own.file_name().into()));
    others.sort_unstable();
    (!others.is_empty()).then(|| {
        let message =
            format!("{} that no client made: {}", counted(others.len(), "other file"), some_of(&others));
        Finding::new(Code::OtherFiles, listed.directory.path().to_string_lossy(), message)
            .advice("nothing: they do no harm")
    })
}

/// What the file system says: its kind, and how full it is.
fn file_system(directory: &Directory, files: &[&Surveyed]) -> Vec<Finding> {
    let mut found = Vec::new();
    let subject = directory.path().to_string_lossy().into_owned();
    if is_on_disk(directory) {
        found.push(
            Finding::new(
                Code::NotTmpfs,
                &subject,
                "it is on a disk; in memory (tmpfs) writing costs no disk time",
            )
            .summary("the directory is on a disk, not in memory (tmpfs)")
            .advice("use a directory below /dev/shm or /run"),
        );
    }
    let Ok(space) = rustix::fs::fstatvfs(directory) else { return found };
    let share = |all: u64, free: u64| if all == 0 { 0.0 } else { 1.0 - ratio(free, all) };
    let (bytes, inodes) = (share(space.f_blocks, space.f_bavail), share(space.f_files, space.f_ffree));
    if bytes < NEARLY_FULL && inodes < NEARLY_FULL {
        return found;
    }
    let free_bytes = space.f_bavail.saturating_mul(space.f_frsize);
    let left = time_left(files, free_bytes, if space.f_files == 0 { u64::MAX } else { space.f_ffree });
    let summary = format!(
        "its file system is full: {:.0} % of bytes ({} MiB free), {:.0} % of inodes",
        bytes * 100.0,
        free_bytes >> 20,
        inodes * 100.0
    );
    // Each has consequences of its own.
    let full = |share: f64, of: String, then: &str| {
        (share >= NEARLY_FULL)
            .then(|| format!("its file system is full to {:.0} % of {of}: {then}", share * 100.0))
    };
    let bytes = full(
        bytes,
        format!("its bytes ({} MiB free)", free_bytes >> 20),
        "on a full tmpfs a process that writes a new page is killed by SIGBUS",
    );
    let inodes = full(
        inodes,
        format!("its inodes ({} free)", space.f_ffree),
        "without one no file can be made, and new processes fail; each process takes one for every type and mode",
    );
    let message = format!(
        "{}{}",
        bytes.into_iter().chain(inodes).collect::<Vec<_>>().join("; "),
        left.map_or(String::new(), |left| format!(
            "; at the present rate of new processes what is free lasts {}",
            humantime::format_duration(Duration::from_secs(left.as_secs()))
        ))
    );
    found.push(Finding::new(Code::NearlyFull, &subject, message).summary(summary).advice(
        "make it larger; promproc compact folds files of dead processes, promproc clean removes them before a restart",
    ));
    found
}

/// What a file system has left for users, and all that it has.
pub(super) fn space_bytes(directory: &Directory) -> Option<(u64, u64)> {
    let space = rustix::fs::fstatvfs(directory).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(space.f_frsize);
    Some((bytes(space.f_bavail), bytes(space.f_blocks)))
}

#[expect(clippy::cast_precision_loss, reason = "for a percentage")]
fn ratio(part: u64, of: u64) -> f64 {
    part as f64 / of as f64
}

#[cfg(target_os = "linux")]
fn is_on_disk(directory: &Directory) -> bool {
    const TMPFS: u64 = 0x0102_1994;
    const RAMFS: u64 = 0x8584_58f6;
    // The type has another width on every platform, and is a number on all.
    let kind = rustix::fs::fstatfs(directory).ok().and_then(|fs| u64::try_from(fs.f_type).ok());
    kind.is_some_and(|kind| ![TMPFS, RAMFS].contains(&kind))
}

#[cfg(not(target_os = "linux"))]
fn is_on_disk(_: &Directory) -> bool {
    false
}

/// How long the free bytes and inodes last if processes come as they did so far.
fn time_left(files: &[&Surveyed], free_bytes: u64, free_inodes: u64) -> Option<Duration> {
    const LEAST_SPAN: Duration = Duration::from_secs(60);
    let made: Vec<SystemTime> = files.iter().filter_map(|file| file.facts.created).collect();
    let span =
        made.iter().max()?.duration_since(*made.iter().min()?).ok().filter(|span| *span >= LEAST_SPAN)?;
    let allocated: u64 = files.iter().map(|file| file.facts.allocated_bytes).sum();
    let rounds_of_bytes = ratio(free_bytes, allocated.max(1));
    let rounds_of_inodes = ratio(free_inodes, files.len() as u64);
    Duration::try_from_secs_f64(span.as_secs_f64() * rounds_of_bytes.min(rounds_of_inodes)).ok()
}
