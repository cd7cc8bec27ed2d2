//! `explain` for people: a series, its value, the rule, the entries, and what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::time::SystemTime;

use promproc::directory::InDirectory;
use promproc::explain::{Explanation, Fate, Value, quantile};
use promproc::liveness::{Evidence, Examined, Liveness};
use promproc::merge::Contribution;
use promproc::model::GaugeMode;
use promproc::notation::{go_string, plain, printable, significant, some_of};

use super::json::fate_name;
use crate::console::date;
use crate::console::table::{Column, NOTHING, Table, View, wrapped_at};

/// How much of a series is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Every entry, not only the first of many.
    pub all: bool,
    /// The buckets of each process.
    pub buckets: bool,
}

/// A page at a terminal holds about as many.
const SHOWN_ROWS: usize = 20;
const BAR_WIDTH: f64 = 30.0;

const COLUMNS: &[Column] = &[
    Column::number("VALUE"),
    Column::number("SHARE").gives_way(),
    Column::text("LE"),
    Column::text("FATE"),
    Column::text("LIVENESS"),
    Column::text("SET"),
    Column::text("PID").gives_way(),
    Column::number("OFFSET"),
    Column::text("FILE"),
    Column::text("EVIDENCE"),
];

const BUCKET_COLUMNS: &[Column] = &[
    Column::number("LE"),
    Column::number("CUMULATED"),
    Column::number("COUNT"),
    Column::number("SHARE"),
    Column::text("DISTRIBUTION"),
];

/// Writes one series. `now` is for ages.
///
/// # Errors
/// Those of `out`.
pub(crate) fn write(
    explanation: &Explanation,
    files: &[Examined],
    extent: Extent,
    now: SystemTime,
    view: &View,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Explanation { series, without_dead, remedies, should_be_sum, is_spared, .. } = explanation;
    let style = view.heading;
    let value = match series.value {
        Some(value) => plain(value),
        None if series.buckets.is_empty() => "nobody set it, so it is not exposed".to_owned(),
        None => observations(explanation.total()),
    };
    writeln!(out, "{style}{}{style:#}  {value}", printable(&series.name_and_labels()))?;
    let mode = series.mode.map_or(String::new(), |mode| format!(" {mode}"));
    wrapped(&format!("{}{mode}: {}", series.metric_type, explanation.rule_in_words()), view, out)?;
    if !series.buckets.is_empty() {
        write_histogram(&series.buckets, view, out)?;
    }
    let rows = rows(explanation, files, extent);
    let shown = if extent.all { rows.len() } else { rows.len().min(SHOWN_ROWS) };
    let mut table = Table::new(COLUMNS);
    let directory = |row: &Row| files[row.file].file.directory().path();
    let is_one_directory = rows.windows(2).all(|pair| directory(&pair[0]) == directory(&pair[1]));
    let evidence: Vec<String> = rows[..shown].iter().map(|row| with_age(&files[row.file], now)).collect();
    // What several rows have in common is said once, below.
    let is_shared = |text: &String| evidence.iter().filter(|other| *other == text).count() > 1;
    let mut shared: BTreeMap<&str, (Liveness, usize)> = BTreeMap::new();
    for (row, evidence) in rows[..shown].iter().zip(&evidence) {
        let of = &files[row.file];
        let file = if is_one_directory { of.file.file_name().into() } else { of.file.path() };
        let is_shared = is_shared(evidence);
        if is_shared {
            shared.entry(evidence).or_insert((of.liveness(), 0)).1 += 1;
        }
        let evidence = if is_shared { NOTHING } else { evidence };
        push_row(&mut table, row, of, &file.to_string_lossy(), explanation.total(), evidence);
    }
    table.write(view, out)?;
    for (evidence, (liveness, count)) in shared {
        wrapped(&format!("{count} {liveness}: {evidence}"), view, out)?;
    }
    if shown < rows.len() {
        writeln!(out, "and {} more; --all shows them", rows.len() - shown)?;
    }
    if let Some(without_dead) = without_dead {
        let of = |liveness| rows_of(explanation, files, liveness);
        let without = match without_dead {
            Value::Absent => "not there".to_owned(),
            Value::Number(value) => plain(*value),
            Value::Buckets(buckets) => observations(buckets.iter().map(|(_, count)| count).sum()),
        };
        let (dead, unknown) = (of(Liveness::Dead), of(Liveness::Unknown));
        let doubt = if unknown > 0 { format!(", {unknown} may be") } else { String::new() };
        let theirs = match (dead, dead + unknown + of(Liveness::Live)) {
            (1, 1) => "its one file is theirs".to_owned(),
            (1, all) => format!("1 of its {all} files is theirs{doubt}"),
            (dead, all) if dead == all => format!("all of its {all} files are theirs"),
            (dead, all) => format!("{dead} of its {all} files are theirs{doubt}"),
        };
        writeln!(out, "without dead processes: {without} ({theirs})")?;
    }
    if *should_be_sum {
        let advice =
            "processes count it up and down: use multiprocess_mode='sum', and do not prune its files";
        wrapped(&format!("fix: {advice}"), view, out)?;
    }
    for heirs in heirs_of(explanation, files) {
        wrapped(&heirs, view, out)?;
    }
    if *is_spared && remedies.is_empty() {
        let advice = "another gauge of the directory counts up and down in mode livesum: pruning now breaks its value; \
                      first give it the mode sum (promproc check names it)";
        wrapped(&format!("fix: {advice}"), view, out)?;
    }
    // In other modes a dead process's value is meant.
    let is_stuck = series.mode.is_some_and(|mode| mode.is_live() || mode == GaugeMode::All);
    for remedy in remedies {
        let label = if is_stuck { "fix" } else { "to remove dead processes' values" };
        writeln!(out, "{label}: {}", printable(&remedy.to_string()))?;
    }
    Ok(())
}

