//! Tables on the terminal that a README takes as they are (Markdown).

use crate::contest::Spread;

/// Rows of cells; the first one is the head.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<const N: usize>(head: [&str; N]) -> Self {
        Self { rows: vec![head.map(str::to_owned).to_vec()] }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    /// Prints all; columns but the first are numbers.
    pub(crate) fn print(&self) {
        let columns = self.rows[0].len();
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
        for (index, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).enumerate();
            let cells = cells.map(|(column, (cell, &width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
            if index == 0 {
                let rule = widths.iter().enumerate().map(|(column, width)| match column {
                    0 => "-".repeat(width + 2),
                    _ => format!("{}:", "-".repeat(width + 1)),
                });
                println!("|{}|", rule.collect::<Vec<_>>().join("|"));
            }
        }
        println!();
    }
}

/// A number with three digits that count.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => grouped(value.round() as u64),
    }
}

/// A whole number in groups of three digits.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// A median, and a spread, as cells.
pub(crate) fn cells(spread: Option<Spread>) -> [String; 2] {
    spread.map_or(["-".to_owned(), "-".to_owned()], |Spread { median, min, max }| {
        [number(median), format!("{} to {}", number(min), number(max))]
    })
}

/// What the measured median should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
    None,
}

impl Target {
    /// The target, and whether the median is there.
    pub(crate) fn cell(self, measured: Option<Spread>) -> String {
        let (goal, is_met) = match (self, measured) {
            (Self::None, _) | (_, None) => return String::new(),
            (Self::AtMost(most), Some(of)) => (format!("≤ {most}"), of.median <= most),
            (Self::AtLeast(least), Some(of)) => (format!("≥ {least}"), of.median >= least),
        };
        format!("{goal}: {}", if is_met { "met" } else { "missed" })
    }
}
