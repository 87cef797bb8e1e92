//! Finding a text in a text without regard to case, and showing the place.

use std::ops::Range;

/// Characters shown before the place, and after it.
const BEFORE: usize = 60;
const AFTER: usize = 120;

/// What to look for, in lower case.
pub(crate) struct Needle(String);

impl Needle {
    /// Blanks around it do not count. An empty one is found everywhere.
    pub(crate) fn new(query: &str) -> Self {
        Self(query.trim().to_lowercase())
    }

    /// The bytes of `text` where it stands first.
    pub(crate) fn find(&self, text: &str) -> Option<Range<usize>> {
        if self.0.is_empty() {
            return Some(0..0);
        }
        let start = text.to_lowercase().find(&self.0)?;
        let end = start + self.0.len();
        // Lower case may have another length (`İ`), so the place is counted back, character by character.
        let mut lower = 0;
        let mut range = None;
        for (at, c) in text.char_indices() {
            if lower >= end {
                return range.map(|from| from..at);
            }
            let next = lower + c.to_lowercase().map(char::len_utf8).sum::<usize>();
            if next > start && range.is_none() {
                range = Some(at);
            }
            lower = next;
        }
        Some(range.unwrap_or(text.len())..text.len())
    }
}

/// One line of `text`: what is around `place`, or its beginning.
pub(crate) fn excerpt(text: &str, place: Option<Range<usize>>) -> String {
    let place = place.unwrap_or(0..0);
    let (before, found, after) = (&text[..place.start], &text[place.clone()], &text[place.end..]);
    let start = before.char_indices().rev().nth(BEFORE - 1).map_or(0, |(at, _)| at);
    let end = after.char_indices().nth(AFTER).map_or(after.len(), |(at, _)| at);
    let words = format!("{}{found}{}", &before[start..], &after[..end]);
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let (left, right) = (if start > 0 { "… " } else { "" }, if end < after.len() { " …" } else { "" });
    format!("{left}{line}{right}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(query: &str, text: &str) -> Option<String> {
        Needle::new(query).find(text).map(|place| text[place].to_owned())
    }

    #[test]
    fn case_and_blanks_around_do_not_matter() {
        assert_eq!(find(" MILK ", "buy Milk today").as_deref(), Some("Milk"));
        assert_eq!(find("straße", "STRAßE").as_deref(), Some("STRAßE"));
        assert_eq!(find("ÄRGER", "kein ärger").as_deref(), Some("ärger"));
        assert_eq!(find("milk", "mil k"), None);
    }

    #[test]
    fn nothing_is_found_everywhere() {
        assert_eq!(find("", "").as_deref(), Some(""));
        assert_eq!(find(" ", "abc").as_deref(), Some(""));
    }

    #[test]
    fn the_place_is_right_where_lower_case_is_longer() {
        assert_eq!(find("b", "İİİaİbc").as_deref(), Some("b"));
        assert_eq!(find("c", "İİİaİbc").as_deref(), Some("c"));
        assert_eq!(find("aİ", "xAİb").as_deref(), Some("Aİ"));
    }

    #[test]
    fn an_excerpt_is_one_line_around_the_place() {
        let text = format!("{}\n\nneedle\n{}", "a ".repeat(500), "é ".repeat(500));
        let line = excerpt(&text, Needle::new("needle").find(&text));
        assert!(line.starts_with("… a") && line.ends_with("é …") && line.contains(" needle "), "{line}");
        assert!(line.chars().count() < 200 && !line.contains('\n'), "{line}");
    }

    #[test]
    fn without_a_place_the_excerpt_is_the_beginning() {
        assert_eq!(excerpt("short\ntext", None), "short text");
        assert_eq!(excerpt("", None), "");
        assert!(excerpt(&"é".repeat(300), None).ends_with("é …"));
    }
}
