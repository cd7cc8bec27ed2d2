//! Families on which files do not agree, and files on which clients do not.

use super::*;
use crate::support::{encoded, write};

#[test]
fn conflicts_of_two_releases() {
    for (first, second, code, says) in [
        (
            "Gauge('g', 'h', multiprocess_mode='sum').set(1)",
            "Gauge('g', 'h', multiprocess_mode='max').set(1)",
            "mode-conflict",
            "its files are of the modes",
        ),
        (
            "Counter('x', 'h').inc()",
            "Gauge('x', 'h', multiprocess_mode='sum').set(1)",
            "type-conflict",
            "of the types",
        ),
        ("Counter('c', 'one').inc()", "Counter('c', 'two').inc()", "help-conflict", "\"one\", \"two\""),
        (
            "Counter('c', 'h', ['a']).labels('1').inc()",
            "Counter('c', 'h', ['a', 'b']).labels('1', '2').inc()",
            "label-conflict",
            "{a}, {a,b}",
        ),
        (
            "Histogram('t', 'h', buckets=[1, 2]).observe(1)",
            "Histogram('t', 'h', buckets=[1, 5]).observe(1)",
            "bucket-conflict",
            "1.0 2.0 +Inf in 1 file, 1.0 5.0 +Inf in 1 file",
        ),
    ] {
        let directory = directory();
        let (Some(one), Some(two)) = (worker(directory.path(), first), worker(directory.path(), second))
        else {
            return;
        };
        let found = findings(directory.path());
        assert_eq!(codes(&found), [code], "{found:#?}");
        // What the command needs: the service is stopped.
        drop((one, two));
        let found = findings(directory.path());
        let conflict = found.iter().find(|finding| finding.code == code).unwrap();
        assert!(conflict.message.contains(says), "{conflict:?}");
        conflict.commands.iter().for_each(|command| mend(command));
        assert_eq!(codes(&findings(directory.path())), ["empty-directory"], "{code}");
    }
}

#[test]
fn buckets_are_compared_label_set_by_label_set() {
    // Two models with bounds of their own, in each of two processes.
    let directory = directory();
    let model = |name: &str, bounds: &str| {
        format!(
            "from prometheus_client import CollectorRegistry\n\
             Histogram('t', 'h', ['model', 'path'], registry=CollectorRegistry(), buckets={bounds})\
             .labels('{name}', '/,le').observe(1)\n"
        )
    };
    let both = model("a", "[1, 2]") + &model("b", "[1, 5]");
    let (Some(_one), Some(_two)) = (worker(directory.path(), &both), worker(directory.path(), &both)) else {
        return;
    };
    let found = findings(directory.path());
    assert_eq!(codes(&found), ["bucket-layouts"], "{found:#?}");
    assert!(found[0].severity == "info" && found[0].commands.is_empty(), "{found:?}");
    assert!(found[0].message.contains("2 layouts") && found[0].message.contains("sum by (le)"), "{found:?}");
    assert_eq!(check(&[], directory.path()).status, Some(0));
    // The same bounds, written in another way, and one that counts one of them in others.
    let other = model("a", "['1', '2.00']") + &model("b", "[1, 7]");
    let Some(_three) = worker(directory.path(), &other) else { return };
    let found = findings(directory.path());
    assert_eq!(codes(&found), ["bucket-conflict"], "{found:#?}");
    let says = "t{model=\"b\",path=\"/,le\"} is counted in 2 layouts of buckets: 1.0 5.0 +Inf in 2 files, \
                1.0 7.0 +Inf in 1 file;";
    assert!(found[0].message.starts_with(says), "{found:?}");
}

