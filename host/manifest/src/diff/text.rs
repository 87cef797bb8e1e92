//! The difference of two texts, word by word.

use crate::text::visible;

/// A run of words, escaped as [`visible`] does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// In both.
    Same(String),
    /// Only in the old text.
    Removed(String),
    /// Only in the new text.
    Added(String),
}

impl Segment {
    fn text(&mut self) -> &mut String {
        match self {
            Self::Same(text) | Self::Removed(text) | Self::Added(text) => text,
        }
    }
}

/// Words with the space after them: put together again they are the text.
fn split(text: &str) -> Vec<&str> {
    text.split_inclusive(char::is_whitespace).collect()
}

/// The longest common run of words stays; the rest was taken out or put in. Both texts are bounded by the manifest.
pub(super) fn words(was: &str, is: &str) -> Vec<Segment> {
    let (was, is) = (split(was), split(is));
    // length[i][j]: the most words that was[i..] and is[j..] have in common, in order.
    let mut length = vec![vec![0_usize; is.len() + 1]; was.len() + 1];
    for i in (0..was.len()).rev() {
        for j in (0..is.len()).rev() {
            length[i][j] =
                if was[i] == is[j] { length[i + 1][j + 1] + 1 } else { length[i + 1][j].max(length[i][j + 1]) };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut segments: Vec<Segment> = Vec::new();
    while i < was.len() || j < is.len() {
        let next = if i < was.len() && j < is.len() && was[i] == is[j] {
            i += 1;
            j += 1;
            Segment::Same(visible(was[i - 1]))
        } else if j == is.len() || (i < was.len() && length[i + 1][j] >= length[i][j + 1]) {
            i += 1;
            Segment::Removed(visible(was[i - 1]))
        } else {
            j += 1;
            Segment::Added(visible(is[j - 1]))
        };
        push(&mut segments, next);
    }
    segments
}

fn push(segments: &mut Vec<Segment>, mut next: Segment) {
    match segments.last_mut() {
        Some(last) if std::mem::discriminant(last) == std::mem::discriminant(&next) => {
            last.text().push_str(next.text())
        }
        _ => segments.push(next),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rg_20_words_taken_out_and_put_in_are_told_apart() {
        let segments = words("Use this to save a note.", "Use this to save\u{200b} a secret note.");
        let expected = [
            Segment::Same("Use this to ".into()),
            Segment::Removed("save ".into()),
            Segment::Added("save\\u{200b} ".into()),
            Segment::Same("a ".into()),
            Segment::Added("secret ".into()),
            Segment::Same("note.".into()),
        ];
        assert_eq!(segments, expected);
    }

    #[test]
    fn rg_20_words_that_moved_are_taken_out_and_put_in_once() {
        let added = |text: &str| Segment::Added(text.into());
        let expected = [added("x y "), Segment::Same("a b ".into()), Segment::Removed("x ".into())];
        assert_eq!(words("a b x ", "x y a b "), expected);
    }

    /// The most words that both have in common, in order: by trying.
    fn most(was: &[&str], is: &[&str]) -> usize {
        match (was.split_first(), is.split_first()) {
            (Some((a, was)), Some((b, is))) if a == b => 1 + most(was, is),
            (Some((_, less)), Some((_, fewer))) => most(less, is).max(most(was, fewer)),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn rg_20_as_many_words_as_can_be_stay(was in "([abc] ){0,8}", is in "([abc] ){0,8}") {
            let same = |segment| if let Segment::Same(text) = segment { text.split_whitespace().count() } else { 0 };
            let stayed: usize = words(&was, &is).into_iter().map(same).sum();
            prop_assert_eq!(stayed, most(&split(&was), &split(&is)));
        }

        #[test]
        fn the_segments_give_both_texts_back(was in "[ab \n]{0,40}", is in "[ab \n]{0,40}") {
            let (mut old, mut new) = (String::new(), String::new());
            for segment in words(&was, &is) {
                match segment {
                    Segment::Same(text) => { old.push_str(&text); new.push_str(&text); }
                    Segment::Removed(text) => old.push_str(&text),
                    Segment::Added(text) => new.push_str(&text),
                }
            }
            prop_assert_eq!((old, new), (visible(&was), visible(&is)));
        }
    }
}
