//! Killed, or refused by the system, at every call that changes the directory: at every moment a scrape is right
//! or fails, and the next run finishes or undoes what it finds.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::sync::Mutex;
use std::thread;

use super::*;

/// Of `hits` a process may count more meanwhile.
const HITS: &str = r#"["hits", "hits_total", {}, "Hits"]"#;
const KEPT: &str = r#"["kept", "kept_total", {}, "Kept"]"#;
const SECONDS: &str = r#"["seconds", "seconds_total", {}, "Seconds"]"#;
const QUEUE: &str = r#"["queue", "queue", {}, "Queue"]"#;
const DEAD: [&str; 3] = ["4999991", "4999992", "4999993"];

/// The system calls that change a directory, or what stands between those who do.
const CALLS: &str =
    "renameat2,renameat,unlinkat,openat,fchown,fchmod,write,pwrite64,fsync,fdatasync,flock,fcntl,ftruncate";
/// How many run at once: they mostly wait.
const AT_ONCE: usize = 10;

/// Something that befalls a run at one of its system calls.
#[derive(Clone, Debug)]
struct Fault {
    call: String,
    /// At which one of these calls; `3+` is that one and all after it.
    when: String,
    /// `signal=KILL` or `error=ENOSPC`.
    what: &'static str,
}

