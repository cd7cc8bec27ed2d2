//! What is shown and what keys do to it; nothing here draws.

use promproc::observe::{By, Round, Row, Sort};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::explanation::{self, KEYS};

/// What to do after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Continue,
    Quit,
    Suspend,
}

/// A view's own state, kept while another is shown.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub filter: String,
    /// The selected row's name; the first row until somebody selects one, so that what comes to the
    /// top is seen.
    selected: Option<String>,
    /// Where the selected row stands among those shown.
    pub cursor: usize,
    /// The first row on the screen.
    pub top: usize,
}

/// A text that covers the table.
#[derive(Debug)]
pub(crate) struct Pane {
    pub title: String,
    pub lines: Vec<String>,
    pub scroll: usize,
    /// By how many characters the text is moved.
    pub shift: usize,
    /// The view and the row that it is about; none for the keys.
    subject: Option<(By, String)>,
}

/// The state of the screen.
pub(crate) struct App {
    pub by: By,
    pub sort: Sort,
    pub is_reversed: bool,
    pub is_typing: bool,
    pub is_paused: bool,
    pub round: Option<Round>,
    /// The newest round, while the screen stands still.
    waiting: Option<Round>,
    views: [View; 3],
    /// The rows shown, as indices into the round's.
    pub order: Vec<usize>,
    /// By how many characters the last column is moved.
    pub shift: usize,
    /// Whether the series shown are those of a family that was entered.
    is_inside_family: bool,
    pub pane: Option<Pane>,
    /// How many rows, or lines of a pane, fit on the screen.
    pub page: usize,
    /// How wide the screen is.
    pub width: u16,
}

const VIEWS: [By; 3] = [By::Series, By::Family, By::Pid];
const SHIFT: usize = 8;

impl App {
    pub(crate) fn new(by: By, sort: Sort) -> Self {
        Self {
            by,
            sort,
            is_reversed: false,
            is_typing: false,
            is_paused: false,
            round: None,
            waiting: None,
            views: Default::default(),
            order: Vec::new(),
            shift: 0,
            is_inside_family: false,
            pane: None,
            page: 1,
            width: 80,
        }
    }

    /// A new round; while paused it waits.
    pub(crate) fn take(&mut self, round: Round) {
        if self.is_paused && self.round.is_some() {
            self.waiting = Some(round);
            return;
        }
        self.round = Some(round);
        self.arrange();
        self.refresh_pane();
    }

    pub(crate) fn view(&self) -> &View {
        &self.views[self.by as usize]
    }

    fn view_mut(&mut self) -> &mut View {
        &mut self.views[self.by as usize]
    }