/// Which processes went on in the file of an earlier one.
fn heirs_of(explanation: &Explanation, files: &[Examined]) -> BTreeSet<String> {
    let of = explanation.series.contributions.iter().map(|one| &files[one.file]);
    let said = of.filter(|file| file.file.name.mode.is_some()).filter_map(|file| {
        let heirs = some_of(file.heirs()?.iter().map(|heir| format!("pid {heir}")));
        let name = file.file.file_name();
        Some(format!(
            "{heirs} started after {name} was made: a value that it has not set is an earlier process's"
        ))
    });
    said.collect()
}

fn observations(count: f64) -> String {
    format!("{} observation{}", plain(count), if count == 1.0 { "" } else { "s" })
}

/// A line of the table: an entry, or all buckets of one file.
struct Row {
    file: usize,
    offset: Option<u64>,
    bound: Option<f64>,
    value: f64,
    timestamp: Option<f64>,
    fate: Fate,
}

/// What decides first, then what is dead, then by value.
fn rows(explanation: &Explanation, files: &[Examined], extent: Extent) -> Vec<Row> {
    let series = &explanation.series;
    let contributions = series.contributions.iter().zip(&explanation.fates);
    let row = |(one, fate): (&Contribution, &Fate)| Row {
        file: one.file,
        offset: Some(one.offset),
        bound: one.bound,
        value: one.value,
        timestamp: one.timestamp.filter(|seconds| *seconds != 0.0),
        fate: *fate,
    };
    let mut rows: Vec<_> = if series.buckets.is_empty() {
        contributions.map(row).collect()
    } else if extent.buckets {
        let mut rows: Vec<_> = contributions.map(row).filter(|row| row.value != 0.0).collect();
        rows.sort_by_key(|row| row.file);
        return rows;
    } else {
        let mut files: BTreeMap<usize, f64> = BTreeMap::new();
        contributions.for_each(|(one, _)| *files.entry(one.file).or_default() += one.value);
        let row = |(file, value)| Row {
            file,
            offset: None,
            bound: None,
            value,
            timestamp: None,
            fate: Fate::Added,
        };
        files.into_iter().map(row).collect()
    };
    let liveness = |row: &Row| files[row.file].liveness();
    rows.sort_by(|a, b| {
        let rank = |row: &Row| (row.fate != Fate::Decides, liveness(row) != Liveness::Dead);
        rank(a).cmp(&rank(b)).then_with(|| b.value.total_cmp(&a.value))
    });
    rows
}