/// What goes on beside a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Company {
    Nobody,
    Scraper,
    SlowScraper,
    Worker(&'static str),
    Dies(&'static str),
    Late,
    Compaction,
    Wiped(&'static str),
}

const COMPANY: [Company; 14] = [
    Company::Nobody,
    Company::Scraper,
    Company::SlowScraper,
    Company::Worker("0.5"),
    Company::Worker("barrier"),
    Company::Worker("gone"),
    Company::Dies("0.9"),
    Company::Dies("barrier"),
    Company::Dies("gone"),
    Company::Late,
    Company::Compaction,
    Company::Wiped("0.8"),
    Company::Wiped("barrier"),
    Company::Wiped("gone"),
];

/// Dead processes' files, an archive, and a file in use.
fn filled() -> (Directory, Holder) {
    let directory = Directory::with(&[]);
    for (number, seconds) in DEAD.iter().zip([0.1, 0.7, 1e-3]) {
        let counter = encoded(&[(HITS, 5.0), (KEPT, 7.0), (SECONDS, seconds)]);
        fs::write(directory.file(&format!("counter_{number}.db")), counter).unwrap();
        fs::write(directory.file(&format!("gauge_sum_{number}.db")), encoded(&[(QUEUE, 2.0)])).unwrap();
    }
    let archive = encoded(&[(KEPT, 100.0), (HITS, 20.0), (SECONDS, 128.184_184_138_821_4)]);
    fs::write(directory.file("counter_compacted-4.db"), archive).unwrap();
    fs::write(directory.file("counter_web.db"), encoded(&[(SECONDS, 0.3), (HITS, 1.0)])).unwrap();
    let holder = Holder::shell("exec 9<>\"$1/counter_web.db\"", directory.path());
    (directory, holder)
}

/// promproc under strace, with these faults.
fn strace(faults: &[Fault], log: &Path) -> Command {
    let mut command = Command::new("strace");
    let traced = format!("trace={CALLS}");
    command.args(["-f", "-o", log.to_str().unwrap(), "-e", &traced]);
    for Fault { call, when, what } in faults {
        command.args(["-e", &format!("inject={call}:{what}:when={when}")]);
    }
    command.arg(env!("CARGO_BIN_EXE_promproc")).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The calls of a run's first thread that change something, each as a fault.
fn points(log: &Path, what: &'static str) -> Vec<Fault> {
    let text = fs::read_to_string(log).unwrap();
    let first = text.split(' ').next().unwrap().to_owned();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut found = Vec::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix(&first) else { continue };
        let Some((call, arguments)) = rest.trim_start().split_once('(') else { continue };
        let count = counts.entry(call).or_default();
        *count += 1;
        let changes = match call {
            "openat" => arguments.contains("O_CREAT"),
            // Leases that are taken, and asked for.
            "fcntl" => arguments.contains("LEASE"),
            "write" => !arguments.starts_with("1,") && !arguments.starts_with("2,"),
            _ => true,
        };
        // While it waits for the lock it has changed nothing.
        if changes && !rest.contains("EAGAIN") {
            found.push(Fault { call: call.to_owned(), when: count.to_string(), what });
        }
    }
    // Of many questions in a row a few tell as much.
    let mut asked = 0;
    found.retain(|fault| {
        asked += usize::from(fault.call == "fcntl");
        fault.call != "fcntl" || asked.is_power_of_two()
    });
    found
}

/// What must hold, whatever happens.
struct Expected {
    /// What stood there before.
    before: BTreeMap<String, f64>,
    is_wiped: bool,
}

impl Expected {
    /// Whether sums are right, with so much counted since, or some of it.
    #[track_caller]
    fn check(&self, sums: &BTreeMap<String, f64>, counted: std::ops::RangeInclusive<f64>, what: &str) {
        for (name, before) in &self.before {
            let value = sums.get(name).copied().unwrap_or_default();
            let (least, most) = match &**name {
                "hits_total" => (before + counted.start(), before + counted.end()),
                "seconds_total" => (*before, before * (1.0 + 1e-12)),
                _ => (*before, *before),
            };
            let least = if self.is_wiped { 0.0 } else { least };
            assert!(least <= value && value <= most, "{what}: {name} is {value:?}, and was {before:?}");
        }
    }
}

/// A case: faults of one run, then of the next, and so on, with somebody beside the first.
#[derive(Clone, Debug)]
struct Case {
    runs: Vec<Vec<Fault>>,
    beside: Company,
    /// What finishes it.
    last: &'static [&'static str],
}

/// Runs a case, and checks after each run. Returns the logs.
fn play(case: &Case, client: &mut Client, stranger: &Directory) -> (Vec<Directory>, bool) {
    let what = &format!("{case:?}");
    let (directory, _web) = filled();
    let path = directory.path();
    let before = merged(&mut promproc(), path, what);
    let expected = Expected { before, is_wiped: matches!(case.beside, Company::Wiped(_)) };
    let right: serde_json::Map<_, _> = expected
        .before
        .iter()
        .map(|(name, value)| {
            let most = match &**name {
                "hits_total" => value + 3.0,
                "seconds_total" => value * (1.0 + 1e-12),
                _ => *value,
            };
            (name.clone(), serde_json::json!([value, most]))
        })
        .collect();
    let right = Value::from(right).to_string();
    let beside = match case.beside {
        Company::Nobody | Company::Compaction => None,
        Company::Scraper => Beside::start(&["scrape", "0.004", "1.3"], path, &right),
        Company::SlowScraper => Beside::start(&["scrape", "0.05", "1.3", "slow"], path, &right),
        Company::Worker(moment) => Beside::start(&["worker", DEAD[0], moment], path, ""),
        Company::Dies(moment) => Beside::start(&["dies", DEAD[0], moment], path, ""),
        Company::Late => Beside::start(&["late", DEAD[0], "5"], path, ""),
        Company::Wiped(moment) => Beside::start(&["wipe", moment], path, ""),
    };
    let mut second = (case.beside == Company::Compaction).then(|| {
        let mut command = promproc();
        command.args(["compact", "--wait", "10"]).arg(path).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    });
    let mut logs = Vec::new();
    let mut is_hit = false;
    for faults in &case.runs {
        let log = Directory::with(&[]);
        let status =
            strace(faults, &log.file("log")).args(["compact", "--wait", "6"]).arg(path).status().unwrap();
        is_hit |= status.signal().is_some() || !matches!(status.code(), Some(0..=2));
        logs.push(log);
        // At once: as who may write, as who may not, and as the client.
        if !expected.is_wiped {
            expected.check(&merged(&mut promproc(), path, what), 0.0..=3.0, what);
            expected.check(&merged(&mut promproc_of_a_stranger(stranger), path, what), 0.0..=3.0, what);
            if let Ok(text) = client.scrape(path) {
                expected.check(&sums(&text), 0.0..=3.0, what);
            }
        }
    }
    if let Some(second) = &mut second {
        second.wait().unwrap();
    }
    let counted = beside.map_or(Value::Null, Beside::end);
    assert_eq!(counted["wrong"].as_array().map_or(0, Vec::len), 0, "{what}: {counted}");
    // Whatever somebody disturbs, in the end somebody is alone with it.
    let ran = run(promproc().args(case.last).arg(path));
    assert!(matches!(ran.status, Some(0 | 1)), "{what}: {ran:?}");
    let names = directory.names();
    let is_left = |name: &&String| name.starts_with(".promproc-") || name.contains("barrier");
    assert_eq!(names.iter().find(is_left), None, "{what}: {names:?}");
    let counted = counted["counted"].as_f64().unwrap_or_default();
    let ours = merged(&mut promproc(), path, what);
    expected.check(&ours, counted..=counted, what);
    let theirs = client.scrape(path).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(ours, sums(&theirs), "{what}");
    (logs, is_hit)
}

/// Plays cases, several at once. Returns in how many a process was killed.
fn play_all(cases: Vec<Case>) -> usize {
    let stranger = Directory::with(&[]);
    // Before there are several.
    promproc_of_a_stranger(&stranger);
    let (waiting, hits) = (Mutex::new(cases), Mutex::new(0));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let mut client = Client::current().unwrap();
                loop {
                    let Some(case) = waiting.lock().unwrap().pop() else { return };
                    let (_, is_hit) = play(&case, &mut client, &stranger);
                    *hits.lock().unwrap() += usize::from(is_hit);
                }
            });
        }
    });
    hits.into_inner().unwrap()
}

