//! What a scrape costs the official client, beside what `promproc check` estimates (`slow-scrape`), and the
//! factors that would fit best.

use std::fs;
use std::path::Path;

use anyhow::Context;
use promproc::check::ScrapeCost;
use promproc::directory;
use promproc::reader::read_files;

use crate::Effort;
use crate::contest::{self, Contender};
use crate::directories::{CLIENT, CLIENT_VERSION, Cache};
use crate::reading::count_samples;
use crate::table::{Table, cells, grouped, number};

const DIRECTORIES: [&str; 7] =
    ["series-1000", "series-10000", "series-100000", "files-1000", "files-10000", "M", "L"];

/// What is counted in a directory, and how long the client takes beyond its start.
struct Measured {
    files: usize,
    entries: usize,
    series: usize,
    seconds: f64,
}

pub(crate) fn cost(cache: &Cache, effort: &Effort) -> anyhow::Result<()> {
    println!("## What a scrape costs {CLIENT} {CLIENT_VERSION}, and what check estimates\n");
    let nothing = cache.outputs().join("nothing");
    fs::create_dir_all(&nothing)?;
    let mut table = Table::new([
        "directory",
        "files",
        "entries",
        "series",
        "ms",
        "min to max",
        "estimate, ms",
        "estimate / measured",
    ]);
    let mut all = Vec::new();
    for name in DIRECTORIES {
        let directory = cache.directory(name)?;
        let contender = |name: &str, of: &Path| Contender::new(name, cache.official(of));
        let mut contenders = [contender("its start", &nothing), contender(name, &directory)];
        contest::hold(&mut contenders, effort.slow_rounds, &cache.outputs())?;
        let [start, scrape] = &contenders;
        let spread = scrape.paired(start, |scrape, start| (scrape - start) * 1e3);
        let (files, entries) = count(&directory)?;
        let series = usize::try_from(count_samples(&cache.outputs().join("1"))?)?;
        let seconds = spread.context("nothing was measured")?.median / 1e3;
        let estimate = ScrapeCost::of(files, entries, series).seconds();
        let ([ms, min_to_max], counted) = (cells(spread), |count: usize| grouped(count as u64));
        table.row([
            name.to_owned(),
            counted(files),
            counted(entries),
            counted(series),
            ms,
            min_to_max,
            number(estimate * 1e3),
            number(estimate / seconds),
        ]);
        all.push(Measured { files, entries, series, seconds });
    }
    table.print();

    let mut table = Table::new(["", "µs, as fitted now", "µs, as check has it"]);
    let constants = [ScrapeCost::SECONDS_A_SERIES, ScrapeCost::SECONDS_AN_ENTRY, ScrapeCost::SECONDS_A_FILE];
    let what = ["a distinct series", "one more entry of a known series", "a file"];
    for ((what, fitted), constant) in what.into_iter().zip(fitted(&all)).zip(constants) {
        table.row([what.to_owned(), number(fitted * 1e6), number(constant * 1e6)]);
    }
    table.print();
    Ok(())
}

/// How many files a directory has, and how many entries.
fn count(directory: &Path) -> anyhow::Result<(usize, usize)> {
    let files = directory::scan(directory)?.files;
    let mut entries = 0;
    read_files(&files, None, |_, reader| {
        let read = reader.read(|walk, _| {
            walk.try_for_each(|entry| {
                entries += 1;
                entry.map(drop)
            })
        });
        read.map(drop)
    })?;
    Ok((files.len(), entries))
}

/// The factors with the least sum of squared relative errors.
fn fitted(all: &[Measured]) -> [f64; 3] {
    let mut rows = [[0.0; 4]; 3];
    for Measured { files, entries, series, seconds } in all {
        let counts = [*series, entries - series, *files].map(|count| count as f64 / seconds);
        for (row, one) in rows.iter_mut().zip(counts) {
            for (cell, other) in row.iter_mut().zip(counts) {
                *cell += one * other;
            }
            row[3] += one;
        }
    }
    // Gauss and Jordan's elimination; the matrix is positive definite, so no row is exchanged.
    for at in 0..3 {
        let pivot = rows[at].map(|cell| cell / rows[at][at]);
        for row in &mut rows {
            let factor = row[at];
            row.iter_mut().zip(pivot).for_each(|(cell, of_pivot)| *cell -= factor * of_pivot);
        }
        rows[at] = pivot;
    }
    rows.map(|row| row[3])
}