    /// What a key does.
    pub(crate) fn key(&mut self, key: KeyEvent) -> Next {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return self.control_key(key.code);
        }
        if self.pane.is_some() {
            self.pane_key(key.code);
            return Next::Continue;
        }
        if self.is_typing {
            self.filter_key(key.code);
            return Next::Continue;
        }
        match key.code {
            KeyCode::Char('q') => return Next::Quit,
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.open("keys", KEYS, None),
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Char('1') => self.show(By::Series),
            KeyCode::Char('2') => self.show(By::Family),
            KeyCode::Char('3') => self.show(By::Pid),
            KeyCode::Tab => self.show(VIEWS[(self.by as usize + 1) % VIEWS.len()]),
            KeyCode::BackTab => self.show(VIEWS[(self.by as usize + VIEWS.len() - 1) % VIEWS.len()]),
            KeyCode::Char('r') => self.sort_by(Sort::Rate),
            KeyCode::Char('v') => self.sort_by(Sort::Value),
            KeyCode::Char('n') => self.sort_by(Sort::Name),
            KeyCode::Char('p' | ' ') => self.pause(),
            KeyCode::Enter => self.enter(),
            KeyCode::Esc if self.is_inside_family => self.leave_family(),
            KeyCode::Esc => self.edit_filter(String::clear),
            code => self.move_key(code),
        }
        Next::Continue
    }

    fn control_key(&mut self, code: KeyCode) -> Next {
        match code {
            KeyCode::Char('c') => return Next::Quit,
            KeyCode::Char('z') => return Next::Suspend,
            KeyCode::Char('u') if self.is_typing => self.edit_filter(String::clear),
            KeyCode::Char('f') => self.move_key(KeyCode::PageDown),
            KeyCode::Char('b') => self.move_key(KeyCode::PageUp),
            _ => {}
        }
        Next::Continue
    }

    fn filter_key(&mut self, code: KeyCode) {
        match code {
            KeyCode::Char(c) => self.edit_filter(|filter| filter.push(c)),
            KeyCode::Backspace => self.edit_filter(|filter| {
                filter.pop();
            }),
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Esc => {
                self.is_typing = false;
                self.edit_filter(String::clear);
            }
            code => self.move_key(code),
        }
    }

    fn pane_key(&mut self, code: KeyCode) {
        let (page, Some(pane)) = (self.page, &mut self.pane) else {
            return;
        };
        let last = pane.lines.len().saturating_sub(page);
        match code {
            KeyCode::Char('q' | '?' | 'h') | KeyCode::Esc | KeyCode::Enter => self.pane = None,
            KeyCode::Left => pane.shift = pane.shift.saturating_sub(SHIFT),
            KeyCode::Right => pane.shift += SHIFT,
            code => pane.scroll = moved(pane.scroll, code, page, last).unwrap_or(pane.scroll).min(last),
        }
    }

    fn move_key(&mut self, code: KeyCode) {
        if self.pane.is_some() {
            return self.pane_key(code);
        }
        match code {
            KeyCode::Left => self.shift = self.shift.saturating_sub(SHIFT),
            KeyCode::Right => self.shift += SHIFT,
            code => {
                let last = self.order.len().saturating_sub(1);
                let Some(cursor) = moved(self.view().cursor, code, self.page, last) else {
                    return;
                };
                let selected = self.row(cursor).map(|row| row.name.clone()).filter(|_| cursor > 0);
                let view = self.view_mut();
                (view.cursor, view.selected) = (cursor, selected);
            }
        }
    }

    fn show(&mut self, by: By) {
        self.by = by;
        self.shift = 0;
        self.is_inside_family = false;
        self.arrange();
    }

    fn sort_by(&mut self, sort: Sort) {
        self.is_reversed = self.sort == sort && !self.is_reversed;
        self.sort = sort;
        self.arrange();
    }

    fn pause(&mut self) {
        self.is_paused = !self.is_paused;
        if let Some(round) = self.waiting.take() {
            self.take(round);
        }
    }

    fn edit_filter(&mut self, edit: impl FnOnce(&mut String)) {
        edit(&mut self.view_mut().filter);
        self.arrange();
    }

    /// Chooses and sorts the rows anew; the selected one stays selected wherever it goes.
    fn arrange(&mut self) {
        let Some(round) = &self.round else {
            return;
        };
        let view = &mut self.views[self.by as usize];
        self.order = round.arranged(self.by, self.sort, self.is_reversed, &view.filter);
        let rows = round.rows(self.by);
        let found = match &view.selected {
            None => Some(0),
            Some(name) => self.order.iter().position(|&at| rows[at].name == *name),
        };
        // Where it is gone, the row that took its place is as near as can be.
        view.cursor = found.unwrap_or(view.cursor).min(self.order.len().saturating_sub(1));
    }

    /// The row at a place of the view.
    fn row(&self, place: usize) -> Option<&Row> {
        let at = *self.order.get(place)?;
        self.round.as_ref()?.rows(self.by).get(at).copied()
    }

    /// Moves the window of rows so that the cursor is in it; says which rows to draw.
    pub(crate) fn window(&mut self, height: usize) -> std::ops::Range<usize> {
        self.page = height.max(1);
        let (page, rows) = (self.page, self.order.len());
        let view = self.view_mut();
        view.top = view.top.clamp((view.cursor + 1).saturating_sub(page), view.cursor);
        view.top = view.top.min(rows.saturating_sub(page));
        view.top..rows.min(view.top + page)
    }

    fn enter(&mut self) {
        let Some(name) = self.row(self.view().cursor).map(|row| row.name.clone()) else {
            return;
        };
        if self.by == By::Family {
            self.views[By::Series as usize] = View { filter: name, ..View::default() };
            self.show(By::Series);
            self.is_inside_family = true;
            return;
        }
        if let Some(text) = self.text_about(self.by, &name) {
            let title = if self.by == By::Series { "how the value came about" } else { "process" };
            self.open(title, &text, Some((self.by, name)));
        }
    }

    /// Back to the families, where one of them was entered.
    fn leave_family(&mut self) {
        self.views[By::Series as usize] = View::default();
        self.show(By::Family);
    }

    fn open(&mut self, title: &str, text: &str, subject: Option<(By, String)>) {
        let lines = text.lines().map(str::to_owned).collect();
        self.pane = Some(Pane { title: title.to_owned(), lines, scroll: 0, shift: 0, subject });
    }

    fn text_about(&self, by: By, name: &str) -> Option<String> {
        let round = self.round.as_ref()?;
        match by {
            By::Series => {
                let series = round.series.iter().find(|series| series.row.name == name)?;
                Some(explanation::explanation(round, series, self.width))
            }
            By::Pid => {
                let process = round.processes.iter().find(|process| process.row.name == name)?;
                Some(explanation::of_process(round, process, self.width))
            }
            By::Family => None,
        }
    }

    /// The open text, as it reads after this round. What is gone is shown as it was.
    fn refresh_pane(&mut self) {
        let Some((by, name)) = self.pane.as_ref().and_then(|pane| pane.subject.clone()) else {
            return;
        };
        let text = self.text_about(by, &name);
        if let Some(pane) = &mut self.pane {
            const GONE: &str = " (gone)";
            match text {
                Some(text) => {
                    pane.lines = text.lines().map(str::to_owned).collect();
                    pane.title = pane.title.trim_end_matches(GONE).to_owned();
                }
                None if !pane.title.ends_with(GONE) => pane.title.push_str(GONE),
                None => {}
            }
        }
    }
}

/// Where a key moves a place in a list to.
fn moved(place: usize, code: KeyCode, page: usize, last: usize) -> Option<usize> {
    let place = match code {
        KeyCode::Up | KeyCode::Char('k') => place.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => place + 1,
        KeyCode::PageUp => place.saturating_sub(page),
        KeyCode::PageDown => place + page,
        KeyCode::Home | KeyCode::Char('g') => 0,
        KeyCode::End | KeyCode::Char('G') => last,
        _ => return None,
    };
    Some(place.min(last))
}