/// How many files of that liveness a series has entries in.
fn rows_of(explanation: &Explanation, files: &[Examined], liveness: Liveness) -> usize {
    let mut of_series: Vec<_> = explanation.series.contributions.iter().map(|one| one.file).collect();
    of_series.sort_unstable();
    of_series.dedup();
    of_series.into_iter().filter(|file| files[*file].liveness() == liveness).count()
}

fn push_row(table: &mut Table, row: &Row, of: &Examined, file: &str, total: f64, evidence: &str) {
    let or_nothing = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    table.cell(&plain(row.value));
    let share = (row.fate == Fate::Added && total != 0.0).then(|| percent(row.value / total));
    table.cell(&or_nothing(share));
    table.cell(&or_nothing(row.bound.map(go_string)));
    table.cell(if row.fate == Fate::Added { NOTHING } else { fate_name(row.fate) });
    // What was compacted is neither live nor dead.
    table.cell(of.file.name.generation().map_or(of.liveness().as_str(), |_| "compacted"));
    let moment = row.timestamp.and_then(date::from_unix);
    table.cell(&or_nothing(moment.map(|moment| date::age(moment, SystemTime::now()))));
    table.cell(of.file.name.pid());
    table.cell(&or_nothing(row.offset.map(|offset| offset.to_string())));
    table.cell(file);
    table.cell(evidence);
}

/// The evidence, with the age of a process where it names one.
fn with_age(file: &Examined, now: SystemTime) -> String {
    match file.evidence.as_ref().map(Evidence::processes) {
        Some([process]) => format!("{}, started {}", file.reason(), date::age(process.started, now)),
        _ => file.reason(),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn write_histogram(buckets: &[(f64, f64)], view: &View, out: &mut dyn Write) -> io::Result<()> {
    let total: f64 = buckets.iter().map(|(_, count)| count).sum();
    let greatest = buckets.iter().map(|(_, count)| *count).fold(0.0, f64::max);
    let mut table = Table::new(BUCKET_COLUMNS);
    let mut cumulated = 0.0;
    let full = bar_width(buckets, total, view);
    for &(bound, count) in buckets {
        cumulated += count;
        table.cell(&go_string(bound));
        table.cell(&plain(cumulated));
        table.cell(&plain(count));
        table.cell(&if total > 0.0 { percent(count / total) } else { NOTHING.to_owned() });
        table.cell(&bar(count / greatest * full));
    }
    table.write(view, out)?;
    // An estimate does not have seventeen digits.
    let shares = [(0.5, "p50"), (0.9, "p90"), (0.99, "p99")];
    let quantiles =
        shares.map(|(share, name)| format!("{name} {}", plain(significant(quantile(share, buckets), 4))));
    writeln!(out, "estimated quantiles: {}", quantiles.join(", "))
}

/// How wide the longest bar is beside the numbers, so that it does not have to be cut.
fn bar_width(buckets: &[(f64, f64)], total: f64, view: &View) -> f64 {
    let widest = |title: &str, cells: &mut dyn Iterator<Item = usize>| cells.fold(title.len(), usize::max);
    let numbers = widest("LE", &mut buckets.iter().map(|(bound, _)| go_string(*bound).len()))
        + plain(total).len().max("CUMULATED".len())
        + widest("COUNT", &mut buckets.iter().map(|(_, count)| plain(*count).len()))
        + "100.0%".len();
    // Four gaps of two, and the axis.
    let room = view.width.map_or(f64::INFINITY, |width| f64::from(width) - numbers as f64 - 9.0);
    room.clamp(1.0, BAR_WIDTH)
}

/// A bar; the least observation has one.
fn bar(width: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float's cast saturates")]
    let width = width.ceil() as usize;
    // With an axis, so that an empty bar is seen as one.
    format!("|{}", "#".repeat(width))
}

fn wrapped(text: &str, view: &View, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", wrapped_at(0, &printable(text), view))
}
