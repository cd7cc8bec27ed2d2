//! How cost grows with the number of files, and with the number of distinct series.

use crate::contest::{self, Contender};
use crate::directories::Cache;
use crate::table::{Table, Target, cells, grouped, number};
use crate::{Effort, empty_process, promproc};

/// Twice the files should cost at most 2.1 × the time.
pub(crate) fn files(cache: &Cache, effort: &Effort) -> anyhow::Result<()> {
    println!("## Growth with files: 40 entries in two\n");
    let mut table = Table::new(["files", "ms", "min to max", "µs a file", "× for 2 × the files", "target"]);
    let mut before: Option<(f64, f64)> = None;
    for count in [100_u32, 1_000, 10_000, 50_000] {
        let [empty, merge] = measure(&format!("files-{count}"), cache, effort)?;
        let beyond = merge.paired(&empty, |a, b| (a - b) * 1e6 / f64::from(count));
        let [ms, spread] = cells(merge.wall_ms());
        let [each, _] = cells(beyond);
        // From 100 to 1,000 files there are 3.3 doublings.
        let time = merge.wall_ms();
        let doubling = time.zip(before).map(|(now, (count_before, ms_before))| {
            let doublings = (f64::from(count) / count_before).log2();
            let power = |ms: f64| (ms / ms_before).powf(doublings.recip());
            contest::Spread { median: power(now.median), min: power(now.min), max: power(now.max) }
        });
        let [factor, _] = cells(doubling);
        let target = Target::AtMost(2.1).cell(doubling);
        table.row([grouped(count.into()), ms, spread, each, factor, target]);
        before = time.map(|now| (f64::from(count), now.median));
    }
    table.print();
    Ok(())
}

/// The cost a series should stay within 2 ×.
pub(crate) fn series(cache: &Cache, effort: &Effort) -> anyhow::Result<()> {
    println!("## Growth with distinct series: two processes that have the same ones\n");
    let mut table =
        Table::new(["series", "ms", "min to max", "µs a series", "bytes a series", "× of the cheapest"]);
    let mut cheapest = f64::INFINITY;
    let mut rows = Vec::new();
    for count in [1_000_u32, 10_000, 100_000, 1_000_000] {
        let [empty, merge] = measure(&format!("series-{count}"), cache, effort)?;
        let each = merge.paired(&empty, |a, b| (a - b) * 1e6 / f64::from(count));
        let peaks = merge.peak_mib().zip(empty.peak_mib());
        let bytes =
            peaks.map(|(merge, empty)| (merge.median - empty.median) * 1_048_576.0 / f64::from(count));
        cheapest = each.map_or(cheapest, |each| cheapest.min(each.median));
        rows.push((count, merge.wall_ms(), each, bytes));
    }
    for (count, wall, each, bytes) in rows {
        let [ms, spread] = cells(wall);
        let ([cost, _], bytes) = (cells(each), bytes.map_or_else(|| "-".to_owned(), number));
        let factor = each.map(|each| contest::Spread { median: each.median / cheapest, ..each });
        let [times, _] = cells(factor);
        let target = Target::AtMost(2.0).cell(factor);
        table.row([grouped(count.into()), ms, spread, cost, bytes, format!("{times} ({target})")]);
    }
    table.print();
    Ok(())
}

fn measure(name: &str, cache: &Cache, effort: &Effort) -> anyhow::Result<[Contender; 2]> {
    let directory = cache.directory(name)?;
    let mut contenders = [
        Contender::new("empty process", empty_process()?),
        Contender::new("merge", promproc(["merge"], &directory)),
    ];
    contest::hold(&mut contenders, effort.rounds, &cache.outputs())?;
    Ok(contenders)
}