#[test]
fn a_label_set_that_is_just_being_made_is_no_conflict() {
    let directory = directory();
    let key = |le: &str| format!(r#"["t", "t_bucket", {{"le": "{le}"}}, "h"]"#);
    let keys = ["1.0", "2.0", "+Inf"].map(key);
    let entries: Vec<_> = keys.iter().map(|key| (key.as_str(), 1.0)).collect();
    for (pid, count) in [(4_999_998, 3), (4_999_999, 2)] {
        write(&directory, &format!("histogram_{pid}.db"), &encoded(&entries[..count]));
    }
    assert_eq!(codes(&findings(directory.path())), Vec::<&str>::new());
}

#[test]
fn findings_that_stand_together_name_what_each_is_about() {
    let directory = directory();
    let gauges = |mode: &str| {
        format!(
            "Gauge('a', 'h', multiprocess_mode='{mode}').set(1); Gauge('b', 'h', multiprocess_mode='{mode}').set(1)"
        )
    };
    let Some(_first) = worker(directory.path(), &gauges("sum")) else { return };
    let _second = worker(directory.path(), &gauges("max"));
    let said = check(&[], directory.path()).stdout;
    for part in
        ["warning  mode-conflict  a: its files are of", "\n                        b: its files are of"]
    {
        assert!(said.contains(part), "{part:?} is missing in {said}");
    }
}

#[test]
fn names_that_the_client_takes_amiss() {
    let directory = directory();
    let Some(_live) =
        worker(directory.path(), "Gauge('g', 'h', ['pid'], multiprocess_mode='livesum').labels('7').set(1)")
    else {
        return;
    };
    assert_found(directory.path(), &["pid-label"], &["its own label pid is lost"], &["pid-label"]);

    let directory = self::directory();
    let identified = "import prometheus_client.values\n\
        prometheus_client.metrics.values.ValueClass = prometheus_client.values.MultiProcessValue(lambda: 'web_5')\n\
        Gauge('g', 'h').set(1)";
    let _live = worker(directory.path(), identified);
    assert_found(directory.path(), &["cut-pid"], &["the identifier web_5 has an underscore"], &["cut-pid"]);

    let directory = self::directory();
    let live = worker(directory.path(), "Gauge('g', 'h', multiprocess_mode='livesum').set(1)").unwrap();
    let name = format!("gauge_livesum_{}.db", live.pid());
    fs::rename(directory.path().join(&name), directory.path().join(name.replace("livesum", "median")))
        .unwrap();
    assert_found(
        directory.path(),
        &["unknown-mode"],
        &["no client has the gauge mode median"],
        &["unknown-mode"],
    );

    let directory = self::directory();
    let _live = worker(directory.path(), "Counter('c', 'h', ['l']).labels('\\ud800').inc()");
    assert_found(directory.path(), &["surrogate"], &["a lone surrogate"], &["surrogate"]);
}

#[test]
fn files_of_several_eras_and_who_can_read_them() {
    let directory = directory();
    for entry in fs::read_dir("tests/data/mixed").unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, directory.path().join(path.file_name().unwrap())).unwrap();
    }
    let found = findings(directory.path());
    let mixture = &found[0];
    assert_eq!((mixture.code.as_str(), mixture.severity.as_str()), ("era-mixture", "error"));
    // The words of the clients themselves.
    for (version, era) in [("0.8.0", "C"), ("0.16.0", "B"), ("0.21.1", "B"), ("0.21.1", "C")] {
        let Some(mut client) = Client::version(version) else { return };
        let old = TempDir::new().unwrap();
        for file in ["counter", "gauge_max"] {
            let name = |pid| format!("{file}_{pid}.db");
            let pid = if era == "B" { 11 } else { 12 };
            if let Ok(bytes) = fs::read(directory.path().join(name(pid))) {
                fs::write(old.path().join(name(pid)), bytes).unwrap();
            }
        }
        let error = client.scrape(old.path()).unwrap_err();
        let said = error.lines().last().unwrap_or_default().trim();
        let said = said.rsplit_once(": ").map_or(said, |(_, message)| message);
        assert!(
            mixture.message.contains(said),
            "{version} says {error:?}, which is not in {}",
            mixture.message
        );
    }
    mixture.commands.iter().for_each(|command| mend(command));
    assert_eq!(codes(&findings(directory.path())), ["empty-directory"]);
}

#[test]
fn files_of_one_old_era_and_who_can_read_them() {
    for (era, says) in [
        ("a", "clients 0.0.16 to 0.3.1 read them; others fail, 0.4.0 to 0.15.0 with `ValueError: too many"),
        ("b", "0.18.0 and later with `ValueError: not enough values to unpack (expected 4, got 3)`"),
        ("c", "0.18.0 and later with `RuntimeError: Read beyond file size detected, file is corrupted.`"),
    ] {
        let report =
            report(&check(&["--format", "json"], &Path::new("tests/data").join(format!("era-{era}"))));
        let found = report.findings.iter().find(|finding| finding.code == "old-era").unwrap();
        assert!(found.message.contains(says) && found.severity == "info", "{found:?}");
        // What the current client says of them.
        let Some(mut client) = Client::current() else { return };
        let error = client.scrape(&Path::new("tests/data").join(format!("era-{era}"))).unwrap_err();
        assert!(found.message.contains(error.trim()), "{error} is not in {}", found.message);
    }
}

#[test]
fn files_of_an_old_release_go_while_the_new_one_runs() {
    let directory = directory();
    fs::copy("tests/data/era-c/counter_101.db", directory.path().join("counter_101.db")).unwrap();
    let Some(_live) = worker(directory.path(), "Counter('c', 'h').inc()") else { return };
    let found = assert_found(directory.path(), &["era-mixture"], &["remove dead processes' files"], &[]);
    assert_eq!(found[0].commands, [format!("promproc clean --keep-live {}", directory.path().display())]);
}
