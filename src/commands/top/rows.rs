//! Draws the rows of a view: which columns there is room for, and what stands in them.

use promproc::directory::archive_generation;
use promproc::liveness::Liveness;
use promproc::model::MetricType;
use promproc::notation::printable;
use promproc::observe::{By, Change, Round, Row};
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Paragraph, Row as Cells, Table, TableState};

use super::app::App;
use super::sparkline::sparkline;
use super::table::{change, news, rounded};
use super::theme::{Theme, window};
use crate::console::elide::elided;

/// Columns stand this far apart.
const GAP: u16 = 1;
const VALUE_WIDTH: u16 = 11;
const RATE_WIDTH: u16 = 9;
/// What the last column needs before less important ones get room.
const NAME_WIDTH: u16 = 32;
/// A column that is shown.
struct Column {
    title: &'static str,
    width: u16,
    is_number: bool,
    cell: fn(&Round, usize, Theme) -> (String, Style),
}

const fn text(title: &'static str, width: u16, cell: fn(&Round, usize, Theme) -> (String, Style)) -> Column {
    Column { title, width, is_number: false, cell }
}

const fn number(
    title: &'static str,
    width: u16,
    cell: fn(&Round, usize, Theme) -> (String, Style),
) -> Column {
    Column { title, width, is_number: true, cell }
}

/// The columns of a view, the most important first, and the place at which each stands.
fn columns(by: By) -> Vec<(u8, Column)> {
    fn type_style(metric_type: MetricType, theme: Theme) -> (String, Style) {
        (metric_type.as_str().to_owned(), theme.faint())
    }
    fn plain(text: String) -> (String, Style) {
        (text, Style::new())
    }
    match by {
        By::Series => vec![
            (1, number("VALUE", VALUE_WIDTH, |round, at, _| value(&round.series[at].row))),
            (2, number("CHANGE/s", RATE_WIDTH, |round, at, theme| rate(round, &round.series[at].row, theme))),
            (3, text("TREND", 16, |round, at, theme| trend(&round.series[at].row, theme))),
            (0, text("TYPE", 9, |round, at, theme| type_style(round.series[at].traced.metric_type, theme))),
        ],
        By::Family => vec![
            (2, number("VALUE", VALUE_WIDTH, |round, at, _| value(&round.families[at].row))),
            (
                3,
                number("CHANGE/s", RATE_WIDTH, |round, at, theme| {
                    rate(round, &round.families[at].row, theme)
                }),
            ),
            (4, text("TREND", 16, |round, at, theme| trend(&round.families[at].row, theme))),
            (1, number("SERIES", 7, |round, at, _| plain(round.families[at].series.to_string()))),
            (0, text("TYPE", 9, |round, at, theme| type_style(round.families[at].metric_type, theme))),
        ],
        By::Pid => vec![
            (0, text("PID", 8, |round, at, _| plain(printable(&round.processes[at].row.name).into_owned()))),
            (1, text("LIVENESS", 9, liveness)),
            (
                6,
                number("CHANGE/s", RATE_WIDTH, |round, at, theme| {
                    rate(round, &round.processes[at].row, theme)
                }),
            ),
            (
                2,
                text("NEWS", 4, |round, at, theme| {
                    (news(round.processes[at].news).unwrap_or_default().to_owned(), theme.heading())
                }),
            ),
            (7, text("TREND", 8, |round, at, theme| trend(&round.processes[at].row, theme))),
            (5, number("COUNTED", VALUE_WIDTH, |round, at, _| value(&round.processes[at].row))),
            (3, number("FILES", 5, |round, at, _| plain(round.processes[at].files.to_string()))),
            (4, number("ENTRIES", 7, |round, at, _| plain(round.processes[at].entries.to_string()))),
        ],
    }
}

fn value(row: &Row) -> (String, Style) {
    (rounded(row.value, 6), Style::new())
}

fn rate(round: &Round, row: &Row, theme: Theme) -> (String, Style) {
    let style = match row.change {
        Change::PerSecond(0.0) => theme.faint(),
        Change::PerSecond(_) => Style::new(),
        Change::Reset => theme.alarm(),
        Change::New => theme.colored(Color::Green),
    };
    (change(round, row), style)
}

