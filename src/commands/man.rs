//! `promproc man`: manual pages, made of the clap types and of what clap cannot know (`pages`).

use std::io::{self, Write};

use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};
use promproc::check::Code;

use crate::cli::pages::{self, Page};
use crate::cli::{Cli, ManArgs};
use crate::commands::Outcome;
use crate::console::Console;

pub(crate) fn run(args: &ManArgs, console: &Console) -> anyhow::Result<Outcome> {
    let text = page(args.command.as_deref())?;
    console.write_data(|out| out.write_all(&text))?;
    Ok(Outcome::Done)
}

/// The page of a command, or of promproc itself, in roff.
fn page(name: Option<&str>) -> anyhow::Result<Vec<u8>> {
    let mut promproc = Cli::command().subcommand_help_heading("COMMANDS");
    promproc.build();
    // `help` is clap's own; it has no page.
    promproc = promproc.mut_subcommand("help", |help| help.hide(true));
    let mut others: Vec<_> = promproc.get_subcommands().filter(|c| !c.is_hide_set()).map(page_name).collect();
    others.insert(0, page_name(&promproc));
    let command = match name {
        Some(name) => promproc.find_subcommand(name).context("there is no such command")?.clone(),
        None => promproc,
    };
    others.retain(|other| *other != page_name(&command));
    let page = pages::of(name).context("the command has no page")?;

    let mut text = Vec::new();
    render(command, page, &mut text)?;
    let mut roff = Roff::new();
    if name == Some("check") {
        findings(&mut roff);
    }
    exit_status(page, &mut roff);
    definitions("ENVIRONMENT", page.environment, &mut roff);
    definitions("FILES", page.files, &mut roff);
    see_also(&others, &mut roff);
    roff.to_writer(&mut text)?;
    Ok(text)
}

/// The sections that clap knows.
fn render(command: Command, page: &Page, text: &mut Vec<u8>) -> io::Result<()> {
    let mut command = command;
    // The usage line of the help: clap_mangen's own lists every option a second time.
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned();
    let has_commands = command.has_subcommands();
    // Not clap_mangen's, which loses the empty date and so shifts what follows it. Names of variables
    // and command lines are there to be copied: no hyphens (.nh), no stretched spaces (.ad l).
    let version = env!("CARGO_PKG_VERSION");
    writeln!(text, ".TH {} 1 \"\" \"promproc {version}\"\n.nh\n.ad l", page_name(&command))?;
    let man = Man::new(command.override_usage(usage));
    man.render_name_section(text)?;
    man.render_synopsis_section(text)?;
    man.render_description_section(text)?;
    if has_commands {
        man.render_subcommands_section(text)?;
    }
    man.render_options_section(text)?;
    if !page.examples.is_empty() {
        let mut roff = Roff::new();
        roff.control("SH", ["EXAMPLES"]);
        for (what, command) in page.examples {
            roff.control("TP", []);
            roff.text([roman(*what)]);
            roff.text([bold(*command)]);
        }
        roff.to_writer(text)?;
    }
    Ok(())
}

/// One paragraph a code.
fn findings(roff: &mut Roff) {
    roff.control("SH", ["FINDINGS"]);
    for code in Code::ALL {
        roff.control("TP", []);
        roff.text([bold(code.as_str()), roman(format!(" ({})", code.severity()))]);
        roff.text([roman(code.explanation().trim())]);
    }
}

fn exit_status(page: &Page, roff: &mut Roff) {
    roff.control("SH", ["EXIT STATUS"]);
    for (status, meaning) in page.exit_status {
        roff.control("TP", []);
        roff.text([bold(*status)]);
        roff.text([roman(*meaning)]);
    }
    roff.control("PP", []);
    roff.text([roman("If the reader closes the pipe early, as head(1) does, that is not an error.")]);
}

fn definitions(heading: &str, terms: &[(&str, &str)], roff: &mut Roff) {
    roff.control("SH", [heading]);
    for (term, meaning) in terms {
        roff.control("TP", []);
        roff.text([italic(*term)]);
        roff.text([roman(*meaning)]);
    }
}

fn see_also(others: &[String], roff: &mut Roff) {
    roff.control("SH", ["SEE ALSO"]);
    let mut line = Vec::new();
    for name in others {
        if !line.is_empty() {
            line.push(roman(", "));
        }
        line.extend([bold(name), roman("(1)")]);
    }
    roff.text(line);
}

fn page_name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}
