//! What reads a whole directory, beside the raw read of it.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use crate::contest::{self, Contender, Spread};
use crate::directories::{CLIENT, Cache};
use crate::raw_read::raw_read;
use crate::table::{Table, Target, cells, grouped, number};
use crate::{Effort, PROMPROC, empty_process, promproc, raw_read_process};

/// `merge` of one of the directories S to XL.
pub(crate) fn merge(name: &str, cache: &Cache, effort: &Effort) -> anyhow::Result<()> {
    let directory = cache.directory(name)?;
    let directory = directory.as_path();
    let (outputs, official) = (cache.outputs(), cache.official(directory));
    let mut contenders = [
        Contender::new("empty process", empty_process()?),
        Contender::new("raw read", raw_read_process(directory)?),
        Contender::new("merge, 1 thread", promproc(["merge", "--threads", "1"], directory)),
        Contender::new("merge", promproc(["merge"], directory)),
        Contender::new(CLIENT, official).at_most(effort.slow_rounds),
    ];
    contest::hold(&mut contenders, effort.rounds, &outputs)?;
    let [empty, raw, one_thread, merge, client] = &contenders;

    let (files, used) = raw_read(directory)?;
    println!(
        "## {name}: {} files, {} MB used, {} series in {} MB of text, {}\n",
        grouped(files as u64),
        number(used as f64 / 1e6),
        grouped(count_samples(&outputs.join("4"))?),
        number(fs::metadata(outputs.join("4"))?.len() as f64 / 1e6),
        if is_same(&outputs, 3, 4)? && (one_thread.failure.is_some() || is_same(&outputs, 2, 4)?) {
            "byte-identical to the client's"
        } else {
            "NOT what the client prints"
        }
    );
    print_usage(&contenders, empty);

    let [raw_ratio, client_ratio] = match name {
        "M" => [Target::AtMost(1.7), Target::AtLeast(45.0)],
        "L" => [Target::AtMost(1.5), Target::AtLeast(50.0)],
        "XL" => [Target::AtMost(2.5), Target::AtLeast(105.0)],
        _ => [Target::None; 2],
    };
    let peak = match name {
        "L" => Target::AtMost(6.0),
        "XL" => Target::AtMost(32.0),
        _ => Target::None,
    };
    let beyond = if name == "S" { Target::AtMost(1.5) } else { Target::None };
    let mut table = Table::new(["round by round", "median", "min to max", "target"]);
    let mut row = |what: &str, measured: Option<Spread>, target: Target| {
        let [median, spread] = cells(measured);
        table.row([what.to_owned(), median, spread, target.cell(measured)]);
    };
    row("merge, 1 thread / raw read", one_thread.ratio_to(raw), raw_ratio);
    row("merge / raw read", merge.ratio_to(raw), Target::None);
    row("merge / merge, 1 thread", merge.ratio_to(one_thread), Target::None);
    // One thread that reads as the kernel lets it, and does nothing else, would gain this.
    row("client / raw read", client.ratio_to(raw), Target::None);
    row("client / merge, 1 thread", client.ratio_to(one_thread), Target::None);
    row("client / merge", client.ratio_to(merge), client_ratio);
    row("merge beyond an empty process, ms", merge.paired(empty, |a, b| (a - b) * 1e3), beyond);
    row("merge, 1 thread: peak beyond an empty process, MiB", beyond_peak(one_thread, empty), peak);
    row("merge: peak beyond an empty process, MiB", beyond_peak(merge, empty), Target::None);
    table.print();
    Ok(())
}

