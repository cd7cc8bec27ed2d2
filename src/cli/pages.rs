//! What a manual page says beyond the clap types: one [`Page`] a command. The help has its examples, too.

use std::fmt::Write;

use clap::builder::{StyledStr, Styles};

use super::for_each_command;

/// The sections of a page that clap knows nothing of.
pub(crate) struct Page {
    /// What it is for, and the command line.
    pub examples: &'static [(&'static str, &'static str)],
    pub exit_status: &'static [(&'static str, &'static str)],
    pub environment: &'static [(&'static str, &'static str)],
    pub files: &'static [(&'static str, &'static str)],
}

/// The page of a command, or of promproc itself.
pub(crate) fn of(command: Option<&str>) -> Option<&'static Page> {
    macro_rules! page_of {
        ($($variant:ident $name:ident $args:ident $page:ident,)+) => {
            match command {
                None => Some(&PROMPROC),
                $(Some(stringify!($name)) => Some(&$page),)+
                Some(_) => None,
            }
        };
    }
    for_each_command!(page_of)
}

/// How many examples `--help` shows, and what it puts before each command.
const SHOWN: usize = 3;
const INDENT: &str = "    ";

/// The first examples of a page, for the end of `--help`.
pub(super) fn examples(command: Option<&str>) -> StyledStr {
    let heading = *Styles::default().get_header();
    let mut text = StyledStr::new();
    let page = of(command);
    let examples = page.map(|page| page.examples).unwrap_or_default();
    let _ = write!(text, "{heading}Examples:{heading:#}");
    for (what, command) in examples.iter().take(SHOWN) {
        let _ = write!(text, "\n  {what}\n{INDENT}{command}");
    }
    text
}

type Term = (&'static str, &'static str);

const DIRECTORY: Term = (
    "PROMETHEUS_MULTIPROC_DIR",
    "The directory to work on if no PATH is given. The Python client itself reads this variable. \
     If it is set but empty, promproc says so and does nothing.",
);
const DEPRECATED_DIRECTORY: Term = (
    "prometheus_multiproc_dir",
    "The old name of that variable, used with a warning if PROMETHEUS_MULTIPROC_DIR is not set.",
);
const NO_COLOR: Term = ("NO_COLOR", "If set and not empty, turns colour off, except with --color=always.");
const ON_DIRECTORIES: &[Term] = &[DIRECTORY, DEPRECATED_DIRECTORY, NO_COLOR];

const METRIC_FILES: Term = (
    "{counter,histogram,summary}_PID.db, gauge_MODE_PID.db",
    "Metric files, written by the Python client in multiprocess mode. PID is usually a process id, \
     but the application may choose any string. Names that begin with a dot are ignored.",
);

const PRINTED: &[Term] = &[
    ("0", "Printed."),
    ("2", "Not printed: the command line is wrong, or standard output cannot be written to."),
];

const PROMPROC: Page = Page {
    examples: &[
        ("Which directories do running services use?", "sudo promproc find"),
        ("What is wrong here?", "promproc check /run/app/metrics"),
        ("Why is this gauge stuck?", "promproc explain inprogress_requests /run/app/metrics"),
        ("What would a scrape give right now?", "promproc merge /run/app/metrics"),
        ("Which file holds which value?", "promproc dump /run/app/metrics"),
        ("Before the service starts:", "promproc clean /run/app/metrics"),
    ],
    exit_status: &[
        ("0", "Done."),
        (
            "1",
            "Done, but something needs attention: for example, a damaged or unreadable file was left out. \
             Warnings on standard error name it.",
        ),
        (
            "2",
            "Not done: the command line is wrong, there is no such directory, the command refused, \
             or the output cannot be written. A message says why, and a hint says what to do.",
        ),
    ],
    environment: ON_DIRECTORIES,
    files: &[METRIC_FILES],
};

