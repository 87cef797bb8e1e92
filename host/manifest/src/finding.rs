//! Where and why an author's file was refused: everything that is wrong at once, each with the line to change.

use std::{error::Error, fmt};

/// One thing that is wrong in one place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<R> {
    /// The file, as the author names it: `plugin.toml` or a schema's path relative to it. Never a path of the host.
    pub file: String,
    /// Line and column. None when what is wrong is that something as a whole is missing or too much.
    pub place: Option<Place>,
    /// The key that holds it: `capability.crm.kind`, or a JSON Pointer in a schema.
    pub path: String,
    /// What is wrong, and what to write instead.
    pub refusal: R,
}

/// A place in a text file, counted from 1. Columns count characters, as editors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Everything that is wrong with a file, in the order of the file. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings<R> {
    findings: Vec<Finding<R>>,
    left_off: usize,
}

/// More than this many findings help nobody, and a hostile file could ask for as many as it has bytes.
const MOST: usize = 100;

/// Something wrong at a byte of a text: where, under which key, and why.
pub(crate) type Wrong<R> = (usize, String, R);

impl<R> Findings<R> {
    /// None when nothing is wrong. `left_off` were not worth a place: see [`located`].
    pub(crate) fn of(mut findings: Vec<Finding<R>>, left_off: usize) -> Option<Self> {
        findings.sort_by(|a, b| (&a.file, a.place).cmp(&(&b.file, b.place)));
        let left_off = left_off + findings.len().saturating_sub(MOST);
        findings.truncate(MOST);
        (!findings.is_empty()).then_some(Self { findings, left_off })
    }

    /// The first hundred.
    #[must_use]
    pub fn as_slice(&self) -> &[Finding<R>] {
        &self.findings
    }

    /// How many there are beyond those.
    #[must_use]
    pub fn left_off(&self) -> usize {
        self.left_off
    }
}

impl<R: fmt::Display> fmt::Display for Finding<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(Place { line, column }) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}: {}", self.path, self.refusal)
    }
}

impl<R: fmt::Display> fmt::Display for Findings<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{finding}")?;
        }
        match self.left_off {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl<R: fmt::Debug + fmt::Display> Error for Finding<R> {}
impl<R: fmt::Debug + fmt::Display> Error for Findings<R> {}

/// The first hundred with their places, and how many there are beyond: a place takes time to find, and a hostile file has
/// as many mistakes as it has bytes.
pub(crate) fn located<R>(file: &str, lines: &Lines<'_>, mut wrong: Vec<Wrong<R>>) -> (Vec<Finding<R>>, usize) {
    wrong.sort_by_key(|(at, ..)| *at);
    let left_off = wrong.len().saturating_sub(MOST);
    wrong.truncate(MOST);
    let place = |at| Some(lines.place(at));
    let finding = |(at, path, refusal)| Finding { file: file.to_owned(), place: place(at), path, refusal };
    (wrong.into_iter().map(finding).collect(), left_off)
}

/// Turns byte offsets into places.
#[derive(Debug)]
pub(crate) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The place of a byte offset; an offset past the end or inside a character counts as the character before it.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let offset = offset.min(self.text.len());
        let line = self.line(offset);
        let start = self.starts[line - 1];
        let column = self.text[start..].char_indices().take_while(|(at, _)| start + at < offset).count() + 1;
        Place { line, column }
    }

    /// The line of a byte offset.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    pub(crate) fn text(&self) -> &'t str {
        self.text
    }
}

/// The offered word nearest to `written`, if it is near enough to be what was meant.
pub(crate) fn nearest<'a>(written: &str, offered: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (written.chars().count() / 3).clamp(1, 3);
    offered
        .into_iter()
        .map(|word| (distance(written, word), word))
        .filter(|(distance, _)| *distance <= allowed)
        // Of two that are as near, the one of the same letters: to swap two is the commoner slip.
        .min_by_key(|(distance, word)| (*distance, letters(word) != letters(written), *word))
        .map(|(_, word)| word)
}

fn letters(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.chars().take(64).collect();
    letters.sort_unstable();
    letters
}

/// How many letters to put in, take out, replace or swap with the next. Both words are cut at 64 characters: no key is
/// longer, and the cost is their product.
fn distance(a: &str, b: &str) -> usize {
    let letters = |word: &str| word.chars().take(64).map(|c| c.to_ascii_lowercase()).collect::<Vec<char>>();
    let (a, b) = (letters(a), letters(b));
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let lines = Lines::of("ab\né=1\r\n\nx");
        let places: Vec<_> = [0, 2, 3, 5, 6, 9, 10, 99].map(|at| lines.place(at)).into();
        let expected = [(1, 1), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (4, 1), (4, 2)];
        assert_eq!(places, expected.map(|(line, column)| Place { line, column }));
    }

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        let offered = ["title", "description", "uses"];
        assert_eq!(nearest("titel", offered), Some("title"));
        assert_eq!(nearest("descripton", offered), Some("description"));
        assert_eq!(nearest("Uses", offered), Some("uses"));
        assert_eq!(nearest("banana", offered), None);
    }

    #[test]
    fn a_letter_that_is_put_in_taken_out_replaced_or_swapped_is_one_slip() {
        for (a, b, slips) in [
            ("abc", "abc", 0),
            ("abc", "abcd", 1),
            ("abcd", "abc", 1),
            ("abc", "", 3),
            ("", "abc", 3),
            ("abc", "axc", 1),
            ("abc", "acb", 1),
            ("abcd", "badc", 2),
            ("abc", "xabyc", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), slips, "{a} and {b}");
        }
    }

    #[test]
    fn findings_beyond_a_hundred_are_counted_not_kept() {
        let one = Finding { file: "f".into(), place: None, path: "p".into(), refusal: "r" };
        let findings = Findings::of(vec![one; 103], 4).unwrap();
        assert_eq!((findings.as_slice().len(), findings.left_off()), (100, 7));
        assert!(findings.to_string().ends_with("f: p: r\nand 7 more"));
        assert!(Findings::<&str>::of(vec![], 0).is_none());
    }
}
