//! Random directories of all eras: after a compaction promproc and the client of the era print what they printed
//! before, but for the raise of fractional sums.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use super::{compact, merged_text};
use crate::support::random::{Abilities, RandomDirectory};

use crate::support::{CURRENT, Client, names_in, promproc, run};

/// A compaction waits for two seconds; so many wait at once. A user has 128 instances of inotify.
const AT_ONCE: usize = 40;
/// Each addition may lose 2^-53 of the sum; so many additions has a series at most, here.
const MOST_ADDITIONS: f64 = 64.0;

#[test]
fn random_directories_say_the_same_afterwards() {
    for (version, seeds) in [("0.2.0", 40), ("0.8.0", 40), ("0.17.1", 40), ("0.21.1", 40), (CURRENT, 160)] {
        let Some(mut client) = Client::version(version) else { return };
        let directories: Vec<_> =
            (0..seeds).map(|seed| written(&mut client, version, 0xc0_4ac7 + seed)).collect();
        // Once more: archives become sources.
        for twice in [false, true] {
            let before: Vec<_> = directories.iter().map(|directory| merged_text(directory.path())).collect();
            let scraped: Vec<_> =
                directories.iter().map(|directory| client.scrape(directory.path()).unwrap()).collect();
            let negative: Vec<_> =
                directories.iter().map(|directory| with_negatives(&mut client, directory.path())).collect();
            for some in directories.chunks(AT_ONCE) {
                thread::scope(|scope| {
                    for directory in some {
                        scope.spawn(|| {
                            let ran = compact(directory.path(), &[]);
                            assert!(matches!(ran.status, Some(0 | 1)), "{ran:?}");
                        });
                    }
                });
            }
            for (seed, directory) in directories.iter().enumerate() {
                let what = format!("seed {seed} of {version}, twice: {twice}");
                let after = merged_text(directory.path());
                assert_same_but_raised(&before[seed], &after, &negative[seed], &what);
                let scrape = client.scrape(directory.path()).unwrap();
                assert_same_but_raised(&scraped[seed], &scrape, &negative[seed], &what);
            }
        }
        let archives = directories.iter().flat_map(|directory| names_in(directory.path()));
        let archives = archives.filter(|name| name.contains("_compacted-")).count();
        assert!(archives > directories.len(), "{archives} of {version}");
    }
}

/// A directory of that client, without the gauges that a compaction removes.
fn written(client: &mut Client, version: &str, seed: u64) -> TempDir {
    let random = RandomDirectory::new(seed, Abilities::of(version));
    let directory = TempDir::new().unwrap();
    client.write(directory.path(), &random.processes).unwrap();
    for (name, entries) in &random.forged {
        client.raw(&directory.path().join(name), entries).unwrap();
    }
    run(promproc().args(["prune", "--settle", "0"]).arg(directory.path()));
    directory
}

/// The families with a negative value or an infinite one: what they lose is not bounded by their sums.
fn with_negatives(client: &mut Client, directory: &Path) -> BTreeSet<String> {
    let files = client.read(directory).unwrap();
    let entries = files.iter().flat_map(|file| &file.entries);
    let odd = entries.filter(|entry| !entry.value.is_finite() || entry.value < 0.0);
    let family = |key: &str| serde_json::from_str::<Vec<Value>>(key).unwrap()[0].as_str().unwrap().to_owned();
    odd.map(|entry| family(&entry.key)).collect()
}

fn assert_same_but_raised(before: &str, after: &str, negative: &BTreeSet<String>, what: &str) {
    let gauges: Vec<_> =
        before.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" gauge")).collect();
    let (before, after) = (by_series(before), by_series(after));
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{what}");
    for (series, was) in &before {
        let is = after[series];
        let name = series.trim_start_matches(['{', '"']);
        if was == &is || negative.iter().any(|family| name.starts_with(family)) {
            continue;
        }
        let [was, is] = [*was, is].map(|value| value.parse::<f64>().unwrap());
        let may_be = was * (1.0 + MOST_ADDITIONS * f64::EPSILON / 2.0);
        // A gauge may fall, where some of its files were left: they are added in another order then.
        let least = if gauges.iter().any(|gauge| name.starts_with(gauge.trim_matches('"'))) {
            was * (1.0 - MOST_ADDITIONS * f64::EPSILON / 2.0)
        } else {
            was
        };
        assert!(is >= least && is <= may_be.next_up(), "{what}: {series}: {was} became {is}");
    }
}

/// The values by what stands before them. Old clients print some characters as they are, line ends too.
fn by_series(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.split_terminator('\n').filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap_or((line, ""))).collect()
}
