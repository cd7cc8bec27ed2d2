//! `promproc check`: what is wrong with a directory.

mod json;
mod prometheus;
mod table;

use std::io::Write;
use std::thread;

use promproc::check::{Checked, Counts, Finding, Severity, check};

use crate::cli::{CheckArgs, CheckFormat};
use crate::commands::{Outcome, hinted, input_paths};
use crate::console::Console;
use crate::console::json_lines::write_line;
use json::ReportObject;
use table::{write_findings, write_growth, write_summary};

pub(crate) fn run(args: &CheckArgs, console: &Console) -> anyhow::Result<Outcome> {
    let Some(paths) = input_paths(&args.input, console)? else {
        return Ok(Outcome::Done);
    };
    let mut checked = Checked::default();
    checked.paths = paths;
    checked.recursive = args.input.recursive;
    checked.directory_label.clone_from(&args.input.directory_label);
    let before = args.watch.map(|watch| {
        let before = Counts::read(&checked)?;
        console.info(format_args!("looked once; looking again in {} s", watch.as_secs_f64()));
        thread::sleep(watch);
        Ok(before)
    });
    checked.before = before.transpose().map_err(hinted)?;
    let report = check(&checked).map_err(hinted)?;
    let findings: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| !args.ignore.iter().any(|codes| codes.has(finding.code)))
        .collect();
    match args.format {
        CheckFormat::Prometheus => console.write_data(|out| prometheus::write(&report, &findings, out))?,
        CheckFormat::Json => {
            let mut line = Vec::new();
            write_line(&ReportObject::new(&report, &findings), &mut line)?;
            let mut out = console.data();
            out.write_all(&line)?;
            out.flush()?;
        }
        CheckFormat::Table => {
            let (mut out, view) = (console.out(), console.view());
            // A healthy service is to be silent, and infos are about healthy ones, too.
            let is_shown = |finding: &&Finding| {
                console.is_verbose()
                    || finding.severity >= Severity::Warning
                    || args.fail_on.is_met(finding.severity)
            };
            let shown: Vec<_> = findings.iter().copied().filter(is_shown).collect();
            write_findings(&shown, console.is_verbose(), &view, &mut out)?;
            if console.is_verbose() {
                write_growth(&report.growth, &view, &mut out)?;
            }
            if !console.is_quiet() {
                let hidden = findings.len() - shown.len();
                write_summary(&checked.paths, &report, &findings, hidden, &view, &mut out)?;
            }
            out.flush()?;
        }
    }
    let fails = findings.iter().any(|finding| args.fail_on.is_met(finding.severity));
    Ok(if fails { Outcome::NeedsAttention } else { Outcome::Done })
}
