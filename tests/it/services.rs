//! Real services: gunicorn, uvicorn and Celery with the recipes of the documents, workers that are killed,
//! and what promproc says of their directories meanwhile.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::recipes::recipe;
use crate::support::{
    CURRENT, DEADLINE, assert_same_text, names_in, path_with_promproc, promproc, python, wait_for,
};

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/services");

#[test]
fn gunicorn_whose_workers_are_killed_under_requests() {
    let Some(python) = python() else { return };
    let home = tempfile::tempdir().unwrap();
    let metrics = home.path().join("metrics");
    fs::create_dir(&metrics).unwrap();
    // What a run before this one left: `on_starting` has to clean it away.
    fs::write(metrics.join("counter_1.db"), "").unwrap();
    fs::copy(Path::new(TESTS).join("app.py"), home.path().join("app.py")).unwrap();
    fs::write(home.path().join("gunicorn.conf.py"), recipe("# gunicorn.conf.py")).unwrap();

    let mut command = Command::new(python.interpreter());
    command.args(["-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "4", "app:app"]);
    let mut service = Service::start(command, home.path(), &metrics);
    let port = wait_for("gunicorn listens", || service.port());
    assert!(!metrics.join("counter_1.db").exists(), "on_starting has cleaned:\n{}", service.log());

    let mut killed = BTreeSet::new();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for path in ["/", "/users", "/a \"quoted\" path"] {
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    // A killed worker takes its connections along.
                    let _ = get(port, path);
                }
            });
        }
        let _stop = StopOnDrop(&stop);
        for _ in 0..3 {
            let pid = *four_workers(port, &killed).first().unwrap();
            assert!(metrics.join(format!("gauge_livesum_{pid}.db")).exists());
            signal("KILL", pid);
            killed.insert(pid);
            wait_for("child_exit prunes", || live_gauges(&metrics, pid).is_empty().then_some(()));
            assert!(metrics.join(format!("counter_{pid}.db")).exists(), "counts of the dead still count");
        }
    });

    // All four workers have answered, so that none is still creating its series; then it is still.
    let workers = four_workers(port, &killed);
    let scraped = get(port, "/metrics").unwrap();
    let merged = promproc().arg("merge").arg(&metrics).output().unwrap();
    let text = String::from_utf8(merged.stdout).unwrap();
    assert_same_text(&text, &scraped, "merge and the app's own /metrics");
    assert_eq!((merged.status.code(), merged.stderr.as_slice()), (Some(0), &[][..]));
    assert!(text.contains("\napp_workers 4.0\n"), "{text}");
    assert!(text.contains("path=\"/a \\\"quoted\\\" path\""), "{text}");

    let before = names_in(&metrics);
    let refused = clean(&metrics);
    let message = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{message}");
    assert!(workers.iter().any(|pid| message.contains(&pid.to_string())), "{workers:?} hold it: {message}");
    assert_eq!(names_in(&metrics), before);

    service.terminate();
    let cleaned = clean(&metrics);
    assert_eq!(cleaned.status.code(), Some(0), "{cleaned:?}");
    assert_eq!(names_in(&metrics), [""; 0]);
}

#[test]
fn gunicorn_with_the_hooks_of_the_python_package() {
    for client in [CURRENT, "0.21.1"] {
        let home = tempfile::tempdir().unwrap();
        let Some((service, port)) = gunicorn_with_hooks(home.path(), client, path_with_promproc()) else {
            return;
        };
        let metrics = home.path().join("metrics");
        assert!(!metrics.join("counter_1.db").exists(), "on_starting has cleaned:\n{}", service.log());

        let killed = get(port, "/").unwrap().parse().unwrap();
        assert!(!live_gauges(&metrics, killed).is_empty());
        signal("KILL", killed);
        wait_for("child_exit prunes", || live_gauges(&metrics, killed).is_empty().then_some(()));
        assert!(metrics.join(format!("counter_{killed}.db")).exists(), "counts of the dead still count");
        wait_for("another worker answers", || get(port, "/").ok().filter(|pid| *pid != killed.to_string()));
        assert!(!service.log().contains("promproc"), "nothing to complain of:\n{}", service.log());
    }
}

