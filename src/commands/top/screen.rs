//! Draws the screen: two lines of heading, the rows, what happened lately, the keys.

use std::time::Instant;

use promproc::exposition::printable;
use promproc::exposition::top_table::{change, facts, news, paths, rounded, trouble};
use promproc::live::{By, Change, EventKind, Round, Row, Sort};
use promproc::liveness::Liveness;
use promproc::model::MetricType;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Cell, Paragraph, Row as Cells, Table, TableState};
use unicode_width::UnicodeWidthChar;

use super::app::{App, Pane};
use super::sparkline::sparkline;

/// Styles, without colours where none are wanted.
#[derive(Clone, Copy)]
struct Theme {
    has_color: bool,
}

impl Theme {
    fn colored(self, color: Color) -> Style {
        if self.has_color { Style::new().fg(color) } else { Style::new() }
    }

    fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    fn alarm(self) -> Style {
        self.colored(Color::Red).add_modifier(Modifier::BOLD)
    }
}

/// Columns stand this far apart.
const GAP: u16 = 1;
const VALUE_WIDTH: u16 = 11;
const RATE_WIDTH: u16 = 9;
/// What the last column needs before less important ones get room.
const NAME_WIDTH: u16 = 32;
/// What is shown of a long path at least.
const PATH_WIDTH: usize = 12;
/// Events older than this are shown in the view of processes only.
const RECENT_SECONDS: u64 = 30;

/// Draws everything.
pub(crate) fn draw(frame: &mut Frame<'_>, app: &mut App, has_color: bool) {
    let theme = Theme { has_color };
    let area = frame.area();
    let events = event_lines(app, area, theme);
    let heights = [
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(u16::try_from(events.len()).unwrap_or(0)),
        Constraint::Length(1),
    ];
    let [title, tabs, body, news, keys] = Layout::vertical(heights).areas(area);
    frame.render_widget(title_line(app, title.width, theme), title);
    frame.render_widget(tabs_line(app, theme), tabs);
    frame.render_widget(Text::from(events), news);
    if app.pane.is_some() {
        draw_pane(frame, app, body, theme);
    } else {
        draw_rows(frame, app, body, theme);
    }
    frame.render_widget(keys_line(app, theme), keys);
}

fn title_line(app: &App, width: u16, theme: Theme) -> Line<'static> {
    let Some(round) = &app.round else {
        return Line::styled("promproc top: reading…", theme.heading());
    };
    let is_broken = round.files.is_empty() && trouble(round).is_some();
    let style = if is_broken { theme.alarm() } else { theme.heading() };
    let paused = if app.is_paused { " paused " } else { "" };
    let facts = printable(&facts(round)).into_owned();
    let paths = printable(&paths(round)).into_owned();
    // The end of a path says more than its beginning.
    let room = usize::from(width).saturating_sub(facts.len() + paused.len() + 3).max(PATH_WIDTH);
    let too_long = paths.chars().count().saturating_sub(room);
    Line::from(vec![
        Span::styled(paused, theme.chosen()),
        Span::raw(if app.is_paused { " " } else { "" }),
        Span::styled(format!("{}: {facts}", window(&paths, too_long, room)), style),
    ])
}

fn tabs_line(app: &App, theme: Theme) -> Line<'static> {
    let mut spans = Vec::new();
    for (by, title) in [(By::Series, " 1 series "), (By::Family, " 2 families "), (By::Pid, " 3 pids ")] {
        spans.push(Span::styled(title, if by == app.by { theme.chosen() } else { Style::new() }));
    }
    let arrow = match (app.sort, app.is_reversed) {
        (Sort::Name, false) | (Sort::Rate | Sort::Value, true) => '↑',
        _ => '↓',
    };
    let word = match app.sort {
        Sort::Rate => "rate",
        Sort::Value => "value",
        Sort::Name => "name",
    };
    spans.push(Span::raw(format!(" by {word} {arrow}")));
    let filter = &app.view().filter;
    if app.is_typing || !filter.is_empty() {
        spans.push(Span::raw("  /"));
        spans.push(Span::styled(printable(filter).into_owned(), theme.colored(Color::Cyan)));
        if app.is_typing {
            spans.push(Span::styled(" ", theme.chosen()));
        }
    }
    Line::from(spans)
}

