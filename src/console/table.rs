//! Tables for people, in the style of `ps`: a row of titles, columns two spaces apart, nothing
//! else. In a pipe every column stands in full; on a terminal the table fits its width.

use std::borrow::Cow;
use std::io::{self, Write};

use anstyle::Style;
use comfy_table::{CellAlignment, ColumnConstraint, Width};
use promproc::notation::printable;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::elide::elided;

/// How a table is seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct View {
    /// The terminal's width in columns; `None` where there is no terminal.
    pub width: Option<u16>,
    /// The style of titles.
    pub heading: Style,
}

/// A column of a [`Table`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    is_number: bool,
    gives_way: bool,
}

impl Column {
    /// A column of text, left-aligned.
    pub(crate) const fn text(title: &'static str) -> Self {
        Self { title, is_number: false, gives_way: false }
    }

    /// A column of numbers, right-aligned.
    pub(crate) const fn number(title: &'static str) -> Self {
        Self { title, is_number: true, gives_way: false }
    }

    /// A column that a terminal too narrow for the table does without, because another says the
    /// same less well.
    pub(crate) const fn gives_way(self) -> Self {
        Self { gives_way: true, ..self }
    }
}

/// What a cell without a value shows.
pub(crate) const NOTHING: &str = "-";
/// comfy-table takes much memory for a cell.
const ROWS_AT_ONCE: usize = 256;
/// Columns stand this far apart.
const GAP_WIDTH: u16 = 2;
/// The last column gets so much, if it needs it, at the expense of other texts.
const LEAST_WIDTH: usize = 20;
/// Another column of text is not squeezed into less; the terminal may break such lines as it likes.
const LEAST_TEXT_WIDTH: usize = 12;

