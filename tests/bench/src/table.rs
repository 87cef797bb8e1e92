//! A plain-text table: names to the left, figures to the right.

use std::fmt::{self, Display, Formatter};

/// Rows under a heading, each column as wide as its widest entry.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(heading: &[&str]) -> Self {
        Self { rows: vec![heading.iter().map(|&name| name.to_owned()).collect()] }
    }

    pub(crate) fn row(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let widest = |column| self.rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
        let widths: Vec<_> = (0..self.rows[0].len()).map(widest).collect();
        for row in &self.rows {
            for (column, (entry, &width)) in row.iter().zip(&widths).enumerate() {
                if column == 0 {
                    write!(f, "  {entry:<width$}")?;
                } else {
                    write!(f, "  {entry:>width$}")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// A figure with so many decimals.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}")
}

/// A figure, or a dash where there is none.
pub(crate) fn optional(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| number(value, decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_end_below_each_other() {
        let mut table = Table::new(&["name", "x"]);
        table.row(vec!["a".to_owned(), number(1234.56, 1)]);
        table.row(vec!["longer".to_owned(), optional(None, 1)]);
        assert_eq!(table.to_string(), "  name         x\n  a       1234.6\n  longer       -\n");
    }
}