fn trend(row: &Row, theme: Theme) -> (String, Style) {
    let is_rate = row.metric_type != Some(MetricType::Gauge);
    let width = if row.metric_type.is_some() { 16 } else { 8 };
    (sparkline(&row.history, is_rate, width), theme.colored(Color::Cyan))
}

fn liveness(round: &Round, at: usize, theme: Theme) -> (String, Style) {
    let process = &round.processes[at];
    let color = match process.liveness {
        Liveness::Live => Color::Green,
        Liveness::Dead => Color::Red,
        Liveness::Unknown => Color::Yellow,
    };
    if archive_generation(process.pid()).is_some() {
        return ("compacted".to_owned(), theme.colored(color));
    }
    (process.liveness.to_string(), theme.colored(color))
}

/// Draws the rows around the selected one.
pub(crate) fn draw_rows(frame: &mut Frame<'_>, app: &mut App, area: Rect, theme: Theme) {
    let window_of_rows = app.window(usize::from(area.height).saturating_sub(1));
    let Some(round) = &app.round else {
        return;
    };
    if app.order.is_empty() {
        frame.render_widget(Paragraph::new(nothing_to_show(app, round)), area);
        return;
    }
    let mut shown = Vec::new();
    let mut room = area.width.saturating_sub(NAME_WIDTH.min(area.width / 5 * 2));
    let visible = &app.order[window_of_rows.clone()];
    for (place, mut column) in columns(app.by) {
        if column.is_number {
            // A number is never cut.
            let widths = visible.iter().map(|&at| (column.cell)(round, at, theme).0.len());
            let widest = widths.max().unwrap_or_default();
            column.width = column.width.max(u16::try_from(widest).unwrap_or(u16::MAX));
        }
        if column.width.saturating_add(GAP) > room {
            break;
        }
        room -= column.width + GAP;
        shown.push((place, column));
    }
    shown.sort_by_key(|(place, _)| *place);
    let used: u16 = shown.iter().map(|(_, column)| column.width + GAP).sum();
    let name_width = area.width.saturating_sub(used);
    let (name_title, name_of): (_, fn(&Round, usize) -> &str) = match app.by {
        By::Series => ("SERIES", |round, at| &round.series[at].row.name),
        By::Family => ("FAMILY", |round, at| &round.families[at].row.name),
        By::Pid => ("PROCESS", |round, at| &round.processes[at].about),
    };
    let aligned = |column: &Column, (content, style): (String, Style)| {
        let line = Line::styled(content, style);
        Cell::from(if column.is_number { line.right_aligned() } else { line })
    };
    let names: Vec<_> = visible.iter().map(|&at| printable(name_of(round, at))).collect();
    let names: Vec<_> = names.iter().map(|name| &**name).collect();
    let width = usize::from(name_width);
    let names = match app.shift {
        0 => elided(&names, width),
        shift => names.iter().map(|name| window(name, shift, width).into()).collect(),
    };
    let rows = visible.iter().zip(names).map(|(&at, name)| {
        let cells = shown.iter().map(|(_, column)| aligned(column, (column.cell)(round, at, theme)));
        Cells::new(cells.chain([Cell::from(name)]))
    });
    let titles = shown.iter().map(|(_, column)| aligned(column, (column.title.to_owned(), Style::new())));
    let widths = shown.iter().map(|(_, column)| column.width).chain([name_width]);
    let table = Table::new(rows, widths.map(Constraint::Length))
        .header(Cells::new(titles.chain([Cell::from(name_title)])).style(theme.heading()))
        .column_spacing(GAP)
        .row_highlight_style(theme.chosen());
    let selected = app.view().cursor.saturating_sub(window_of_rows.start);
    frame.render_stateful_widget(table, area, &mut TableState::new().with_selected(selected));
}

fn nothing_to_show(app: &App, round: &Round) -> String {
    if !app.view().filter.is_empty() && !round.rows(app.by).is_empty() {
        return "nothing matches the filter".to_owned();
    }
    if let Some(unmatched) = round.unmatched.first() {
        return unmatched.to_string();
    }
    if round.files.is_empty() && !round.missing.is_empty() {
        return "waiting for it to come".to_owned();
    }
    if round.files.is_empty() {
        return "no metric files".to_owned();
    }
    "nothing in the files yet".to_owned()
}