/// Whether all is tried, by hand, and not a sample.
fn is_long() -> bool {
    env::var_os("PROMPROC_LONG").is_some()
}

/// Every nth, from a different one on each time.
fn sample<T>(all: Vec<T>, nth: usize) -> Vec<T> {
    if is_long() { all } else { all.into_iter().step_by(nth).collect() }
}

fn can_run() -> bool {
    let has_strace = Command::new("strace").arg("-V").output().is_ok();
    if !has_strace {
        not_run("strace");
    }
    has_strace && can_change_user() && python().is_some()
}

/// The points of a compaction, with that beside it, after such runs before it.
fn points_of(beside: Company, before: &[Vec<Fault>], what: &'static str) -> Vec<Fault> {
    let stranger = Directory::with(&[]);
    let mut client = Client::current().unwrap();
    let runs = before.iter().cloned().chain([Vec::new()]).collect();
    let case = Case { runs, beside, last: &["compact"] };
    let (logs, _) = play(&case, &mut client, &stranger);
    points(&logs.last().unwrap().file("log"), what)
}

const KILL: &str = "signal=KILL";

#[test]
fn killed_anywhere_it_is_finished_by_the_next() {
    if !can_run() {
        return;
    }
    let points = points_of(Company::Nobody, &[], KILL);
    assert!(points.len() > 40, "{points:?}");
    let mut cases = Vec::new();
    for (number, fault) in points.iter().enumerate() {
        let lasts: [&[&str]; 4] = [&["compact"], &["prune"], &["compact"], &["compact", "--unquiet"]];
        for (turn, beside) in COMPANY.into_iter().enumerate() {
            if is_long() || (number + 5 * turn) % COMPANY.len() == 0 {
                let last = lasts[(number + turn) % lasts.len()];
                cases.push(Case { runs: vec![vec![fault.clone()]], beside, last });
            }
        }
    }
    let count = cases.len();
    let hits = play_all(cases);
    tell(format_args!("{count} cases, {hits} runs killed at {} points", points.len()));
    assert!(hits * 3 > count * 2, "only {hits} of {count} were killed");
}

