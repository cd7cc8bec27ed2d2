//! How things look: styles, and texts that are cut to their room.

use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthChar;

/// Styles, without colours where none are wanted.
#[derive(Clone, Copy)]
pub(crate) struct Theme {
    pub has_color: bool,
}

impl Theme {
    pub(crate) fn colored(self, color: Color) -> Style {
        if self.has_color { Style::new().fg(color) } else { Style::new() }
    }

    pub(crate) fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(crate) fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(crate) fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(crate) fn alarm(self) -> Style {
        self.colored(Color::Red).add_modifier(Modifier::BOLD)
    }
}

/// What fits of a text, from the character at `shift` on; cut ends are marked.
pub(crate) fn window(text: &str, shift: usize, width: usize) -> String {
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
    use super::*;

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