/// Rows of cells. Every cell is made [`printable`]. The last column holds what may be long: it is
/// not padded, and on a terminal it is cut to its room, so that a row is a line.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: &'static [Column],
    /// All cells, row by row, and where each of them ends.
    text: String,
    ends: Vec<usize>,
    widths: Vec<usize>,
    has_value: Vec<bool>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(columns: &'static [Column]) -> Self {
        let widths = columns.iter().map(|column| column.title.len()).collect();
        Self { columns, text: String::new(), ends: Vec::new(), widths, has_value: vec![false; columns.len()] }
    }

    /// Removes all rows, for the next table of the same columns.
    pub(crate) fn clear(&mut self) {
        let mut empty = Self::new(self.columns);
        (empty.text, empty.ends) = (std::mem::take(&mut self.text), std::mem::take(&mut self.ends));
        empty.text.clear();
        empty.ends.clear();
        *self = empty;
    }

    /// Adds the next cell of a row; after the last one, the next row begins.
    pub(crate) fn cell(&mut self, text: &str) {
        let column = self.ends.len() % self.columns.len();
        let shown = printable(text);
        self.widths[column] = self.widths[column].max(width(&shown));
        self.has_value[column] |= shown != NOTHING;
        self.text.push_str(&shown);
        self.ends.push(self.text.len());
    }

    /// Writes the table; nothing if it has no rows.
    ///
    /// # Errors
    /// Those of `out`.
    pub(crate) fn write(&self, view: &View, out: &mut dyn Write) -> io::Result<()> {
        if self.ends.is_empty() {
            return Ok(());
        }
        let shown = self.shown_columns(view);
        let Some((&last, leading)) = shown.split_last() else {
            return Ok(());
        };
        let fitted = self.fitted(leading, last, view);
        let titles = [leading.iter().map(|&column| self.columns[column].title)];
        let titles = self.aligned(leading, &fitted, titles);
        let titles = titles.first().map_or("", String::as_str);
        let style = view.heading;
        writeln!(out, "{style}{titles}{}{style:#}", self.columns[last].title)?;
        for first_row in (0..self.rows()).step_by(ROWS_AT_ONCE) {
            let rows = first_row..self.rows().min(first_row + ROWS_AT_ONCE);
            let fitted = &fitted;
            let text_of = move |row: usize, column: usize| match &fitted[column].cells {
                Some(cells) => &*cells[row],
                None => self.text_of(row, column),
            };
            let cells = rows.clone().map(|row| leading.iter().map(move |&column| text_of(row, column)));
            for (row, line) in rows.zip(self.aligned(leading, fitted, cells)) {
                writeln!(out, "{line}{}", text_of(row, last))?;
            }
        }
        Ok(())
    }

    /// All columns, these of them as the view has room for them.
    fn fitted(&self, leading: &[usize], last: usize, view: &View) -> Vec<Fitted<'_>> {
        let mut fitted: Vec<_> = self.widths.iter().map(|&width| Fitted { width, cells: None }).collect();
        let Some(room) = view.width.map(usize::from) else {
            return fitted;
        };
        let gap = usize::from(GAP_WIDTH);
        let indent = |fitted: &[Fitted<'_>]| leading.iter().map(|&at| fitted[at].width + gap).sum::<usize>();
        let least = self.widths[last].min(LEAST_WIDTH);
        while indent(&fitted) + least > room
            && let Some(&widest) = leading
                .iter()
                .filter(|&&at| !self.columns[at].is_number && fitted[at].width > LEAST_TEXT_WIDTH)
                .max_by_key(|&&at| fitted[at].width)
        {
            let excess = indent(&fitted) + least - room;
            fitted[widest].width = fitted[widest].width.saturating_sub(excess).max(LEAST_TEXT_WIDTH);
        }
        fitted[last].width = room.saturating_sub(indent(&fitted)).max(LEAST_TEXT_WIDTH);
        for &at in leading.iter().chain([&last]) {
            if fitted[at].width < self.widths[at] {
                let cells: Vec<_> = (0..self.rows()).map(|row| self.text_of(row, at)).collect();
                fitted[at].cells = Some(elided(&cells, fitted[at].width));
            }
        }
        fitted
    }

    /// Rows of these columns as lines, padded to the widths of the whole table.
    ///
    /// The last column is none of them: comfy-table counts widths in 16 bits, and drops the
    /// character at which it wraps.
    fn aligned<'a, R>(
        &self,
        columns: &[usize],
        fitted: &[Fitted<'_>],
        rows: impl IntoIterator<Item = R>,
    ) -> Vec<String>
    where
        R: IntoIterator<Item = &'a str>,
    {
        // Of no column comfy-table makes no line.
        if columns.is_empty() {
            return rows.into_iter().map(|_| String::new()).collect();
        }
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.add_rows(rows.into_iter().map(|row| comfy_table::Row::from(row)));
        for (column, &shown) in table.column_iter_mut().zip(columns) {
            let width = u16::try_from(fitted[shown].width).unwrap_or(u16::MAX);
            column.set_padding((0, GAP_WIDTH));
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width.saturating_add(GAP_WIDTH))));
            if self.columns[shown].is_number {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.lines().collect()
    }

    fn rows(&self) -> usize {
        self.ends.len() / self.columns.len()
    }

    fn text_of(&self, row: usize, column: usize) -> &str {
        let cell = row * self.columns.len() + column;
        let start = cell.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[cell]]
    }

    /// All columns in a pipe, so that a script finds them. On a terminal those with a value, and of
    /// the ones that give way as many as there is room for.
    fn shown_columns(&self, view: &View) -> Vec<usize> {
        let last = self.columns.len() - 1;
        let Some(room) = view.width else {
            return (0..=last).collect();
        };
        let mut shown: Vec<_> =
            (0..=last).filter(|&column| column == last || self.has_value[column]).collect();
        let gap = usize::from(GAP_WIDTH);
        let wanted = |shown: &[usize]| shown.iter().map(|&c| self.widths[c] + gap).sum::<usize>() - gap;
        while wanted(&shown) > usize::from(room)
            && let Some(at) = shown.iter().rposition(|&column| self.columns[column].gives_way)
        {
            shown.remove(at);
        }
        shown
    }
}

/// A column as it is seen.
struct Fitted<'t> {
    width: usize,
    /// Its cells, where some are cut.
    cells: Option<Vec<Cow<'t, str>>>,
}

fn width(text: &str) -> usize {
    // The same for ASCII, which nearly all cells are, without looking up each character.
    if text.is_ascii() { text.len() } else { text.width() }
}

/// Appends `text`, in lines that begin at column `indent` and fit the width.
fn push_wrapped(line: &mut String, mut text: &str, indent: usize, full_width: Option<u16>) {
    let room = full_width.map(|full| usize::from(full).saturating_sub(indent));
    if let Some(room @ LEAST_WIDTH..) = room {
        while width(text) > room {
            let (head, tail) = text.split_at(break_at(text, room));
            line.push_str(head.trim_end());
            line.push('\n');
            line.extend(std::iter::repeat_n(' ', indent));
            text = tail;
        }
    }
    line.push_str(text);
}

/// A text that begins at column `indent`, in lines that begin there and fit the width.
pub(crate) fn wrapped_at(indent: usize, text: &str, view: &View) -> String {
    let mut lines = String::new();
    push_wrapped(&mut lines, text, indent, view.width);
    lines
}