const FIND: Page = Page {
    examples: &[
        ("Where are the metrics of this machine?", "sudo promproc find"),
        ("For a program:", "promproc find --format json | jq -r .directory"),
    ],
    exit_status: &[
        ("0", "At least one directory was found."),
        ("1", "None was found, or one of them cannot be read; a warning names it."),
        ("2", "Not done: this is not Linux, /proc cannot be read, or the command line is wrong."),
    ],
    environment: &[NO_COLOR],
    files: &[
        METRIC_FILES,
        (
            "/proc/PID/environ, /proc/PID/fd, /proc/PID/maps",
            "What the environment that a process was started with names, and which metric files it has open. A \
             process that sets the variable itself is only found by its files.",
        ),
    ],
};

const DUMP: Page = Page {
    examples: &[
        ("One line per file:", "promproc dump --files /run/app/metrics"),
        ("One metric of one process:", "promproc dump --name 'http_requests*' --pid 4711 /run/app/metrics"),
        ("For a program:", "promproc dump --format json /run/app/metrics | jq .value"),
    ],
    exit_status: &[
        ("0", "All entries were shown. Empty files and an empty directory are not errors."),
        (
            "1",
            "Shown, but a file, or part of one, is damaged or cannot be read, or a filter matches nothing; warnings \
             say which.",
        ),
        (
            "2",
            "Not done: the command line is wrong, there is no such directory, metric files are only in directories \
             below it and --recursive was not given, or the output cannot be written.",
        ),
    ],
    environment: ON_DIRECTORIES,
    files: &[METRIC_FILES],
};

const MERGE: Page = Page {
    examples: &[
        ("What a scrape gives right now:", "promproc merge /run/app/metrics"),
        ("In an order that suits diff(1):", "promproc merge --sort /run/app/metrics"),
        ("Into a file whose readers never see a part of it:", "promproc merge -o app.prom /run/app/metrics"),
        (
            "For node_exporter's textfile collector, on Debian:",
            "promproc merge -o /var/lib/prometheus/node-exporter/app.prom /run/app/metrics",
        ),
    ],
    exit_status: &[
        ("0", "All files were merged. An empty directory gives an empty exposition."),
        (
            "1",
            "Merged, but a file, or part of one, was left out because it is damaged, foreign or cannot be read, a \
             series was lost to one of another directory, or a filter matches nothing. Warnings say which; \
             otherwise the output is complete.",
        ),
        (
            "2",
            "Nothing was written, and the file of -o is unchanged: the command line is wrong, \
             there is no such directory, metric files are only in directories below it and --recursive was not \
             given, FILE is not a regular file, the output cannot be written or, with --strict, a file would \
             have been left out.",
        ),
    ],
    environment: ON_DIRECTORIES,
    files: &[
        METRIC_FILES,
        (
            ".promproc-tmp-*",
            "What -o writes beside FILE and then renames to FILE. If promproc is killed it stays, until \
             the next merge -o into that directory, prune or clean removes it.",
        ),
    ],
};

const EXPLAIN: Page = Page {
    examples: &[
        ("Why is this gauge stuck?", "promproc explain inprogress_requests /run/app/metrics"),
        (
            "How is the latency of one handler distributed, and in which worker?",
            "promproc explain --buckets 'request_seconds{path=\"/pay\"}' /run/app/metrics",
        ),
        ("For a program:", "promproc explain --format json inprogress_requests /run/app/metrics"),
    ],
    exit_status: &[
        ("0", "Explained."),
        (
            "1",
            "No series matches; hints say why that may be. Or: explained, but a file, or part of one, was \
             left out because it is damaged, foreign or cannot be read; warnings name it.",
        ),
        (
            "2",
            "Not done: the selector or the command line is wrong, there is no such directory, metric files are only \
             in directories below it and --recursive was not given, or the output cannot be written.",
        ),
    ],
    environment: ON_DIRECTORIES,
    files: &[METRIC_FILES, PROC],
};

