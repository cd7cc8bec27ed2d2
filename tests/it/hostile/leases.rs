//! What a lease proves, and where it proves nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::*;

const NAME: &str = "gauge_livesum_4999999.db";

#[test]
fn a_user_who_reads_a_file_neither_blocks_a_start_nor_slows_it() {
    let directory = Directory::with(&[NAME, "counter_4999999.db"]);
    let _reader =
        Holder::shell(&format!("exec 9<\"$1/{NAME}\" 8<\"$1/counter_4999999.db\""), directory.path());
    run(promproc().args(["prune", "-v"]).arg(directory.path())).listed().prints(&format!(
        "removed {}: read lease granted: no process has it open for writing\n",
        directory.file(NAME).display()
    ));
    run(promproc().arg("clean").arg(directory.path()))
        .prints(&format!("removed 1 file from {}\n", directory.path().display()));
}

/// A file system that is mounted until this is dropped.
struct Mounted {
    at: PathBuf,
    unmount: &'static [&'static str],
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let [program, options @ ..] = self.unmount else { return };
        Command::new(program).args(options).arg(&self.at).status().unwrap();
    }
}

fn mounted(command: &mut Command, at: &Path, unmount: &'static [&'static str]) -> Option<Mounted> {
    let works = command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|done| done.success());
    works.then(|| Mounted { at: at.to_owned(), unmount })
}

#[test]
fn through_fuse_a_lease_is_no_evidence_while_a_writer_works_on_the_file_system_behind_it() {
    let behind = Directory::with(&[NAME]);
    let front = Directory::with(&[]);
    let mut command = Command::new("bindfs");
    command.arg(behind.path()).arg(front.path());
    let Some(_mounted) = mounted(&mut command, front.path(), &["umount"]) else {
        return not_run("bindfs, and to be root");
    };
    let _worker = Holder::shell(&format!("exec 9<>\"$1/{NAME}\""), behind.path());
    let ran = run(promproc().arg("prune").arg(front.path()));
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    assert_eq!(behind.names(), [NAME]);
    let ran = run(promproc().args(["explain", "--format", "json", "{__name__=~\".+\"}"]).arg(front.path()));
    assert!(!ran.stdout.contains("lease granted"), "{ran:?}");
}

/// A daemon that has counted, and then closed all descriptors; its mapping stays.
const MAPPED: &str = "\
import mmap, os, signal, sys
file = os.open(sys.argv[1], os.O_RDWR)
os.ftruncate(file, 65536)
held = mmap.mmap(file, 65536)
os.close(file)
# mmap.mmap keeps a descriptor of its own.
for other in os.listdir('/proc/self/fd'):
    if int(other) > 2:
        try:
            os.close(int(other))
        except OSError:
            pass
print('ready', flush=True)
signal.pause()";

#[test]
fn on_overlayfs_a_daemon_that_closed_its_descriptors_is_live() {
    if !has_containers() {
        return;
    }
    let layers = Directory::with(&[]);
    for name in ["lower", "upper", "work", "merged"] {
        fs::create_dir(layers.file(name)).unwrap();
    }
    let merged = layers.file("merged");
    let options =
        format!("lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work", layers.path().to_str().unwrap());
    let mut command = Command::new("mount");
    command.args(["-t", "overlay", "overlay", "-o", &options]).arg(&merged);
    let Some(_mounted) = mounted(&mut command, &merged, &["umount"]) else {
        return not_run("overlayfs, and to be root");
    };
    let dead = "gauge_livesum_4999998.db";
    for name in [NAME, dead] {
        fs::write(merged.join(name), [0; 8]).unwrap();
    }
    // Where the mappings of all processes can be seen.
    const SCRIPT: &str = "\
promproc=$1 directory=$2
python3 -c \"$3\" \"$directory/$4\" >\"$directory/../ready\" &
until [ -s \"$directory/../ready\" ]; do sleep 0.05; done
\"$promproc\" prune -v \"$directory\"
\"$promproc\" clean \"$directory\"
echo \"clean: $?\"
kill $!
wait
\"$promproc\" prune -v \"$directory\"";
    let mut container = in_container();
    let ran = run(container
        .args(["sh", "-c", SCRIPT, "sh", env!("CARGO_BIN_EXE_promproc")])
        .arg(&merged)
        .args([MAPPED, NAME]));
    let removed = |name| {
        let evidence = "read lease granted: no process has it open for writing";
        let all = format!("removed 1 file of 1 dead process from {}", merged.display());
        format!("removed {}: {evidence}\n{all}\n", merged.join(name).display())
    };
    assert_eq!(ran.stdout, format!("{}clean: 2\n{}", removed(dead), removed(NAME)), "{ran:?}");
    ran.says(&["1 file of 1 in use\n", "python3\n"]);
    assert_eq!(names_in(&merged), Vec::<String>::new());
}

/// A process whose first thread ends while another goes on counting.
const LEADERLESS: &str = "\
import ctypes, sys, threading, time
held = open(sys.argv[1], 'r+b')
def go_on():
    time.sleep(0.2)
    print('ready', flush=True)
    sys.stdin.read()
    import os
    os._exit(0)
threading.Thread(target=go_on).start()
ctypes.CDLL(None).pthread_exit(None)";

#[test]
fn a_process_whose_first_thread_has_ended_is_live_also_without_leases() {
    if !can_change_user() {
        return;
    }
    let directory = Directory::with(&[]);
    // Its number is not known before it runs.
    let script = "exec python3 -c \"$2\" \"$1/gauge_livesum_$$.db\"";
    let start = format!(">\"$1/gauge_livesum_$$.db\"; {script}");
    let mut command = Command::new("sh");
    let holder = Holder::run(command.args(["-c", &start, "sh"]).arg(directory.path()).arg(LEADERLESS));
    let name = format!("gauge_livesum_{}.db", holder.pid());
    assert_eq!(directory.names(), [name.as_str()]);
    directory.give_to(STRANGER);
    let ran = run(promproc_without_leases().args(["prune", "--force"]).arg(directory.path()));
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(directory.names(), [name.as_str()]);
}
