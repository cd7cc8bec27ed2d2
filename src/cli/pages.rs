//! What a manual page says beyond the clap types: one [`Page`] a command.

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

type Term = (&'static str, &'static str);

const DIRECTORY: Term = (
    "PROMETHEUS_MULTIPROC_DIR",
    "The directory to work on where no PATH is given: the variable that the Python client itself \
     reads. If it is set, but empty, promproc says so and does nothing.",
);
const DEPRECATED_DIRECTORY: Term = (
    "prometheus_multiproc_dir",
    "Its old name, taken with a warning where PROMETHEUS_MULTIPROC_DIR is not set.",
);
const NO_COLOR: Term =
    ("NO_COLOR", "If it is set and not empty, nothing is coloured unless --color=always says so.");
const ON_DIRECTORIES: &[Term] = &[DIRECTORY, DEPRECATED_DIRECTORY, NO_COLOR];

const METRIC_FILES: Term = (
    "{counter,histogram,summary}_PID.db, gauge_MODE_PID.db",
    "Metric files, written by the Python client in multiprocess mode. PID is mostly a process id, \
     but the application may give any other string. Names that begin with a dot are not seen.",
);

const PRINTED: &[Term] = &[
    ("0", "Printed."),
    ("2", "Not printed: the command line is wrong, or standard output cannot be written to."),
];

const PROMPROC: Page = Page {
    examples: &[
        ("Which directories do running services use?", "sudo promproc find"),
        ("What would a scrape give right now?", "promproc merge /run/app/metrics"),
        ("Which file holds which value?", "promproc dump /run/app/metrics"),
        ("Before the service starts:", "promproc clean /run/app/metrics"),
    ],
    exit_status: &[
        ("0", "Done."),
        (
            "1",
            "Done, but something needs attention: a damaged or unreadable file was left out, say. \
             Warnings on standard error name it.",
        ),
        (
            "2",
            "Not done: the command line is wrong, there is no such directory, the command refused, \
             or the output cannot be written. A message says why, and a hint what to do.",
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
        ("One line a file:", "promproc dump --files /run/app/metrics"),
        ("One metric of one process:", "promproc dump --name 'http_requests*' --pid 4711 /run/app/metrics"),
        ("For a program:", "promproc dump --format json /run/app/metrics | jq .value"),
    ],
    exit_status: &[
        ("0", "All entries were shown. Empty files and an empty directory are no error."),
        ("1", "Shown, but a file, or a part of one, is damaged or cannot be read; warnings name it."),
        (
            "2",
            "Not done: the command line is wrong, there is no such directory, or the output cannot \
             be written.",
        ),
    ],
    environment: ON_DIRECTORIES,
    files: &[METRIC_FILES],
};

const MERGE: Page = Page {
    examples: &[
        ("What a scrape gives right now:", "promproc merge /run/app/metrics"),
        (
            "For node_exporter's textfile collector:",
            "promproc merge -o /var/lib/node_exporter/app.prom /run/app/metrics",
        ),
        ("In an order that suits diff(1):", "promproc merge --sort /run/app/metrics"),
    ],
    exit_status: &[
        ("0", "All files were merged. An empty directory gives an empty exposition."),
        (
            "1",
            "Merged, but a file, or a part of one, was left out because it is damaged, foreign or \
             cannot be read; warnings name it. The output is complete otherwise.",
        ),
        (
            "2",
            "Nothing was written, and the file of -o is the old one: the command line is wrong, \
             there is no such directory, FILE is a link or no regular file, the output cannot be written \
             or, with --strict, a file would have been left out.",
        ),
    ],
    environment: ON_DIRECTORIES,
    files: &[
        METRIC_FILES,
        (
            ".promproc-tmp-*",
            "What -o writes, beside FILE, before it is renamed over FILE. Where promproc was killed it \
             is left behind, and the next merge -o into that directory removes it, as prune and clean do.",
        ),
    ],
};

const EXPLAIN: Page = Page {
    examples: &[
        ("Why is this gauge stuck?", "promproc explain inprogress_requests /run/app/metrics"),
        (
            "How is the latency of one handler distributed, and in which worker?",
            "promproc explain --buckets 'request_seconds{handler=\"/pay\"}' /run/app/metrics",
        ),
        (
            "For a program:",
            "promproc explain --format json inprogress_requests /run/app/metrics | jq .value_without_dead",
        ),
    ],
    exit_status: &[
        ("0", "Explained."),
        (
            "1",
            "No series matches; names that are like the one asked for are on standard error. Or: explained, \
             but a file, or a part of one, was left out because it is damaged, foreign or cannot be read; \
             warnings name it.",
        ),
        (
            "2",
            "Not done: the selector or the command line is wrong, there is no such directory, or the output \
             cannot be written.",
        ),
    ],
    environment: ON_DIRECTORIES,
    files: &[METRIC_FILES, PROC],
};

const CHECK: Page = Page {
    examples: &[
        ("What is wrong here?", "promproc check /run/app/metrics"),
        ("With everything that may be worth knowing:", "promproc check -v /run/app/metrics"),
        ("Does something remove or reset counters?", "promproc check --watch 60 /run/app/metrics"),
        (
            "In monitoring, for what breaks the scrape:",
            "promproc check -q --fail-on error /run/app/metrics > /dev/null",
        ),
        (
            "For a program:",
            "promproc check --format json /run/app/metrics | jq -r '.findings[].commands[]' | sort -u",
        ),
    ],
    exit_status: &[
        ("0", "Checked; there is no finding of the severity of --fail-on, nor a worse one."),
        ("1", "Checked, and there is one."),
        ("2", "Not done: the command line is wrong, or the directory or a file in it cannot be looked at."),
    ],
    environment: ON_DIRECTORIES,
    files: &[METRIC_FILES, PROC],
};

const PROC: Term = (
    "/proc/PID/fd, /proc/PID/maps",
    "Who has a file open. Other users' processes can only be seen by root (CAP_SYS_PTRACE), and those \
     of another container not at all.",
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
            "Take out the per-pid series of dead workers as well:",
            "promproc prune --mode all --dry-run /run/app/metrics",
        ),
    ],
    exit_status: &[
        ("0", "Done, and it is also done where there was nothing to remove."),
        (
            "1",
            "Done, but a file was kept because it cannot be told whether its process is dead, or a directory \
             below PATH cannot be looked at; warnings name it.",
        ),
        (
            "2",
            "Not done, in one of the directories at least: the command line is wrong, there is no such \
             directory, a file cannot be removed, or none of the writers can be seen, as from another \
             container, so that they may only seem to be dead.",
        ),
    ],
    environment: ON_DIRECTORIES,
    files: &[
        (
            "gauge_liveall_PID.db, gauge_livemax_PID.db, gauge_livemin_PID.db, \
             gauge_livemostrecent_PID.db, gauge_livesum_PID.db",
            "What is removed of a dead process; --mode chooses other gauges.",
        ),
        (
            "/proc/PID/fd, /proc/PID/maps",
            "Who has a file open, where no lease on it can be had. Other users' processes can only \
             be seen by root (CAP_SYS_PTRACE), and those of another container not at all.",
        ),
    ],
};