#[test]
fn gunicorn_goes_on_when_its_hooks_fail() {
    // No promproc to be found; one that never ends; one that fails and says why.
    let programs = [
        (None, "promproc clean: promproc is neither beside"),
        (Some("exec sleep 60"), "timed out after"),
        (Some("echo promproc: error: the disk is full >&2; exit 2"), "promproc: error: the disk is full"),
        (Some("exit 2"), "promproc prune: exit status 2"),
    ];
    for (script, complaint) in programs {
        let home = tempfile::tempdir().unwrap();
        let programs = home.path().join("bin");
        fs::create_dir(&programs).unwrap();
        if let Some(script) = script {
            let program = programs.join("promproc");
            fs::write(&program, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")).unwrap();
            fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        }
        let Some((service, port)) = gunicorn_with_hooks(home.path(), CURRENT, programs.into()) else {
            return;
        };
        let killed = get(port, "/").unwrap().parse().unwrap();
        signal("KILL", killed);
        wait_for("another worker answers", || get(port, "/").ok().filter(|pid| *pid != killed.to_string()));
        wait_for("the log has it", || service.log().contains(complaint).then_some(()));
        assert!(!service.log().contains("Traceback"), "{}", service.log());
    }
}

/// gunicorn with one worker, the hooks of `python/promproc`, and a file that a run before this one left;
/// and the port that it listens on.
fn gunicorn_with_hooks(home: &Path, client: &str, path: OsString) -> Option<(Service, u16)> {
    let python = python()?;
    let metrics = home.join("metrics");
    fs::create_dir(&metrics).unwrap();
    fs::write(metrics.join("counter_1.db"), "").unwrap();
    fs::copy(Path::new(TESTS).join("app.py"), home.join("app.py")).unwrap();
    fs::write(home.join("gunicorn.conf.py"), recipe("# gunicorn.conf.py, promproc installed by pip"))
        .unwrap();

    let mut command = Command::new(python.interpreter());
    command.args(["-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "1", "app:app"]);
    command.env("PYTHONPATH", python_path(client));
    let service = Service::start_with(command, home, &metrics, path);
    let port = wait_for("gunicorn listens", || service.port());
    wait_for("its worker answers", || get(port, "/").ok());
    Some((service, port))
}

/// Where promproc's Python package is, and that release of the client.
fn python_path(client: &str) -> OsString {
    let package = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/python"));
    let client = python().and_then(|python| python.packages_of(client));
    env::join_paths([Some(package), client].into_iter().flatten()).unwrap()
}

#[test]
fn celery_whose_pool_processes_are_killed() {
    celery(&recipe("# celery_metrics.py, imported by the module that makes the Celery app"), CURRENT);
}

#[test]
fn celery_with_the_hook_of_the_python_package() {
    for client in [CURRENT, "0.21.1"] {
        celery(&recipe("# the module that makes the Celery app"), client);
    }
}

/// Kills a process of Celery's pool, with what its module `celery_metrics` has and that release of the client.
fn celery(celery_metrics: &str, client: &str) {
    let Some(python) = python() else { return };
    let home = tempfile::tempdir().unwrap();
    let [metrics, queue, done] = ["metrics", "queue", "done"].map(|name| home.path().join(name));
    for directory in [&metrics, &queue, &done] {
        fs::create_dir(directory).unwrap();
    }
    fs::copy(Path::new(TESTS).join("tasks.py"), home.path().join("tasks.py")).unwrap();
    fs::write(home.path().join("celery_metrics.py"), celery_metrics).unwrap();

    let python_path = python_path(client);
    let mut command = Command::new(python.interpreter());
    command.args(["-m", "celery", "-A", "tasks", "worker", "--concurrency", "2"]);
    command.env("PYTHONPATH", &python_path);
    let mut service = Service::start(command, home.path(), &metrics);
    // The caller has no metrics of its own.
    let calls = "import tasks\nfor name in 'abcdefgh': tasks.work.delay(name)";
    let mut caller = Command::new(python.interpreter());
    caller.args(["-c", calls]).current_dir(home.path());
    caller.env("PYTHONPATH", &python_path).env_remove("PROMETHEUS_MULTIPROC_DIR");
    assert!(caller.status().unwrap().success());
    let pids = wait_for("eight tasks are done", || {
        let pids =
            names_in(&done).into_iter().map(|name| fs::read_to_string(done.join(name)).unwrap().parse().ok());
        pids.collect::<Option<Vec<u32>>>().filter(|pids| pids.len() == 8)
    });
    let killed = pids[0];
    assert_eq!(live_gauges(&metrics, killed).len(), 1);

    signal("KILL", killed);
    wait_for("the process in its place prunes", || live_gauges(&metrics, killed).is_empty().then_some(()));
    let alive = pids.iter().filter(|pid| **pid != killed).collect::<BTreeSet<_>>();
    let merged =
        promproc().args(["merge", "--name", "tasks", "--name", "pool_processes"]).arg(&metrics).output();
    let expected = format!(
        "# HELP tasks_total Tasks done\n\
         # TYPE tasks_total counter\n\
         tasks_total 8.0\n\
         # HELP pool_processes Processes that did a task\n\
         # TYPE pool_processes gauge\n\
         pool_processes {}.0\n",
        alive.len()
    );
    assert_same_text(&String::from_utf8(merged.unwrap().stdout).unwrap(), &expected, "merge");

    assert!(!service.log().contains("promproc: "), "nothing to complain of:\n{}", service.log());

    assert_eq!(clean(&metrics).status.code(), Some(2));
    // Not asked to end: it may wait for the process that was killed, and for ever.
    service.kill();
    wait_for("all let go of their files", || (clean(&metrics).status.code() == Some(0)).then_some(()));
    assert_eq!(names_in(&metrics), [""; 0]);
}

#[test]
fn uvicorn_whose_workers_are_killed() {
    let Some(python) = python() else { return };
    let home = tempfile::tempdir().unwrap();
    let metrics = home.path().join("metrics");
    fs::create_dir(&metrics).unwrap();
    // What a run before this one left.
    fs::write(metrics.join("counter_1.db"), "").unwrap();
    fs::write(home.path().join("app.py"), recipe("# app.py")).unwrap();
    let script = format!("#!/bin/sh\n{}", recipe("# start.sh")).replace("--port 8000", "--port 0");
    fs::write(home.path().join("start.sh"), script).unwrap();

    let mut command = Command::new("sh");
    let programs = python.interpreter().parent().unwrap().to_owned();
    command.args(["-c", "PATH=$PROGRAMS:$PATH exec sh start.sh"]).env("PROGRAMS", programs);
    let mut service = Service::start(command, home.path(), &metrics);
    let workers = || {
        let names = names_in(&metrics).into_iter();
        let pids = names
            .filter_map(|name| name.strip_prefix("gauge_livesum_")?.strip_suffix(".db")?.parse::<u32>().ok());
        pids.collect::<BTreeSet<_>>()
    };
    let port = wait_for("uvicorn listens", || {
        let log = service.log();
        let (_, rest) = log.split_once("running on http://127.0.0.1:")?;
        rest.split_once(' ')?.0.parse::<u16>().ok()
    });
    wait_for("four workers have started", || (workers().len() == 4).then_some(()));
    assert!(!names_in(&metrics).contains(&"counter_1.db".to_owned()), "start.sh has cleaned");

    let killed = *workers().first().unwrap();
    signal("KILL", killed);
    wait_for("uvicorn starts another worker", || (workers().len() == 5).then_some(()));
    let pruned = promproc().args(["prune", "--settle", "0"]).arg(&metrics).output().unwrap();
    assert_eq!(pruned.status.code(), Some(0), "{pruned:?}");
    assert_eq!(workers().len(), 4, "no live worker lost its file");
    assert!(!workers().contains(&killed));
    assert!(get(port, "/metrics/").unwrap().contains("inprogress_requests 0.0\n"));

    service.terminate();
    assert_eq!(workers(), [].into(), "the workers that ended in good order have cleared their own");
}

/// Asks until four workers that are alive have answered.
fn four_workers(port: u16, killed: &BTreeSet<u32>) -> BTreeSet<u32> {
    let mut workers = BTreeSet::new();
    wait_for("four workers answer", || {
        workers
            .extend(get(port, "/").ok().and_then(|pid| pid.parse().ok()).filter(|pid| !killed.contains(pid)));
        (workers.len() == 4).then_some(())
    });
    workers
}

/// The body of the answer to a GET.
fn get(port: u16, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let path = path.replace(' ', "%20").replace('"', "%22");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.contains(" 200 OK\r\n") => Ok(body.to_owned()),
        _ => Err(io::Error::other(answer)),
    }
}

fn clean(directory: &Path) -> Output {
    promproc().arg("clean").arg(directory).output().unwrap()
}

/// The files that `mark_process_dead` removes.
fn live_gauges(directory: &Path, pid: u32) -> Vec<String> {
    let mut names = names_in(directory);
    names.retain(|name| name.starts_with("gauge_live") && name.ends_with(&format!("_{pid}.db")));
    names
}

fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap();
    assert!(status.success(), "kill -{name} {pid}: {status}");
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A service with all its processes; they end with it.
struct Service {
    main: Child,
    log: PathBuf,
}

impl Service {
    fn start(command: Command, home: &Path, metrics: &Path) -> Self {
        Self::start_with(command, home, metrics, path_with_promproc())
    }

    fn start_with(mut command: Command, home: &Path, metrics: &Path, path: OsString) -> Self {
        let log = home.join("log");
        let output = File::create(&log).unwrap();
        let main = command
            .current_dir(home)
            .env("PATH", path)
            // No __pycache__ in the source tree.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PROMETHEUS_MULTIPROC_DIR", metrics)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .process_group(0)
            .spawn()
            .unwrap();
        Self { main, log }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// The port on which gunicorn says that it listens.
    fn port(&self) -> Option<u16> {
        let log = self.log();
        let (_, rest) = log.split_once("Listening at: http://127.0.0.1:")?;
        rest.split_once(' ')?.0.parse().ok()
    }

    /// Kills all of its process group, if it has not ended by itself.
    fn kill(&mut self) {
        let group = format!("-{}", self.main.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.main.wait();
    }

    /// Asks it to end, and waits until it has.
    fn terminate(&mut self) {
        signal("TERM", self.main.id());
        wait_for("the service ends", || self.main.try_wait().unwrap());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if thread::panicking() {
            // Where a test fails, the service mostly knows why.
            io::stderr().write_all(self.log().as_bytes()).unwrap();
        }
        self.kill();
    }
}
