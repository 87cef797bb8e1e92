//! What may stand before a page: a byte order mark, and front matter, which is for the program that makes a site of the pages.

/// What stands before a page.
#[derive(Debug, PartialEq)]
pub(super) struct Front<'p> {
    /// Its `title`.
    pub(super) title: Option<&'p str>,
    /// The byte with which the page begins.
    pub(super) end: usize,
}

/// Front matter stands between two lines `---` (YAML) or `+++` (TOML), of which the first is the first of the file. What does not
/// end is none, and a rule that is followed by an empty line is one.
pub(super) fn front(page: &str) -> Front<'_> {
    let start = if page.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut lines = page[start..].split_inclusive('\n');
    let mut end = start + lines.clone().next().map_or(0, str::len);
    let none = Front { title: None, end: start };
    let (ends, sign): (&[&str], _) = match lines.next().map(str::trim_end) {
        Some("---") => (&["---", "..."], ':'),
        Some("+++") => (&["+++"], '='),
        _ => return none,
    };
    let mut title = None;
    for (at, line) in lines.enumerate() {
        end += line.len();
        let line = line.trim_end();
        if ends.contains(&line) {
            return Front { title, end };
        }
        if at == 0 && line.is_empty() {
            return none;
        }
        let given = line.strip_prefix("title").and_then(|rest| rest.trim_start().strip_prefix(sign));
        title = title.or(given.and_then(value));
    }
    none
}

/// The text of a value that stands in one line.
fn value(written: &str) -> Option<&str> {
    let written = written.trim();
    let quoted = |mark| written.strip_prefix(mark).and_then(|rest: &str| Some(rest.split_once(mark)?.0));
    let bare = || match written.starts_with(['|', '>', '{', '[', '&', '*', '#', '"', '\'']) {
        true => None,
        false => Some(written.split(" #").next()?.trim_end()),
    };
    quoted('"').or_else(|| quoted('\'')).or_else(bare).filter(|title| !title.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_read_in_the_ways_that_people_write_one() {
        for (written, title) in [
            ("---\ntitle: Days off\n---\nText", Some("Days off")),
            ("---\r\nlayout: x\r\ntitle: \"Days: off\"\r\n---\r\nText", Some("Days: off")),
            ("---\ntitle: 'Days off' # so\n...\nText", Some("Days off")),
            ("---\ntitle: Days off # so\n---\nText", Some("Days off")),
            ("+++\ntitle = \"Days off\"\n+++\nText", Some("Days off")),
            ("\u{feff}---\ntitle: Days off\n---\nText", Some("Days off")),
            ("---\n# title: no\nsub:\n  title: no\ntitles: no\n---\nText", None),
            ("---\ntitle: >\n  Folded\n---\nText", None),
            ("---\ntitle: \"\"\n---\nText", None),
        ] {
            let found = front(written);
            assert_eq!(found.title, title, "{written:?}");
            assert_eq!(&written[found.end..], "Text", "{written:?}");
        }
    }

    #[test]
    fn what_is_no_front_matter_stays() {
        for page in [
            "",
            "Text",
            "---\n\nText\n\n---\n",
            "---\ntitle: x\n",
            "--- \n",
            "----\ntitle: x\n----\n",
            " ---\na\n---\n",
        ] {
            assert_eq!(front(page), Front { title: None, end: 0 }, "{page:?}");
        }
        assert_eq!(front("\u{feff}Text"), Front { title: None, end: 3 });
    }
}