/// Where to break a text that is wider than `room`: behind the last comma or space that fits, if
/// that leaves no more than half of the line empty, else anywhere but before a combining character.
fn break_at(text: &str, room: usize) -> usize {
    let mut nice = None;
    let mut anywhere = text.len();
    for (at, c) in text.char_indices().skip(1) {
        if c.width() == Some(0) {
            continue;
        }
        let so_far = width(&text[..at]);
        if so_far > room {
            break;
        }
        anywhere = at;
        if so_far * 2 >= room && text[..at].ends_with([',', ' ']) {
            nice = Some(at);
        }
    }
    nice.unwrap_or(anywhere)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column::number("VALUE"),
        Column::text("DATE").gives_way(),
        Column::text("KIND"),
        Column::text("SAMPLE"),
    ];

    fn shown(rows: &[[&str; 4]], width: Option<u16>) -> String {
        let mut table = Table::new(COLUMNS);
        rows.iter().flatten().for_each(|cell| table.cell(cell));
        let mut out = Vec::new();
        table.write(&View { width, ..View::default() }, &mut out).expect("a table");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn a_pipe_gets_every_column_in_full() {
        let long = r#"requests_total{method="GET",path="/a/rather/long/path",status="200"}"#;
        assert_eq!(
            shown(&[["1.0", "-", "counter", long], ["12.5", "-", "gauge", "g"]], None),
            format!("VALUE  DATE  KIND     SAMPLE\n  1.0  -     counter  {long}\n 12.5  -     gauge    g\n")
        );
    }

    #[test]
    fn a_terminal_gets_columns_with_values_and_lines_that_fit() {
        let long = r#"requests_total{method="GET",path="/a/rather/long/path",status="200"}"#;
        let narrow = "\
VALUE  KIND     SAMPLE
  1.0  counter  requests_total{…,status=\"200\"}
";
        assert_eq!(shown(&[["1.0", "-", "counter", long]], Some(46)), narrow);
        assert_eq!(shown(&[["1.0", "2026-11-23", "counter", long]], Some(46)), narrow, "DATE gives way");
        let wide = shown(&[["1.0", "2026-11-23", "counter", long]], Some(120));
        assert_eq!(wide.lines().nth(1), Some(format!("  1.0  2026-11-23  counter  {long}").as_str()));
    }

    #[test]
    fn a_pipe_gets_the_longest_cell_in_full() {
        let long = "x".repeat(200_000);
        let table = shown(&[["1.0", "-", "counter", &long], ["2.0", "-", "counter", "y"]], None);
        assert_eq!(
            table,
            format!("VALUE  DATE  KIND     SAMPLE\n  1.0  -     counter  {long}\n  2.0  -     counter  y\n")
        );
    }

    #[test]
    fn wide_and_combining_characters_line_up() {
        let rows = [["1.0", "-", "漢字", "x"], ["2.0", "-", "e\u{301}", "y"], ["3.0", "-", "🦀", "z"]];
        assert_eq!(
            shown(&rows, None),
            "VALUE  DATE  KIND  SAMPLE\n  1.0  -     漢字  x\n  2.0  -     e\u{301}     y\n  3.0  -     🦀    z\n"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_a_row_is_a_line() {
        let text = "漢字かな".repeat(20) + &"e\u{301}".repeat(50) + &"ab".repeat(40);
        for width in 40..60 {
            let table = shown(&[["1.0", "-", &text, &text], ["2.0", "-", &text, "short"]], Some(width));
            assert!(table.lines().all(|line| line.width() <= usize::from(width)), "{table}");
            assert_eq!(table.lines().count(), 3, "{table}");
            assert!(table.lines().nth(2).unwrap_or_default().ends_with("  short"), "{table}");
        }
    }

    #[test]
    fn prose_is_wrapped_and_nothing_is_lost() {
        let text = "漢字かな".repeat(20) + &"e\u{301}".repeat(50) + &"ab".repeat(40);
        for width in 40..60 {
            let lines = wrapped_at(8, &text, &View { width: Some(width), ..View::default() });
            assert!(lines.lines().skip(1).all(|line| line.width() <= usize::from(width)), "{lines}");
            assert!(lines.lines().all(|line| !line.trim_start().starts_with('\u{301}')), "{lines}");
            assert_eq!(lines.lines().map(str::trim_start).collect::<String>(), text);
        }
    }

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        let table = shown(&[["1.0", "-", "a\tb", "x{l=\"\u{1b}[31m\u{202e}\n\"}"]], None);
        assert_eq!(
            table,
            "VALUE  DATE  KIND  SAMPLE\n  1.0  -     a\\tb  x{l=\"\\u{1b}[31m\\u{202e}\\n\"}\n"
        );
    }
}