#[test]
fn killed_while_it_takes_a_commit_back_it_is_finished_by_the_next() {
    if !can_run() {
        return;
    }
    let points = points_of(Company::Late, &[], KILL);
    let cases = sample(points, 3).into_iter().map(|fault| Case {
        runs: vec![vec![fault]],
        beside: Company::Late,
        last: &["compact"],
    });
    let cases: Vec<_> = cases.collect();
    let count = cases.len();
    let hits = play_all(cases);
    tell(format_args!("{count} cases, {hits} runs killed"));
}

#[test]
fn killed_while_it_finishes_what_another_left_it_is_finished_by_the_next() {
    if !can_run() {
        return;
    }
    let points = points_of(Company::Nobody, &[], KILL);
    let renames: Vec<_> = points.iter().filter(|fault| fault.call == "renameat2").collect();
    let unlinks: Vec<_> = points.iter().filter(|fault| fault.call == "unlinkat").collect();
    let mut cases = Vec::new();
    // Among the renamings aside, after the commit, and among the removals.
    let firsts = [renames[3], unlinks[0], unlinks[1], renames[renames.len() - 1], unlinks[unlinks.len() - 2]];
    for first in firsts {
        for second in sample(points_of(Company::Nobody, &[vec![first.clone()]], KILL), 4) {
            let runs = vec![vec![first.clone()], vec![second]];
            cases.push(Case { runs, beside: Company::Nobody, last: &["compact"] });
        }
    }
    let count = cases.len();
    let hits = play_all(cases);
    tell(format_args!("{count} cases, {hits} runs killed"));
}

/// One who may rename and remove, but has no leases on the files: nothing is proven to that user.
#[test]
fn a_user_without_leases_loses_nothing_of_what_was_interrupted() {
    if !can_run() {
        return;
    }
    let points = points_of(Company::Nobody, &[], KILL);
    let places: Vec<_> =
        points.into_iter().filter(|fault| ["renameat2", "unlinkat"].contains(&&*fault.call)).collect();
    thread::scope(|scope| {
        for fault in &places {
            scope.spawn(move || {
                let (directory, _web) = filled();
                let (log, binary) = (Directory::with(&[]), Directory::with(&[]));
                let what = &format!("{fault:?}");
                let before = merged(&mut promproc(), directory.path(), what);
                let expected = Expected { before, is_wiped: false };
                let mut command = strace(std::slice::from_ref(fault), &log.file("log"));
                command.arg("compact").arg(directory.path()).status().unwrap();
                for command in ["prune", "compact"] {
                    run(promproc_of_a_stranger(&binary).arg(command).arg(directory.path()));
                    expected.check(&merged(&mut promproc(), directory.path(), what), 0.0..=0.0, what);
                }
                let ran = run(promproc().arg("compact").arg(directory.path()));
                assert_eq!(ran.status, Some(0), "{what}: {ran:?}");
                expected.check(&merged(&mut promproc(), directory.path(), what), 0.0..=0.0, what);
                assert!(directory.names().iter().all(|name| !name.starts_with('.')), "{what}");
            });
        }
    });
}

#[test]
fn whatever_the_system_refuses_nothing_is_lost() {
    if !can_run() {
        return;
    }
    let errors = ["error=ENOSPC", "error=EIO", "error=EMFILE"];
    let mut cases = Vec::new();
    for (turn, what) in errors.into_iter().enumerate() {
        let points = points_of(Company::Nobody, &[], what);
        for (number, mut fault) in points.into_iter().enumerate() {
            if !is_long() && number % 6 != 2 * turn && number % 6 != 2 * turn + 1 {
                continue;
            }
            cases.push(Case { runs: vec![vec![fault.clone()]], beside: Company::Nobody, last: &["compact"] });
            // And all that follow: it cannot even undo it.
            if is_long() || number % 2 == 0 {
                fault.when += "+";
                cases.push(Case { runs: vec![vec![fault]], beside: Company::Nobody, last: &["compact"] });
            }
        }
    }
    tell(format_args!("{} cases", cases.len()));
    play_all(cases);
}