const CLEAN: Page = Page {
    examples: &[
        ("In a systemd unit:", "ExecStartPre=promproc clean /run/app/metrics"),
        ("See what would go:", "promproc clean --dry-run /run/app/metrics"),
    ],
    exit_status: &[
        (
            "0",
            "The directory is there, and no metric file is in it, or with --keep-live only those that a \
             live process has open. With --if-exists also: there is no such directory.",
        ),
        (
            "1",
            "Done, but --keep-live also kept a file of which it cannot be told whether a process has it \
             open; warnings name it.",
        ),
        (
            "2",
            "Not done: a live process has one of the files open (the message names it), the command line \
             is wrong, or the directory or a file in it cannot be created, listed or removed.",
        ),
    ],
    environment: ON_DIRECTORIES,
    files: &[
        METRIC_FILES,
        (".promproc-*", "What promproc itself left behind where it was killed; removed as well."),
    ],
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
        ("0", "Quit with q or Ctrl-C, or all that was asked for was printed."),
        (
            "1",
            "Printed by --once or --batch, but a file was left out or is damaged, or, in a round of --batch, \
             there was no such directory; warnings and the rounds name it.",
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
            "Whose command is shown beside a process id: who has its files open.",
        ),
    ],
};

const COMPLETIONS: Page = Page {
    examples: &[("Into the shell that runs:", "source <(promproc completions bash)")],
    exit_status: PRINTED,
    environment: &[NO_COLOR],
    files: &[
        ("/usr/share/bash-completion/completions/promproc", "Where bash looks for the script."),
        ("/usr/share/zsh/site-functions/_promproc", "Where zsh does."),
        ("/usr/share/fish/vendor_completions.d/promproc.fish", "Where fish does."),
    ],
};

const MAN: Page = Page {
    examples: &[("Read a page without installing it:", "promproc man merge | man -l -")],
    exit_status: PRINTED,
    environment: &[NO_COLOR],
    files: &[("/usr/local/share/man/man1/", "Where man(1) finds pages.")],
};
