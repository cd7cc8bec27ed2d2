use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::format::{Encoder, Layout};

/// A directory that is written and observed, one second a round.
struct Scene {
    directory: TempDir,
    observer: Observer,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let paths = vec![directory.path().join("metrics")];
        fs::create_dir(&paths[0]).unwrap();
        Self {
            directory,
            observer: Observer::new(paths, false, &merge::Options::default()),
            now: Instant::now(),
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("metrics")
    }

    fn write(&self, name: &str, entries: &[(&str, f64)]) {
        write(&self.path().join(name), entries);
    }

    fn round(&mut self) -> Round {
        self.now += Duration::from_secs(2);
        self.observer.observe(self.now)
    }
}

fn write(path: &Path, entries: &[(&str, f64)]) {
    let mut encoder = Encoder::new(Layout::ValueAndTime);
    for (key, value) in entries {
        assert!(encoder.push(key.as_bytes(), *value, 0.0));
    }
    fs::write(path, encoder.into_bytes()).unwrap();
}

fn change(round: &Round, name: &str) -> Change {
    row(round.rows(By::Series), name).change
}

fn row<'a>(rows: Vec<&'a Row>, name: &str) -> &'a Row {
    rows.into_iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no row {name}"))
}

fn happened(round: &Round) -> Vec<String> {
    round.events.iter().filter(|event| event.at == round.at).map(Event::to_string).collect()
}

const HITS: &str = r#"["hits","hits_total",{"path":"/"},"Hits"]"#;
const MISSES: &str = r#"["hits","hits_total",{"path":"/none"},"Hits"]"#;
const LEVEL: &str = r#"["level","level",{},"Level"]"#;