/// As one that is stopped, or gets no processor.
#[test]
fn standing_still_anywhere_does_no_harm() {
    if !can_run() {
        return;
    }
    // By hand for longer than a lease lasts, which all the system has in common.
    const LEASE_BREAK_TIME: &str = "/proc/sys/fs/lease-break-time";
    let before = fs::read_to_string(LEASE_BREAK_TIME).unwrap();
    if is_long() {
        fs::write(LEASE_BREAK_TIME, "1").unwrap();
    }
    let points = points_of(Company::Nobody, &[], "delay_enter=2500000");
    let company = [
        Company::Worker("barrier"),
        Company::Dies("barrier"),
        Company::Worker("gone"),
        Company::Late,
        Company::Dies("1.2"),
        Company::Scraper,
    ];
    let mut cases = Vec::new();
    for (number, fault) in points.iter().enumerate() {
        for (turn, company) in company.into_iter().enumerate() {
            if is_long() || (number % 4 == 1 && number / 4 % 6 == turn) {
                cases.push(Case { runs: vec![vec![fault.clone()]], beside: company, last: &["compact"] });
            }
        }
    }
    tell(format_args!("{} cases", cases.len()));
    play_all(cases);
    fs::write(LEASE_BREAK_TIME, before).unwrap();
}

/// A file system that is mounted until this is dropped.
struct Mounted<'p>(&'p Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg(self.0).status().unwrap();
    }
}

#[test]
fn what_has_no_room_is_folded_in_smaller_parts_or_left() {
    let directory = Directory::with(&[]);
    let size = "size=256k";
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(directory.path()).stderr(Stdio::null());
    if !command.status().is_ok_and(|status| status.success()) {
        return not_run("tmpfs, and to be root");
    }
    let _mounted = Mounted(directory.path());
    let keys: Vec<String> = (0..8 * 100)
        .map(|number| format!("[\"m\", \"m_total\", {{\"l\": \"{number:0140}\"}}, \"\"]"))
        .collect();
    for (number, keys) in keys.chunks(100).enumerate() {
        let entries: Vec<_> = keys.iter().map(|key| (key.as_str(), 1.0)).collect();
        fs::write(directory.file(&format!("counter_500000{number}.db")), encoded(&entries)).unwrap();
    }
    // Not even two fit.
    fs::write(directory.file("filler"), vec![1; 64 << 10]).unwrap();
    while fs::OpenOptions::new()
        .append(true)
        .open(directory.file("filler"))
        .and_then(|mut file| file.write_all(&[1; 4096]))
        .is_ok()
    {}
    let before = merged(&mut promproc(), directory.path(), "before");
    let names = directory.names();
    let ran = run(promproc().arg("compact").arg(directory.path()));
    ran.fails_with(&["no room for an archive: ", " bytes are missing", "hint: make room"]);
    assert_eq!(directory.names(), names);
    // Room for three and the barrier.
    let length = fs::metadata(directory.file("filler")).unwrap().len();
    fs::OpenOptions::new()
        .write(true)
        .open(directory.file("filler"))
        .unwrap()
        .set_len(length - (76 << 10))
        .unwrap();
    let ran = run(promproc().arg("compact").arg(directory.path()));
    let after = merged(&mut promproc(), directory.path(), "after");
    let left = directory.names();
    assert!(matches!(ran.status, Some(0 | 1)), "{ran:?}");
    assert_eq!(before, after);
    assert!(left.len() < names.len() - 2, "{left:?} {ran:?}");
    assert!(left.iter().all(|name| !name.starts_with('.')), "{left:?}");
}

#[test]
fn readers_are_right_also_while_somebody_keeps_the_lock() {
    let (directory, _web) = filled();
    let before = merged(&mut promproc(), directory.path(), "before");
    let locked = fs::File::open(directory.path()).unwrap();
    rustix::fs::flock(&locked, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let started = std::time::Instant::now();
    assert_eq!(merged(&mut promproc(), directory.path(), "locked"), before);
    assert!(started.elapsed() < DEADLINE / 6, "{:?}", started.elapsed());
    let names = directory.names();
    let ran = run(promproc().args(["compact", "--wait", "1"]).arg(directory.path()));
    ran.fails_with(&["locked by another process for 1s", "hint: another compaction is at work"]);
    assert_eq!(directory.names(), names);
}