const CHECK: Page = Page {
    examples: &[
        ("What is wrong here?", "promproc check /run/app/metrics"),
        ("With all details:", "promproc check -v /run/app/metrics"),
        ("Does something remove or reset counters?", "promproc check --watch 60 /run/app/metrics"),
        (
            "From monitoring, only what breaks the scrape:",
            "promproc check -q --fail-on error /run/app/metrics > /dev/null",
        ),
        (
            "For node_exporter's textfile collector, in its directory:",
            "promproc check --fail-on never --format prometheus /run/app/metrics > check.tmp && mv check.tmp check.prom",
        ),
        (
            "For a program:",
            "promproc check --format json /run/app/metrics | jq -r '.findings[].commands[]' | sort -u",
        ),
    ],
    exit_status: &[
        ("0", "Checked, and no finding has the severity of --fail-on or a worse one."),
        ("1", "Checked, and there is such a finding."),
        ("2", "Not done: the command line is wrong, or the directory or a file in it cannot be looked at."),
    ],
    environment: ON_DIRECTORIES,
    files: &[METRIC_FILES, PROC],
};

const PROC: Term = (
    "/proc/PID/fd, /proc/PID/maps",
    "Who has a file open. Only root (CAP_SYS_PTRACE) can see other users' processes, and nobody those \
     of another container.",
);

const PRUNE: Page = Page {
    examples: &[
        ("From cron or a timer, as the service's user:", "promproc prune /run/app/metrics"),
        (
            "From gunicorn's child_exit hook, for the worker that just died:",
            "promproc prune --pid 4711 /run/app/metrics",
        ),
        ("Every directory of a volume, from cron:", "promproc prune -r --if-exists /run/metrics"),
        (
            "See which per-pid series of dead workers would go:",
            "promproc prune --mode all --dry-run /run/app/metrics",
        ),
    ],
    exit_status: &[
        ("0", "Done, or there was nothing to remove. With --if-exists also: there is no such directory."),
        (
            "1",
            "Done, but a file was kept because promproc cannot tell whether its process is dead, or a directory \
             below PATH cannot be read; warnings name it.",
        ),
        (
            "2",
            "Not done, at least in one directory: the command line is wrong, there is no such directory, a file \
             cannot be removed, or no writer can be seen (for example, from another container), so that the \
             writers may only look dead.",
        ),
    ],
    environment: ON_DIRECTORIES,
    files: &[
        (
            "gauge_liveall_PID.db, gauge_livemax_PID.db, gauge_livemin_PID.db, \
             gauge_livemostrecent_PID.db, gauge_livesum_PID.db",
            "What prune removes when the process is dead. Use --mode for other gauges.",
        ),
        (
            "/proc/PID/fd, /proc/PID/maps",
            "Who has a file open, if promproc cannot get a lease on it. Only root (CAP_SYS_PTRACE) can see \
             other users' processes, and nobody those of another container.",
        ),
    ],
};

const COMPACT: Page = Page {
    examples: &[
        ("From cron or a timer, as the service's user:", "promproc compact /run/app/metrics"),
        ("Only once it is worth it:", "promproc compact --min-files 200 /run/app/metrics"),
        ("See what would be folded:", "promproc compact --dry-run /run/app/metrics"),
        ("Where a scrape is under way all the time:", "promproc compact --unquiet /run/app/metrics"),
    ],
    exit_status: &[
        ("0", "Done, or there was nothing to fold. With --if-exists also: there is no such directory."),
        (
            "1",
            "Done in part: something needs attention, for example a damaged file, or it was interrupted between \
             batches.",
        ),
        (
            "2",
            "Not done, at least in one directory, and nothing changed there: the command line is wrong, there is no \
             such directory, no lease can be had on its files, there was no moment without scrapes, or no room.",
        ),
    ],
    environment: ON_DIRECTORIES,
    files: &[
        (
            "{counter,histogram,summary}_compacted-N.db, gauge_MODE_compacted-N.db",
            "Archives: the values of processes that were compacted. N is their generation.",
        ),
        ("counter_promproc-barrier.db", "Makes the Python client's scrapes fail while files change places."),
        (
            ".promproc-N-HASH-NAME, .promproc-fold-N-CLASS.db",
            "Files that wait to be removed, and an archive that is not committed. Leave them to promproc.",
        ),
    ],
};

