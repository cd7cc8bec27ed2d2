//! `promproc check`: what is wrong with a directory.

mod json;
mod table;

use std::env;
use std::io::Write;
use std::thread;

use promproc::check::{Checked, Counts, Finding, Severity, check};

use crate::cli::{CheckArgs, Format};
use crate::commands::{DIRECTORY_VARIABLE, Outcome, hinted, input_paths};
use crate::console::Console;
use crate::console::json_lines::write_line;
use json::ReportObject;
use table::{write_findings, write_growth, write_summary};

pub(crate) fn run(args: &CheckArgs, console: &Console) -> anyhow::Result<Outcome> {
    let variable_is_empty = env::var_os(DIRECTORY_VARIABLE).is_some_and(|value| value.is_empty());
    // That is a finding, and all there is to find where no path is given.
    let paths = if variable_is_empty && args.input.paths.is_empty() {
        Vec::new()
    } else {
        match input_paths(&args.input, console)? {
            Some(paths) => paths,
            None => return Ok(Outcome::Done),
        }
    };
    let recursive = args.input.recursive;
    let before = args.watch.map(|watch| {
        let before = Counts::read(&paths, recursive)?;
        console.info(format_args!("looked once; looking again in {} s", watch.as_secs_f64()));
        thread::sleep(watch);
        Ok(before)
    });
    let mut checked = Checked::default();
    checked.before = before.transpose().map_err(hinted)?;
    checked.paths = paths;
    checked.recursive = recursive;
    checked.variable_is_empty = variable_is_empty;
    let report = check(&checked).map_err(hinted)?;
    let fail_on = args.fail_on;
    let findings: Vec<&Finding> =
        report.findings.iter().filter(|finding| !args.ignore.contains(&finding.code)).collect();
    match args.format {
        Format::Json => {
            let mut line = Vec::new();
            write_line(&ReportObject::new(&report, &findings), &mut line)?;
            let mut out = console.data();
            out.write_all(&line)?;
            out.flush()?;
        }
        Format::Table => {
            let (mut out, view) = (console.out(), console.view());
            // A healthy service is to be silent, and infos are about healthy ones, too.
            let least = if console.is_verbose() { Severity::Info } else { Severity::Warning.min(fail_on) };
            let shown: Vec<_> =
                findings.iter().copied().filter(|finding| finding.severity >= least).collect();
            write_findings(&shown, &view, &mut out)?;
            if console.is_verbose() {
                write_growth(&report.growth, &view, &mut out)?;
            }
            write_summary(&report, &findings, findings.len() - shown.len(), &view, &mut out)?;
            out.flush()?;
        }
    }
    let fails = findings.iter().any(|finding| finding.severity >= fail_on);
    Ok(if fails { Outcome::NeedsAttention } else { Outcome::Done })
}