fn keys_line(app: &App, theme: Theme) -> Line<'static> {
    let text = match (&app.pane, app.is_typing) {
        (Some(_), _) => "q close  ↑↓ PgUp PgDn ←→ move",
        (None, true) => "type to filter  Enter keep  Esc clear",
        (None, false) => "q quit  ? keys  / filter  Tab view  r v n sort  Enter look inside  p pause",
    };
    Line::styled(text, theme.faint())
}

/// What happened lately: a line, and more where processes are the matter.
fn event_lines(app: &App, area: Rect, theme: Theme) -> Vec<Line<'static>> {
    let Some(round) = &app.round else {
        return Vec::new();
    };
    let (count, oldest) = match app.by {
        By::Pid if area.height >= 16 => (5, u64::MAX),
        _ if area.height >= 8 => (1, RECENT_SECONDS),
        _ => (0, 0),
    };
    let now = Instant::now();
    let mut lines = Vec::new();
    if !round.files.is_empty()
        && let Some(trouble) = trouble(round)
    {
        lines.push(Line::styled(printable(&trouble).into_owned(), theme.colored(Color::Red)));
    }
    let first = lines.len();
    for event in round.events.iter().rev().take(count) {
        let age = now.saturating_duration_since(event.at).as_secs();
        let color = match event.kind {
            EventKind::Came | EventKind::Returned => Color::Green,
            EventKind::Died | EventKind::Vanished => Color::Red,
            EventKind::Left => Color::Yellow,
        };
        if age <= oldest {
            let text = event.to_string();
            lines.push(Line::from(vec![
                Span::styled(format!("{age:>4}s ago  "), theme.faint()),
                Span::styled(printable(&text).into_owned(), theme.colored(color)),
            ]));
        }
    }
    lines[first..].reverse();
    lines
}

fn draw_pane(frame: &mut Frame<'_>, app: &mut App, area: Rect, theme: Theme) {
    let shift = app.shift;
    let Some(Pane { title, lines, scroll, .. }) = &mut app.pane else {
        return;
    };
    app.page = usize::from(area.height).saturating_sub(1).max(1);
    *scroll = (*scroll).min(lines.len().saturating_sub(app.page));
    let last = lines.len().min(*scroll + app.page);
    let place = if lines.len() > app.page {
        format!("{title}, lines {} to {last} of {}", *scroll + 1, lines.len())
    } else {
        title.clone()
    };
    let mut shown = vec![Line::styled(place, theme.heading())];
    let width = usize::from(area.width);
    shown.extend(lines[*scroll..last].iter().map(|line| Line::raw(window(line, shift, width))));
    frame.render_widget(Paragraph::new(shown), area);
}

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
            (0, text("TYPE", 9, |round, at, theme| type_style(round.series[at].metric_type, theme))),
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
            (1, text("STATE", 7, |round, at, theme| state(round, at, theme))),
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

fn state(round: &Round, at: usize, theme: Theme) -> (String, Style) {
    let process = &round.processes[at];
    let color = match process.liveness {
        Liveness::Live => Color::Green,
        Liveness::Dead => Color::Red,
        Liveness::Unknown => Color::Yellow,
    };
    (process.liveness_word().to_owned(), theme.colored(color))
}