#[test]
fn rates_are_differences_over_the_time_between_rounds() {
    let mut scene = Scene::new();
    scene.write("counter_1.db", &[(HITS, 10.0)]);
    scene.write("counter_2.db", &[(HITS, 5.0)]);
    scene.write("gauge_sum_1.db", &[(LEVEL, 7.0)]);
    let first = scene.round();
    assert_eq!(first.elapsed, None);
    assert!(first.series.iter().all(|series| series.row.change == Change::New));

    scene.write("counter_1.db", &[(HITS, 16.0), (MISSES, 3.0)]);
    scene.write("gauge_sum_1.db", &[(LEVEL, 6.0)]);
    let second = scene.round();
    assert_eq!(second.elapsed, Some(Duration::from_secs(2)));
    let hits = r#"hits_total{path="/"}"#;
    assert_eq!(row(second.rows(By::Series), hits).value, 21.0);
    assert_eq!(change(&second, hits), Change::PerSecond(3.0));
    assert_eq!(change(&second, r#"hits_total{path="/none"}"#), Change::New);
    assert_eq!(change(&second, "level"), Change::PerSecond(-0.5));
    assert_eq!(row(second.rows(By::Series), "level").history, [7.0, 6.0], "values of gauges");
    let history = &row(second.rows(By::Series), hits).history;
    assert!(history[0].is_nan() && history[1..] == [3.0], "rates of counters: {history:?}");
    // The new label set is part of what the family counted.
    assert_eq!(row(second.rows(By::Family), "hits").change, Change::PerSecond(4.5));
    assert_eq!(row(second.rows(By::Pid), "1").change, Change::PerSecond(4.5));
    assert_eq!(row(second.rows(By::Pid), "2").change, Change::PerSecond(0.0));
}

#[test]
fn a_counter_that_falls_was_reset_and_goes_on_from_there() {
    let mut scene = Scene::new();
    for (value, expected) in [
        (100.0, Change::New),
        (40.0, Change::Reset),
        (44.0, Change::PerSecond(2.0)),
        (f64::INFINITY, Change::PerSecond(f64::INFINITY)),
        (f64::INFINITY, Change::PerSecond(0.0)),
    ] {
        scene.write("counter_1.db", &[(HITS, value)]);
        assert_eq!(change(&scene.round(), r#"hits_total{path="/"}"#), expected, "{value}");
    }
}

#[test]
fn a_histogram_is_its_number_of_observations_and_their_sum() {
    let mut scene = Scene::new();
    let entries = |low, high, sum| {
        [
            (r#"["t","t_bucket",{"le":"1.0"},"T"]"#, low),
            (r#"["t","t_bucket",{"le":"+Inf"},"T"]"#, high),
            (r#"["t","t_sum",{},"T"]"#, sum),
        ]
    };
    scene.write("histogram_1.db", &entries(2.0, 1.0, 9.0));
    scene.write("summary_1.db", &[(r#"["s","s_count",{},"S"]"#, 4.0), (r#"["s","s_sum",{},"S"]"#, 1e6)]);
    scene.round();
    scene.write("histogram_1.db", &entries(3.0, 4.0, 12.0));
    let round = scene.round();
    assert_eq!(row(round.rows(By::Series), "t_count").value, 7.0);
    assert_eq!(change(&round, "t_count"), Change::PerSecond(2.0));
    assert_eq!(change(&round, "t_sum"), Change::PerSecond(1.5));
    assert_eq!(row(round.rows(By::Family), "t").value, 7.0);
    assert_eq!(row(round.rows(By::Family), "s").value, 4.0);
    assert_eq!(row(round.rows(By::Pid), "1").value, 11.0);
}

#[test]
fn a_directory_that_vanishes_comes_back_as_another() {
    let mut scene = Scene::new();
    let path = scene.path();
    scene.write("counter_1.db", &[(HITS, 10.0)]);
    scene.round();
    fs::rename(&path, scene.directory.path().join("away")).unwrap();
    let round = scene.round();
    assert_eq!((round.series.len(), round.processes.len(), round.files.len()), (0, 0, 0));
    assert_eq!(round.missing, std::slice::from_ref(&path));
    assert_eq!(happened(&round), [format!("{} vanished", path.display())]);
    assert_eq!(happened(&scene.round()), [""; 0], "said once");

    fs::create_dir(&path).unwrap();
    let round = scene.round();
    assert_eq!((round.missing.len(), round.unread.len(), round.series.len()), (0, 0, 0));
    assert_eq!(happened(&round), [format!("{} is there again", path.display())]);
    scene.write("counter_1.db", &[(HITS, 1.0)]);
    assert_eq!(change(&scene.round(), r#"hits_total{path="/"}"#), Change::New, "not reset");
}

#[test]
fn a_directory_that_is_not_there_yet() {
    let directory = tempfile::tempdir().unwrap();
    let later = directory.path().join("later");
    let mut observer = Observer::new(vec![later.clone()], false, &merge::Options::default());
    let round = observer.observe(Instant::now());
    assert_eq!((round.missing.len(), round.events.len()), (1, 0));
    fs::create_dir(&later).unwrap();
    assert_eq!(observer.observe(Instant::now()).missing.len(), 0);
}

#[test]
fn of_several_paths_those_that_are_there_count() {
    let mut scene = Scene::new();
    scene.write("counter_1.db", &[(HITS, 10.0)]);
    let other = scene.directory.path().join("other");
    scene.observer = Observer::new(vec![scene.path(), other.clone()], false, &merge::Options::default());
    let round = scene.round();
    assert_eq!((round.missing.as_slice(), round.series.len()), (std::slice::from_ref(&other), 1));

    // The same number in another directory is another process.
    fs::create_dir(&other).unwrap();
    write(&other.join("counter_1.db"), &[(HITS, 3.0)]);
    let round = scene.round();
    let names: Vec<_> = round.processes.iter().map(|process| process.row.name.clone()).collect();
    let expected = [scene.path(), other].map(|path| format!("1 in {}", path.display()));
    assert_eq!(names, expected);
    assert_eq!(row(round.rows(By::Series), r#"hits_total{path="/"}"#).value, 13.0);
}

#[test]
#[cfg(target_os = "linux")]
fn processes_come_and_die_and_leave() {
    let mut scene = Scene::new();
    scene.write("counter_1.db", &[(HITS, 1.0)]);
    let writer = File::options().read(true).write(true).open(scene.path().join("counter_1.db")).unwrap();
    let round = scene.round();
    let process = &round.processes[0];
    assert_eq!((process.liveness.as_str(), process.news), ("live", None), "{}", process.about);
    assert_eq!(happened(&round), [""; 0], "nobody is new in the first round");

    drop(writer);
    scene.write("gauge_all_2.db", &[(LEVEL, 1.0)]);
    let round = scene.round();
    let news: Vec<_> = round.processes.iter().map(|process| (process.files, process.news)).collect();
    assert_eq!(news, [(1, Some(News::Died)), (1, Some(News::Came))]);
    assert_eq!(happened(&round), ["pid 1 died", "pid 2 is new"]);

    fs::remove_file(scene.path().join("gauge_all_2.db")).unwrap();
    assert_eq!(happened(&scene.round()), ["pid 2: its files are gone"]);
    for _ in 0..5 {
        scene.round();
    }
    assert_eq!(scene.round().processes[0].news, None, "old news are none");
}

#[test]
fn rows_are_sorted_and_filtered() {
    let mut scene = Scene::new();
    let entries = |values: [f64; 4]| {
        ["A", "b", "c", "d"]
            .map(|name| format!(r#"["{name}","{name}",{{"x":"{name}"}},"G"]"#))
            .into_iter()
            .zip(values)
    };
    let write = |scene: &Scene, values| {
        let entries: Vec<_> = entries(values).collect();
        let entries: Vec<_> = entries.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        scene.write("gauge_sum_1.db", &entries);
    };
    write(&scene, [1.0, 2.0, f64::NAN, 4.0]);
    let shown = |round: &Round, sort, reversed, filter: &str| -> String {
        let rows = round.rows(By::Series);
        let order = round.arranged(By::Series, sort, reversed, filter);
        order.into_iter().map(|at| &rows[at].name[..1]).collect()
    };
    assert_eq!(shown(&scene.round(), Sort::Rate, false, ""), "Abcd", "by name, for want of rates");
    write(&scene, [1.0, 12.0, f64::NAN, -40.0]);
    let round = scene.round();
    assert_eq!(shown(&round, Sort::Rate, false, ""), "dbAc");
    assert_eq!(shown(&round, Sort::Value, false, ""), "bAdc");
    assert_eq!(shown(&round, Sort::Name, true, ""), "dcbA");
    assert_eq!(shown(&round, Sort::Name, false, r#"X="a"#), "A");
    assert_eq!(shown(&round, Sort::Name, false, "nothing"), "");
}