/// The other commands that read every file, on L.
pub(crate) fn commands(cache: &Cache, effort: &Effort) -> anyhow::Result<()> {
    let directory = cache.directory("L")?;
    let outputs = cache.outputs();
    let contender = |name: &str, command: Command| Contender::new(name, command);
    let mut contenders = [
        contender("empty process", empty_process()?),
        contender("raw read", raw_read_process(&directory)?),
        contender("dump --files", promproc(["dump", "--files"], &directory)),
        contender("prune --dry-run", promproc(["prune", "--dry-run"], &directory)),
        contender("clean --dry-run", promproc(["clean", "--dry-run"], &directory)),
        contender("dump --format json", promproc(["dump", "--format", "json"], &directory)),
    ];
    contest::hold(&mut contenders, effort.rounds, &outputs)?;
    let [empty, raw, files, prune, clean, json] = &contenders;
    println!("## Other commands on L\n");
    print_usage(&contenders, empty);

    let mut table = Table::new(["round by round", "median", "min to max", "target"]);
    for command in [files, prune, clean] {
        let ratio = command.ratio_to(raw);
        let [median, spread] = cells(ratio);
        table.row([format!("{} / raw read", command.name), median, spread, Target::AtMost(3.0).cell(ratio)]);
    }
    let megabytes = fs::metadata(outputs.join("5"))?.len() as f64 / 1e6;
    let speed = json.spread(|usage| megabytes / usage.wall.as_secs_f64());
    let [median, spread] = cells(speed);
    table.row(["dump --format json, MB/s".to_owned(), median, spread, Target::AtLeast(300.0).cell(speed)]);
    table.print();
    Ok(())
}

/// `merge` of this build and of another one.
pub(crate) fn against<'a>(
    baseline: &str,
    names: impl Iterator<Item = &'a str>,
    cache: &Cache,
    effort: &Effort,
) -> anyhow::Result<()> {
    let mut table = Table::new(["merge", "ms", "baseline ms", "this / baseline", "min to max"]);
    for name in names {
        let directory = cache.directory(name)?;
        let mut contenders = [PROMPROC, baseline].map(|program| {
            let mut command = Command::new(program);
            command.arg("merge").arg(&directory);
            Contender::new(program, command)
        });
        contest::hold(&mut contenders, effort.rounds, &cache.outputs())?;
        let [this, baseline] = &contenders;
        let ([ms, _], [baseline_ms, _]) = (cells(this.wall_ms()), cells(baseline.wall_ms()));
        let [ratio, spread] = cells(this.ratio_to(baseline));
        table.row([name.to_owned(), ms, baseline_ms, ratio, spread]);
    }
    table.print();
    Ok(())
}

/// What each process cost.
fn print_usage(contenders: &[Contender], empty: &Contender) {
    let mut table =
        Table::new(["whole process", "ms", "min to max", "user ms", "sys ms", "MiB beyond empty"]);
    for contender in contenders {
        let [median, spread] = cells(contender.wall_ms());
        let [user, _] = cells(contender.spread(|usage| usage.user.as_secs_f64() * 1e3));
        let [system, _] = cells(contender.spread(|usage| usage.system.as_secs_f64() * 1e3));
        let [peak, _] = cells(beyond_peak(contender, empty));
        table.row([contender.name.clone(), median, spread, user, system, peak]);
    }
    table.print();
    for Contender { name, failure, .. } in contenders {
        if let Some(failure) = failure {
            println!("{name} was not measured: {failure}\n");
        }
    }
}

/// How much more memory than an empty process, in MiB.
fn beyond_peak(contender: &Contender, empty: &Contender) -> Option<Spread> {
    let (peak, empty) = (contender.peak_mib()?, empty.peak_mib()?.median);
    Some(Spread { median: peak.median - empty, min: peak.min - empty, max: peak.max - empty })
}

/// Whether two outputs are equal. They are compared elsewhere: a process that is started counts
/// its parent's memory as its own until it runs its program, so this one stays small.
fn is_same(outputs: &Path, one: usize, other: usize) -> io::Result<bool> {
    let paths = [one, other].map(|place| outputs.join(place.to_string()));
    Ok(Command::new("cmp").arg("-s").args(paths).status()?.success())
}

/// How many lines of a text exposition are samples.
pub(crate) fn count_samples(path: &Path) -> io::Result<u64> {
    let (mut lines, mut line, mut count) = (BufReader::new(File::open(path)?), Vec::new(), 0);
    while lines.read_until(b'\n', &mut line)? > 0 {
        count += u64::from(line[0] != b'#');
        line.clear();
    }
    Ok(count)
}
