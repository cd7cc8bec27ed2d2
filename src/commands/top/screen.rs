//! Draws the screen: two lines of heading, the rows, what happened lately, the keys.

use std::time::Instant;

use promproc::notation::printable;
use promproc::observe::{By, EventKind, Sort};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use super::app::{App, Pane};
use super::rows::draw_rows;
use super::table::{facts, paths, trouble};
use super::theme::{Theme, window};

/// What is shown of a long path at least.
const PATH_WIDTH: usize = 12;
/// Events older than this are shown in the view of processes only.
const RECENT_SECONDS: u64 = 30;

/// Draws everything.
pub(crate) fn draw(frame: &mut Frame<'_>, app: &mut App, has_color: bool) {
    let theme = Theme { has_color };
    let area = frame.area();
    app.width = area.width;
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

/// What happened lately: a line or two, and more where processes are the matter.
fn event_lines(app: &App, area: Rect, theme: Theme) -> Vec<Line<'static>> {
    let Some(round) = &app.round else {
        return Vec::new();
    };
    let (count, oldest) = match app.by {
        By::Pid if area.height >= 16 => (5, u64::MAX),
        _ if area.height >= 16 => (2, RECENT_SECONDS),
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
    let Some(Pane { title, lines, scroll, shift, .. }) = &mut app.pane else {
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
    shown.extend(lines[*scroll..last].iter().map(|line| Line::raw(window(line, *shift, width))));
    frame.render_widget(Paragraph::new(shown), area);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use promproc::format::{Encoder, Layout};
    use promproc::merge;
    use promproc::observe::{Observer, Round};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::{KeyCode, KeyEvent};

    use super::*;

    /// Two rounds of a directory with so many series.
    #[allow(clippy::disallowed_methods)] // a test's own directory
    fn rounds(series: u32) -> [Round; 2] {
        let directory = tempfile::tempdir().unwrap();
        let mut observer =
            Observer::new(vec![directory.path().to_owned()], false, &merge::Options::default());
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
    #[allow(clippy::disallowed_methods)] // a test's own directory
    fn two_series_never_look_the_same_and_numbers_are_whole() {
        let directory = tempfile::tempdir().unwrap();
        let mut encoder = Encoder::new(Layout::ValueAndTime);
        for n in [17, 18] {
            let (start, end) = ("/very/long".repeat(9), "/details".repeat(9));
            let key = format!(r#"["c", "c_total", {{"method": "GET", "path": "{start}/{n}{end}"}}, ""]"#);
            assert!(encoder.push(key.as_bytes(), 987_654_321_012_345.0, 0.0));
        }
        std::fs::write(directory.path().join("counter_1.db"), encoder.into_bytes()).unwrap();
        let mut observer =
            Observer::new(vec![directory.path().to_owned()], false, &merge::Options::default());
        let mut app = App::new(By::Series, Sort::Name);
        app.take(observer.observe(Instant::now()));
        let shown = screen(&mut app, 80, 24);
        let rows: Vec<_> = shown.lines().filter(|line| line.contains("c_total{")).collect();
        assert!(rows.len() == 2 && rows[0].contains("17") && rows[1].contains("18"), "{shown}");
        assert!(rows.iter().all(|row| row.contains("987654321012345 ")), "{shown}");
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
}
