//! The directory itself: which one it is, and that it is created.

use super::*;

#[test]
fn creates_the_directory_with_these_permissions_whatever_the_umask() {
    let base = Directory::with(&[]);
    let permissions = |name: &str| fs::metadata(base.file(name)).unwrap().mode() & 0o7777;
    let clean_with_umask = |umask: &str, options: &[&str], name: &str| {
        let script = format!("umask {umask}; exec \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh"]).arg(promproc().get_program()).arg("clean").args(options);
        run(command.arg(base.file(name)))
    };
    for (umask, options, name, expected) in [
        ("077", &[][..], "plain", 0o755),
        ("000", &[], "open", 0o755),
        ("027", &["--dir-mode", "0775"], "group", 0o775),
        ("022", &["--dir-mode", "1777"], "sticky", 0o1777),
        ("022", &["--dir-mode", "700"], "private", 0o700),
        ("022", &["--dir-mode", "0750"], "new/parents/too/", 0o750),
    ] {
        clean_with_umask(umask, options, name).prints(&format!("created {}\n", base.file(name).display()));
        assert_eq!(permissions(name), expected, "{name}");
        clean_with_umask(umask, options, name).prints("");
    }
    assert_eq!(permissions("new/parents"), 0o755);
    // An existing directory keeps what it has.
    clean_with_umask("022", &["--dir-mode", "0777"], "private").prints("");
    assert_eq!(permissions("private"), 0o700);
    for mode in ["rwx", "0888", "10000", ""] {
        clean_with_umask("022", &["--dir-mode", mode], "never").fails_with(&["--dir-mode <MODE>", "octal"]);
    }
    assert!(!base.file("never").exists());
}

#[test]
fn a_missing_directory_that_is_not_to_be_created() {
    let base = Directory::with(&["file"]);
    let missing = base.file("missing");
    run(promproc().args(["clean", "--no-create"]).arg(&missing))
        .fails_with(&["missing: no such file or directory"]);
    run(promproc().args(["clean", "--dry-run"]).arg(&missing))
        .prints(&format!("would create {}\n", missing.display()));
    for options in [&[][..], &["--no-create"], &["--force"]] {
        run(promproc().arg("clean").args(options).arg(base.file("file"))).fails_with(&["ot a directory"]);
        run(promproc().arg("clean").args(options).arg(base.file("file/below")))
            .fails_with(&["ot a directory"]);
        run(promproc().arg("clean").args(options)).fails_with(&["PROMETHEUS_MULTIPROC_DIR"]);
    }
    assert_eq!(base.names(), ["file"]);
}

#[test]
fn the_path_may_be_relative_or_come_from_the_environment() {
    let base = Directory::with(&[]);
    let fill = || {
        fs::create_dir_all(base.file("metrics")).unwrap();
        fs::write(base.file("metrics/counter_1.db"), []).unwrap();
    };
    for path in ["metrics", "metrics/", "./metrics//", "../../../../../../../../{}/metrics"] {
        fill();
        let path = path.replace("{}", base.path().to_str().unwrap());
        run(promproc().args(["clean", &path]).current_dir(base.path()))
            .prints(&format!("removed 1 file from {path}\n"));
        assert_eq!(names_in(&base.file("metrics")), Vec::<String>::new());
    }
    fill();
    run(promproc().arg("clean").env("PROMETHEUS_MULTIPROC_DIR", base.file("metrics")));
    assert_eq!(names_in(&base.file("metrics")), Vec::<String>::new());
}

#[test]
fn containers_that_start_at_once_all_find_the_directory_clean() {
    let names: Vec<_> = (0..300).map(|pid| format!("counter_{pid}.db")).collect();
    for _ in 0..10 {
        let base = Directory::with(&[]);
        let directory = base.file("metrics");
        let clean_at_once = || {
            let runs: Vec<_> = thread::scope(|scope| {
                let threads: Vec<_> =
                    (0..4).map(|_| scope.spawn(|| run(promproc().arg("clean").arg(&directory)))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(runs.iter().all(|ran| ran.status == Some(0) && ran.stderr.is_empty()), "{runs:?}");
            runs
        };
        let created: String = clean_at_once().into_iter().map(|ran| ran.stdout).collect();
        assert_eq!(created, format!("created {}\n", directory.display()));
        for name in &names {
            fs::write(directory.join(name), [0; 8]).unwrap();
        }
        clean_at_once();
        assert_eq!(names_in(&directory), Vec::<String>::new());
    }
}