fn draw_rows(frame: &mut Frame<'_>, app: &mut App, area: Rect, theme: Theme) {
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
    for (place, column) in columns(app.by) {
        if column.width + GAP > room {
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
    let rows = app.order[window_of_rows.clone()].iter().map(|&at| {
        let cells = shown.iter().map(|(_, column)| aligned(column, (column.cell)(round, at, theme)));
        let name = window(&printable(name_of(round, at)), app.shift, usize::from(name_width));
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
    if round.files.is_empty() && !round.missing.is_empty() {
        return "waiting for it to come".to_owned();
    }
    if round.files.is_empty() {
        return "no metric files".to_owned();
    }
    "nothing in the files yet".to_owned()
}

/// What fits of a text, from the character at `shift` on; cut ends are marked.
fn window(text: &str, shift: usize, width: usize) -> String {
    let mut shown = String::new();
    let mut used = 0;
    let mut characters = text.chars().skip(shift).peekable();
    if shift > 0 && characters.peek().is_some() && width > 1 {
        characters.next();
        shown.push('…');
        used = 1;
    }
    while let Some(c) = characters.next() {
        let wide = c.width().unwrap_or(0);
        let reserved = usize::from(characters.peek().is_some());
        if used + wide + reserved > width {
            shown.push('…');
            break;
        }
        used += wide;
        shown.push(c);
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use promproc::format::{Encoder, Layout};
    use promproc::live::Observer;
    use promproc::merge;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::{KeyCode, KeyEvent};

    use super::*;

    /// Two rounds of a directory with so many series.
    #[allow(clippy::disallowed_methods)] // a test's own directory
    fn rounds(series: u32) -> [Round; 2] {
        let directory = tempfile::tempdir().unwrap();
        let mut observer = Observer::new(vec![directory.path().to_owned()], merge::Options::default());
        [1, 2].map(|round| {
            let mut encoder = Encoder::new(Layout::ValueAndTime);
            for n in 0..series {
                let key = format!(r#"["c","c_total",{{"n":"{n:03}","x":"漢\u001b{}"}},""]"#, "y".repeat(50));
                assert!(encoder.push(key.as_bytes(), f64::from(n * round), 0.0));
            }
            std::fs::write(directory.path().join("counter_1.db"), encoder.into_bytes()).unwrap();
            observer.observe(Instant::now() + Duration::from_secs(u64::from(round)))
        })
    }

    fn screen(app: &mut App, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, app, true)).unwrap();
        terminal.backend().to_string()
    }

    fn press(app: &mut App, keys: &[KeyCode]) {
        for key in keys {
            app.key(KeyEvent::from(*key));
        }
    }

    #[test]
    fn every_view_fits_every_terminal() {
        for size in [(1, 1), (2, 30), (5, 4), (40, 10), (80, 24), (300, 60), (u16::MAX / 200, 200)] {
            let mut app = App::new(By::Series, Sort::Rate);
            screen(&mut app, size.0, size.1);
            for round in rounds(30) {
                app.take(round);
                for keys in ["1", "\n", "?", "?", "q2", "3", "\n", "q/x", "\n"] {
                    let keys =
                        keys.chars().map(|c| if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) });
                    press(&mut app, &keys.collect::<Vec<_>>());
                    let shown = screen(&mut app, size.0, size.1);
                    assert!(!shown.contains('\u{1b}'), "{shown}");
                }
            }
        }
    }

    #[test]
    fn the_selected_row_stays_selected_and_on_the_screen() {
        let mut app = App::new(By::Series, Sort::Name);
        let [first, second] = rounds(100);
        app.take(first);
        screen(&mut app, 80, 24);
        press(&mut app, &[KeyCode::PageDown, KeyCode::PageDown, KeyCode::Down]);
        let at = app.view().cursor;
        assert_eq!(at, 2 * app.page + 1);
        assert!(screen(&mut app, 80, 24).contains(&format!("n=\"{at:03}\"")));
        app.take(second);
        press(&mut app, &[KeyCode::Char('r')]);
        assert_eq!(app.view().cursor, 99 - at, "the fastest is the last by name");
        assert!(screen(&mut app, 80, 24).contains(&format!("n=\"{at:03}\"")));
        press(&mut app, &[KeyCode::Home, KeyCode::Char('n')]);
        assert_eq!(app.view().cursor, 0, "the first row is whatever comes first");
    }

    #[test]
    fn a_paused_screen_stands_still() {
        let mut app = App::new(By::Series, Sort::Name);
        let [first, second] = rounds(2);
        app.take(first);
        press(&mut app, &[KeyCode::Char('p')]);
        app.take(second);
        assert_eq!(app.round.as_ref().unwrap().elapsed, None);
        press(&mut app, &[KeyCode::Char('p')]);
        assert!(app.round.as_ref().unwrap().elapsed.is_some());
    }

    #[test]
    fn cut_texts_are_marked() {
        for (text, shift, width, shown) in [
            ("abcdef", 0, 6, "abcdef"),
            ("abcdef", 0, 5, "abcd…"),
            ("abcdef", 2, 9, "…def"),
            ("abcdef", 2, 3, "…d…"),
            ("abcdef", 9, 3, ""),
            ("漢字かな", 0, 5, "漢字…"),
            ("漢字", 0, 4, "漢字"),
            ("abc", 0, 0, "…"),
        ] {
            assert_eq!(window(text, shift, width), shown, "{text} {shift} {width}");
        }
    }
}