const CLEAN: Page = Page {
    examples: &[
        ("In a systemd unit:", "ExecStartPre=promproc clean /run/app/metrics"),
        ("See what would be removed:", "promproc clean --dry-run /run/app/metrics"),
    ],
    exit_status: &[
        (
            "0",
            "The directory exists and has no metric files or, with --keep-live, only those that a live \
             process has open. With --if-exists also: there is no such directory.",
        ),
        (
            "1",
            "Done, but --keep-live also kept a file because promproc cannot tell whether a process has it \
             open; warnings name it.",
        ),
        (
            "2",
            "Not done: a live process has one of the files open (the message names it), the command line \
             is wrong, or the directory or a file in it cannot be created, listed or removed.",
        ),
    ],
    environment: ON_DIRECTORIES,
    files: &[METRIC_FILES, (".promproc-*", "What promproc left when it was killed. It is removed as well.")],
};

const TOP: Page = Page {
    examples: &[
        ("Watch a service:", "promproc top /run/app/metrics"),
        (
            "Requests per second of each worker:",
            "promproc top --by pid --name http_requests_total /run/app/metrics",
        ),
        ("Once, for a bug report:", "promproc top --once --by pid /run/app/metrics"),
        (
            "For a program:",
            "promproc top --once --format json --by pid /run/app/metrics | jq -r 'select(.liveness == \"dead\").pid'",
        ),
        ("A minute of rates, in a file:", "promproc top --batch 7 -i 10 /run/app/metrics > rates.txt"),
    ],
    exit_status: &[
        ("0", "You quit with q or Ctrl-C, or everything was printed."),
        (
            "1",
            "--once or --batch printed, but a file was left out or is damaged, a filter matches nothing or, in a \
             round of --batch, the directory was missing; warnings and the rounds say which.",
        ),
        (
            "2",
            "Not done: the command line is wrong, there is no terminal (and neither --once nor --batch), \
             there is no such directory (with --once), or standard output cannot be written to.",
        ),
    ],
    environment: ON_DIRECTORIES,
    files: &[
        METRIC_FILES,
        (
            "/proc/PID/fd, /proc/PID/maps",
            "Which program has a file open; its name is shown beside the process id.",
        ),
    ],
};

const COMPLETIONS: Page = Page {
    examples: &[
        ("In the shell that runs:", "source <(promproc completions bash)"),
        (
            "For all users of bash:",
            "promproc completions bash > /usr/share/bash-completion/completions/promproc",
        ),
    ],
    exit_status: PRINTED,
    environment: &[NO_COLOR],
    files: &[
        ("/usr/share/bash-completion/completions/promproc", "Where bash looks for the script."),
        ("/usr/share/zsh/site-functions/_promproc", "Where zsh looks for it."),
        ("/usr/share/fish/vendor_completions.d/promproc.fish", "Where fish looks for it."),
    ],
};

const MAN: Page = Page {
    examples: &[
        ("Read a page without installing it:", "promproc man merge | man -l -"),
        ("Install a page:", "promproc man merge > /usr/local/share/man/man1/promproc-merge.1"),
    ],
    exit_status: PRINTED,
    environment: &[NO_COLOR],
    files: &[("/usr/local/share/man/man1/", "Where man(1) finds pages.")],
};

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{COMMANDS, Cli};
    use super::*;

    /// The words of the first command of a line; quotes are as in a shell.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quote = None;
        for c in line.chars() {
            match (c, quote) {
                ('|' | '>' | ')', None) => break,
                (' ', None) => words.push(String::new()),
                ('\'', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                (c, _) => words.last_mut().expect("it began with one").push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_example_is_a_command_line() {
        for command in std::iter::once(None).chain(COMMANDS.iter().map(|name| Some(*name))) {
            let page = of(command).expect("every command has a page");
            assert!(page.examples.len() >= 2, "{command:?}");
            for (what, line) in page.examples {
                assert!(what.ends_with([':', '?']), "{what}");
                let start = line.find("promproc").expect("an example has promproc");
                let parsed = Cli::try_parse_from(words(&line[start..]));
                assert!(parsed.is_ok(), "{line}: {parsed:?}");
                assert!(
                    command.is_none_or(|command| line.contains(&format!("promproc {command}"))),
                    "{line}"
                );
            }
            // A command that the help wraps cannot be pasted.
            for (_, line) in page.examples.iter().take(SHOWN) {
                assert!(INDENT.len() + line.len() <= 80, "{line}");
            }
        }
    }
}
