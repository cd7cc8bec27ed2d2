//! Standard output and standard error: what may be said, in which colour, how wide.

pub(crate) mod date;
pub(crate) mod elide;
pub(crate) mod json_lines;
pub(crate) mod table;

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use promproc::notation::printable;

use crate::cli::{ColorWhen, Global};
use table::View;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();

/// As much as a pipe holds.
const BUFFER_BYTES: usize = 64 << 10;

/// Where a command's data and messages go.
#[derive(Debug)]
pub(crate) struct Console {
    quiet: bool,
    verbose: bool,
    color: ColorChoice,
}

/// Standard output, whose errors say that they are its.
struct StandardOutput<W>(W);

impl<W: Write> Write for StandardOutput<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(of_standard_output)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(of_standard_output)
    }
}

fn of_standard_output(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("standard output: {error}"))
}

impl Console {
    pub(crate) fn new(global: &Global) -> Self {
        let color = match global.color {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
        };
        Self { quiet: global.quiet, verbose: global.verbose, color }
    }

    /// Whether more is to be said than what needs attention.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Whether nothing is to be said but data, findings and errors.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Standard output for data made by promproc itself, such as tables; colour is taken out
    /// where it is not wanted.
    pub(crate) fn out(&self) -> impl Write + use<> {
        let stdout = StandardOutput(AutoStream::new(io::stdout(), self.color).lock());
        io::BufWriter::with_capacity(BUFFER_BYTES, stdout)
    }

    /// Standard output for data that holds nothing but text and line ends, on a terminal as well.
    pub(crate) fn data(&self) -> impl Write + use<> {
        io::BufWriter::with_capacity(BUFFER_BYTES, StandardOutput(io::stdout().lock()))
    }

    /// The terminal's width in columns, if standard output is a terminal.
    pub(crate) fn width(&self) -> Option<u16> {
        let stdout = io::stdout();
        let width = stdout.is_terminal().then(|| terminal_size::terminal_size_of(&stdout))??;
        Some(width.0.0)
    }

    /// How standard output shows a table that is written to [`Console::out`].
    pub(crate) fn view(&self) -> View {
        View { width: self.width(), heading: Style::new().bold() }
    }

    /// Whether standard output is to be coloured.
    pub(crate) fn has_color(&self) -> bool {
        match self.color {
            ColorChoice::Auto => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            color => color != ColorChoice::Never,
        }
    }

    /// Sends what `write` writes to standard output as it is; on a terminal, control characters in
    /// it (other people's label values) are made visible instead of obeyed.
    pub(crate) fn write_data(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        self.write_data_to(io::stdout().lock(), write).map_err(of_standard_output)
    }

    /// The same, to something else that is open.
    pub(crate) fn write_data_to(
        &self,
        mut target: impl Write + IsTerminal,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        if !target.is_terminal() {
            let mut out = io::BufWriter::with_capacity(BUFFER_BYTES, target);
            write(&mut out)?;
            return out.flush();
        }
        let mut data = Vec::new();
        write(&mut data)?;
        for line in String::from_utf8_lossy(&data).split_inclusive('\n') {
            let text = line.trim_end_matches('\n');
            target.write_all(printable(text).as_bytes())?;
            target.write_all(&line.as_bytes()[text.len()..])?;
        }
        target.flush()
    }

    pub(crate) fn error(&self, message: impl Display) {
        self.say(ERROR, "error", &message.to_string());
    }

    pub(crate) fn warning(&self, message: impl Display) {
        if !self.quiet {
            self.say(WARNING, "warning", &message.to_string());
        }
    }

    /// What is being done, for `--verbose`.
    pub(crate) fn info(&self, message: impl Display) {
        if self.verbose {
            self.say(Style::new(), "info", &message.to_string());
        }
    }

    /// Lines, such as a table's, that belong to an error; they are printable already.
    pub(crate) fn details(&self, lines: &str) {
        self.write_stderr(lines);
    }

    /// What to do about what was said last; nothing is said where nobody wants to hear more than errors.
    pub(crate) fn hint(&self, message: impl Display) {
        if self.quiet {
            return;
        }
        let text = message.to_string();
        self.write_stderr(&format!("{HINT}hint{HINT:#}: {}\n", printable(&text)));
    }

    fn say(&self, style: Style, level: &str, message: &str) {
        self.write_stderr(&format!("promproc: {style}{level}{style:#}: {}\n", printable(message)));
    }

    fn write_stderr(&self, text: &str) {
        // Nobody is left to tell when standard error is gone.
        let _ = AutoStream::new(io::stderr(), self.color).write_all(text.as_bytes());
    }
}
